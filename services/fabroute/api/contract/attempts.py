"""A request under an ``Idempotency-Key``: claimed in the transaction of its effect, and answered in it.

The session that an endpoint gets (see ``api.dependencies``) claims the request before the endpoint runs, and keeps the
answer before it commits: effect and answer are there together, or neither is.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from fastapi import Request, Response
from pydantic import BaseModel
from sqlmodel import Session

from fabroute.api.contract.sealing import seal, unseal
from fabroute.identity.service.idempotency import KeptAnswer, KeyedRequest, claim_request, keep_answer
from fabroute.kernel.time import utc_now

REPLAYED: Mapping[str, str] = {"Idempotent-Replayed": "true", "Idempotency-Replayed": "true"}
"""The second is what orders and claims have always said: a client that looks for it finds it everywhere."""
_KEPT_HEADERS = ("content-type", "location", "etag", "link", "cache-control", "content-disposition", "retry-after")
_OWN_HEADERS = "fabroute-"
_LEADS_ON = 303
"""What a form is answered with."""


class AnsweredBefore(Exception):
    """The request was answered already, and its effect is there: nothing is done again."""

    def __init__(self, answer: KeptAnswer) -> None:
        super().__init__("answered before")
        self.answer = answer


@dataclass(slots=True, kw_only=True)
class Attempt:
    """One try to have a request answered. It belongs to one request."""

    request: KeyedRequest
    credential: str
    """What the caller authenticates with."""
    holds_secret: bool
    """Whether the answer must not be stored in clear."""
    is_claimed: bool = field(default=False, init=False)
    _answer: KeptAnswer | None = field(default=None, init=False)

    def look(self, session: Session) -> None:
        """Raise ``AnsweredBefore`` if the request was answered, without claiming it beyond this transaction."""
        found = claim_request(session, request=self.request)
        if found is not None:
            raise AnsweredBefore(found)

    def claim(self, session: Session) -> None:
        """Let nobody else answer the request until the session's transaction ends.

        Raises ``AnsweredBefore``, ``KeyInFlight`` and ``KeyReused``.
        """
        self.look(session)
        self.is_claimed = True

    def note(self, response: Response) -> None:
        """Take the answer that is to be kept, also one that leads on (303); an error is none."""
        if not 200 <= response.status_code < 300 and response.status_code != _LEADS_ON:
            return
        name, body = self.request.key, bytes(response.body)
        self._answer = KeptAnswer(
            status=response.status_code,
            body=seal(body, credential=self.credential, name=name) if self.holds_secret else body,
            headers=_kept_headers(response),
            is_sealed=self.holds_secret,
        )

    def keep(self, session: Session) -> None:
        """Store the answer that was noted, if there is one, in the session's transaction."""
        if self._answer is not None:
            keep_answer(session, request=self.request, answer=self._answer, now=utc_now())

    def replay(self, answer: KeptAnswer) -> Response:
        """Return the first answer again, byte for byte. Raises ``AnswerSealed`` where it was somebody else's secret."""
        body = answer.body
        if answer.is_sealed:
            body = unseal(body, credential=self.credential, name=self.request.key)
        return Response(body, status_code=answer.status, headers={**answer.headers, **REPLAYED})


@contextmanager
def answering(request: Request, session: Session) -> Iterator[Attempt | None]:
    """Answer a request once: claim it before the block, in the transaction of ``session``, and keep its answer after.

    Without an ``Idempotency-Key`` nothing happens. The first session of a request that comes here does it.
    """
    attempt = attempt_of(request)
    if attempt is None or attempt.is_claimed:
        yield attempt
        return
    attempt.claim(session)
    yield attempt
    attempt.keep(session)


def json_answer(answer: BaseModel, *, status: int = 200, location: str | None = None) -> Response:
    """Return the answer that an endpoint gives when it returns ``answer``, for one that is kept before it does."""
    headers = {} if location is None else {"Location": location}
    return Response(answer.model_dump_json(), status_code=status, headers=headers, media_type="application/json")


def attempt_of(request: Request) -> Attempt | None:
    """Return the attempt that a request is, ``None`` where it has no ``Idempotency-Key``."""
    found: Attempt | None = getattr(request.state, "attempt", None)
    return found


def _kept_headers(response: Response) -> dict[str, str]:
    return {
        name: value
        for name, value in response.headers.items()
        if name in _KEPT_HEADERS or name.startswith(_OWN_HEADERS)
    }
