"""Requests that are as they mostly are, told from their headers: they are answered before the application.

No routing, no dependencies: half of the computing. What is unusual in any way is passed on unread, and what is wrong
with it, the route says.
"""

import re
from dataclasses import dataclass
from typing import TypeVar

from pydantic import BaseModel, ValidationError
from starlette.types import Message, Receive, Scope

from fabroute.api.contract.deprecation import DEPRECATED
from fabroute.api.contract.limits import is_over_limits
from fabroute.api.keys import KeyCache
from fabroute.api.lengths import declared_length
from fabroute.identity.rules import Principal
from fabroute.identity.rules import Scope as OfKeys
from fabroute.kernel.time import utc_now

Body = TypeVar("Body", bound=BaseModel)

_KEY = re.compile(rb"[ -~]{1,255}")
_UNCOMPRESSED = (b"", b"identity")


@dataclass(frozen=True, slots=True)
class PlainRequest:
    """Who asks, under which ``Idempotency-Key``. Without ``kw_only``: one is made for each request."""

    principal: Principal
    key: str


def plain_request(scope: Scope, *, operation: str, opened_by: OfKeys, most_bytes: int) -> PlainRequest | None:
    """Return who asks, if the headers are as they mostly are and the API key was looked up just now.

    ``opened_by``: the scope that the key must have; ``most_bytes``: of the body.
    """
    if scope["query_string"] or operation in DEPRECATED:
        return None
    headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # of several alike, the first counts
    key = headers.get(b"idempotency-key", b"")
    if _KEY.fullmatch(key) is None or not _has_plain_body(headers, most_bytes):
        return None
    principal = _caller(scope, headers.get(b"authorization", b"").decode("latin-1"))
    if principal is None or opened_by not in principal.scopes or is_over_limits(scope, principal.organisation_id):
        return None
    return PlainRequest(principal, key.decode("ascii"))


def plain_body(message: Message, model: type[Body]) -> Body | None:
    """Return what a message holds, if that is a whole body and good."""
    if message["type"] != "http.request" or message.get("more_body", False):
        return None
    return valid(message.get("body", b""), model)


def valid(content: bytes, model: type[Body]) -> Body | None:
    """Return what a body says, if it is good."""
    try:
        return model.model_validate_json(content)
    except ValidationError:
        return None


def received_again(message: Message, receive: Receive) -> Receive:
    """Return what receives a message again, and then what follows."""
    messages = [message]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


def _has_plain_body(headers: dict[bytes, bytes], most_bytes: int) -> bool:
    length = declared_length(headers.get(b"content-length", b""))
    return (
        length is not None
        and length <= most_bytes
        and headers.get(b"content-type") == b"application/json"
        and headers.get(b"content-encoding", b"") in _UNCOMPRESSED
    )


def _caller(scope: Scope, authorization: str) -> Principal | None:
    kind, _, token = authorization.partition(" ")
    keys: KeyCache = scope["app"].state.resources.keys
    return keys.recall(token, now=utc_now()) if kind.lower() == "bearer" else None
