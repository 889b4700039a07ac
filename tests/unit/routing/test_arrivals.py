"""The distribution of arrivals: production may be late, parcels travel for one of several times."""

from datetime import date
from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.logistics.rules import Location, Transit
from fabroute.routing.service.arrivals import EVERY_CASE, Arrivals, arrivals_of, weighed_cases
from tests.factories.routing import a_node_view, an_estimate, some_calendars

BERLIN = Location(latitude=52.5, longitude=13.4, country="DE")
TWO_OR_THREE: Transit = ((2, 500), (3, 450), (4, 50))


def to_berlin(
    *, delays: tuple[int, ...] = (0,) * 5, off_machine_minutes: int = 0, transit: Transit = TWO_OR_THREE
) -> Arrivals:
    estimate = an_estimate(off_machine_minutes=off_machine_minutes, delays_minutes=delays)
    return some_calendars().arrivals(a_node_view(), estimate=estimate, destination=BERLIN, transit=transit)


def days_of(arrivals: Arrivals, bucket: int) -> list[date]:
    """The days of P10, P50 and P90."""
    calendars = some_calendars()
    return [calendars.instant(int(quantile[bucket])).date() for quantile in (arrivals.p10, arrivals.p50, arrivals.p90)]


def test_without_production_delays_only_the_carrier_is_late() -> None:
    arrivals = to_berlin()

    # Made on Monday 15 June, sent on Tuesday: half of the parcels arrive on Thursday, 95 % by Friday.
    assert days_of(arrivals, 0) == [date(2026, 6, 18), date(2026, 6, 18), date(2026, 6, 19)]
    assert days_of(arrivals, 1) == [date(2026, 6, 19), date(2026, 6, 19), date(2026, 6, 22)]


def test_a_delay_past_the_cut_off_costs_a_day_in_two_cases_of_five() -> None:
    # Ready at 14:00 by plan; two of five builds end so late that the 15:00 dispatch is missed.
    arrivals = to_berlin(delays=(0, 0, 0, 61, 200), off_machine_minutes=14 * 60, transit=((1, 1000),))

    assert days_of(arrivals, 0) == [date(2026, 6, 17), date(2026, 6, 17), date(2026, 6, 18)]
    assert arrivals.on_time_per_mille(0, minutes=(2 * 24 + 8) * 60) == 600
    assert arrivals.on_time_per_mille(0, minutes=(2 * 24 + 8) * 60 - 1) == 0
    assert arrivals.on_time_per_mille(0, minutes=(3 * 24 + 8) * 60) == 1000


def test_an_hour_of_delay_that_makes_the_cut_off_costs_nothing() -> None:
    arrivals = to_berlin(delays=(0, 0, 0, 60, 60), off_machine_minutes=14 * 60, transit=((1, 1000),))

    assert days_of(arrivals, 0) == [date(2026, 6, 17)] * 3
    assert arrivals.on_time_per_mille(0, minutes=(2 * 24 + 8) * 60) == 1000


def test_late_production_and_late_parcels_multiply() -> None:
    # On Wednesday: 4/5 x 900 ‰; on Thursday: 4/5 x 100 ‰ + 1/5 x 900 ‰; on Friday: 1/5 x 100 ‰.
    arrivals = to_berlin(delays=(0, 0, 0, 0, 1440), off_machine_minutes=600, transit=((1, 900), (2, 100)))
    wednesday = (2 * 24 + 8) * 60

    assert [arrivals.on_time_per_mille(0, minutes=wednesday + day * 1440) for day in range(-1, 3)] == [
        0,
        720,
        980,
        1000,
    ]
    assert days_of(arrivals, 0) == [date(2026, 6, 17), date(2026, 6, 17), date(2026, 6, 18)]


def test_the_quantile_is_reached_exactly_or_not_at_all() -> None:
    on_the_line = to_berlin(transit=((1, 100), (2, 400), (3, 400), (4, 100)))
    just_short = to_berlin(transit=((1, 99), (2, 400), (3, 400), (4, 101)))

    assert days_of(on_the_line, 0) == [date(2026, 6, 17), date(2026, 6, 18), date(2026, 6, 19)]
    assert days_of(just_short, 0) == [date(2026, 6, 18), date(2026, 6, 19), date(2026, 6, 22)]


def test_equal_cases_are_weighed_together_and_nothing_is_lost() -> None:
    weights = weighed_cases((1, 1, 1, 1, 2), ((0, 950), (1, 50)))

    assert weights == {(1, 0): 760_000, (1, 1): 40_000, (2, 0): 190_000, (2, 1): 10_000}
    assert sum(weights.values()) == EVERY_CASE


@pytest.mark.parametrize("bucket", [0, 3, 4, 5, 11])
def test_all_quantiles_are_those_of_the_cases_written_out(bucket: int) -> None:
    delays, transit = (0, 30, 200, 900, 2000), TWO_OR_THREE
    calendars, node = some_calendars(), a_node_view()
    days = sorted(
        int(calendars.delivery_buckets(node, off_machine_minutes=off, country="DE", transit_days=on_the_way)[bucket])
        for off, (on_the_way, per_mille) in product([800 + delay for delay in delays], transit)
        for _ in range(per_mille // 50)
    )
    arrivals = to_berlin(delays=delays, off_machine_minutes=800)

    assert len(days) == 100
    minutes = [day * 1440 + 8 * 60 for day in days]
    assert [int(each[bucket]) for each in (arrivals.p10, arrivals.p50, arrivals.p90)] == [
        minutes[9],
        minutes[49],
        minutes[89],
    ]
    for limit in minutes:
        assert arrivals.on_time_per_mille(bucket, minutes=limit) == 10 * sum(each <= limit for each in minutes)


@given(
    outcomes=st.lists(st.tuples(st.integers(0, 9), st.integers(1, 400_000)), min_size=1, max_size=15),
)
def test_a_quantile_is_the_least_outcome_with_enough_weight(outcomes: list[tuple[int, int]]) -> None:
    total = sum(weight for _, weight in outcomes)
    scaled = [(value, weight * EVERY_CASE // total) for value, weight in outcomes]
    scaled[0] = (scaled[0][0], scaled[0][1] + EVERY_CASE - sum(weight for _, weight in scaled))
    arrivals = arrivals_of(np.array([[value] for value, _ in scaled]), [weight for _, weight in scaled])

    for quantile, share in ((arrivals.p10, 100_000), (arrivals.p50, 500_000), (arrivals.p90, 900_000)):
        enough = [value for value, _ in scaled if sum(weight for other, weight in scaled if other <= value) >= share]
        assert int(quantile[0]) == min(enough)
    assert arrivals.on_time_per_mille(0, minutes=9) == 1000
