"""Facts that orders tell."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from fabroute.kernel.events import DomainEvent, JsonScalar
from fabroute.orders.states import OrderState

ORDER_PLACED = "order.placed"
"""Recorded by the statement that places orders; its data names the planning ``scope`` of its lines.

Where they are in several, these stand with a comma between.
"""
SCOPE_SPLIT = "planning_scope.split"
"""Too many lines waited in a scope: they are in its parts now, which its data names as ``scope``, with commas."""
SCOPE_SUSPECTED = "planning_scope.suspected"
"""A run broke: the lines that were in it are decided apart, in the scope that its data names as ``scope``."""

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


def scope_split(*, scope: str, parts: Sequence[str], now: datetime) -> DomainEvent:
    """Return the event for a scope whose lines were spread over parts."""
    return DomainEvent(
        name=SCOPE_SPLIT,
        subject_type="planning_scope",
        subject_id=scope,
        occurred_at=now,
        data={"scope": ",".join(parts)},
    )


def scope_suspected(*, scope: str, suspects: str, now: datetime) -> DomainEvent:
    """Return the event for lines of a scope that are decided apart from now on, because a run with them broke."""
    return DomainEvent(
        name=SCOPE_SUSPECTED,
        subject_type="planning_scope",
        subject_id=scope,
        occurred_at=now,
        data={"scope": suspects},
    )


def line_retried(*, order_id: str, scope: str, now: datetime) -> DomainEvent:
    """Return the event that a line which waited for a person is to be routed again, in this planning scope."""
    return DomainEvent(
        name="order.line_retried", subject_type="order", subject_id=order_id, occurred_at=now, data={"scope": scope}
    )


def promise_settled(
    *, order_id: str, organisation_id: str, kept: bool, data: Mapping[str, JsonScalar], now: datetime
) -> DomainEvent:
    """Return the event that a line came to another place: its promise is kept, or it can't be any more."""
    return DomainEvent(
        name="order.rerouted" if kept else "order.promise_changed",
        subject_type="order",
        subject_id=order_id,
        organisation_id=organisation_id,
        occurred_at=now,
        data=data,
    )
