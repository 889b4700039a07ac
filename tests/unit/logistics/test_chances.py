"""The chance to arrive by a day: a carrier's distribution, counted in days that are worked at both ends."""

from collections.abc import Mapping
from datetime import date

import pytest

from fabroute.logistics.rules import Transit, on_time_per_mille, transit_of
from fabroute.network.rules import add_working_days

TWO_DAYS: Transit = ((1, 600), (2, 400))


def arrivals(sent: date, transit: Transit, *, countries: tuple[str, ...]) -> Mapping[date, int]:
    """How many of a thousand parcels arrive on which day."""
    return {add_working_days(sent, days, working_days="Mon-Fri", countries=countries): share for days, share in transit}


def by(day: date, sent: date, transit: Transit, *, countries: tuple[str, ...]) -> int:
    """How many of a thousand parcels have arrived by a day."""
    return sum(share for on, share in arrivals(sent, transit, countries=countries).items() if on <= day)


@pytest.mark.parametrize(
    ("countries", "expected"),
    [
        (("DE",), [0, 600, 1000, 1000]),
        (("DE", "US"), [0, 0, 600, 1000]),  # Thanksgiving is on the 26th
        (("US", "DE"), [0, 0, 600, 1000]),
    ],
)
def test_a_holiday_at_either_end_keeps_a_parcel_for_a_day(countries: tuple[str, ...], expected: list[int]) -> None:
    sent = date(2026, 11, 25)
    days = [sent, date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30)]
    assert [by(day, sent, TWO_DAYS, countries=countries) for day in days] == expected
    assert sum(arrivals(sent, TWO_DAYS, countries=countries).values()) == 1000


def test_the_holidays_of_two_countries_add_up() -> None:
    # 23 November is a holiday in Japan, the 24th in India, the 21st and 22nd are a weekend.
    sent = date(2026, 11, 20)
    assert arrivals(sent, TWO_DAYS, countries=("JP", "IN")) == {date(2026, 11, 25): 600, date(2026, 11, 26): 400}
    assert arrivals(sent, TWO_DAYS, countries=("JP",)) == {date(2026, 11, 24): 600, date(2026, 11, 25): 400}
    assert arrivals(sent, TWO_DAYS, countries=("IN",)) == {date(2026, 11, 23): 600, date(2026, 11, 25): 400}


@pytest.mark.parametrize(("working_days_left", "per_mille"), [(-1, 0), (0, 0), (1, 500), (2, 500), (3, 950), (4, 1000)])
def test_the_chance_is_the_share_that_needs_no_more_days_than_there_are(working_days_left: int, per_mille: int) -> None:
    transit = transit_of(p50_days=1, p95_days=3)
    assert on_time_per_mille(transit, days=working_days_left) == per_mille
    sent = date(2026, 11, 16)  # a Monday without holidays after it that week
    if working_days_left > 0:
        last = add_working_days(sent, working_days_left, working_days="Mon-Fri", countries=("DE", "NL"))
        assert by(last, sent, transit, countries=("DE", "NL")) == per_mille
