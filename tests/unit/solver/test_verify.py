"""The independent check: every kind of broken plan is found, no good one is refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, plan_cost
from fabroute.solver.problem import RoutingProblem
from fabroute.solver.verify import Rule, verify, verify_plan
from tests.factories.solver import (
    BuildRow,
    Draw,
    OptionRow,
    QuotaRow,
    all_choices,
    cost_by_hand,
    is_feasible,
    routing_problem,
    small_mixed_problem,
    small_tight_problem,
)


def workshop() -> RoutingProblem:
    """Two lines on one pool of 60 + 60 minutes and a lot of 100 g; the third has an option of its own."""
    return routing_problem(
        options=[
            OptionRow(line=0, cost=10, bucket=0, minutes=60, lot=0, grams=50),
            OptionRow(line=0, cost=12, bucket=1, minutes=61, lot=0, grams=51),
            OptionRow(line=1, cost=20, bucket=1, minutes=60, lot=0, grams=50),
            OptionRow(line=1, cost=22, bucket=0, minutes=60, lot=0, grams=50),
            OptionRow(line=2, cost=30, pool=1, bucket=0, minutes=5),
        ],
        capacity=[[60, 60], [5, 0]],
        stock=[100],
    )


def plan(**changes: Any) -> RoutingPlan:
    """The best plan of the workshop; with changes."""
    values: dict[str, Any] = {
        "chosen": (0, 2, 4),
        "cost": 60,
        "bound": 60,
        "engine": "cp_sat",
        "status": PlanStatus.OPTIMAL,
        "seed": 0,
        "wall_ms": 1,
    }
    return RoutingPlan(**{**values, **changes})


def test_a_plan_that_uses_everything_up_is_fine() -> None:
    assert verify(workshop(), (0, 2, 4)) == ()
    assert verify_plan(workshop(), plan()) == ()


def test_leaving_lines_unrouted_is_fine() -> None:
    assert verify(workshop(), (UNROUTED, UNROUTED, UNROUTED)) == ()
    assert verify(routing_problem(lines=0), ()) == ()


@pytest.mark.parametrize("chosen", [(), (0, 2), (0, 2, 4, UNROUTED)])
def test_every_line_needs_a_decision(chosen: tuple[int, ...]) -> None:
    violation = verify(workshop(), chosen)[0]

    assert violation.rule is Rule.EVERY_LINE_DECIDED
    assert violation.message == f"{len(chosen)} decisions for 3 lines"
    assert violation.figures == {"decisions": len(chosen), "lines": 3}


@pytest.mark.parametrize(
    ("chosen", "message"),
    [
        ((2, UNROUTED, 4), "line 0 takes option 2, which belongs to line 1"),
        ((0, 5, 4), "line 1 takes option 5, but there are 5 options"),
        ((-2, 2, 4), "line 0 takes option -2, but there are 5 options"),
    ],
)
def test_a_line_takes_an_option_of_its_own(chosen: tuple[int, ...], message: str) -> None:
    (violation,) = verify(workshop(), chosen)

    assert violation.rule is Rule.OPTION_OF_ITS_LINE
    assert violation.message == message


def test_minutes_are_counted_up_to_each_bucket() -> None:
    capacity, late = verify(workshop(), (0, 3, 4))

    assert capacity.rule is Rule.CUMULATIVE_CAPACITY
    assert capacity.message == "pool 0 needs 120 minutes by the end of bucket 0, has 60"
    assert capacity.figures == {"pool": 0, "bucket": 0, "needs": 120, "has": 60}
    assert late.rule is Rule.DAY_PLAN
    assert late.message == "line 1 still needs 60 minutes on pool 0 when bucket 0 ends"
    assert late.figures == {"line": 1, "pool": 0, "bucket": 0, "left": 60}


def test_one_minute_and_one_gram_too_many_are_found() -> None:
    violations = verify(workshop(), (1, 2, 4))

    assert [violation.rule for violation in violations] == [Rule.CUMULATIVE_CAPACITY, Rule.LOT_STOCK, Rule.DAY_PLAN]
    assert violations[0].message == "pool 0 needs 121 minutes by the end of bucket 1, has 120"
    assert violations[1].message == "lot 0 gives 101 g, has 100 g"
    assert violations[1].figures == {"lot": 0, "needs": 101, "has": 100}


def test_a_wrong_cost_is_found() -> None:
    (violation,) = verify_plan(workshop(), plan(cost=61))

    assert violation.rule is Rule.COST
    assert violation.message == "the plan says 61, its lines cost 60"


def test_the_price_of_unrouted_lines_is_part_of_the_cost() -> None:
    unrouted = plan(chosen=(0, 2, UNROUTED), cost=1_030)

    assert verify_plan(workshop(), unrouted) == ()
    assert [each.rule for each in verify_plan(workshop(), replace(unrouted, cost=60))] == [Rule.COST]


def test_a_bound_under_zero_is_found() -> None:
    (violation,) = verify_plan(workshop(), plan(bound=-1))

    assert violation.rule is Rule.BOUND
    assert violation.figures == {"bound": -1, "cost": 60}


def test_a_plan_with_a_broken_choice_is_not_priced() -> None:
    violations = verify_plan(workshop(), plan(chosen=(4, 2, 4), cost=999, bound=999))

    assert [violation.rule for violation in violations] == [Rule.OPTION_OF_ITS_LINE]


def printshop() -> RoutingProblem:
    """Two lines that may share a build of 10 units, set up in 15 minutes, before the end of bucket 0; or be split."""
    return routing_problem(
        options=[
            OptionRow(line=0, cost=10, minutes=20, build=0, volume=6),
            OptionRow(line=0, cost=40, minutes=20, draws=(Draw(pool=1, minutes=30, lot=0, grams=50),)),
            OptionRow(line=1, cost=12, minutes=25, build=0, volume=4),
            OptionRow(line=1, cost=13, minutes=26, build=0, volume=4),
            OptionRow(line=1, cost=14, minutes=5, build=0, volume=5),
            OptionRow(line=1, cost=50, pool=1, minutes=10, lot=0, grams=51),
            OptionRow(line=1, cost=51, pool=1, minutes=11, lot=0, grams=50),
        ],
        capacity=[[60], [40]],
        stock=[100],
        builds=[BuildRow(cost=7, minutes=15, volume=10)],
        quotas=[
            QuotaRow(weights={0: 5, 2: 5, 3: 5, 4: 5}, limit=8, excess_cost=3),
            QuotaRow(weights={1: 4, 6: 6, 5: 7}, limit=10),
        ],
    )


def rules_of(*chosen: int) -> list[Rule]:
    return [violation.rule for violation in verify(printshop(), chosen)]


def test_a_shared_build_that_is_full_and_takes_the_last_minute_is_fine() -> None:
    assert verify(printshop(), (0, 2)) == ()
    assert verify_plan(printshop(), plan(chosen=(0, 2), cost=10 + 12 + 7 + 2 * 3, bound=0)) == ()


def test_opening_a_build_takes_minutes_of_its_pool_once() -> None:
    capacity, late = verify(printshop(), (0, 3))

    assert (capacity.rule, late.rule) == (Rule.CUMULATIVE_CAPACITY, Rule.DAY_PLAN)
    assert capacity.message == "pool 0 needs 61 minutes by the end of bucket 0, has 60"
    assert late.message == "line 1 still needs 1 minutes on pool 0 when bucket 0 ends"


def test_a_build_has_room_for_its_volume_and_no_more() -> None:
    (violation,) = verify(printshop(), (0, 4))

    assert violation.rule is Rule.BUILD_ROOM
    assert violation.message == "build 0 holds 11 of volume, has room for 10"
    assert violation.figures == {"build": 0, "needs": 11, "has": 10}


def test_draws_of_a_split_count_on_every_pool_and_lot() -> None:
    assert rules_of(1, UNROUTED) == []
    assert rules_of(1, 5) == [Rule.LOT_STOCK, Rule.QUOTA]
    assert rules_of(1, 6) == [Rule.CUMULATIVE_CAPACITY, Rule.DAY_PLAN]
    assert verify(printshop(), (1, 6))[0].figures == {"pool": 1, "bucket": 0, "needs": 41, "has": 40}
    assert verify(printshop(), (1, 5))[0].message == "lot 0 gives 101 g, has 100 g"


def test_a_hard_quota_may_be_used_up_and_not_exceeded() -> None:
    violation = verify(printshop(), (1, 5))[1]

    assert violation.message == "quota 1 is used up to 11, its limit is 10"
    assert violation.figures == {"quota": 1, "weight": 11, "limit": 10}
    assert Rule.QUOTA not in rules_of(1, 6)


def test_the_cost_counts_a_build_once_and_each_unit_over_a_soft_quota() -> None:
    (violation,) = verify_plan(printshop(), plan(chosen=(0, 2), cost=22, bound=0))

    assert violation.message == "the plan says 22, its lines cost 35"
    assert verify_plan(printshop(), plan(chosen=(0, UNROUTED), cost=10 + 7 + 1_000, bound=0)) == ()
    assert verify_plan(printshop(), plan(chosen=(1, UNROUTED), cost=40 + 1_000, bound=0)) == ()


@given(seed=st.integers(0, 10_000))
def test_the_check_of_mixed_problems_agrees_with_plain_counting(seed: int) -> None:
    problem = small_mixed_problem(seed=seed)
    for chosen in list(all_choices(problem))[:100]:
        violations = verify(problem, chosen)
        rules = {violation.rule for violation in violations}
        said = cost_by_hand(problem, chosen)
        assert (violations == ()) == is_feasible(problem, chosen)
        assert (Rule.CUMULATIVE_CAPACITY in rules) == (Rule.DAY_PLAN in rules)
        assert plan_cost(problem, chosen) == said
        told = verify_plan(problem, plan(chosen=chosen, cost=said + 1, bound=0))
        assert told == violations or [each.rule for each in told] == [Rule.COST]


@given(seed=st.integers(0, 10_000))
def test_the_check_agrees_with_plain_counting_on_every_choice(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    for chosen in list(all_choices(problem))[:100]:
        violations = verify(problem, chosen)
        rules = {violation.rule for violation in violations}
        assert (violations == ()) == is_feasible(problem, chosen)
        assert (Rule.CUMULATIVE_CAPACITY in rules) == (Rule.DAY_PLAN in rules)
