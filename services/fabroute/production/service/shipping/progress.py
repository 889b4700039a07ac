"""Where a shipment is, by all that was said about it, in whatever order that came."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, get_args

ShipmentState = Literal["prepared", "handed_over", "in_transit", "delivered", "exception", "lost", "cancelled"]
ShipmentStatus = Literal["in_transit", "exception", "lost", "delivered"]

SHIPMENT_STATES: tuple[ShipmentState, ...] = get_args(ShipmentState)
STATUSES: tuple[ShipmentStatus, ...] = get_args(ShipmentStatus)
"""What may be said about a shipment, by rank: of two things that happened in one instant the later one here counts."""
ON_THE_WAY: frozenset[str] = frozenset({"handed_over", "in_transit", "exception", "lost"})
_WORST_FIRST = ("lost", "exception", "in_transit", "handed_over")
_RANK: dict[str, int] = {status: rank for rank, status in enumerate(STATUSES)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Said:
    """A status of one parcel, or of all of them where ``parcel_number`` is 0."""

    parcel_number: int
    status: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The state of a shipment that was handed over, and when the last of its parcels arrived, once all have."""

    state: str
    delivered_at: datetime | None = None


def progress_of(said: Sequence[Said], *, parcels: int) -> Progress:
    """Return where a shipment of so many parcels is: the same for every order of what was said.

    A parcel that was delivered stays so. Until then, what happened last counts. A shipment is delivered once all of its
    parcels are; before, it is in the worst state of those that are not.
    """
    arrivals = [_arrival(said, number) for number in range(1, parcels + 1)]
    arrived = [at for at in arrivals if at is not None]
    if parcels and len(arrived) == parcels:
        return Progress(state="delivered", delivered_at=max(arrived))
    open_states = {_last(said, number) for number, at in enumerate(arrivals, start=1) if at is None}
    if arrived:
        open_states.add("in_transit")
    return Progress(state=next(state for state in _WORST_FIRST if state in open_states))


def states_of_parcels(said: Sequence[Said], *, parcels: int) -> tuple[str, ...]:
    """Return where each parcel of a shipment that was handed over is, by number: ``delivered`` stays so."""
    return tuple(
        _last(said, number) if _arrival(said, number) is None else "delivered" for number in range(1, parcels + 1)
    )


def _arrival(said: Iterable[Said], number: int) -> datetime | None:
    return min((it.occurred_at for it in _about(said, number) if it.status == "delivered"), default=None)


def _last(said: Iterable[Said], number: int) -> str:
    latest = max(_about(said, number), key=lambda it: (it.occurred_at, _RANK[it.status]), default=None)
    return "handed_over" if latest is None else latest.status


def _about(said: Iterable[Said], number: int) -> list[Said]:
    return [it for it in said if it.parcel_number in (0, number)]
