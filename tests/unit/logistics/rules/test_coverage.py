"""Which days to come are without a row, of what holds today."""

from datetime import date

from fabroute.logistics.rules.coverage import UncoveredDays, uncovered_days
from fabroute.logistics.rules.periods import Period

TODAY = date(2026, 11, 22)
A_YEAR_ON = date(2027, 11, 22)
LONG_AGO = date(2020, 1, 1)


def a_period(first: date, last: date, *, subject: str = "Z2 express") -> Period:
    return Period(identity=(subject, str(first)), subject=subject, valid_from=first, valid_to=last)


def test_what_ends_within_a_year_is_named_with_the_first_day_without_it() -> None:
    (found,) = uncovered_days([a_period(LONG_AGO, date(2026, 12, 31))], today=TODAY)

    assert found == UncoveredDays(subject="Z2 express", first=date(2027, 1, 1), last=None)
    assert str(found) == "Z2 express: a row holds today and none from 2027-01-01 on: import what follows"


def test_a_gap_is_named_with_both_of_its_ends() -> None:
    rows = [a_period(LONG_AGO, date(2026, 12, 31)), a_period(date(2027, 2, 1), date.max)]

    (found,) = uncovered_days(rows, today=TODAY)

    assert (found.first, found.last) == (date(2027, 1, 1), date(2027, 1, 31))
    assert "none from 2027-01-01 to 2027-01-31:" in str(found)


def test_rows_that_meet_or_overlap_leave_nothing_out() -> None:
    meeting = [a_period(LONG_AGO, date(2026, 12, 31)), a_period(date(2027, 1, 1), A_YEAR_ON)]
    overlapping = [a_period(LONG_AGO, date(2027, 3, 1)), a_period(date(2026, 1, 1), date.max)]

    assert uncovered_days(meeting, today=TODAY) == ()
    assert uncovered_days(overlapping, today=TODAY) == ()


def test_what_holds_on_no_day_now_is_not_named_and_every_subject_stands_for_itself() -> None:
    over = a_period(LONG_AGO, date(2026, 11, 21), subject="Z1 economy")
    later = a_period(date(2026, 12, 1), date(2026, 12, 2), subject="Z4 economy")
    ends_today = a_period(LONG_AGO, TODAY, subject="Z3 economy")

    found = uncovered_days([over, later, ends_today], today=TODAY)

    assert [(it.subject, it.first) for it in found] == [("Z3 economy", date(2026, 11, 23))]
    assert uncovered_days([], today=TODAY) == ()
