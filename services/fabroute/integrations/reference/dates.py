"""The day around which the files' dates lie, and how to move them all to another day."""

from dataclasses import dataclass
from datetime import date, timedelta

BASE_DAY = date(2026, 6, 15)
"""Certificates end, lots expire and first articles lapse on purpose some days before and after this one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """Moves dates so that ``BASE_DAY`` becomes another day: the network then looks the same on any day."""

    shift: timedelta = timedelta(0)

    def day(self, day: date) -> date:
        """Return where a day of the files lies in this calendar; beyond the calendar's ends, its end."""
        try:
            return day + self.shift
        except OverflowError:
            return date.max if self.shift > timedelta(0) else date.min


def calendar_for(as_of: date | None) -> Calendar:
    """Return the calendar in which ``BASE_DAY`` is ``as_of``; the files' own for ``None``."""
    return Calendar() if as_of is None else Calendar(shift=as_of - BASE_DAY)
