"""The way in: always a plan, equal to brute force on small problems, the same plan again for the same input."""

import subprocess
import sys
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver.engines import solve, with_prices
from fabroute.solver.insertion import one_by_one
from fabroute.solver.large.market import market_of, sweep
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import UNROUTED, PlanStatus, day_plan
from fabroute.solver.problem import RoutingProblem
from fabroute.solver.verify import verify_plan
from tests.factories.solver import (
    OptionRow,
    large_tight_problem,
    least_cost_by_trying_all,
    rivals_for_one_pool,
    routing_problem,
    small_tight_problem,
)

HURRIED = SolveLimits(deterministic_seconds=0.25)


def test_900_small_tight_problems_are_solved_as_by_brute_force() -> None:
    engines: Counter[str] = Counter()
    for seed in range(900):
        problem = small_tight_problem(seed=seed)
        plan = solve(problem)
        engines[plan.engine] += 1

        assert verify_plan(problem, plan) == (), seed
        assert plan.cost == plan.bound == least_cost_by_trying_all(problem), seed
        assert plan.status is PlanStatus.OPTIMAL, seed
    assert engines["cp_sat"] >= 300
    assert engines["cheapest_each"] >= 300


@settings(deadline=None)
@given(seed=st.integers(10_000, 10**9), unit=st.sampled_from([1, 997, 10**6, 10**9]))
def test_problems_by_chance_are_solved_as_by_brute_force_at_any_scale_of_cost(seed: int, unit: int) -> None:
    problem = small_tight_problem(seed=seed, cost_unit=unit)
    plan = solve(problem, SolveLimits(seed=seed % 1_000))

    assert verify_plan(problem, plan) == ()
    assert plan.cost == plan.bound == least_cost_by_trying_all(problem)
    assert plan.cost <= one_by_one(problem).cost


def test_an_uncontested_problem_needs_no_engine() -> None:
    plan = solve(rivals_for_one_pool(lines=3, minutes=6, capacity=18))

    assert plan.chosen == (0, 2, 4)
    assert (plan.cost, plan.bound, plan.gap) == (30, 30, 0.0)
    assert (plan.engine, plan.status) == ("cheapest_each", PlanStatus.OPTIMAL)


def test_a_plan_says_why_its_engine_was_taken() -> None:
    plain = solve(rivals_for_one_pool(lines=3, minutes=6, capacity=18))
    contested = solve(rivals_for_one_pool(lines=3, minutes=6, capacity=13))

    assert plain.engine_reason == "no two lines compete: each takes the cheapest option that it can"
    assert contested.engine_reason == "3 lines with 6 options compete: few enough to prove"
    assert contested == replace(contested, engine_reason="another")
    assert one_by_one(rivals_for_one_pool()).engine_reason == "the baseline was asked for"


def test_a_proven_plan_tells_what_a_scarce_minute_is_worth_when_asked() -> None:
    rivals = rivals_for_one_pool(lines=3, minutes=6, capacity=12)
    plan = solve(rivals)
    priced = with_prices(rivals, plan)

    assert plan.prices is None
    assert priced == plan
    assert priced.prices is not None
    assert sweep(market_of(rivals), priced.prices).bound <= plan.cost
    assert priced.prices.minute.max() > 0.0
    assert with_prices(rivals, priced) is priced


def test_where_nothing_is_scarce_nothing_has_a_price() -> None:
    problem = rivals_for_one_pool(lines=3, minutes=6, capacity=18)
    priced = with_prices(problem, solve(problem))

    assert priced.prices is not None
    assert priced.prices.minute.tolist() == np.zeros(problem.capacity.shape).tolist()
    assert priced.prices.gram.tolist() == [0.0] * len(problem.stock)


