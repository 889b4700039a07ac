"""Round figures for axes: 1, 2, 5 of money, and hours and days as a calendar has them."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, tzinfo

_HOURS = (1, 2, 3, 6, 12)
_DAY = timedelta(days=1)
_HOUR = timedelta(hours=1)
_ROUND = (1, 2, 5)


def nice_step(span: float, most: int) -> float:
    """Return the smallest of 1, 2 and 5 times a power of ten by which a span has at most so many steps."""
    rough = span / most
    power = 10.0 ** math.floor(math.log10(rough))
    return next((power * step for step in _ROUND if power * step >= rough * (1 - 1e-9)), power * 10)


def money_ticks(low_minor: int, high_minor: int, *, most: int = 5) -> list[int]:
    """Return round amounts of minor units from the last one at or below the low to the first at or above the high."""
    step = max(1, round(nice_step(max(high_minor - low_minor, 1), most)))
    return list(range(low_minor // step * step, -(-high_minor // step) * step + 1, step))


def time_step(span: timedelta, most: int = 5) -> timedelta:
    """Return a step of 1, 2, 3, 6 or 12 hours, or of 1, 2, 5, 10 … days, with at most so many in a span."""
    for hours in _HOURS:
        if span <= most * hours * _HOUR:
            return hours * _HOUR
    return max(1, round(nice_step(span / _DAY, most))) * _DAY


def time_ticks(low: datetime, high: datetime, *, zone: tzinfo, most: int = 5) -> list[datetime]:
    """Return round instants of a zone, the first at or before the low, the last at or after the high."""
    step = time_step(high - low, most)
    ticks = [_before(low.astimezone(zone), step)]
    for tick in _after(ticks[0], step):
        if ticks[-1] >= high:
            break
        ticks.append(tick)
    return ticks


def _before(instant: datetime, step: timedelta) -> datetime:
    """Return the last round instant at or before one: a midnight, or a full hour that the step divides the day by."""
    midnight = instant.replace(hour=0, minute=0, second=0, microsecond=0)
    if step >= _DAY:
        return midnight
    hours = step // _HOUR
    return _aware(midnight.replace(hour=instant.hour // hours * hours))


def _after(first: datetime, step: timedelta) -> Iterator[datetime]:
    """Yield what follows, by the clock on the wall: a day is a day also where clocks change."""
    wall = first.replace(tzinfo=None)
    while True:
        wall += step
        yield _aware(wall.replace(tzinfo=first.tzinfo))


def _aware(instant: datetime) -> datetime:
    """Return an instant that there is: an hour that clocks leave out is the hour after it."""
    return instant.astimezone(UTC).astimezone(instant.tzinfo)
