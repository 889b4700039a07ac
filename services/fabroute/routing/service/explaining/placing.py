"""Where each chance would go beside the plan: its day, its cost, and all that would have to be different for it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from fabroute.routing.service.explaining.chances import Chance, LineChances
from fabroute.routing.service.explaining.demands import (
    CAPACITY,
    MATERIAL,
    NEED_BY,
    NOTHING,
    PRICE_CAP,
    Demands,
    demands_of,
)
from fabroute.routing.service.explaining.room import Room
from fabroute.routing.service.gates import Reasons
from fabroute.routing.service.timing import BEYOND_MINUTES, NEVER, Calendars

Lapsed = Callable[[LineChances, Chance, int], Reasons]
"""What of a chance's proofs and licences does not hold through the end of a bucket."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """What a plan leaves, and the calendars and proofs of the run that made it."""

    room: Room
    calendars: Calendars
    lapsed: Lapsed


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Placed:
    """A chance with the day by which it would be made, and all that would have to be different for it."""

    chance: Chance
    bucket: int
    minutes: int
    """From now to the promised hand-over."""
    cost_millis: int
    demands: Demands
    lapsed: Reasons = ()
    """What would lapse by then, though not by the first day on which the machine itself has time."""


def placings(found: LineChances, setting: Setting) -> list[Placed]:
    """Return every chance of a line beside the plan: on its first day, and sooner if the machine had the time."""
    return [placed for chance in found.chances for placed in _placings(found, chance, setting)]


def _placings(found: LineChances, chance: Chance, setting: Setting) -> Iterator[Placed]:
    bucket = setting.room.bucket(chance)
    placed = _at(found, chance, setting, bucket)
    if placed is not None:
        yield placed
    if placed is None or NEED_BY in placed.demands:
        sooner = _at(found, chance, setting, chance.priced.empty, more=frozenset({CAPACITY}))
        if sooner is not None and (placed is None or NEED_BY not in sooner.demands):
            yield sooner


def _at(found: LineChances, chance: Chance, setting: Setting, bucket: int, *, more: Demands = NOTHING) -> Placed | None:
    """Return a chance made by the end of a bucket; ``None`` if nothing arrives on a day that calendars know."""
    if bucket >= NEVER:
        return None
    minutes = int(chance.sending.arrivals.p90[bucket])
    if minutes > BEYOND_MINUTES:
        return None
    lapsed = setting.lapsed(found, chance, bucket) if bucket > chance.priced.earliest else ()
    demands = chance.demands | more | (demands_of(lapsed) if lapsed else NOTHING)
    if _is_late(found, minutes):
        demands |= {NEED_BY}
    if found.cap_minor is not None and chance.landed_minor > found.cap_minor:
        demands |= {PRICE_CAP}
    if chance.priced.lots and not _is_in_store(chance, setting, bucket):
        demands |= {MATERIAL}
    cost = found.wish.cost_millis(chance.sending.price, minutes)
    return Placed(chance=chance, bucket=bucket, minutes=minutes, cost_millis=cost, demands=demands, lapsed=lapsed)


def _is_late(found: LineChances, minutes: int) -> bool:
    wish = found.wish
    return wish.need_by_hard and wish.minutes_to_need_by is not None and minutes > wish.minutes_to_need_by


def _is_in_store(chance: Chance, setting: Setting, bucket: int) -> bool:
    """Tell whether a lot has enough left and lasts; for the first day it was looked at already."""
    needed, priced = chance.priced.grams, chance.priced
    lots = priced.lots
    if bucket > priced.earliest:
        day = setting.calendars.day(bucket)
        lots = tuple(lot for lot in lots if lot.expires_on >= day)
    return any(setting.room.grams(lot.lot_id) >= needed for lot in lots)
