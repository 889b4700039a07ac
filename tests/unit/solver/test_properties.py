"""What must hold between a problem and a changed one, at sizes where nobody can try all choices."""

from dataclasses import replace

import numpy as np
import pytest

from fabroute.solver.engines import solve
from fabroute.solver.insertion import one_by_one
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, day_plan
from fabroute.solver.problem import NO_LOT, RoutingProblem
from fabroute.solver.verify import verify_plan
from tests.factories.solver import OptionRow, routing_problem

SEEDS = range(6)


def workshop(*, seed: int, lines: int = 16, pools: int = 5, buckets: int = 4) -> RoutingProblem:
    """Lines with a quick dear and a slow cheap way on each of four pools; cheap pools are short of minutes."""
    random = np.random.default_rng(seed)
    level = random.uniform(1.0, 2.0, pools)
    options = []
    for line in range(lines):
        base, minutes = int(random.integers(2_000, 9_000)), int(random.integers(20, 90))
        for pool in random.choice(pools, 4, replace=False).tolist():
            lot, grams = (pool % 3, int(random.integers(20, 60))) if random.random() < 0.5 else (NO_LOT, 0)
            for bucket, freight in ((1, 500), (3, 1_500)):
                cost = int(base * level[pool]) + freight
                options.append(
                    OptionRow(line=line, cost=cost, pool=pool, bucket=bucket, minutes=minutes, lot=lot, grams=grams)
                )
    return routing_problem(
        options=options,
        capacity=np.full((pools, buckets), 88).tolist(),
        stock=[160, 130, 100],
        unrouted=30_000,
        lines=lines,
    )


def optimum(problem: RoutingProblem) -> int:
    """The proven optimum, once the plan has passed its check."""
    plan = proven(problem)
    return plan.cost


def proven(problem: RoutingProblem) -> RoutingPlan:
    plan = solve(problem)
    assert verify_plan(problem, plan) == ()
    assert plan.status is PlanStatus.OPTIMAL
    return plan


@pytest.mark.parametrize("seed", SEEDS)
def test_the_joint_plan_is_proven_and_cheaper_than_one_by_one(seed: int) -> None:
    problem = workshop(seed=seed)
    plan, baseline = proven(problem), one_by_one(problem)

    assert plan.engine == "cp_sat"
    assert baseline.bound <= plan.bound == plan.cost < baseline.cost


@pytest.mark.parametrize("seed", SEEDS)
def test_dearer_units_of_money_change_nothing(seed: int) -> None:
    problem = workshop(seed=seed)
    thousandfold = replace(
        problem, option_cost=problem.option_cost * 1_000, unrouted_cost=problem.unrouted_cost * 1_000
    )

    assert optimum(thousandfold) == 1_000 * optimum(problem)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_charge_on_every_way_of_a_line_is_added_and_no_more(seed: int) -> None:
    problem = workshop(seed=seed)
    first = problem.option_line == 0
    charge = np.zeros(problem.line_count, dtype=np.int64)
    charge[0] = 777
    charged = replace(
        problem, option_cost=problem.option_cost + 777 * first, unrouted_cost=problem.unrouted_cost + charge
    )

    assert optimum(charged) == optimum(problem) + 777


@pytest.mark.parametrize("seed", SEEDS)
def test_more_minutes_or_grams_never_cost_more_and_fewer_never_less(seed: int) -> None:
    problem = workshop(seed=seed)
    plan = optimum(problem)

    assert optimum(replace(problem, capacity=problem.capacity + 15)) <= plan
    assert optimum(replace(problem, stock=problem.stock + 100)) <= plan
    assert optimum(replace(problem, capacity=np.maximum(problem.capacity - 5, 0))) >= plan


@pytest.mark.parametrize("seed", SEEDS)
def test_lines_in_another_order_cost_the_same(seed: int) -> None:
    problem = workshop(seed=seed)
    order = np.argsort(problem.line_count - 1 - problem.option_line, kind="stable")
    backwards = replace(
        problem,
        option_line=(problem.line_count - 1 - problem.option_line)[order],
        option_cost=problem.option_cost[order],
        option_pool=problem.option_pool[order],
        option_bucket=problem.option_bucket[order],
        option_minutes=problem.option_minutes[order],
        option_lot=problem.option_lot[order],
        option_grams=problem.option_grams[order],
        unrouted_cost=problem.unrouted_cost[::-1],
    )

    assert backwards.snapshot_sha256() != problem.snapshot_sha256()
    assert optimum(backwards) == optimum(problem)


@pytest.mark.parametrize("seed", SEEDS)
def test_two_networks_that_share_nothing_cost_what_each_costs(seed: int) -> None:
    one, other = workshop(seed=seed), workshop(seed=seed + 100)
    lots = np.where(other.option_lot == NO_LOT, NO_LOT, other.option_lot + len(one.stock))
    both = RoutingProblem(
        line_count=one.line_count + other.line_count,
        option_line=np.concatenate([one.option_line, other.option_line + one.line_count]),
        option_cost=np.concatenate([one.option_cost, other.option_cost]),
        option_pool=np.concatenate([one.option_pool, other.option_pool + len(one.capacity)]),
        option_bucket=np.concatenate([one.option_bucket, other.option_bucket]),
        option_minutes=np.concatenate([one.option_minutes, other.option_minutes]),
        option_lot=np.concatenate([one.option_lot, lots]),
        option_grams=np.concatenate([one.option_grams, other.option_grams]),
        unrouted_cost=np.concatenate([one.unrouted_cost, other.unrouted_cost]),
        capacity=np.concatenate([one.capacity, other.capacity]),
        stock=np.concatenate([one.stock, other.stock]),
    )

    assert optimum(both) == optimum(one) + optimum(other)


@pytest.mark.parametrize("seed", SEEDS)
def test_the_plan_s_days_use_no_more_than_there_is_and_leave_nothing_open(seed: int) -> None:
    problem = workshop(seed=seed)
    plan = proven(problem)
    used = np.zeros(problem.capacity.shape, dtype=np.int64)
    worked = np.zeros(problem.line_count, dtype=np.int64)
    for share in day_plan(problem, plan.chosen):
        used[share.pool, share.bucket] += share.minutes
        worked[share.line] += share.minutes
    wanted = [0 if option == UNROUTED else int(problem.option_minutes[option]) for option in plan.chosen]

    assert (used <= problem.capacity).all()
    assert worked.tolist() == wanted


@pytest.mark.parametrize("seed", SEEDS)
def test_options_that_nobody_takes_may_go(seed: int) -> None:
    """Without the options that the plan left alone, the plan is what is left to choose: the same cost."""
    problem = workshop(seed=seed)
    plan = proven(problem)
    taken = np.array([option for option in plan.chosen if option != UNROUTED])
    rest = replace(
        problem,
        option_line=problem.option_line[taken],
        option_cost=problem.option_cost[taken],
        option_pool=problem.option_pool[taken],
        option_bucket=problem.option_bucket[taken],
        option_minutes=problem.option_minutes[taken],
        option_lot=problem.option_lot[taken],
        option_grams=problem.option_grams[taken],
    )
    again = proven(rest)

    assert again.cost == plan.cost
    assert again.engine == "cheapest_each"
