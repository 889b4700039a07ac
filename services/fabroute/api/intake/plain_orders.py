"""Answers plain orders before the application: no routing, no dependencies. What is unusual, the route answers.

Most of them are answered by the server's protocol already (``at_the_parser``); here is what that passes on, and what
servers have that speak another one.
"""

from fastapi import Request, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from fabroute.api.intake.answers import created
from fabroute.api.measuring.measured import TEMPLATE
from fabroute.api.plain import PlainRequest, plain_body, plain_request, received_again
from fabroute.api.problems import ANSWERED, answered, request_id_of
from fabroute.api.resources import Resources
from fabroute.api.schemas.orders import OrderRequest
from fabroute.api.submissions import submission_of
from fabroute.kernel.time import utc_now

ORDERS = "/v1/orders"
PLACING = "fabroute.placing"
"""In a request's scope: what became, or becomes, of its order, which is queued already."""
_MOST_BYTES = 2**15
"""An order with all lines and texts that it may have is shorter."""


class PlainOrders:
    """Stands before the application. What it does not know for certain to be in order, it passes on unread."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        asked = _asked(scope) if scope["type"] == "http" and scope["path"] == ORDERS else None
        if asked is None:
            await self._app(scope, receive, send)
            return
        message = await receive()
        body = plain_body(message, OrderRequest)
        if body is None or not needs_the_desk_only(body):
            await self._app(scope, received_again(message, receive), send)
            return
        scope[TEMPLATE] = ORDERS
        response = await _answer(Request(scope, receive), asked, body)
        await response(scope, receive, send)


def asked_of(scope: Scope, resources: Resources) -> PlainRequest | None:
    """Return who orders, if the headers are those of a plain order."""
    most = min(_MOST_BYTES, resources.settings.max_body_bytes)
    return plain_request(scope, operation="place_order", opened_by="orders:write", most_bytes=most)


def needs_the_desk_only(body: OrderRequest) -> bool:
    """Return whether an order is one without a quote, and without a promise to be made."""
    return body.quote_id is None and body.promise is None


def _asked(scope: Scope) -> PlainRequest | None:
    return asked_of(scope, scope["app"].state.resources) if scope["method"] == "POST" else None


async def _answer(request: Request, asked: PlainRequest, body: OrderRequest) -> Response:
    resources: Resources = request.app.state.resources
    try:
        submission = submission_of(asked.principal, body, idempotency_key=asked.key, now=utc_now())
        placed = await resources.desk.place(submission, begun=request.scope.get(PLACING))
        resources.placed.note(placed, request_id=request_id_of(request))
        return created(placed)
    except ANSWERED as error:
        return await answered(request, error)
