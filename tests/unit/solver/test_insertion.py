"""Simple rules: one by one in their order, and by regret."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from fabroute.solver.contest import reduce_problem
from fabroute.solver.insertion import one_by_one, regret_insertion
from fabroute.solver.plan import UNROUTED, PlanStatus
from fabroute.solver.verify import verify, verify_plan
from tests.factories.solver import (
    OptionRow,
    is_feasible,
    least_cost_by_trying_all,
    only_contest,
    rivals_for_one_pool,
    routing_problem,
    small_tight_problem,
)


def test_one_by_one_gives_the_first_line_what_it_wants() -> None:
    plan = one_by_one(rivals_for_one_pool(lines=3, minutes=6, capacity=10))

    assert plan.chosen == (0, 3, 5)
    assert plan.cost == 10 + 21 + 22
    assert plan.bound == 30
    assert (plan.engine, plan.status, plan.seed) == ("one_by_one", PlanStatus.BASELINE, 0)


def test_one_by_one_counts_minutes_up_to_every_later_bucket() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, bucket=1, minutes=80),
            OptionRow(line=1, cost=10, bucket=0, minutes=50),
            OptionRow(line=1, cost=15, bucket=0, minutes=40),
        ],
        capacity=[[60, 60]],
    )

    assert one_by_one(problem).chosen == (0, 2)


def test_one_by_one_counts_grams() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, lot=0, grams=60),
            OptionRow(line=1, cost=10, lot=0, grams=41),
            OptionRow(line=1, cost=12, lot=1, grams=41),
            OptionRow(line=2, cost=10, lot=0, grams=40),
        ],
        stock=[100, 41],
    )

    assert one_by_one(problem).chosen == (0, 2, 3)


def test_one_by_one_leaves_lines_unrouted_that_find_no_room_or_cost_too_much() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, minutes=6),
            OptionRow(line=1, cost=10, minutes=6),
            OptionRow(line=2, cost=300),
            OptionRow(line=3, cost=299),
        ],
        capacity=[[10]],
        unrouted=299,
        lines=5,
    )
    plan = one_by_one(problem)

    assert plan.chosen == (0, UNROUTED, UNROUTED, 3, UNROUTED)
    assert plan.cost == 10 + 299 * 4
    assert plan.bound == 10 + 10 + 299 * 3


def test_one_by_one_of_nothing_is_nothing() -> None:
    plan = one_by_one(routing_problem(lines=0))

    assert plan.chosen == ()
    assert (plan.cost, plan.bound) == (0, 0)


@given(seed=st.integers(0, 10_000))
def test_one_by_one_keeps_every_rule_and_is_no_better_than_the_optimum(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    plan = one_by_one(problem)

    assert verify_plan(problem, plan) == ()
    assert plan.bound <= least_cost_by_trying_all(problem) <= plan.cost


def test_regret_serves_first_the_line_that_would_lose_most() -> None:
    """One place at 10: line 0 could turn to 12, line 1 only to 50."""
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, pool=0, minutes=6),
            OptionRow(line=0, cost=12, pool=1, minutes=6),
            OptionRow(line=1, cost=10, pool=0, minutes=6),
            OptionRow(line=1, cost=50, pool=1, minutes=6),
        ],
        capacity=[[10], [100]],
    )
    contest = only_contest(problem)

    assert regret_insertion(contest, contest.cost.astype(np.float64)).tolist() == [1, 2]
    assert one_by_one(problem).chosen == (0, 3)


def test_regret_counts_staying_unrouted_as_the_last_way_out() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=10, minutes=6) for line in (0, 1)], capacity=[[10]], unrouted=[20, 900]
    )
    contest = only_contest(problem)

    assert regret_insertion(contest, contest.cost.astype(np.float64)).tolist() == [UNROUTED, 1]


def test_of_equal_regrets_the_lower_line_comes_first() -> None:
    contest = only_contest(
        routing_problem(options=[OptionRow(line=line, cost=10, minutes=6) for line in (0, 1)], capacity=[[10]])
    )

    assert regret_insertion(contest, contest.cost.astype(np.float64)).tolist() == [0, UNROUTED]


@given(seed=st.integers(0, 10_000))
def test_regret_insertion_never_takes_what_does_not_fit(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    reduction = reduce_problem(problem)
    chosen = reduction.chosen
    for contest in reduction.contests:
        inner = regret_insertion(contest, contest.cost.astype(np.float64))
        assert (contest.slack(inner) >= 0).all()
        chosen = contest.into_outer(inner, chosen)

    assert is_feasible(problem, chosen.tolist())
    assert verify(problem, chosen.tolist()) == ()
