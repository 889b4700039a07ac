"""The engine for large scopes, from problem to plan."""

import subprocess
import sys
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver import engines
from fabroute.solver.engines import solve
from fabroute.solver.insertion import one_by_one
from fabroute.solver.large.engine import all_fit, solve_large
from fabroute.solver.large.market import market_of
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, opened_builds
from fabroute.solver.problem import RoutingProblem
from fabroute.solver.rows import fits_alone
from fabroute.solver.verify import verify_plan
from tests.benchmarks.routing_builds import with_builds
from tests.benchmarks.routing_instances import Size, make_instance
from tests.factories.markets import a_budget
from tests.factories.solver import (
    OptionRow,
    is_feasible,
    large_tight_problem,
    least_cost_by_trying_all,
    rivals_for_one_pool,
    routing_problem,
    small_mixed_problem,
    small_tight_problem,
)

SHORT = SolveLimits(deterministic_seconds=0.25, wall_seconds=300.0)


def large(problem: RoutingProblem, *, seconds: float = 0.1, seed: int = 0, wall_seconds: float = 300.0) -> RoutingPlan:
    return solve_large(market_of(problem), a_budget(seconds=seconds, seed=seed, wall_seconds=wall_seconds))


@pytest.fixture(scope="module")
def thousand() -> RoutingProblem:
    """A problem over the threshold: 1,000 lines, some 20,000 options that fit."""
    return make_instance(Size(orders=1_000, nodes=100)).problem


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), unit=st.sampled_from([1, 997, 10**9, 10**15]))
def test_bound_optimum_and_plan_are_always_in_this_order(seed: int, unit: int) -> None:
    problem = small_tight_problem(seed=seed, cost_unit=unit)
    plan = large(problem, seconds=0.02)
    optimum = least_cost_by_trying_all(problem)

    assert verify_plan(problem, plan) == ()
    assert plan.bound <= optimum <= plan.cost
    assert plan.status is not PlanStatus.OPTIMAL or plan.cost == optimum


@settings(deadline=None, max_examples=60)
@given(seed=st.integers(0, 10_000), unit=st.sampled_from([1, 997, 10**9, 10**14]))
def test_with_splits_builds_and_quotas_they_are_in_this_order_too(seed: int, unit: int) -> None:
    problem = small_mixed_problem(seed=seed, cost_unit=unit)
    plan = large(problem, seconds=0.03)
    optimum = least_cost_by_trying_all(problem)

    assert verify_plan(problem, plan) == ()
    assert plan.bound <= optimum <= plan.cost
    assert plan.status is not PlanStatus.OPTIMAL or plan.cost == optimum


def test_nearly_all_small_mixed_problems_are_solved_as_by_brute_force() -> None:
    problems = [small_mixed_problem(seed=seed) for seed in range(40)]
    plans = [large(problem, seconds=0.02) for problem in problems]
    optima = [least_cost_by_trying_all(problem) for problem in problems]

    assert sum(plan.cost == optimum for plan, optimum in zip(plans, optima, strict=True)) >= 38
    assert sum(plan.status is PlanStatus.OPTIMAL for plan in plans) >= 14


def test_shared_builds_are_searched_and_checked() -> None:
    problem = with_builds(make_instance(Size(orders=200, nodes=30))).problem
    plan = large(problem, seconds=0.5)
    start = large(problem, seconds=0.5, wall_seconds=1e-9)

    assert verify_plan(problem, plan) == ()
    assert plan.cost < 0.97 * start.cost
    assert any(len(lines) > 1 for lines in opened_builds(problem, plan.chosen).values())


def test_most_small_problems_are_even_proven() -> None:
    problems = [small_tight_problem(seed=seed) for seed in range(40)]
    plans = [large(problem, seconds=0.02) for problem in problems]

    assert sum(plan.status is PlanStatus.OPTIMAL for plan in plans) >= 24
    optima = [least_cost_by_trying_all(problem) for problem in problems]
    assert sum(plan.cost == optimum for plan, optimum in zip(plans, optima, strict=True)) >= 36


