"""Answers plain claims before the application: no routing, no dependencies. What is unusual, the route answers."""

import hashlib
import re
from http import HTTPStatus

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fabroute.api.measuring.measured import TEMPLATE
from fabroute.api.plain import PlainRequest, plain_body, plain_request, received_again
from fabroute.api.problems import refused
from fabroute.api.queues.room import Queues
from fabroute.api.queues.tags import retry_after
from fabroute.api.schemas.packets import ClaimIn
from fabroute.database import require_own
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.production.service.claims import AskedClaim, Claimed
from fabroute.telemetry.tracing import traceparent

_TEMPLATE = "/v1/nodes/{node_id}/claims"
_PATH = re.compile(r"/v1/nodes/([A-Za-z0-9_.:-]{1,100})/claims")
_MOST_BYTES = 1_000


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
        node_id = _node_of(scope) if scope["type"] == "http" and scope["method"] == "POST" else None
        asked = None if node_id is None else _asked(scope)
        if node_id is None or asked is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        body = plain_body(message, ClaimIn)
        if body is None:
            await self._app(scope, received_again(message, receive), send)
            return
        scope[TEMPLATE] = _TEMPLATE
        response = await _answer(Request(scope, receive), asked, node_id, body)
        await response(scope, receive, send)


def _node_of(scope: Scope) -> str | None:
    path = _PATH.fullmatch(scope["path"])
    return None if path is None else path[1]


def _asked(scope: Scope) -> PlainRequest | None:
    return plain_request(scope, operation="claim_jobs", opened_by="jobs:write", most_bytes=_MOST_BYTES)


async def _answer(request: Request, asked: PlainRequest, node_id: str, body: ClaimIn) -> Response:
    try:
        return await answer_claim(request, asked.principal, node_id=node_id, key=asked.key, body=body)
    except DomainError as error:
        return await refused(request, error)


def _digest(node_id: str, body: ClaimIn) -> str:
    """Return what tells one claim from another; how long it waits makes no difference."""
    content = f"claims {node_id} {body.model_dump_json(exclude={'wait_seconds'})}"
    return hashlib.sha256(content.encode()).hexdigest()
