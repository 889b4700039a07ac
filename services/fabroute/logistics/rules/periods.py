"""Dated rows of one thing follow one another: none begins before the one before has ended."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

from fabroute.kernel.errors import FieldProblem

_A_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Period:
    """The days of a row; both are included."""

    identity: tuple[str, ...]
    """What a row is known by: a given one takes the place of the one that is known by the same."""
    subject: str
    """What it speaks for, in words: two rows of one subject have no day in common."""
    valid_from: date
    valid_to: date

    def __str__(self) -> str:
        return f"{self.valid_from} to {self.valid_to}"


Problems = Mapping[int, tuple[FieldProblem, ...]]
"""By the place of a period among those given."""


def period_problems(given: Sequence[Period], *, known: Iterable[Period], seamless: bool = False) -> Problems:
    """Return what is wrong with the days of ``given`` rows once they stand beside the ``known`` ones.

    A row may not end before it begins, nor share a day with another of its subject; ``seamless`` ones may not leave a
    day out either. Neighbours that are both known already are not judged.
    """
    problems: defaultdict[int, list[FieldProblem]] = defaultdict(list)
    by_subject: defaultdict[str, list[tuple[Period, int | None]]] = defaultdict(list)
    taken = {period.identity for period in given}
    for period in known:
        if period.identity not in taken:
            by_subject[period.subject].append((period, None))
    for place, period in enumerate(given):
        if period.valid_to < period.valid_from:
            problems[place].append(_at("valid_to", f"is before valid_from ({period.valid_from}): swap or correct them"))
        else:
            by_subject[period.subject].append((period, place))
    for rows in by_subject.values():
        for place, problem in _between(sorted(rows, key=lambda row: row[0].valid_from), seamless=seamless):
            problems[place].append(problem)
    return {place: tuple(found) for place, found in problems.items()}


def _between(rows: Sequence[tuple[Period, int | None]], *, seamless: bool) -> Iterable[tuple[int, FieldProblem]]:
    last = rows[0]
    for _, row in pairwise(rows):
        place = row[1] if row[1] is not None else last[1]
        if place is not None and row[0].valid_from <= last[0].valid_to:
            yield place, _overlap(last, row)
        elif place is not None and seamless and row[0].valid_from > last[0].valid_to + _A_DAY:
            yield place, _gap(last[0], row[0])
        last = max(last, row, key=lambda it: it[0].valid_to)


def _overlap(earlier: tuple[Period, int | None], later: tuple[Period, int | None]) -> FieldProblem:
    (first, first_place), (second, second_place) = earlier, later
    if second_place is None:  # only the earlier one is given: it has to end sooner
        advice = f"end it on {second.valid_from - _A_DAY} at the latest"
        message = f"{first} overlaps {second} of {second.subject}, which is there already: {advice}"
        return _at("valid_to", message)
    where = "also in this table" if first_place is not None else "which is there already"
    if first.valid_from == second.valid_from:
        advice = "leave one of them out"
    else:
        advice = f"let that one end on {second.valid_from - _A_DAY}, in the same table"
    return _at("valid_from", f"{second} overlaps {first} of {first.subject}, {where}: {advice}")


def _gap(first: Period, second: Period) -> FieldProblem:
    days = f"{first.valid_to + _A_DAY} to {second.valid_from - _A_DAY}"
    return _at("valid_from", f"no row of {first.subject} covers {days}: add one, or let its neighbours meet")


def _at(field: str, message: str) -> FieldProblem:
    return FieldProblem(pointer=f"/{field}", message=message)
