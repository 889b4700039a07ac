"""What the OpenAPI document says of every operation alike: limits, keys, the request's id."""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from fabroute.api.admission.refusals import TooBusy
from fabroute.api.contract.limits import RateLimited
from fabroute.api.contract.sealing import AnswerSealed
from fabroute.api.documentation import problems_without_key
from fabroute.api.errors import IdempotencyKeyInvalid
from fabroute.identity.service.idempotency import KeyInFlight, KeyReused
from fabroute.kernel.errors import DomainError

_TEXT = {"schema": {"type": "string"}}
_HEADERS = {
    "X-Request-Id": {"description": "Finds the request in our logs: yours, if you sent one."} | _TEXT,
    "RateLimit-Policy": {
        "description": 'How many requests your organisation may send in how many seconds: `"default";q=6000;w=60`.'
    }
    | _TEXT,
    "RateLimit": {"description": 'How many are left, and when they are anew: `"default";r=5999;t=42`.'} | _TEXT,
    "Idempotent-Replayed": {"description": "`true` when this is the stored answer to an earlier request."} | _TEXT,
}
_LIMITED = ("RateLimit-Policy", "RateLimit")
_OF_KEYS: tuple[type[DomainError], ...] = (IdempotencyKeyInvalid, KeyInFlight, KeyReused, AnswerSealed)
_NEVER_BUSY = frozenset({"is_alive", "is_ready"})
_METHODS = frozenset({"get", "post", "put", "patch", "delete"})
_CODE = re.compile(r"^- `([a-z0-9_]+)`: ?(.*)$", re.MULTILINE)


def complete(document: dict[str, Any]) -> None:
    """Add to each operation what the contract makes of it."""
    document.setdefault("components", {})["headers"] = {name: dict(words) for name, words in _HEADERS.items()}
    for operation in _operations(document):
        names = ["X-Request-Id"]
        if operation["operationId"] not in _NEVER_BUSY:
            _add_problems(operation, TooBusy)
        if "unauthenticated" in codes_of(operation):
            _add_problems(operation, RateLimited)
            names += _LIMITED
        if _takes_key(operation):
            _add_problems(operation, *_OF_KEYS)
            names.append("Idempotent-Replayed")
        _add_headers(operation, names)


def codes_of(operation: dict[str, Any]) -> dict[str, str]:
    """Return the codes of the problems that an operation documents, each with its meaning."""
    found: dict[str, str] = {}
    for status, answer in operation["responses"].items():
        if status >= "400":
            found |= codes_in(answer)
    return found


def codes_in(answer: Mapping[str, Any]) -> dict[str, str]:
    """Return the codes that an answer documents, each with its meaning."""
    return dict(_CODE.findall(answer.get("description", "")))


def _operations(document: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for methods in document["paths"].values():
        for method, operation in methods.items():
            if method in _METHODS:
                yield operation


def _takes_key(operation: dict[str, Any]) -> bool:
    return any(it["name"] == "Idempotency-Key" and not it["required"] for it in operation.get("parameters", ()))


def _add_problems(operation: dict[str, Any], *kinds: type[DomainError]) -> None:
    answers = operation["responses"]
    for number, new in problems_without_key(*kinds).items():
        known = answers.setdefault(str(number), new)
        both = dict(_CODE.findall(known["description"])) | dict(_CODE.findall(new["description"]))
        words = "\n".join(f"- `{code}`: {meaning}" for code, meaning in sorted(both.items()))
        answers[str(number)] = new | known | {"description": words}
    operation["responses"] = {status: answers[status] for status in sorted(answers)}


def _add_headers(operation: dict[str, Any], names: list[str]) -> None:
    for status, answer in operation["responses"].items():
        if status < "400":
            stated = answer.get("headers", {})
            answer["headers"] = stated | {name: {"$ref": f"#/components/headers/{name}"} for name in names}
