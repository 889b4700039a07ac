"""Whose trace is kept: whoever works on an order adds to it what was done."""

from collections.abc import Collection, Mapping

from sqlmodel import Session

from fabroute.orders.repository import traces as rows
from fabroute.telemetry.tracing import is_tracing


def traces_of(session: Session, *, order_ids: Collection[str]) -> Mapping[str, str]:
    """Return, by order, what names the span in which it was placed; of those only whose traces are kept.

    Where this process sends no spans, that takes no statement.
    """
    return rows.read_traceparents(session, order_ids) if order_ids and is_tracing() else {}
