"""Rows of one thing have no day in common, against every single day counted."""

from collections import Counter
from datetime import date, timedelta

from hypothesis import given
from hypothesis import strategies as st

from fabroute.logistics.rules.periods import Period, period_problems

BEGIN = date(2026, 1, 1)


def a_period(first: int, last: int, *, subject: str = "van", identity: str = "") -> Period:
    """The days from ``first`` to ``last``, counted from the first of January 2026 as 1."""
    day = BEGIN + timedelta(days=first - 1)
    return Period(
        identity=(subject, identity or day.isoformat()),
        subject=subject,
        valid_from=day,
        valid_to=BEGIN + timedelta(days=last - 1),
    )


def told(given: list[Period], known: list[Period], *, seamless: bool = False) -> list[tuple[int, str, str]]:
    found = period_problems(given, known=known, seamless=seamless)
    return [(place, problem.pointer, problem.message) for place in found for problem in found[place]]


periods = st.lists(
    st.builds(
        lambda first, length, subject: (first, first + length, subject),
        st.integers(1, 40),
        st.integers(0, 12),
        st.sampled_from(["van", "ship"]),
    ),
    max_size=6,
    unique_by=lambda period: (period[0], period[2]),
)


def days_of(period: Period) -> list[tuple[str, date]]:
    return [
        (period.subject, period.valid_from + timedelta(days=n))
        for n in range((period.valid_to - period.valid_from).days + 1)
    ]


@given(given_days=periods, known_days=periods)
def test_there_is_a_problem_just_if_a_given_row_shares_a_day(
    given_days: list[tuple[int, int, str]], known_days: list[tuple[int, int, str]]
) -> None:
    given_rows = [a_period(first, last, subject=subject) for first, last, subject in given_days]
    known_rows = [a_period(first, last, subject=subject) for first, last, subject in known_days]
    replaced = {row.identity for row in given_rows}
    kept = [row for row in known_rows if row.identity not in replaced]
    times = Counter(day for row in (*given_rows, *kept) for day in days_of(row))
    shared = [place for place, row in enumerate(given_rows) if any(times[day] > 1 for day in days_of(row))]
    found = period_problems(given_rows, known=known_rows)
    assert bool(found) == bool(shared)
    assert set(found) <= set(shared)


def test_a_row_ends_after_it_begins() -> None:
    assert told([a_period(5, 4)], []) == [(0, "/valid_to", "is before valid_from (2026-01-05): swap or correct them")]
    assert told([a_period(5, 5)], []) == []


def test_neighbours_meet_without_a_common_day() -> None:
    assert told([a_period(11, 20)], [a_period(1, 10), a_period(21, 30)]) == []
    assert told([a_period(1, 10, subject="van"), a_period(1, 10, subject="ship")], []) == []


def test_a_later_row_says_when_the_one_before_should_end() -> None:
    assert told([a_period(10, 20)], [a_period(1, 10)]) == [
        (
            0,
            "/valid_from",
            "2026-01-10 to 2026-01-20 overlaps 2026-01-01 to 2026-01-10 of van, which is there already: "
            "let that one end on 2026-01-09, in the same table",
        )
    ]
    assert told([a_period(1, 9), a_period(10, 20)], [a_period(1, 10)]) == []


def test_an_earlier_row_says_when_it_should_end_itself() -> None:
    assert told([a_period(1, 10)], [a_period(10, 20)]) == [
        (
            0,
            "/valid_to",
            "2026-01-01 to 2026-01-10 overlaps 2026-01-10 to 2026-01-20 of van, which is there already: "
            "end it on 2026-01-09 at the latest",
        )
    ]
    assert told([a_period(1, 9)], [a_period(10, 20)]) == []


def test_of_two_rows_of_a_table_the_later_one_is_told() -> None:
    found = told([a_period(10, 20), a_period(1, 10)], [])
    assert [(place, pointer) for place, pointer, _ in found] == [(0, "/valid_from")]
    assert "also in this table: let that one end on 2026-01-09" in found[0][2]


def test_rows_that_begin_on_one_day_can_not_both_stay() -> None:
    ((place, pointer, message),) = told([a_period(1, 10, identity="a"), a_period(1, 5, identity="b")], [])
    assert (place, pointer) == (1, "/valid_from")
    assert message.endswith("also in this table: leave one of them out")


def test_a_long_row_overlaps_all_that_lie_in_it() -> None:
    found = told([a_period(1, 30), a_period(5, 6), a_period(20, 21)], [])
    assert [place for place, _, _ in found] == [1, 2]
    assert all("overlaps 2026-01-01 to 2026-01-30" in message for _, _, message in found)


def test_what_is_known_already_is_not_judged_again() -> None:
    known = [a_period(1, 10), a_period(5, 20)]
    assert told([a_period(30, 40)], known) == []
    assert len(told([a_period(20, 25)], known)) == 1


def test_seamless_rows_leave_no_day_out() -> None:
    assert told([a_period(12, 20)], [a_period(1, 10)]) == []
    assert told([a_period(12, 20)], [a_period(1, 10)], seamless=True) == [
        (
            0,
            "/valid_from",
            "no row of van covers 2026-01-11 to 2026-01-11: add one, or let its neighbours meet",
        )
    ]
    assert told([a_period(11, 20)], [a_period(1, 10)], seamless=True) == []
