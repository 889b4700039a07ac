"""Distributions of working days, against a thousand parcels counted one by one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.logistics.rules import (
    Transit,
    delayed,
    on_time_per_mille,
    quantile_days,
    transit_of,
    transit_problem,
)


@st.composite
def transits(draw: st.DrawFn) -> Transit:
    """Distributions of up to six days whose shares add up to a thousand."""
    days = sorted(draw(st.sets(st.integers(min_value=0, max_value=60), min_size=1, max_size=6)))
    cuts = sorted(draw(st.sets(st.integers(1, 999), min_size=len(days) - 1, max_size=len(days) - 1)))
    bounds = [0, *cuts, 1000]
    return tuple((day, bounds[place + 1] - bounds[place]) for place, day in enumerate(days))


def parcels(transit: Transit) -> list[int]:
    """A thousand parcels with the days that each takes, the quickest first."""
    return [days for days, share in transit for _ in range(share)]


def test_two_percentiles_become_a_distribution_that_has_them() -> None:
    assert transit_of(p50_days=1, p95_days=3) == ((1, 500), (3, 450), (4, 50))
    assert transit_of(p50_days=2, p95_days=2) == ((2, 950), (3, 50))
    assert transit_of(p50_days=0, p95_days=0) == ((0, 950), (1, 50))


@given(typical=st.integers(0, 40), more=st.integers(0, 20))
def test_the_percentiles_of_the_distribution_are_the_given_ones(typical: int, more: int) -> None:
    transit = transit_of(p50_days=typical, p95_days=typical + more)
    assert quantile_days(transit, per_mille=500) == typical
    assert quantile_days(transit, per_mille=950) == typical + more
    assert quantile_days(transit, per_mille=1000) == typical + more + 1
    assert transit_problem(transit) is None


@given(transit=transits(), per_mille=st.integers(1, 1000))
def test_a_quantile_is_the_day_of_that_parcel(transit: Transit, per_mille: int) -> None:
    counted = parcels(transit)
    assert len(counted) == 1000
    assert quantile_days(transit, per_mille=per_mille) == counted[per_mille - 1]


@given(transit=transits(), days=st.integers(-3, 70))
def test_the_chance_to_be_in_time_is_the_share_of_parcels_that_are(transit: Transit, days: int) -> None:
    in_time = sum(1 for needed in parcels(transit) if needed <= days)
    assert on_time_per_mille(transit, days=days) == in_time
    assert on_time_per_mille(delayed(transit, days=2), days=days + 2) == in_time


@given(transit=transits(), per_mille=st.integers(1, 1000))
def test_the_chance_by_a_quantile_is_at_least_that_share(transit: Transit, per_mille: int) -> None:
    by = quantile_days(transit, per_mille=per_mille)
    assert on_time_per_mille(transit, days=by) >= per_mille
    assert on_time_per_mille(transit, days=by - 1) < per_mille


def test_a_delay_moves_every_parcel_by_as_much() -> None:
    transit = ((1, 600), (3, 400))
    assert delayed(transit, days=2) == ((3, 600), (5, 400))
    assert delayed(transit, days=0) is transit
    assert (on_time_per_mille(transit, days=0), on_time_per_mille(transit, days=1)) == (0, 600)
    assert on_time_per_mille(transit, days=3) == on_time_per_mille(transit, days=99) == 1000


@pytest.mark.parametrize(
    ("transit", "problem"),
    [
        ((), "is empty: give working days and parts of a thousand"),
        (((1, 500), (2, 499)), "adds up to 999 of a thousand parcels, not to 1000: correct the shares"),
        (((2, 500), (1, 500)), "does not name each number of days once, the quickest first: put them in order"),
        (((1, 500), (1, 500)), "does not name each number of days once, the quickest first: put them in order"),
        (((-1, 500), (1, 500)), "names -1 days: give 0 to 365 working days"),
        (((1, 500), (366, 500)), "names 366 days: give 0 to 365 working days"),
        (((1, 1000), (2, 0)), "has a share of 0: leave out days on which nothing arrives"),
        (((1, 1100), (2, -100)), "has a share of -100: leave out days on which nothing arrives"),
    ],
)
def test_a_distribution_that_is_none_says_what_to_mend(transit: Transit, problem: str) -> None:
    assert transit_problem(transit) == problem
    assert transit_problem(((1, 900), (2, 100))) is None
