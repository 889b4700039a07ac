"""Answers plain orders before the application: no routing, no dependencies. What is unusual, the route answers."""

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fabroute.api.intake.answers import created
from fabroute.api.measuring.measured import TEMPLATE
from fabroute.api.plain import PlainRequest, plain_body, plain_request, received_again
from fabroute.api.problems import ANSWERED, answered
from fabroute.api.resources import Resources
from fabroute.api.schemas.orders import OrderRequest
from fabroute.api.submissions import submission_of
from fabroute.kernel.time import utc_now

_PATH = "/v1/orders"
_MOST_BYTES = 2**15
"""An order with all lines and texts that it may have is shorter."""


class PlainOrders:
    """Stands before the application. What it does not know for certain to be in order, it passes on unread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = _asked(scope) if scope["type"] == "http" and scope["path"] == _PATH else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        body = plain_body(message, OrderRequest)
        if body is None or body.quote_id is not None or body.promise is not None:
            await self._app(scope, received_again(message, receive), send)
            return
        scope[TEMPLATE] = _PATH
        response = await _answer(Request(scope, receive), asked, body)
        await response(scope, receive, send)


def _asked(scope: Scope) -> PlainRequest | None:
    if scope["method"] != "POST":
        return None
    most = min(_MOST_BYTES, scope["app"].state.resources.settings.max_body_bytes)
    return plain_request(scope, operation="place_order", opened_by="orders:write", most_bytes=most)


async def _answer(request: Request, asked: PlainRequest, body: OrderRequest) -> Response:
    resources: Resources = request.app.state.resources
    try:
        submission = submission_of(asked.principal, body, idempotency_key=asked.key, now=utc_now())
        placed = await resources.desk.place(submission)
        resources.placed.note(placed)
        return created(placed)
    except ANSWERED as error:
        return await answered(request, error)
