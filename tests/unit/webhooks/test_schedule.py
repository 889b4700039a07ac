from datetime import UTC, datetime, timedelta

import pytest

from fabroute.webhooks.rules.schedule import (
    LONGEST_FAILING,
    MOST_ATTEMPTS,
    MOST_FAILURES_IN_A_ROW,
    Health,
    is_hopeless,
    rest_seconds,
    seconds_until_attempt,
)

NOW = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
MIDDLE = 0.5
"""The chance that lengthens nothing and shortens nothing."""


def test_the_schedule_is_that_of_standard_webhooks_and_lasts_three_days() -> None:
    waits = [seconds_until_attempt(number, chance=MIDDLE) for number in range(1, MOST_ATTEMPTS + 1)]

    minutes, hours = 60, 3600
    assert waits == [
        pytest.approx(it) for it in (0, 5, 5 * minutes, 30 * minutes, *(it * hours for it in (2, 5, 10, 14, 20, 24)))
    ]
    assert sum(it or 0 for it in waits) / hours == pytest.approx(75.58, abs=0.01)


def test_after_ten_attempts_there_is_none() -> None:
    assert MOST_ATTEMPTS == 10
    assert seconds_until_attempt(11, chance=MIDDLE) is None


@pytest.mark.parametrize(("chance", "seconds"), [(0.0, 4.5), (0.25, 4.75), (0.5, 5.0), (1.0, 5.5)])
def test_jitter_is_a_tenth_either_way(chance: float, seconds: float) -> None:
    assert seconds_until_attempt(2, chance=chance) == pytest.approx(seconds)
    assert seconds_until_attempt(1, chance=chance) == 0


@pytest.mark.parametrize(
    ("failures", "seconds"), [(0, 0), (4, 0), (5, 1), (6, 2), (7, 4), (13, 256), (14, 300), (1_000_000, 300)]
)
def test_an_endpoint_that_goes_on_failing_rests_longer_and_longer(failures: int, seconds: float) -> None:
    assert rest_seconds(failures) == seconds


@pytest.mark.parametrize(
    ("failures", "since", "hopeless"),
    [
        (0, None, False),
        (1, timedelta(0), False),
        (999, timedelta(days=2, hours=23, minutes=59), False),
        (2, timedelta(days=3), True),
        (1_000, timedelta(hours=20), True),
    ],
)
def test_three_days_or_a_thousand_failures_end_it(failures: int, since: timedelta | None, hopeless: bool) -> None:
    health = Health(failures_in_a_row=failures, failing_since=None if since is None else NOW - since)

    assert is_hopeless(health, now=NOW) is hopeless
    assert (LONGEST_FAILING.days, MOST_FAILURES_IN_A_ROW) == (3, 1_000)


def test_a_thousand_failures_take_most_of_a_day_even_where_they_come_at_once() -> None:
    resting = sum(rest_seconds(failures) for failures in range(MOST_FAILURES_IN_A_ROW))

    assert resting / 3600 == pytest.approx(82, abs=1)
    assert resting > timedelta(days=3).total_seconds()
