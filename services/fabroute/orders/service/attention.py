"""Lines that wait for a person: parked with a reason, looked up, and sent on their way again."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.orders import events
from fabroute.orders.repository import attention as rows
from fabroute.orders.repository.attention import OrderTerms, WaitingLine
from fabroute.orders.rules import Objective
from fabroute.orders.service.outcomes import derive_orders
from fabroute.orders.service.reading import UnknownOrder
from fabroute.outbox import service as outbox

__all__ = [
    "OrderTerms",
    "UnknownLine",
    "WaitingLine",
    "count_returned",
    "find_line",
    "lock_line",
    "lock_line_states",
    "lock_order",
    "park_lines",
    "read_terms",
    "require_order",
    "retry_lines",
    "set_objective",
]


class UnknownLine(DomainError):
    """The order has no line at this position, or is not one that the asking organisation may see."""

    code = "unknown_line"
    status = 404


def find_line(session: Session, *, organisation_id: str | None, order_id: str, position: int) -> WaitingLine:
    """Return a line by its place in an order; of any owner where ``organisation_id`` is ``None``.

    Raises ``UnknownLine``.
    """
    found = rows.find_line(session, organisation_id=organisation_id, order_id=order_id, position=position)
    return _known(found, order_id, position)


def lock_line(session: Session, *, organisation_id: str | None, order_id: str, position: int) -> WaitingLine:
    """Return a line as ``find_line`` does, locked until the transaction ends."""
    found = rows.find_line(session, organisation_id=organisation_id, order_id=order_id, position=position, lock=True)
    return _known(found, order_id, position)


def require_order(session: Session, *, organisation_id: str | None, order_id: str) -> None:
    """Raise ``UnknownOrder`` unless there is such an order; of any owner where ``organisation_id`` is ``None``."""
    if not rows.order_exists(session, organisation_id=organisation_id, order_id=order_id):
        raise UnknownOrder(f"you have no order {order_id}: GET /v1/orders lists yours")


def count_returned(session: Session, *, scope: str) -> int:
    """Return how many due lines of a planning scope came back from a node and were not tried since."""
    return rows.count_returned(session, scope=scope)


def lock_order(session: Session, *, organisation_id: str, order_id: str) -> tuple[str, ...]:
    """Lock the lines of an order before anything of their jobs; return those that stand. Raises ``UnknownOrder``."""
    found = rows.lock_order(session, organisation_id=organisation_id, order_id=order_id)
    if found is None:
        raise UnknownOrder(f"you have no order {order_id}: GET /v1/orders lists yours")
    return tuple(line_id for line_id, state in found if state != "cancelled")


def lock_line_states(session: Session, *, organisation_id: str | None, order_id: str) -> Mapping[str, str]:
    """Lock the lines of an order as ``lock_order`` does; return the state of each, cancelled ones too.

    Of any owner where ``organisation_id`` is ``None``. Raises ``UnknownOrder``.
    """
    found = rows.lock_order(session, organisation_id=organisation_id, order_id=order_id)
    if found is None:
        raise UnknownOrder(f"you have no order {order_id}: GET /v1/orders lists yours")
    return dict(found)


def read_terms(session: Session, *, order_id: str) -> OrderTerms:
    """Return what an order was placed under, whose lines the caller has locked."""
    return rows.read_terms(session, order_id=order_id)


def set_objective(session: Session, *, order_id: str, objective: Objective, now: datetime) -> None:
    """Give an order whose lines the caller has locked another objective; the next run decides by it."""
    rows.set_objective(session, order_id=order_id, objective=objective, now=now)


def park_lines(session: Session, *, reasons: Mapping[str, str], now: datetime) -> frozenset[str]:
    """Park open lines that the caller has locked, each for its reason; return those that were open."""
    parked = rows.park(session, reasons)
    derive_orders(session, set(parked.values()), now=now)
    return frozenset(parked)


def retry_lines(session: Session, *, line_ids: Collection[str], now: datetime) -> frozenset[str]:
    """Send lines that are parked or have no route back to routing, with all their attempts; return those that were."""
    again = rows.retry(session, line_ids)
    derive_orders(session, {order_id for order_id, _ in again.values()}, now=now)
    told = [events.line_retried(order_id=order_id, scope=scope, now=now) for order_id, scope in again.values()]
    outbox.record_all(session, told)
    return frozenset(again)


def _known(line: WaitingLine | None, order_id: str, position: int) -> WaitingLine:
    if line is None:
        raise UnknownLine(
            f"you have no order {order_id} with a line at position {position}: GET /v1/orders lists yours"
        )
    return line
