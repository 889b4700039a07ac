"""Orders: place, list, read, cancel, and see what was decided."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from fabroute.api import documentation as docs
from fabroute.api import errors
from fabroute.api.caching import conditional
from fabroute.api.contract.routes import ContractRoute
from fabroute.api.dependencies import (
    Filter,
    Identifier,
    Now,
    OrdersReader,
    OrdersWriter,
    PageQuery,
    ReadSession,
    WriteSession,
    get_resources,
)
from fabroute.api.intake.acceptances import AcceptanceDesk
from fabroute.api.intake.answers import created
from fabroute.api.intake.desk import OrderDesk, Submission
from fabroute.api.intake.promises import PromiseDesk
from fabroute.api.order_answers import read_order, with_routings
from fabroute.api.pages import listing
from fabroute.api.problems import request_id_of
from fabroute.api.resources import Resources
from fabroute.api.schemas.base import Listing
from fabroute.api.schemas.decisions import OrderDecisionsOut, decisions_out
from fabroute.api.schemas.orders import OrderOut, OrderRequest, OrderStatisticsOut
from fabroute.api.schemas.rerouting import OrderCancellingOut, cancelling_out
from fabroute.api.submissions import read_submission
from fabroute.logistics.service import UnknownCountry, UnknownDestination
from fabroute.orders import service as orders
from fabroute.orders.service import OrderFilter, UnknownOrder
from fabroute.orders.states import OrderState
from fabroute.production import service as production
from fabroute.routing import service as routing
from fabroute.routing.service.accepting import QuoteContended, QuoteNotKept
from fabroute.routing.service.agreeing import QuoteExpired, QuoteMismatch, QuoteNotThere, QuoteTaken

router = APIRouter(prefix="/v1", tags=["orders"], route_class=ContractRoute)

_PLACING_PROBLEMS = docs.problems(
    errors.MalformedJson,
    errors.IdempotencyKeyMissing,
    errors.IdempotencyKeyInvalid,
    errors.IdempotencyKeyInFlight,
    errors.BodyTooLarge,
    errors.UnsupportedMediaType,
    errors.QuantityOutOfRange,
    errors.UnsupportedCurrency,
    errors.IdempotencyKeyReused,
    errors.NeedByOutOfRange,
    errors.IntakeFull,
    orders.PartNotInInventory,
    orders.RevisionNotInInventory,
    orders.RevisionNotReleased,
    orders.RevisionWithdrawn,
    UnknownCountry,
    UnknownDestination,
    QuoteNotThere,
    QuoteMismatch,
    QuoteExpired,
    QuoteTaken,
    QuoteNotKept,
    QuoteContended,
)


@router.post(
    "/orders",
    status_code=201,
    response_model=OrderOut,
    responses=docs.CREATED_ORDER | _PLACING_PROBLEMS,
    openapi_extra=docs.IDEMPOTENCY_KEY | docs.request_body(OrderRequest),
)
async def place_order(request: Request) -> Response:
    """Place an order. The answer comes once the order is committed; routing follows within seconds.

    Send the same Idempotency-Key again after a timeout, a 409, a 429 or a 503: the order is never placed twice.
    An answer with Idempotency-Replayed shows the order as it was first answered, not as it is now: read that at the
    answer's Location. With `"promise": "now"` every line for which something is left has its price, arrival, node and
    job when the answer comes, and a line that no node can make is `no_route` already; the others, and lines that may be
    split, are pending, with the reason in `state_reason`. With a `quote_id` the order is routed and has its job when
    the answer comes, for the quoted price and day; or nothing is written, and the refusal says exactly why the quote
    can't be kept. Codes of the reasons in `quote_not_kept` are those of nodes, and three of its own: `PRICE_CHANGED`
    (it costs `now_minor` now, more than `quoted_minor`, though not more than your cap), `REVISION_SUPERSEDED` and
    `REVISION_WITHDRAWN` (the quoted revision is not ordered any more; `released_revision` is the one that is, if any).
    """
    submission, resources = await read_submission(request), get_resources(request)
    placed = await _desk_of(submission, resources).place(submission)
    resources.placed.note(placed, request_id=request_id_of(request))
    return created(placed)


def _desk_of(submission: Submission, resources: Resources) -> OrderDesk | PromiseDesk | AcceptanceDesk:
    if submission.asked.quote_id is not None:
        return resources.acceptances
    return resources.desk if submission.asked.promise is None else resources.promises


@router.get("/orders", responses=docs.NEXT_PAGE | docs.problems())
def list_orders(
    request: Request,
    response: Response,
    caller: OrdersReader,
    session: ReadSession,
    page: PageQuery,
    state: Annotated[OrderState | None, Query(description="Only orders in this state.")] = None,
    batch: Filter = None,
    reference: Filter = None,
) -> Listing[OrderOut]:
    """List your orders, newest first."""
    wanted = OrderFilter(organisation_id=caller.organisation_id, state=state, batch=batch, reference=reference)
    found = orders.list_orders(session, wanted=wanted, cursor=page.cursor, limit=page.limit)
    return listing(request, response, with_routings(session, found), lambda order: order)


@router.get(
    "/orders/{order_id}",
    response_model=OrderOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(UnknownOrder),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_order(request: Request, order_id: Identifier, caller: OrdersReader, session: ReadSession) -> Response:
    """Read an order with its lines and what was decided for each, in short."""
    return conditional(request, read_order(session, organisation_id=caller.organisation_id, order_id=order_id))


@router.post(
    "/orders/{order_id}/cancel",
    responses=docs.problems(UnknownOrder, production.JobStarted)
    | {202: {"model": OrderCancellingOut, "description": "Nodes that have started are asked to stop."}},
    response_model=OrderOut,
)
def cancel_order(order_id: Identifier, caller: OrdersWriter, session: WriteSession, now: Now) -> OrderOut | Response:
    """Cancel an order with its jobs, and give back the material and the machine time held for it.

    Cancelling a cancelled order changes nothing, so this can be repeated. Where a node has fetched the file of a job or
    has printed, it is asked to stop, and the answer is 202 with the jobs that wait: such a line is cancelled when the
    node agrees, and delivered if it refuses. Once a part was shipped, nothing is cancelled any more. A quote that the
    order accepted stays `accepted`: ask for a new one.
    """
    found = production.cancel_order(
        session, organisation_id=caller.organisation_id, order_id=order_id, actor=caller.key_id, now=now
    )
    if found.waiting:
        content = cancelling_out(order_id, found).model_dump_json()
        return Response(content, status_code=202, media_type="application/json")
    return read_order(session, organisation_id=caller.organisation_id, order_id=order_id)


@router.get(
    "/orders/{order_id}/decision",
    response_model=OrderDecisionsOut,
    responses=docs.TAGGED | docs.NOT_MODIFIED | docs.problems(UnknownOrder),
    openapi_extra=docs.IF_NONE_MATCH,
)
def get_decision(request: Request, order_id: Identifier, caller: OrdersReader, session: ReadSession) -> Response:
    """Read why each line goes where it goes: candidates, alternatives, and every excluded node with its reasons."""
    order = orders.get_order(session, organisation_id=caller.organisation_id, order_id=order_id)
    found = routing.get_decisions(session, organisation_id=caller.organisation_id, order_id=order.id)
    return conditional(request, decisions_out(order.id, found))


@router.get("/order-statistics", responses=docs.problems())
def get_order_statistics(caller: OrdersReader, session: ReadSession, batch: Filter = None) -> OrderStatisticsOut:
    """Count your orders by state: all of them, or those of one batch."""
    found = orders.order_statistics(session, organisation_id=caller.organisation_id, batch=batch)
    return OrderStatisticsOut(batch=found.batch, orders=found.orders, states=dict(found.states))
