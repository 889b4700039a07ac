"""Every problem that the API answers with: what it means, what to do about it, which operations give it."""

import inspect
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from fabroute.api.errors import MethodNotAllowed, RouteNotFound
from fabroute.api.handbook.reference import Operation, by_code
from fabroute.kernel.errors import DomainError

_BY_STATUS: Mapping[int, str] = {
    400: "Mend the request as `detail` says, and send it again. The same bytes are refused again.",
    401: "Send a credential that is good: `Authorization: Bearer fr_…` with an API key or an access token, or the "
    "cookie of a session. A key that worked yesterday may have expired or been revoked: ask whoever gave it to you.",
    403: "The credential is good, but not for this. Use a key with the scope or of the kind of organisation that "
    "`detail` names, or ask an administrator of your organisation for one.",
    404: "Check the id, and that it belongs to your organisation: what belongs to others is answered as if it were not "
    "there. If it is new, read the answer to the request that made it again.",
    405: "The header `Allow` names the methods of this path.",
    408: "Send it again, over a better connection or in smaller pieces. Nothing was kept.",
    409: "Somebody or something was faster, or the thing is not in the state that this needs. Read it again, decide "
    "anew, then send what makes sense. With `Retry-After`, repeat the same request after so many seconds.",
    410: "It was there and is gone for good. Don't ask again; `detail` says what is there instead.",
    412: "Somebody changed it since you read it. GET it again, merge your change, send it with the new ETag.",
    413: "Send less at once: the limit stands in `detail`. Tables may be sent in several pieces.",
    415: "Set the Content-Type that the reference names for this operation, and send the body uncompressed.",
    422: "The request was understood, but its content can't be taken. Each of `errors[]` points to a field and says "
    "what may stand there. Mend these and send it again, with a new Idempotency-Key if you sent one.",
    428: "GET the thing first and send its ETag as `If-Match`, so that nobody's change is overwritten unseen.",
    429: "Wait for the seconds in `Retry-After`, then go on more slowly. `RateLimit` in answers says what is left.",
    500: "This is our mistake. Repeat the request with the same Idempotency-Key; if it stays, report the `request_id`.",
    502: "A system behind this one did not answer as it should. Repeat the request in a minute.",
    503: "The installation can't answer just now. Repeat the same request, with the same Idempotency-Key, after the "
    "seconds in `Retry-After`: it does no harm.",
}
_BY_CODE: Mapping[str, str] = {
    "idempotency_key_missing": "Make a key for the request, such as a UUID, store it with your own order before you "
    "send, and send it as `Idempotency-Key`. Repeat with the same key after a timeout.",
    "idempotency_key_reused": "Your program gave one key to two requests. Make a new key for each thing that you want "
    "done; keep it only to repeat the very same bytes.",
    "idempotency_key_in_flight": "The first request with this key is still being answered. Repeat it, with the same "
    "key, after the second that `Retry-After` names: you get the answer of the first.",
    "idempotency_answer_sealed": "The first answer held a secret, stored so that only the credential which got it "
    "first can read it. Repeat with that credential; or, if the secret is lost, make a new one under a new key.",
    "quote_not_kept": "Nothing was ordered. `details.reasons` says why, with figures, and `details.alternative` what "
    "can be had instead. Ask for a new quote, or accept the alternative by ordering without the old one.",
    "too_busy": "Nothing was done. Repeat the same request after the seconds in `Retry-After`: they differ from answer "
    "to answer, so that not all come back at once. Send fewer requests at the same time: each organisation has its "
    "share of the installation, and waits in a line of its own.",
    "quote_expired": "Ask for a new quote: `POST /v1/quotes` answers at once.",
    "lease_lost": "Another client of your node holds the job now, or it went to another node. Stop working on it, "
    "unless you have printed: then report what you have, it is kept for a person to decide.",
    "lease_required": "Send `Fabroute-Lease: <lease_id>;epoch=<n>` with the values of your claim.",
    "unknown_part": "List your parts with `GET /v1/parts?q=…`. Other numbers of a part count as well: add yours with "
    "`POST /v1/parts/{part_no}/aliases`.",
    "validation_failed": "Each of `errors[]` names a field by its JSON pointer and says what may stand there. An "
    "unknown field is refused on purpose: a misspelt one must not be ignored.",
    "missing_scope": "`detail` names the scope. `POST /v1/api-keys` makes a key with it, if yours may give it.",
    "not_found": "There is no such address. Compare it with the reference, letter by letter; there is no slash at its "
    "end.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProblemPage:
    """What there is to know about a code."""

    code: str
    status: int
    meaning: str
    more: str
    advice: str
    operations: tuple[Operation, ...]


def problem_pages(operations: tuple[Operation, ...]) -> Mapping[str, ProblemPage]:
    """Return by code what there is to know about each problem that an operation documents, and of unknown paths."""
    found = dict(by_code(operations))
    stated = {problem.code: problem for operation in operations for problem in operation.problems}
    words = {kind.code: inspect.getdoc(kind) or "" for kind in _kinds(DomainError)}
    status = {code: int(problem.status) for code, problem in stated.items()}
    for kind in (RouteNotFound, MethodNotAllowed):
        status[kind.code] = kind.status
        found.setdefault(kind.code, ())
    return {
        code: ProblemPage(
            code=code,
            status=status[code],
            meaning=stated[code].meaning if code in stated else _parts(words[code])[0],
            more=_parts(words.get(code, ""))[1],
            advice=_BY_CODE.get(code) or _BY_STATUS[status[code]],
            operations=found[code],
        )
        for code in sorted(found)
    }


def _kinds(kind: type[DomainError]) -> Iterator[type[DomainError]]:
    yield kind
    for inner in kind.__subclasses__():
        yield from _kinds(inner)


def _parts(words: str) -> tuple[str, str]:
    """Return the first sentence of a docstring, and the rest."""
    first, _, rest = words.partition("\n\n")
    return " ".join(first.split()), " ".join(rest.split())
