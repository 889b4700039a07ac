"""What all ways of deciding an order within its request share: its lines, and the answer that its key has already."""

from typing import Protocol

from sqlmodel import Session

from fabroute.orders import service as orders
from fabroute.orders.service import ClaimedLine, KeyContended, KeyReused, NewOrder, Replayed

FENCE = 1
"""Of lines that are decided as they are placed."""


class Request(Protocol):
    """What a request is known by when it is repeated."""

    @property
    def organisation_id(self) -> str:
        """Whose request it is."""

    @property
    def idempotency_key(self) -> str:
        """The key that all repetitions have."""

    @property
    def request_sha256(self) -> str:
        """Of the body."""


def earlier_answer(session: Session, request: Request) -> Replayed | KeyReused | None:
    """Return what became of an earlier request with this key, ``None`` if there was none."""
    return orders.find_answer(
        session,
        organisation_id=request.organisation_id,
        idempotency_key=request.idempotency_key,
        request_sha256=request.request_sha256,
    )


def answered_elsewhere(session: Session, request: Request) -> Replayed | KeyReused:
    """Return the answer of the request that took the key in the same moment, as its transaction left it.

    Raises ``KeyContended`` if it left none.
    """
    earlier = earlier_answer(session, request)
    if earlier is None:
        raise KeyContended("requests with this Idempotency-Key race each other: wait for one answer before repeating")
    return earlier


def placed_line(order: NewOrder, number: int) -> ClaimedLine:
    """Return a line of an order that is being placed as if routing had claimed it."""
    line, place = order.lines[number], order.ship_to
    return ClaimedLine(
        line_id=line.id,
        order_id=order.id,
        organisation_id=order.organisation_id,
        position=number + 1,
        part_id=line.part_id,
        revision_id=line.revision_id,
        quantity=line.quantity,
        fence=FENCE,
        attempts=1,
        objective=order.objective,
        criticality=order.criticality,
        packaging=order.packaging,
        need_by=order.need_by,
        need_by_hard=order.need_by_hard,
        max_price_minor=order.max_price_minor,
        ship_to_city=place.city,
        ship_to_country=place.country,
        ship_to_latitude=place.latitude,
        ship_to_longitude=place.longitude,
        placed_at=order.placed_at,
        split_max_nodes=order.split_max_nodes,
        split_min_per_node=order.split_min_per_node,
        cost_of_waiting_minor=order.cost_of_waiting_minor,
        first_article=order.first_article,
    )
