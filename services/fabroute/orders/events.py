"""Facts that orders tell."""

from collections.abc import Mapping
from datetime import datetime

from fabroute.kernel.events import DomainEvent
from fabroute.orders.states import OrderState

ORDER_PLACED = "order.placed"
"""Recorded by the statement that places orders; its data names the planning ``scope``."""

_NAMES: Mapping[OrderState, str] = {
    "routed": "order.routed",
    "partly_routed": "order.routed",
    "no_route": "order.no_route",
    "parked": "order.parked",
    "cancelled": "order.cancelled",
}


def order_finished(*, order_id: str, organisation_id: str, state: OrderState, now: datetime) -> DomainEvent | None:
    """Return the event for an order that has come to ``state``; ``None`` while it is open."""
    if state not in _NAMES:
        return None
    return DomainEvent(
        name=_NAMES[state],
        subject_type="order",
        subject_id=order_id,
        organisation_id=organisation_id,
        occurred_at=now,
        data={"state": state},
    )
