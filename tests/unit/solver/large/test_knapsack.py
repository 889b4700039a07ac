"""The tighter bound: exact packings, never over the optimum, never under the linear bound."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ortools.algorithms.python import knapsack_solver

from fabroute.solver.large.knapsack import best_packing, knapsack_bound
from fabroute.solver.plan import plan_cost
from fabroute.solver.problem import IntArray
from tests.benchmarks.routing_instances import Size, make_instance
from tests.factories.markets import a_budget, inserted, priced_market
from tests.factories.solver import (
    OptionRow,
    large_tight_problem,
    least_cost_by_trying_all,
    routing_problem,
    small_tight_problem,
)


def by_trying_all(gain: list[int], steps: list[int], limit: list[int]) -> int:
    """Return the greatest gain of any set whose steps up to each item that it takes stay within that item's limit."""
    best = 0
    for taken in itertools.product((False, True), repeat=len(gain)):
        used = itertools.accumulate(wide if is_in else 0 for wide, is_in in zip(steps, taken, strict=True))
        if all(total <= end or not is_in for total, end, is_in in zip(used, limit, taken, strict=True)):
            best = max(best, sum(worth for worth, is_in in zip(gain, taken, strict=True) if is_in))
    return best


def integers(values: list[int]) -> IntArray:
    return np.array(values, dtype=np.int64)


@given(
    st.lists(st.tuples(st.integers(0, 30), st.integers(0, 9), st.integers(0, 5)), max_size=8),
)
def test_packings_are_the_best_there_are(items: list[tuple[int, int, int]]) -> None:
    gain, steps = [item[0] for item in items], [item[1] for item in items]
    limit = list(itertools.accumulate(item[2] for item in items))
    worth, taken = best_packing(integers(gain), integers(steps), integers(limit))

    assert worth == by_trying_all(gain, steps, limit)
    assert worth == int(integers(gain)[taken].sum())
    used = np.cumsum(np.where(taken, integers(steps), 0))
    assert (used[taken] <= integers(limit)[taken]).all()


def test_two_deadlines_by_hand() -> None:
    """Of 5 steps by noon and 8 by night: 3 + 5 steps for 7 + 9 beat anything with the 4 for 8."""
    worth, taken = best_packing(integers([8, 7, 9]), integers([4, 3, 5]), integers([5, 5, 8]))

    assert (worth, taken.tolist()) == (16, [False, True, True])
    assert best_packing(integers([8, 7, 9]), integers([4, 3, 5]), integers([5, 5, 9]))[0] == 17


@pytest.mark.parametrize("seed", range(5))
def test_with_one_deadline_it_is_the_knapsack_of_another_library(seed: int) -> None:
    random = np.random.default_rng(seed)
    gain, steps = random.integers(1, 1_000, 60), random.integers(1, 100, 60)
    solver = knapsack_solver.KnapsackSolver(
        knapsack_solver.SolverType.KNAPSACK_DYNAMIC_PROGRAMMING_SOLVER, "the other library"
    )
    solver.init(gain.tolist(), [steps.tolist()], [900])
    worth, taken = best_packing(gain, steps, np.full(60, 900))

    assert worth == solver.solve()
    assert int(steps[taken].sum()) <= 900


def test_nothing_to_pack_is_worth_nothing() -> None:
    worth, taken = best_packing(integers([]), integers([]), integers([]))

    assert (worth, taken.tolist()) == (0, [])
    assert best_packing(integers([5]), integers([1]), integers([0]))[0] == 0


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), unit=st.sampled_from([1, 10**3, 10**12, 2 * 10**15]))
def test_the_bound_lies_between_the_linear_one_and_the_optimum(seed: int, unit: int) -> None:
    problem = small_tight_problem(seed=seed, cost_unit=unit)
    market, priced = priced_market(problem, seconds=0.005)
    optimum = least_cost_by_trying_all(problem)
    bound = knapsack_bound(market, priced, a_budget(), cost=optimum, seconds=0.01)

    assert priced.bound <= bound <= optimum
    assert isinstance(bound, int)


@pytest.mark.parametrize("seed", [1, 2])
def test_even_with_a_dear_plan_in_hand_the_bound_is_not_over_the_optimum(seed: int) -> None:
    for each in range(40):
        problem = small_tight_problem(seed=1_000 * seed + each)
        market, priced = priced_market(problem, seconds=0.005)
        bound = knapsack_bound(market, priced, a_budget(), cost=10**6, seconds=0.005)

        assert bound <= least_cost_by_trying_all(problem), each
        assert bound >= priced.bound, each


def test_whole_lines_bound_more_than_fractions_do() -> None:
    """Three lines of 6 minutes for 10 minutes: fractions serve 1.67 of them at 10, whole lines one."""
    problem = routing_problem(
        options=[OptionRow(line=line, cost=10, minutes=6) for line in range(3)], capacity=[[10]], unrouted=40
    )
    market, priced = priced_market(problem)

    assert priced.bound == 70
    assert knapsack_bound(market, priced, a_budget(), cost=90, seconds=1.0) == 90 == least_cost_by_trying_all(problem)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_on_small_tight_scopes_it_takes_away_much_of_the_gap(seed: int) -> None:
    problem = make_instance(Size(orders=100, nodes=20), seed=seed).problem
    market, priced = priced_market(problem)
    ledger, _ = inserted(market, priced)
    bound = knapsack_bound(market, priced, a_budget(), cost=ledger.cost, seconds=0.5)

    assert bound >= 1.005 * priced.bound
    assert bound <= plan_cost(problem, ledger.chosen().tolist())


def test_rounded_minutes_still_bound() -> None:
    """With days of a million minutes, steps are coarser than a minute: the bound gives way, but only downwards."""
    problem = small_tight_problem(seed=3)
    rows = [
        OptionRow(line=line, cost=10 + line, minutes=700_001 + line, bucket=0) for line in range(problem.line_count)
    ]
    coarse = routing_problem(options=rows, capacity=[[1_500_000]], unrouted=90)
    market, priced = priced_market(coarse)
    optimum = least_cost_by_trying_all(coarse)

    assert priced.bound <= knapsack_bound(market, priced, a_budget(), cost=optimum, seconds=0.2) <= optimum
    assert optimum - priced.bound <= 90


def test_a_market_too_large_for_the_time_keeps_its_bound() -> None:
    market, priced = priced_market(large_tight_problem(seed=1))
    budget = a_budget()

    assert knapsack_bound(market, priced, budget, cost=10**9, seconds=1e-6) == priced.bound
    assert budget.spent == 0.0


def test_sums_that_might_overflow_are_not_tried() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=2**57, minutes=6) for line in range(3)], capacity=[[10]], unrouted=2**58
    )
    market, priced = priced_market(problem)

    assert knapsack_bound(market, priced, a_budget(), cost=2**60, seconds=1.0) == priced.bound
    assert priced.bound <= 2**57 + 2 * 2**58
