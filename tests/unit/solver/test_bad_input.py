"""Input at the edge of sense: a clear outcome each, no overflow, no silence, in bounded time."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from fabroute.solver.engines import solve
from fabroute.solver.insertion import one_by_one
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import UNROUTED, PlanStatus
from fabroute.solver.problem import HARD, NO_LOT, InvalidProblem, RoutingProblem, exact_sum
from fabroute.solver.verify import verify_plan
from tests.factories.solver import (
    BuildRow,
    Draw,
    OptionRow,
    QuotaRow,
    large_tight_problem,
    least_cost_by_trying_all,
    routing_problem,
    small_mixed_problem,
)


@pytest.mark.parametrize("seed", range(12))
def test_with_nothing_anywhere_all_stay_unrouted_but_what_needs_nothing(seed: int) -> None:
    problem = small_mixed_problem(seed=seed)
    empty = replace(
        problem,
        capacity=problem.capacity * 0,
        stock=problem.stock * 0,
        option_minutes=problem.option_minutes + 1,
        build_volume=problem.build_volume * 0,
    )
    plan, baseline = solve(empty), one_by_one(empty)

    assert plan.chosen == baseline.chosen == (UNROUTED,) * problem.line_count
    assert plan.cost == plan.bound == baseline.cost == int(problem.unrouted_cost.sum())
    assert (plan.status, plan.engine) == (PlanStatus.OPTIMAL, "cheapest_each")


def test_an_order_larger_than_all_stock_stays_unrouted_even_when_split() -> None:
    halves = tuple(Draw(lot=lot, grams=10**12) for lot in (0, 1))
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, lot=0, grams=10**12),
            OptionRow(line=0, cost=2, draws=halves),
            OptionRow(line=0, cost=3, lot=0, grams=60, draws=(Draw(lot=0, grams=41),)),
            OptionRow(line=1, cost=5, lot=0, grams=80),
        ],
        stock=[100, 10**12],
    )

    assert solve(problem).chosen == one_by_one(problem).chosen == (UNROUTED, 3)
    assert solve(problem).cost == solve(problem).bound == 1_005


@pytest.mark.parametrize("seed", range(40))
def test_costs_of_builds_and_quotas_near_the_limit_neither_overflow_nor_lie(seed: int) -> None:
    problem = small_mixed_problem(seed=seed)
    unit = 2**62 // (int(exact_sum(problem.unrouted_cost)) + 5_000)
    huge = replace(
        problem,
        option_cost=problem.option_cost * unit,
        unrouted_cost=problem.unrouted_cost * unit,
        build_cost=problem.build_cost * unit,
        quota_excess_cost=np.where(problem.quota_excess_cost > 0, problem.quota_excess_cost * unit, HARD),
    )
    plan, optimum = solve(huge), least_cost_by_trying_all(huge)

    assert verify_plan(huge, plan) == ()
    assert plan.bound <= optimum <= plan.cost
    assert plan.cost - plan.bound <= plan.cost / 2**30


@pytest.mark.parametrize("seed", range(40))
def test_minutes_grams_volumes_and_weights_near_the_limit_do_not_overflow(seed: int) -> None:
    problem, unit = small_mixed_problem(seed=seed), 2**62 // 1_000
    huge = replace(
        problem,
        **{
            name: getattr(problem, name) * unit
            for name in (
                *("option_minutes", "draw_minutes", "build_minutes", "capacity", "option_grams", "draw_grams"),
                *("stock", "option_volume", "build_volume"),
            )
        },
    )
    hard = replace(problem, quota_excess_cost=np.full(len(problem.quota_limit), HARD))
    heavy = replace(hard, share_weight=hard.share_weight * unit, quota_limit=hard.quota_limit * unit)

    assert solve(huge).cost == solve(huge).bound == least_cost_by_trying_all(problem)
    assert solve(heavy).cost == solve(heavy).bound == least_cost_by_trying_all(hard)
    assert verify_plan(huge, solve(huge)) == verify_plan(heavy, solve(heavy)) == ()


def test_a_million_options_of_one_order_are_no_problem() -> None:
    count, random = 10**6, np.random.default_rng(0)
    nothing = np.zeros(count, dtype=np.int64)
    problem = RoutingProblem(
        line_count=1,
        option_line=nothing,
        option_cost=random.permutation(count),
        option_pool=random.integers(50, size=count),
        option_bucket=random.integers(20, size=count),
        option_minutes=random.integers(1, 400, count),
        option_lot=np.full(count, NO_LOT),
        option_grams=nothing,
        unrouted_cost=np.array([count]),
        capacity=np.full((50, 20), 10),
        stock=nothing[:0],
    )
    plan = solve(problem)
    fits = problem.option_minutes <= 10 * (problem.option_bucket + 1)

    assert plan.cost == plan.bound == problem.option_cost[fits].min()
    assert (plan.engine, plan.engine_reason[:21]) == ("cheapest_each", "no two lines compete:")
    assert verify_plan(problem, plan) == ()


@pytest.mark.parametrize(
    ("name", "values"),
    [
        ("option_lot", [3]),
        ("option_pool", [1]),
        ("draw_option", [1]),
        ("draw_lot", [9]),
        ("option_build", [1]),
        ("share_option", [7]),
        ("share_quota", [1]),
    ],
)
def test_a_dangling_id_is_named_before_anything_is_decided(name: str, values: list[int]) -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=1, lot=0, build=0, volume=1, draws=(Draw(lot=0, grams=1),))],
        stock=[5],
        builds=[BuildRow()],
        quotas=[QuotaRow(weights={0: 1}, limit=1)],
    )

    assert solve(problem).chosen == (0,)
    changed: dict[str, Any] = {name: np.array(values)}
    with pytest.raises(InvalidProblem, match=rf"{name}\[0\] is {values[0]}, but there are 1 "):
        replace(problem, **changed)


def contradiction(*, lines: int = 6) -> RoutingProblem:
    """Return lines on two nodes, each node allowed nothing, and a floor for each: a price on all that others get."""
    options = [OptionRow(line=line, cost=10 + node, pool=node) for line in range(lines) for node in (0, 1)]
    members = [{2 * line + node: 1 for line in range(lines)} for node in (0, 1)]
    return routing_problem(
        options=options,
        capacity=[[0], [0]],
        quotas=[
            *(QuotaRow(weights=weights, limit=0) for weights in members),
            *(QuotaRow(weights=weights, limit=2, excess_cost=50) for weights in members),
        ],
    )


def test_quotas_that_allow_nothing_leave_all_unrouted_whatever_the_floors() -> None:
    plan = solve(contradiction())

    assert plan.chosen == one_by_one(contradiction()).chosen == (UNROUTED,) * 6
    assert plan.cost == plan.bound == 6_000
    assert plan.status is PlanStatus.OPTIMAL


def test_floors_that_no_plan_can_meet_cost_what_they_say() -> None:
    """Four of six lines at least are over one floor's limit of two, at 50 each."""
    problem = contradiction()
    floors = replace(problem, quota_limit=np.array([6, 6, 2, 2]))
    plan = solve(floors)

    assert plan.cost == plan.bound == 6 * 10 + 2 + 2 * 50
    assert sorted(option % 2 for option in plan.chosen) == [0, 0, 0, 0, 1, 1]
    assert one_by_one(floors).cost == plan.cost


def test_a_hard_problem_ends_within_its_wall_time_even_with_quotas_over_all_lines() -> None:
    problem = large_tight_problem(seed=1, lines=40, pools=8)
    every = np.arange(problem.option_count)
    capped = replace(
        problem,
        quota_limit=np.array([int(problem.option_minutes.sum()) // 12]),
        quota_excess_cost=np.array([1_000]),
        share_quota=np.zeros(problem.option_count, dtype=np.int64),
        share_option=every,
        share_weight=problem.option_minutes,
    )
    plan = solve(capped, SolveLimits(deterministic_seconds=0.2))

    assert plan.status in (PlanStatus.LIMIT, PlanStatus.OPTIMAL)
    assert verify_plan(capped, plan) == ()
    assert plan.cost <= one_by_one(capped).cost
