"""Answers plain claims before the application: no routing, no dependencies. What is unusual, the route answers."""

import hashlib
import re
from dataclasses import dataclass
from http import HTTPStatus

from fastapi import Request, Response
from pydantic import ValidationError
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from fabroute.api.contract.limits import is_over_limits
from fabroute.api.keys import KeyCache
from fabroute.api.measuring.measured import TEMPLATE
from fabroute.api.problems import refused
from fabroute.api.queues.room import Queues
from fabroute.api.queues.tags import retry_after
from fabroute.api.schemas.packets import ClaimIn
from fabroute.database import require_own
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import utc_now
from fabroute.production.service.claims import AskedClaim, Claimed
from fabroute.telemetry.tracing import traceparent

_TEMPLATE = "/v1/nodes/{node_id}/claims"
_PATH = re.compile(r"/v1/nodes/([A-Za-z0-9_.:-]{1,100})/claims")
_KEY = re.compile(rb"[ -~]{1,255}")
_MOST_BYTES = 1_000
_PLAIN = {b"content-type": b"application/json", b"content-encoding": b"identity"}
"""What these headers say of a plain body, where they are there."""


async def answer_claim(request: Request, principal: Principal, *, node_id: str, key: str, body: ClaimIn) -> Response:
    """Return the answer to a claim. Raises what is wrong with it: ``DomainError`` of the claim or of the desk."""
    require_own(principal.tenant, principal.organisation_id)
    claim = AskedClaim(
        principal=principal,
        node_id=node_id,
        idempotency_key=key,
        request_sha256=_digest(node_id, body),
        most=body.max,
        job_id=body.job_id,
        traceparent=traceparent(),
    )
    resources = request.app.state.resources
    queues: Queues = resources.queues
    seconds = 0 if body.job_id is not None else min(body.wait_seconds, resources.settings.longest_wait_seconds)
    result = await queues.desk.claim(claim, wait_seconds=seconds, receive=request.receive)
    if isinstance(result, DomainError):
        raise result
    if not isinstance(result, Claimed):
        return Response(status_code=HTTPStatus.NO_CONTENT, headers={"Retry-After": "1" if seconds else retry_after()})
    headers = {"Idempotency-Replayed": "true"} if result.is_replay else {}
    return Response(result.body, media_type="application/json", headers=headers)


class PlainClaims:
    """Stands before the application. What it does not know for certain to be in order, it passes on unread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = _asked(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        body = _body(message)
        if body is None:
            await self._app(scope, _again(message, receive), send)
            return
        scope[TEMPLATE] = _TEMPLATE
        response = await _answer(Request(scope, receive), asked, body)
        await response(scope, receive, send)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    principal: Principal
    node_id: str
    key: str


def _asked(scope: Scope) -> _Asked | None:
    """Return who claims where, if the headers are as they mostly are and the API key was looked up just now."""
    path = _PATH.fullmatch(scope["path"])
    if path is None or scope["query_string"]:
        return None
    headers: dict[bytes, bytes] = dict(reversed(scope["headers"]))  # of several alike, the first counts
    key = headers.get(b"idempotency-key", b"")
    if _KEY.fullmatch(key) is None or not _is_plain(headers):
        return None
    principal = _caller(scope, headers.get(b"authorization", b"").decode("latin-1"))
    if principal is None or is_over_limits(scope, principal.organisation_id):
        return None
    return _Asked(principal=principal, node_id=path[1], key=key.decode("ascii"))


def _is_plain(headers: dict[bytes, bytes]) -> bool:
    length = headers.get(b"content-length", b"")
    is_short = length.isdigit() and int(length) <= _MOST_BYTES
    return (
        is_short and b"content-type" in headers and all(headers.get(it, plain) == plain for it, plain in _PLAIN.items())
    )


def _caller(scope: Scope, authorization: str) -> Principal | None:
    kind, _, token = authorization.partition(" ")
    keys: KeyCache = scope["app"].state.resources.keys
    principal = keys.recall(token, now=utc_now()) if kind.lower() == "bearer" else None
    return principal if principal is not None and "jobs:write" in principal.scopes else None


def _body(message: Message) -> ClaimIn | None:
    if message["type"] != "http.request" or message.get("more_body", False):
        return None
    try:
        return ClaimIn.model_validate_json(message.get("body", b""))
    except ValidationError:  # the route says what is wrong
        return None


def _again(message: Message, receive: Receive) -> Receive:
    """Return what receives a message again, and then what follows."""
    messages = [message]

    async def receive_again() -> Message:
        return messages.pop() if messages else await receive()

    return receive_again


async def _answer(request: Request, asked: _Asked, body: ClaimIn) -> Response:
    try:
        return await answer_claim(request, asked.principal, node_id=asked.node_id, key=asked.key, body=body)
    except DomainError as error:
        return await refused(request, error)


def _digest(node_id: str, body: ClaimIn) -> str:
    """Return what tells one claim from another; how long it waits makes no difference."""
    content = f"claims {node_id} {body.model_dump_json(exclude={'wait_seconds'})}"
    return hashlib.sha256(content.encode()).hexdigest()