def test_large_scopes_are_priced_and_searched(thousand: RoutingProblem) -> None:
    plan = solve(thousand, SHORT)
    simple = one_by_one(thousand)

    assert (plan.engine, plan.status) == ("prices_and_ruin", PlanStatus.LIMIT)
    assert verify_plan(thousand, plan) == ()
    assert plan.gap < 0.06
    assert plan.cost < 0.94 * simple.cost
    assert 2 * len(plan.unrouted_lines) <= len(simple.unrouted_lines)


def test_the_prices_are_part_of_the_plan(thousand: RoutingProblem) -> None:
    plan = solve(thousand, SHORT)

    assert plan.prices is not None
    assert plan.prices.minute.shape == thousand.capacity.shape
    assert plan.prices.gram.shape == thousand.stock.shape
    best, fits = thousand.unrouted_cost.astype(np.float64), fits_alone(thousand)
    reduced = thousand.option_cost + plan.prices.of_options(thousand)
    np.minimum.at(best, thousand.option_line[fits], reduced[fits])
    sold = (plan.prices.row * thousand.cumulative_capacity()).sum() + (plan.prices.gram * thousand.stock).sum()
    assert best.sum() - sold <= plan.bound
    assert best.sum() - sold >= 0.93 * plan.cost


def test_small_scopes_keep_their_engine() -> None:
    plan = solve(rivals_for_one_pool(lines=6, minutes=6, capacity=12))

    assert (plan.engine, plan.status, plan.cost) == ("cp_sat", PlanStatus.OPTIMAL, 106)
    assert plan.prices is None
    assert engines.LARGE_OPTIONS == 20_000


def test_the_same_seed_gives_the_same_plan_in_another_process() -> None:
    program = (
        "from fabroute.solver.engines import solve\n"
        "from fabroute.solver.limits import SolveLimits\n"
        "from tests.benchmarks.routing_instances import Size, make_instance\n"
        "limits = SolveLimits(seed=5, deterministic_seconds=0.15, wall_seconds=300.0)\n"
        "plan = solve(make_instance(Size(orders=1000, nodes=100)).problem, limits)\n"
        "print(plan.engine, plan.cost, plan.bound, plan.status, hash(plan.chosen))\n"
    )
    limits = SolveLimits(seed=5, deterministic_seconds=0.15, wall_seconds=300.0)
    here = solve(make_instance(Size(orders=1000, nodes=100)).problem, limits)
    elsewhere = subprocess.run(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": "7"},
        capture_output=True,
        encoding="utf-8",
        check=True,
    ).stdout.strip()

    assert elsewhere == f"{here.engine} {here.cost} {here.bound} {here.status} {hash(here.chosen)}"
    assert here.engine == "prices_and_ruin"


def test_another_seed_gives_another_plan_with_the_same_prices(thousand: RoutingProblem) -> None:
    first, other = (
        solve(thousand, SolveLimits(seed=seed, deterministic_seconds=0.15, wall_seconds=300.0)) for seed in (1, 2)
    )

    assert first.chosen != other.chosen
    assert first.prices is not None
    assert other.prices is not None
    assert first.prices.minute.tolist() == other.prices.minute.tolist()


@pytest.mark.parametrize("wall_seconds", [1e-6, 1.0])
def test_the_wall_clock_is_a_hard_limit(thousand: RoutingProblem, wall_seconds: float) -> None:
    plan = solve(thousand, SolveLimits(deterministic_seconds=1_000.0, wall_seconds=wall_seconds))

    assert plan.status is PlanStatus.WALL_GUARD
    assert verify_plan(thousand, plan) == ()
    assert plan.bound <= plan.cost < one_by_one(thousand).cost


def test_where_all_cheapest_options_fit_they_are_the_plan() -> None:
    rows = [OptionRow(line=line, cost=10 + rank, minutes=6) for line in range(600) for rank in range(10)]
    plan = solve(routing_problem(options=rows, capacity=[[3_600]]))

    assert plan.chosen == tuple(range(0, 6_000, 10))
    assert (plan.cost, plan.bound, plan.engine) == (6_000, 6_000, "cheapest_each")
    assert plan.status is PlanStatus.OPTIMAL


