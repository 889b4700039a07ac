"""The calendar of a node: working days, holidays, cut-off time and the minutes that a day offers. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import holidays

from fabroute.kernel.errors import DomainError
from fabroute.kernel.time import require_aware

WORKING_WEEKS = {"Mon-Fri": 5, "Mon-Sat": 6, "Mon-Sun": 7}
"""The working weeks that a node can have, and how many days each holds, counted from Monday."""
MINUTES_PER_DAY = 1440


class InvalidCalendar(DomainError):
    """A node's working week, cut-off time, time zone or utilisation can't be used."""

    code = "calendar_invalid"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeCalendar:
    """When a node works: its country's public holidays, its week, its cut-off time and its time zone."""

    country: str
    """ISO 3166 alpha-2. A country without known holidays has none."""
    timezone: str
    working_days: str = "Mon-Fri"
    cutoff_local: str = "15:00"

    def __post_init__(self) -> None:
        _days_a_week(self.working_days)
        _time_of_day(self.cutoff_local)
        _zone(self.timezone)


def is_working_day(day: date, *, working_days: str, country: str) -> bool:
    """Return whether work is done on ``day``: inside the working week and no public holiday of the country."""
    return day.weekday() < _days_a_week(working_days) and day not in public_holidays(country, day.year)


def add_working_days(day: date, count: int, *, working_days: str, countries: Sequence[str]) -> date:
    """Return the ``count``-th working day after ``day``; with 0, ``day`` itself or else the next working day.

    A day counts when it is worked in *every* country named: a parcel moves when both of its ends are open.
    """
    if count < 0:
        raise ValueError(f"count must be 0 or more working days, not {count}")
    if count == 0:
        day -= timedelta(days=1)
        count = 1
    while count:
        day += timedelta(days=1)
        count -= all(is_working_day(day, working_days=working_days, country=country) for country in countries)
    return day


def first_production_day(now: datetime, *, calendar: NodeCalendar) -> date:
    """Return the node's first working day that can take work ordered at ``now`` (aware).

    What arrives up to and including the local cut-off time starts that day; what comes later starts on the next
    working day.
    """
    local = require_aware(now, name="now").astimezone(_zone(calendar.timezone))
    late = local.time() > _time_of_day(calendar.cutoff_local)
    return add_working_days(
        local.date(), 1 if late else 0, working_days=calendar.working_days, countries=(calendar.country,)
    )


def start_of_day(day: date, *, timezone: str) -> datetime:
    """Return the instant, in UTC, at which ``day`` begins in a time zone such as ``Asia/Kolkata``."""
    return datetime.combine(day, time(), tzinfo=_zone(timezone)).astimezone(UTC)


def end_of_day(day: date, *, timezone: str) -> datetime:
    """Return the instant, in UTC, at which ``day`` is over in a time zone: the local midnight that follows it.

    A day on which the clocks change lasts 23 or 25 hours.
    """
    return start_of_day(day + timedelta(days=1), timezone=timezone)


def daily_capacity_minutes(day: date, *, utilisation: float, calendar: NodeCalendar) -> int:
    """Return the minutes that a machine offers on ``day``: all that other work leaves on working days, otherwise 0.

    ``utilisation`` is the share of its time, 0 to 1, that work outside fabroute takes.
    """
    if not 0 <= utilisation <= 1:
        raise InvalidCalendar(f"utilisation must be a share from 0 to 1, not {utilisation}")
    if not is_working_day(day, working_days=calendar.working_days, country=calendar.country):
        return 0
    # Rounded to a millionth first: 1440 x (1 - 0.9) is 143.99999999999997 in binary.
    return math.floor(round(MINUTES_PER_DAY * (1 - utilisation), 6))


@lru_cache(maxsize=2048)
def public_holidays(country: str, year: int) -> frozenset[date]:
    """Return the nationwide public holidays of a country (ISO alpha-2) in a year; none for one not in the package.

    Holidays of single states and regions are left out, days given in lieu are in.
    """
    try:
        return frozenset(holidays.country_holidays(country, years=year))
    except NotImplementedError:
        return frozenset()


def _days_a_week(working_days: str) -> int:
    try:
        return WORKING_WEEKS[working_days]
    except KeyError:
        raise InvalidCalendar(
            f"working days {working_days!r} are unknown: use one of {', '.join(WORKING_WEEKS)}"
        ) from None


@lru_cache(maxsize=512)
def _time_of_day(text: str) -> time:
    try:
        return datetime.strptime(text, "%H:%M").time()
    except ValueError:
        raise InvalidCalendar(f"cut-off time {text!r} must be HH:MM, such as 15:00") from None


@lru_cache(maxsize=512)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise InvalidCalendar(f"time zone {name!r} is unknown: use an IANA name such as Europe/Berlin") from None