def test_joint_decisions_beat_one_by_one() -> None:
    """One place on the cheap pool: one by one the first line gets it, jointly the line that needs it."""
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, pool=0, minutes=6),
            OptionRow(line=0, cost=12, pool=1, minutes=6),
            OptionRow(line=1, cost=10, pool=0, minutes=6),
            OptionRow(line=1, cost=50, pool=1, minutes=6),
        ],
        capacity=[[10], [100]],
    )
    plan = solve(problem, SolveLimits(seed=3))

    assert (plan.chosen, plan.cost, plan.bound) == ((1, 2), 22, 22)
    assert (plan.engine, plan.seed) == ("cp_sat", 3)
    assert one_by_one(problem).cost == 60


def test_earlier_deadlines_may_crowd_out_a_later_one_on_the_same_pool() -> None:
    """60 minutes a day: two lines due today can't both run, one due tomorrow and one due today can."""
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, bucket=0, minutes=60),
            OptionRow(line=1, cost=10, bucket=0, minutes=60),
            OptionRow(line=1, cost=25, bucket=1, minutes=60),
        ],
        capacity=[[60, 60]],
    )
    plan = solve(problem)

    assert plan.chosen == (0, 2)
    assert [(share.line, share.bucket) for share in day_plan(problem, plan.chosen)] == [(0, 0), (1, 1)]


def test_a_lot_goes_to_whom_it_saves_most() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=line, cost=cost, lot=lot, grams=60)
            for line, lot, cost in ((0, 0, 10), (0, 1, 15), (1, 0, 10), (1, 1, 90))
        ],
        stock=[100, 120],
    )

    assert solve(problem).chosen == (1, 2)


def test_an_empty_problem_has_an_empty_plan() -> None:
    problem = routing_problem(lines=0)
    plan = solve(problem)

    assert (plan.chosen, plan.cost, plan.bound, plan.status) == ((), 0, 0, PlanStatus.OPTIMAL)
    assert verify_plan(problem, plan) == ()


def test_with_no_capacity_anywhere_all_stay_unrouted() -> None:
    problem = rivals_for_one_pool(lines=5, minutes=6, capacity=0)
    closed = routing_problem(
        options=[OptionRow(line=line, cost=10, pool=line % 2, minutes=1) for line in range(6)], capacity=[[0, 0]] * 2
    )

    assert solve(closed).chosen == (UNROUTED,) * 6
    assert solve(closed).cost == solve(closed).bound == 6_000
    assert solve(problem).chosen == (1, 3, 5, 7, 9)


def test_a_line_without_options_stays_unrouted_and_disturbs_nobody() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=10, minutes=6), OptionRow(line=2, cost=11, minutes=6)],
        capacity=[[6]],
        lines=4,
    )
    plan = solve(problem)

    assert plan.chosen == (0, UNROUTED, UNROUTED, UNROUTED) or plan.chosen == (UNROUTED, UNROUTED, 1, UNROUTED)
    assert plan.cost == plan.bound == 3_010
    assert plan.unrouted_lines[1:] == (2, 3) or plan.unrouted_lines == (0, 1, 3)


def test_a_line_that_asks_for_more_than_all_stock_stays_unrouted() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=1, lot=0, grams=10**12), OptionRow(line=1, cost=5, lot=0, grams=80)],
        stock=[100],
    )

    assert solve(problem).chosen == (UNROUTED, 1)


def test_ten_thousand_options_of_one_line_are_no_problem() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=20_000 - rank, minutes=1 + rank % 7) for rank in range(10_000)],
        capacity=[[3]],
        unrouted=50_000,
    )
    plan = solve(problem)

    assert plan.cost == plan.bound == 20_000 - max(rank for rank in range(10_000) if rank % 7 < 3)
    assert plan.engine == "cheapest_each"


@pytest.mark.parametrize("seed", [1, 2])
def test_a_hard_problem_ends_at_its_limit_with_a_plan_and_a_bound(seed: int) -> None:
    problem = large_tight_problem(seed=seed)
    plan = solve(problem, HURRIED)

    assert plan.status is PlanStatus.LIMIT
    assert verify_plan(problem, plan) == ()
    assert 0 < plan.bound < plan.cost < one_by_one(problem).cost
    assert plan.gap < 0.3


