"""Prices: as good as a linear programme's, never a bound over the optimum, and repeatable."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fabroute.solver.large.ascent import falling, find_prices
from fabroute.solver.large.market import market_of, no_prices, sweep
from fabroute.solver.plan import FloatArray
from tests.benchmarks.routing_instances import Size, make_instance
from tests.benchmarks.routing_peers import linear_optimum
from tests.factories.markets import a_budget, priced_market
from tests.factories.solver import (
    OptionRow,
    large_tight_problem,
    least_cost_by_trying_all,
    rivals_for_one_pool,
    routing_problem,
    small_tight_problem,
)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_bound_is_within_a_thousandth_of_the_linear_optimum(seed: int) -> None:
    problem = make_instance(Size(orders=200, nodes=30), seed=seed).problem
    _, priced = priced_market(problem)
    optimum = linear_optimum(problem)

    assert 0.999 * optimum <= priced.bound <= optimum + 1


@pytest.mark.parametrize("seed", [1, 2])
def test_lots_and_deadlines_together_are_priced_as_by_a_linear_programme(seed: int) -> None:
    problem = large_tight_problem(seed=seed)
    market, priced = priced_market(problem)

    assert 0.99 * linear_optimum(problem) <= priced.bound <= linear_optimum(problem) + 1
    assert priced.bound > sweep(market, no_prices(problem)).bound


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), unit=st.sampled_from([1, 997, 10**9, 10**15]))
def test_the_bound_is_never_over_the_optimum(seed: int, unit: int) -> None:
    problem = small_tight_problem(seed=seed, cost_unit=unit)
    _, priced = priced_market(problem, seconds=0.005)

    assert priced.bound <= least_cost_by_trying_all(problem)
    assert (priced.prices.minute >= 0).all()
    assert (priced.prices.gram >= 0).all()
    assert (np.diff(priced.prices.minute, axis=1) <= 0).all()


def test_a_scarce_minute_is_worth_what_the_next_best_pool_costs_more() -> None:
    """Six lines want 6 minutes each of 12: line i pays 10 + i more elsewhere, so the two dearest get in, at 13 … 14."""
    problem = rivals_for_one_pool(lines=6, minutes=6, capacity=12)
    _, priced = priced_market(problem)

    assert 13 / 6 - 0.05 <= priced.prices.minute[0, 0] <= 14 / 6 + 0.05
    assert priced.prices.minute[1, 0] == pytest.approx(0.0, abs=0.05)
    assert priced.bound == least_cost_by_trying_all(problem) == 20 + 20 + 21 + 22 + 23


def test_what_is_plenty_costs_nothing() -> None:
    problem = rivals_for_one_pool(lines=3, minutes=6, capacity=1_000)
    _, priced = priced_market(problem)

    assert priced.prices.minute.tolist() == [[0.0], [0.0]]
    assert priced.bound == 30


def test_the_same_seconds_give_the_same_prices() -> None:
    market = market_of(large_tight_problem(seed=5))
    first, again = (find_prices(market, a_budget(), seconds=0.5) for _ in range(2))

    assert first.prices.minute.tolist() == again.prices.minute.tolist()
    assert first.prices.gram.tolist() == again.prices.gram.tolist()
    assert first.bound == again.bound


def test_without_wall_time_there_are_prices_of_nothing_and_a_bound() -> None:
    problem = large_tight_problem(seed=5)
    budget = a_budget(wall_seconds=1e-9)
    priced = find_prices(market_of(problem), budget, seconds=1.0)

    assert budget.guard_hit
    assert not priced.prices.minute.any()
    assert priced.bound == sweep(market_of(problem), no_prices(problem)).bound


def test_work_is_charged() -> None:
    budget = a_budget()
    find_prices(market_of(large_tight_problem(seed=5)), budget, seconds=0.01)

    assert 0.004 <= budget.spent <= 0.02
    assert not budget.guard_hit


@pytest.mark.parametrize("lines", [0, 4])
def test_a_problem_without_options_has_prices_of_nothing(lines: int) -> None:
    _, priced = priced_market(routing_problem(lines=lines, stock=[5]))

    assert priced.bound == 1_000 * lines
    assert priced.prices.gram.tolist() == [0.0]


def test_units_do_not_matter() -> None:
    """A thousand times the minutes and capacity: a thousandth of the price, the same bound."""
    fine = [OptionRow(line=i, cost=10 * i + c, pool=c // 50, minutes=6) for i in range(6) for c in (0, 50)]
    coarse = [OptionRow(line=row.line, cost=row.cost, pool=row.pool, minutes=6_000) for row in fine]
    _, small = priced_market(routing_problem(options=fine, capacity=[[18], [36]]))
    _, large = priced_market(routing_problem(options=coarse, capacity=[[18_000], [36_000]]))

    assert large.prices.minute[0, 0] * 1_000 == pytest.approx(small.prices.minute[0, 0], rel=1e-3)
    assert large.bound == small.bound


@given(
    target=arrays.arrays(np.float64, (1, 4), elements=st.floats(-10, 10)),
    weight=arrays.arrays(np.float64, (1, 4), elements=st.floats(0.5, 4)),
)
def test_the_nearest_falling_sequence_is_found(target: FloatArray, weight: FloatArray) -> None:
    """Against all ways to cut the sequence into levels: the best feasible one is no nearer."""
    found = falling(target, weight)

    assert (np.diff(found[0]) <= 1e-12).all()
    assert (found >= 0).all()
    assert _distance(found[0], target[0], weight[0]) == pytest.approx(_least_distance(target[0], weight[0]), abs=1e-6)


def test_a_falling_sequence_stays_as_it_is() -> None:
    target = np.array([[4.0, 2.0, 2.0, 0.5], [1.0, 5.0, -3.0, -4.0]])

    assert falling(target, np.ones((2, 4))).tolist() == [[4.0, 2.0, 2.0, 0.5], [3.0, 3.0, 0.0, 0.0]]
    assert falling(target[1:], np.array([[3.0, 1.0, 1.0, 1.0]])).tolist() == [[2.0, 2.0, 0.0, 0.0]]


def _least_distance(target: FloatArray, weight: FloatArray) -> float:
    best = np.inf
    for cuts in itertools.product([False, True], repeat=3):
        groups = np.split(np.arange(4), [place + 1 for place, cut in enumerate(cuts) if cut])
        levels = np.concatenate([np.full(len(g), max(0.0, np.average(target[g], weights=weight[g]))) for g in groups])
        if (np.diff(levels) <= 0).all():
            best = min(best, _distance(levels, target, weight))
    return float(best)


def _distance(levels: FloatArray, target: FloatArray, weight: FloatArray) -> float:
    return float((weight * (levels - target) ** 2).sum())


def test_where_nothing_is_wanted_over_nothing_the_nearest_falling_sequence_is_nothing() -> None:
    target = np.array([[-1.0, -0.5, -3.0], [2.0, 4.0, -9.0], [0.0, 0.0, -1.0]])
    assert falling(target, np.ones((3, 3))).tolist() == [[0.0, 0.0, 0.0], [3.0, 3.0, 0.0], [0.0, 0.0, 0.0]]
