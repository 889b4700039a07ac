"""The life of an order line, and what the states of its lines make of an order."""

from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Literal, get_args

LineState = Literal["pending", "routing", "routed", "no_route", "parked", "cancelled"]
OrderState = Literal["pending", "routed", "partly_routed", "no_route", "parked", "cancelled"]

ORDER_STATES: tuple[OrderState, ...] = get_args(OrderState)

TRANSITIONS: Mapping[LineState, frozenset[LineState]] = MappingProxyType(
    {
        "pending": frozenset[LineState]({"routing", "parked", "cancelled"}),
        "routing": frozenset[LineState]({"routing", "routed", "no_route", "pending", "parked", "cancelled"}),
        "routed": frozenset[LineState]({"pending", "cancelled"}),
        "no_route": frozenset[LineState]({"pending", "cancelled"}),
        "parked": frozenset[LineState]({"pending", "cancelled"}),
        "cancelled": frozenset[LineState](),
    }
)
"""From each state, where a line may go. ``routing`` to itself is another worker taking over a lapsed lease; a
routed line is pending again when its job was taken back from the node, a parked one when a person sends it on."""

OPEN_STATES: frozenset[LineState] = frozenset({"pending", "routing"})
"""A line in one of these still waits for an outcome."""


def sources_of(target: LineState) -> list[LineState]:
    """Return the states from which a line may become ``target``, for the WHERE of the statement that changes it."""
    return sorted(state for state, targets in TRANSITIONS.items() if target in targets)


def derive_order_state(lines: Collection[LineState]) -> OrderState:
    """Return an order's state from those of its lines (at least one); cancelled lines count only if all are.

    Open while one line is open; then ``routed``, ``partly_routed`` or none: ``parked`` if someone has to look at a
    line, else ``no_route``.
    """
    standing = [state for state in lines if state != "cancelled"]
    if not standing:
        return "cancelled"
    if any(state in OPEN_STATES for state in standing):
        return "pending"
    if "routed" in standing:
        return "routed" if all(state == "routed" for state in standing) else "partly_routed"
    return "parked" if "parked" in standing else "no_route"