def test_more_time_is_never_worse() -> None:
    problem = large_tight_problem(seed=3, lines=40, pools=8)
    short, long = (solve(problem, SolveLimits(deterministic_seconds=seconds)) for seconds in (0.05, 0.6))

    assert long.cost <= short.cost
    assert long.bound >= short.bound


@pytest.mark.parametrize("wall_seconds", [1e-6, 0.15])
def test_with_hardly_any_wall_time_there_is_still_a_plan(wall_seconds: float) -> None:
    problem = large_tight_problem(seed=1)
    plan = solve(problem, SolveLimits(deterministic_seconds=1_000.0, wall_seconds=wall_seconds))

    assert plan.status is PlanStatus.WALL_GUARD
    assert verify_plan(problem, plan) == ()
    assert 0 < plan.bound < plan.cost
    assert plan.wall_ms < 3_000


def test_the_same_input_and_seed_give_the_same_plan_in_another_process() -> None:
    program = (
        "from fabroute.solver.engines import solve\n"
        "from fabroute.solver.limits import SolveLimits\n"
        "from tests.factories.solver import large_tight_problem\n"
        "plan = solve(large_tight_problem(seed=6, lines=40, pools=8), SolveLimits(seed=9, deterministic_seconds=0.1))\n"
        "print(plan.chosen, plan.cost, plan.bound, plan.status)\n"
    )
    here = solve(large_tight_problem(seed=6, lines=40, pools=8), SolveLimits(seed=9, deterministic_seconds=0.1))
    elsewhere = [
        subprocess.run(
            [sys.executable, "-c", program],
            env={"PYTHONPATH": ":".join(filter(None, sys.path)), "PYTHONHASHSEED": hash_seed},
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stdout.strip()
        for hash_seed in ("1", "2")
    ]

    assert elsewhere == [f"{here.chosen} {here.cost} {here.bound} {here.status}"] * 2
    assert here.status is PlanStatus.LIMIT


def test_several_workers_repeat_their_plan() -> None:
    problem = large_tight_problem(seed=2, lines=20, pools=6, spread=5)
    limits = SolveLimits(deterministic_seconds=0.1, workers=2)
    first, again = solve(problem, limits), solve(problem, limits)

    assert first == again
    assert verify_plan(problem, first) == ()


@pytest.mark.parametrize("seed", range(25))
def test_costs_near_the_limit_neither_overflow_nor_lie(seed: int) -> None:
    """Up to 2^61 in sum: rounded for the engine, so the optimum may be missed by 2^-40 of the cost, never the truth."""
    problem = _stretched(small_tight_problem(seed=seed), 2**61)
    plan = solve(problem)
    optimum = least_cost_by_trying_all(problem)

    assert verify_plan(problem, plan) == ()
    assert plan.bound <= optimum <= plan.cost
    assert plan.cost - plan.bound <= plan.cost / 2**40


@pytest.mark.parametrize("seed", range(10))
def test_minutes_and_grams_near_the_limit_do_not_overflow(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    unit = 2**62 // 400
    stretched = replace(
        problem,
        option_minutes=problem.option_minutes * unit,
        option_grams=problem.option_grams * unit,
        capacity=problem.capacity * unit,
        stock=problem.stock * unit,
    )
    plan = solve(stretched)

    assert plan.cost == plan.bound == least_cost_by_trying_all(problem)
    assert verify_plan(stretched, plan) == ()


def _stretched(problem: RoutingProblem, total: int) -> RoutingProblem:
    """Return the problem with odd costs that add up to nearly ``total``."""
    both = int(problem.option_cost.sum() + problem.unrouted_cost.sum())
    unit = total // (both + 1)
    line = np.arange(problem.line_count)
    return replace(
        problem,
        option_cost=problem.option_cost * unit + problem.option_pool,
        unrouted_cost=problem.unrouted_cost * unit - line,
    )
