"""Improvement: a few lines at a time, never worse, and it stops."""

import time

import numpy as np
import pytest

from fabroute.solver.contest import Contest
from fabroute.solver.improvement import improve
from fabroute.solver.insertion import regret_insertion
from fabroute.solver.limits import Budget, SolveLimits
from fabroute.solver.plan import UNROUTED
from fabroute.solver.prices import price_rows
from fabroute.solver.problem import IntArray
from tests.factories.solver import (
    OptionRow,
    large_tight_problem,
    least_cost_by_trying_all,
    only_contest,
    rivals_for_one_pool,
    routing_problem,
)


def improved(contest: Contest, chosen: IntArray, budget: Budget, *, seconds: float = 5.0) -> IntArray:
    return improve(contest, price_rows(contest, seconds=10.0), chosen, budget, seconds=seconds)


def budget(*, wall_seconds: float = 60.0, started_ago: float = 0.0, seed: int = 0) -> Budget:
    limits = SolveLimits(seed=seed, wall_seconds=wall_seconds)
    return Budget(limits=limits, started=time.monotonic() - started_ago)


def inserted(contest: Contest) -> IntArray:
    return regret_insertion(contest, contest.cost.astype(np.float64))


def test_a_bad_plan_becomes_the_best_one() -> None:
    problem = rivals_for_one_pool(lines=7, minutes=6, capacity=20)
    contest = only_contest(problem)
    chosen = improved(contest, np.full(7, UNROUTED), budget())

    assert contest.cost_of(chosen) == least_cost_by_trying_all(problem) == 3 * 10 + 20 + 21 + 22 + 23
    assert (contest.slack(chosen) >= 0).all()


def test_a_plan_that_meets_the_bound_is_left_alone() -> None:
    """Places for two at 10, all others at 20: the relaxation proves it."""
    problem = routing_problem(
        options=[
            row
            for line in range(4)
            for row in (OptionRow(line=line, cost=10, minutes=5), OptionRow(line=line, cost=20, pool=1, minutes=5))
        ],
        capacity=[[10], [20]],
    )
    contest, account = only_contest(problem), budget()
    best = np.array([0, 2, 5, 7])

    assert contest.cost_of(best) == price_rows(contest, seconds=10.0).bound == 60
    assert improved(contest, best, account).tolist() == [0, 2, 5, 7]
    assert account.spent == 0.0


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_large_plans_get_cheaper_and_stay_feasible(seed: int) -> None:
    contest, account = only_contest(large_tight_problem(seed=seed)), budget()
    start = inserted(contest)
    chosen = improved(contest, start, account, seconds=0.2)

    assert contest.cost_of(chosen) < contest.cost_of(start)
    assert (contest.slack(chosen) >= 0).all()
    assert contest.option_line[chosen[chosen != UNROUTED]].tolist() == np.flatnonzero(chosen != UNROUTED).tolist()
    assert account.spent >= 0.2


def test_no_seconds_no_rounds() -> None:
    contest, account = only_contest(large_tight_problem(seed=1)), budget()
    start = inserted(contest)

    assert improved(contest, start, account, seconds=0.0).tolist() == start.tolist()
    assert account.spent == 0.0


def test_rounds_stop_when_the_wall_clock_has_run_out() -> None:
    contest = only_contest(large_tight_problem(seed=1))
    account = budget(wall_seconds=1.0, started_ago=2.0)
    start = inserted(contest)

    assert improved(contest, start, account, seconds=5.0).tolist() == start.tolist()
    assert account.guard_hit


def test_the_same_seed_gives_the_same_plan_and_another_seed_may_not() -> None:
    contest = only_contest(large_tight_problem(seed=4))
    start = inserted(contest)
    first, again, other = (improved(contest, start, budget(seed=seed), seconds=0.12) for seed in (1, 1, 2))

    assert first.tolist() == again.tolist()
    assert contest.cost_of(other) <= contest.cost_of(start)
    assert first.tolist() != other.tolist()
