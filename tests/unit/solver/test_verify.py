"""The independent check: every kind of broken plan is found, no good one is refused."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan
from fabroute.solver.problem import RoutingProblem
from fabroute.solver.verify import Rule, verify, verify_plan
from tests.factories.solver import OptionRow, all_choices, is_feasible, routing_problem, small_tight_problem


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


@given(seed=st.integers(0, 10_000))
def test_the_check_agrees_with_plain_counting_on_every_choice(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    for chosen in list(all_choices(problem))[:100]:
        violations = verify(problem, chosen)
        rules = {violation.rule for violation in violations}
        assert (violations == ()) == is_feasible(problem, chosen)
        assert (Rule.CUMULATIVE_CAPACITY in rules) == (Rule.DAY_PLAN in rules)
