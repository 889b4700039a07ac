"""Days that dated rows leave out: what holds today and does not hold on a day to come."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from fabroute.logistics.rules.periods import Period

LOOK_AHEAD = timedelta(days=365)
_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class UncoveredDays:
    """Days on which nothing holds for a subject."""

    subject: str
    first: date
    last: date | None
    """``None``: nothing begins any more."""

    def __str__(self) -> str:
        days = f"from {self.first} on" if self.last is None else f"from {self.first} to {self.last}"
        return f"{self.subject}: a row holds today and none {days}: import what follows"


def uncovered_days(periods: Iterable[Period], *, today: date) -> tuple[UncoveredDays, ...]:
    """Return the first days within a year without a row, of each subject that has one today, by subject."""
    by_subject: defaultdict[str, list[Period]] = defaultdict(list)
    for period in periods:
        by_subject[period.subject].append(period)
    return tuple(found for subject in sorted(by_subject) for found in _uncovered(by_subject[subject], today))


def _uncovered(periods: Sequence[Period], today: date) -> Iterator[UncoveredDays]:
    ordered = sorted(periods, key=lambda period: period.valid_from)
    until, last = today + LOOK_AHEAD, today - _A_DAY
    for period in ordered:
        if period.valid_from > last + _A_DAY:
            break
        if period.valid_to >= until:
            return
        last = max(last, period.valid_to)
    if last >= today:
        next_day = min((period.valid_from for period in ordered if period.valid_from > last), default=None)
        yield UncoveredDays(
            subject=ordered[0].subject, first=last + _A_DAY, last=None if next_day is None else next_day - _A_DAY
        )
