"""Show orders, list them, count them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartQuery, RevisionView
from fabroute.kernel.errors import DomainError
from fabroute.orders.models import Order, OrderLine
from fabroute.orders.repository import orders as order_rows
from fabroute.orders.repository.orders import OrderFilter
from fabroute.orders.repository.placing import ShipTo
from fabroute.orders.states import ORDER_STATES, LineState, OrderState

_MOST_PARTS = 50
"""That a text in a search of orders may mean."""


class UnknownOrder(DomainError):
    """There is no such order for this organisation."""

    code = "unknown_order"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class LineView:
    """An order line as its owner sees it."""

    id: str
    position: int
    part: str
    revision: str
    quantity: int
    state: LineState
    state_reason: str
    decision_id: str | None
    promised_at: datetime | None = None
    """What was promised first; plans only get better from there."""
    promised_minor: int | None = None
    revision_id: str = ""
    part_name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class AgreedQuote:
    """The quote that an order accepted: its landed price (cents) stands, its day was promised."""

    quote_id: str
    offer: str
    price_minor: int
    arrival: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderView:
    """An order with its lines, as its owner sees it."""

    id: str
    organisation_id: str
    reference: str | None
    batch: str | None
    state: OrderState
    objective: str
    criticality: str
    packaging: str
    need_by: datetime | None
    need_by_hard: bool
    max_price_minor: int | None
    currency: str
    ship_to: ShipTo
    placed_at: datetime
    updated_at: datetime
    version: int
    lines: tuple[LineView, ...]
    agreed: AgreedQuote | None = None
    split_max_nodes: int = 0
    """How many nodes may share a line; 0: one machine makes all of it, 1: several machines of one node may."""
    split_min_per_node: int = 1
    cost_of_waiting_minor: int | None = None
    """Of an hour, in cents."""
    first_article: bool = False
    """Whether a node without a first article may make it: one part first, the rest when it is approved."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderStatistics:
    """How many orders are in each state; states without an order are there with 0."""

    batch: str | None
    orders: int
    states: Mapping[OrderState, int]


def get_order(session: Session, *, organisation_id: str | None, order_id: str) -> OrderView:
    """Return an order with its lines, anybody's where ``organisation_id`` is ``None``.

    Raises ``UnknownOrder`` if there is none or it is someone else's.
    """
    order = order_rows.find_order(session, organisation_id=organisation_id, order_id=order_id)
    if order is None:
        raise UnknownOrder(f"you have no order {order_id}: GET /v1/orders lists yours")
    return _views(session, (order,))[0]


def list_orders(
    session: Session, *, wanted: OrderFilter, cursor: str | None = None, limit: int = 50
) -> Page[OrderView]:
    """Return a page of orders, newest first; ``cursor`` is the id of the last order of the page before."""
    if wanted.text:
        wanted = replace(wanted, part_ids=_parts_called(session, wanted))
    found = order_rows.list_orders(session, wanted, before=cursor, limit=limit + 1)
    page = page_of(found, limit=limit, cursor_of=lambda order: order.id)
    return Page(items=tuple(_views(session, page.items)), next_cursor=page.next_cursor)


def order_statistics(session: Session, *, organisation_id: str, batch: str | None = None) -> OrderStatistics:
    """Return how many of an organisation's orders (those of ``batch``, if given) are in each state."""
    counts = order_rows.count_by_state(session, organisation_id=organisation_id, batch=batch)
    return OrderStatistics(
        batch=batch, orders=sum(counts.values()), states={state: counts.get(state, 0) for state in ORDER_STATES}
    )


def count_orders_up_to(session: Session, *, organisation_id: str, most: int) -> Mapping[OrderState, int]:
    """Return how many of an organisation's orders are in each state; where it is ``most``, there may be more.

    However many there are, it takes the same time: for those who look at a list.
    """
    return order_rows.count_up_to(session, organisation_id=organisation_id, most=most)


def _parts_called(session: Session, wanted: OrderFilter) -> tuple[str, ...]:
    query = PartQuery(text=wanted.text, limit=_MOST_PARTS)
    found = inventory.search_parts(session, organisation_id=wanted.organisation_id, query=query)
    return tuple(part.part_id for part in found.items)


def _views(session: Session, orders: Sequence[Order]) -> list[OrderView]:
    lines = order_rows.lines_of(session, [order.id for order in orders])
    revisions = inventory.read_revisions(session, revision_ids={line.revision_id for line in lines})
    by_order: dict[str, list[LineView]] = {}
    for line in lines:
        by_order.setdefault(line.order_id, []).append(_line_view(line, revisions[line.revision_id]))
    return [_order_view(order, by_order[order.id]) for order in orders]


def _line_view(line: OrderLine, revision: RevisionView) -> LineView:
    return LineView(
        id=line.id,
        position=line.position,
        part=revision.part_no,
        part_name=revision.name,
        revision=revision.revision,
        quantity=line.quantity,
        state=cast(LineState, line.state),
        state_reason=line.state_reason,
        decision_id=line.decision_id,
        promised_at=line.promised_at,
        promised_minor=line.promised_minor,
        revision_id=line.revision_id,
    )


def _order_view(order: Order, lines: Sequence[LineView]) -> OrderView:
    return OrderView(
        id=order.id,
        organisation_id=order.organisation_id,
        reference=order.reference,
        batch=order.batch,
        state=cast(OrderState, order.state),
        objective=order.objective,
        criticality=order.criticality,
        packaging=order.packaging,
        need_by=order.need_by,
        need_by_hard=order.need_by_hard,
        max_price_minor=order.max_price_minor,
        currency=order.currency,
        ship_to=_ship_to(order),
        placed_at=order.placed_at,
        updated_at=order.updated_at,
        version=order.version,
        lines=tuple(lines),
        agreed=_agreed(order),
        split_max_nodes=order.split_max_nodes,
        split_min_per_node=order.split_min_per_node,
        cost_of_waiting_minor=order.cost_of_waiting_minor,
        first_article=order.first_article,
    )


def _agreed(order: Order) -> AgreedQuote | None:
    quote_id, offer, price_minor = order.quote_id, order.quoted_offer, order.agreed_price_minor
    if quote_id is None or offer is None or price_minor is None or order.agreed_arrival is None:
        return None
    return AgreedQuote(quote_id=quote_id, offer=offer, price_minor=price_minor, arrival=order.agreed_arrival)


def _ship_to(order: Order) -> ShipTo:
    return ShipTo(
        name=order.ship_to_name,
        city=order.ship_to_city,
        country=order.ship_to_country,
        latitude=order.ship_to_latitude,
        longitude=order.ship_to_longitude,
        assumed=order.ship_to_assumed,
        street=order.ship_to_street,
        postal_code=order.ship_to_postal_code,
    )
