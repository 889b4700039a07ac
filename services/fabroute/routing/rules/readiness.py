"""How ready the network is to print a part for a region: in one word, and how one word compares with another."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Literal, get_args

ReadinessState = Literal["no_route", "ends_soon", "one_failure_away", "ready"]

READINESS_STATES: tuple[ReadinessState, ...] = get_args(ReadinessState)
"""The worst first."""
LOOKAHEAD_DAYS = 30
_RANK: Mapping[str, int] = MappingProxyType({state: rank for rank, state in enumerate(READINESS_STATES)})


def readiness_state(*, nodes_now: int, nodes_later: int) -> ReadinessState:
    """Return the word for so many nodes that could make a part now, and in ``LOOKAHEAD_DAYS`` days.

    ``no_route``: nobody can. ``ends_soon``: somebody can, but nobody will. ``one_failure_away``: only one node can, now
    or then, so that its failure leaves nobody. ``ready``: whichever node is gone, another can.
    """
    if nodes_now == 0:
        return "no_route"
    if nodes_later == 0:
        return "ends_soon"
    return "one_failure_away" if min(nodes_now, nodes_later) == 1 else "ready"


def is_worse(state: str, than: str) -> bool:
    """Tell whether a part stands worse in one state than in another."""
    return _RANK[state] < _RANK[than]


def usual_quantity(ordered: Mapping[int, int]) -> int:
    """Return the median of the quantities in which a part is ordered, the lower of two; 1 if it never was.

    ``ordered``: how often, by quantity.
    """
    left = (sum(ordered.values()) + 1) // 2
    for quantity in sorted(ordered):
        left -= ordered[quantity]
        if left <= 0:
            return quantity
    return 1


def most_frequent(places: Mapping[tuple[str, str, float, float], int]) -> tuple[str, str, float, float] | None:
    """Return the place to which most goes, the first by name of equals; ``None`` without any."""
    return min(places, key=lambda place: (-places[place], place), default=None)


def dearest_last(amounts: Sequence[int | None]) -> tuple[bool, int]:
    """Return what amounts are sorted by that may be unknown: their sum; unknown ones come last."""
    known = [amount for amount in amounts if amount is not None]
    return (not known, sum(known))