def test_with_no_capacity_anywhere_all_stay_unrouted() -> None:
    """Options that draw on nothing make the scope large; all others can't be taken."""
    closed = [OptionRow(line=line, cost=10, pool=line % 3, minutes=1) for line in range(6_000)]
    free = [OptionRow(line=6_000, cost=5 + rank) for rank in range(6_000)]
    problem = routing_problem(options=closed + free, capacity=[[0, 0]] * 3, unrouted=50_000)
    plan = solve(problem)

    assert plan.chosen == (UNROUTED,) * 6_000 + (6_000,)
    assert plan.cost == plan.bound == 6_000 * 50_000 + 5
    assert plan.status is PlanStatus.OPTIMAL


def test_two_lines_with_a_hundred_thousand_options_each() -> None:
    """Both want the same minute on the cheapest pool; the second cheapest of either costs 1 more."""
    rank = np.tile(np.arange(100_000), 2)
    zeros, ones = np.zeros(200_000, dtype=np.int64), np.ones(200_000, dtype=np.int64)
    problem = RoutingProblem(
        line_count=2,
        option_line=np.repeat([0, 1], 100_000),
        option_cost=100 + rank,
        option_pool=rank,
        option_bucket=zeros,
        option_minutes=ones,
        option_lot=zeros - 1,
        option_grams=zeros,
        unrouted_cost=np.full(2, 10**6),
        capacity=np.ones((100_000, 1), dtype=np.int64),
        stock=zeros[:0],
    )
    plan = large(problem, seconds=0.1)

    assert verify_plan(problem, plan) == ()
    assert plan.cost == 201
    assert plan.bound in (200, 201)


def test_an_order_larger_than_all_stock_stays_unrouted_and_harms_nobody() -> None:
    giant = [OptionRow(line=0, cost=1 + rank, lot=0, grams=10**12) for rank in range(5_000)]
    others = [OptionRow(line=line, cost=5, lot=0, grams=80) for line in (1, 2)]
    small = [OptionRow(line=3, cost=9 + rank) for rank in range(6_000)]
    problem = routing_problem(options=giant + others + small, stock=[100], unrouted=20_000)
    plan = solve(problem)

    assert plan.chosen[0] == UNROUTED
    assert sorted(plan.chosen[1:3]) in ([UNROUTED, 5_000], [UNROUTED, 5_001])
    assert plan.cost == 20_000 + 5 + 20_000 + 9
    assert verify_plan(problem, plan) == ()


@pytest.mark.parametrize("seed", range(10))
def test_costs_near_the_integer_limit_neither_overflow_nor_lie(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    unit = 2**61 // (int(problem.option_cost.sum() + problem.unrouted_cost.sum()) + 1)
    problem = small_tight_problem(seed=seed, cost_unit=unit)
    plan = large(problem, seconds=0.05)

    assert verify_plan(problem, plan) == ()
    assert plan.bound <= least_cost_by_trying_all(problem) <= plan.cost


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_contests_too_hard_to_prove_get_the_better_plan_of_both_engines(seed: int) -> None:
    problem = large_tight_problem(seed=seed, lines=40, pools=8)
    plan = solve(problem, SolveLimits(deterministic_seconds=0.5, wall_seconds=300.0))
    alone = large(problem, seconds=0.1)

    assert plan.engine == "cp_sat"
    assert plan.cost <= alone.cost
    assert plan.bound >= alone.bound * 0.99
    assert verify_plan(problem, plan) == ()


@given(seed=st.integers(0, 3_000))
def test_a_choice_fits_where_plain_counting_says_so(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    random, start = np.random.default_rng(seed), problem.line_start().tolist()
    chosen = [
        int(random.integers(first, end)) if end > first and random.random() < 0.8 else UNROUTED
        for first, end in pairwise(start)
    ]

    assert all_fit(problem, np.array(chosen, dtype=np.int64)) == is_feasible(problem, chosen)
    assert all_fit(problem, np.full(problem.line_count, UNROUTED))
