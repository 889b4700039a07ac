"""The market: options that can be taken, priced, and the bound that any prices prove."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.plan import ScarcityPrices
from tests.factories.markets import two_days_two_lots
from tests.factories.solver import OptionRow, least_cost_by_trying_all, routing_problem, small_tight_problem


def test_options_that_can_never_be_taken_are_left_out() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, minutes=61),
            OptionRow(line=0, cost=10, minutes=60),
            OptionRow(line=1, cost=10, lot=0, grams=9),
            OptionRow(line=2, cost=1_001),
            OptionRow(line=2, cost=1_000),
        ],
        capacity=[[60]],
        stock=[8],
    )
    market = market_of(problem)

    assert market.option.tolist() == [1, 4]
    assert (market.line.tolist(), market.busy.tolist(), market.first.tolist()) == ([0, 2], [0, 2], [0, 1])
    assert market.lot.tolist() == [1, 1]


def test_a_cell_is_a_pool_and_a_bucket() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=1, pool=1, bucket=2, minutes=3), OptionRow(line=1, cost=1, pool=0, bucket=1)],
        capacity=[[1, 1, 1], [1, 1, 1]],
    )

    assert market_of(problem).cell.tolist() == [5, 1]
    assert market_of(problem).buckets == 3


def test_reduced_cost_adds_the_price_of_minutes_until_the_deadline_and_of_grams() -> None:
    market = market_of(two_days_two_lots())
    prices = ScarcityPrices(minute=np.array([[0.5, 0.1]]), gram=np.array([0.2, 0.0]))

    assert market.reduced(prices).tolist() == pytest.approx([10 + 20 + 14, 14 + 4, 20 + 3 + 8, 30 + 12.5, 36 + 2.5])
    assert market.least(market.reduced(prices)).tolist() == pytest.approx([18, 31, 38.5])
    assert market.reduced(prices).tolist() == pytest.approx(
        (market.problem.option_cost + prices.of_options(market.problem)).tolist()
    )


def test_the_price_of_a_row_is_what_a_minute_falls_by_at_its_end() -> None:
    prices = ScarcityPrices(minute=np.array([[5.0, 5.0, 2.0], [1.0, 0.0, 0.0]]), gram=np.zeros(0))

    assert prices.row.tolist() == [[0.0, 3.0, 2.0], [1.0, 0.0, 0.0]]
    assert np.cumsum(prices.row[:, ::-1], axis=1)[:, ::-1].tolist() == prices.minute.tolist()


def test_the_bound_by_hand() -> None:
    """Best 18 + 31 + 38.5; sold 60 · 0.5 + 60 · 0.1 minutes and 100 · 0.2 grams: 87.5 - 56 = 31.5, so 32."""
    market = market_of(two_days_two_lots())
    swept = sweep(market, ScarcityPrices(minute=np.array([[0.5, 0.1]]), gram=np.array([0.2, 0.0])))

    assert swept.bound == 32
    assert swept.best.tolist() == pytest.approx([18, 31, 38.5])


def test_without_prices_the_bound_is_the_sum_of_cheapest_options() -> None:
    market = market_of(two_days_two_lots())

    assert sweep(market, no_prices(market.problem)).bound == 10 + 20 + 30
    assert market.cheapest().tolist() == [0, 2, 3]


def test_lines_without_options_count_at_their_price() -> None:
    market = market_of(routing_problem(lines=3, unrouted=[5, 6, 7]))

    assert sweep(market, no_prices(market.problem)).bound == 18
    assert market.cheapest().tolist() == [-1, -1, -1]
    assert market.busy.tolist() == []


@settings(deadline=None)
@given(
    seed=st.integers(0, 10_000),
    level=st.floats(0.0, 20.0),
    gram=st.floats(0.0, 20.0),
    unit=st.sampled_from([1, 10**6, 10**14]),
)
def test_no_prices_whatever_prove_more_than_the_optimum(seed: int, level: float, gram: float, unit: int) -> None:
    problem = small_tight_problem(seed=seed, cost_unit=unit)
    random = np.random.default_rng(seed)
    minute = np.sort(random.random(problem.capacity.shape), axis=1)[:, ::-1] * level * unit
    prices = ScarcityPrices(minute=minute, gram=random.random(len(problem.stock)) * gram * unit)
    bound = sweep(market_of(problem), prices).bound

    assert 0 <= bound <= least_cost_by_trying_all(problem)
    assert isinstance(bound, int)
