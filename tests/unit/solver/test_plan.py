"""Plans: cost, gap, and the days on which the work falls."""

from collections import defaultdict
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.kernel.errors import DomainError
from fabroute.solver.plan import (
    UNROUTED,
    DayShare,
    PlanDoesNotFit,
    PlanStatus,
    RoutingPlan,
    day_plan,
    opened_builds,
    plan_cost,
    quota_weights,
)
from fabroute.solver.problem import RoutingProblem
from tests.factories.solver import (
    BuildRow,
    Draw,
    OptionRow,
    QuotaRow,
    all_choices,
    is_feasible,
    routing_problem,
    small_tight_problem,
)


def plan(**changes: Any) -> RoutingPlan:
    """A plan with a gap of a quarter; with changes."""
    values: dict[str, Any] = {
        "chosen": (0, UNROUTED),
        "cost": 400,
        "bound": 300,
        "engine": "cp_sat",
        "status": PlanStatus.LIMIT,
        "seed": 7,
        "wall_ms": 12,
    }
    return RoutingPlan(**{**values, **changes})


def share(*, pool: int, bucket: int, line: int, minutes: int) -> DayShare:
    return DayShare(pool=pool, bucket=bucket, line=line, minutes=minutes)


def test_the_gap_is_the_share_of_the_cost_that_is_not_proven() -> None:
    assert plan().gap == 0.25
    assert plan(bound=400).gap == 0.0
    assert plan(cost=0, bound=0).gap == 0.0


def test_a_plan_names_its_unrouted_lines() -> None:
    assert plan().unrouted_lines == (1,)
    assert plan(chosen=(UNROUTED, 3, UNROUTED)).unrouted_lines == (0, 2)
    assert plan(chosen=()).unrouted_lines == ()


def test_a_bound_over_the_cost_is_refused() -> None:
    with pytest.raises(ValueError, match="the bound 401 is over the plan's cost 400"):
        plan(bound=401)


def test_two_runs_that_decide_the_same_are_equal_whatever_time_they_took() -> None:
    assert plan(wall_ms=12) == plan(wall_ms=3_400)
    assert plan(seed=7) != plan(seed=8)


def test_cost_adds_options_and_prices_of_staying_unrouted() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=5), OptionRow(line=0, cost=8), OptionRow(line=1, cost=20)],
        unrouted=[1_000, 2_000],
    )

    assert plan_cost(problem, (1, 2)) == 28
    assert plan_cost(problem, (0, UNROUTED)) == 2_005
    assert plan_cost(problem, (UNROUTED, UNROUTED)) == 3_000


def test_the_most_urgent_work_comes_first_and_may_go_on_the_next_day() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, bucket=2, minutes=70),
            OptionRow(line=1, cost=1, bucket=0, minutes=40),
            OptionRow(line=2, cost=1, bucket=1, minutes=30),
        ],
        capacity=[[60, 60, 60]],
    )

    assert day_plan(problem, (0, 1, 2)) == (
        share(pool=0, bucket=0, line=1, minutes=40),
        share(pool=0, bucket=0, line=2, minutes=20),
        share(pool=0, bucket=1, line=0, minutes=50),
        share(pool=0, bucket=1, line=2, minutes=10),
        share(pool=0, bucket=2, line=0, minutes=20),
    )


def test_lines_with_one_deadline_are_worked_in_their_order() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=1, bucket=1, minutes=30) for line in (0, 1)], capacity=[[40, 40]]
    )

    assert day_plan(problem, (0, 1)) == (
        share(pool=0, bucket=0, line=0, minutes=30),
        share(pool=0, bucket=0, line=1, minutes=10),
        share(pool=0, bucket=1, line=1, minutes=20),
    )


def test_days_off_are_skipped_and_pools_are_apart() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, pool=1, bucket=3, minutes=90),
            OptionRow(line=1, cost=1, pool=0, bucket=3, minutes=10),
        ],
        capacity=[[0, 0, 0, 10], [0, 60, 0, 60]],
    )

    assert day_plan(problem, (0, 1)) == (
        share(pool=0, bucket=3, line=1, minutes=10),
        share(pool=1, bucket=1, line=0, minutes=60),
        share(pool=1, bucket=3, line=0, minutes=30),
    )


def test_unrouted_lines_and_options_without_minutes_take_no_day() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=1, minutes=0), OptionRow(line=1, cost=1, minutes=5)], capacity=[[5]]
    )

    assert day_plan(problem, (0, UNROUTED)) == ()
    assert day_plan(problem, (0, 1)) == (share(pool=0, bucket=0, line=1, minutes=5),)


@pytest.mark.parametrize(
    ("minutes", "missing"),
    [((61, 0), 1), ((60, 1), 1), ((200, 100), 140)],
)
def test_work_that_does_not_fit_is_refused(minutes: tuple[int, int], missing: int) -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=1, bucket=0, minutes=minutes[line]) for line in (0, 1)],
        capacity=[[60, 600]],
    )

    with pytest.raises(PlanDoesNotFit, match=f"pool 0 lacks {missing} minutes before the end of bucket 0") as refusal:
        day_plan(problem, (0, 1))

    assert isinstance(refusal.value, DomainError)
    assert refusal.value.code == "plan_does_not_fit"


def test_work_that_would_only_fit_after_the_last_bucket_is_refused() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=1, bucket=1, minutes=60) for line in (0, 1, 2)], capacity=[[60, 60]]
    )

    with pytest.raises(PlanDoesNotFit, match="pool 0 lacks 60 minutes before the end of bucket 1"):
        day_plan(problem, (0, 1, 2))


def split_and_shared() -> RoutingProblem:
    """Line 0 is split over two pools, lines 1 and 2 share build 1; both builds take set-up minutes."""
    return routing_problem(
        options=[
            OptionRow(line=0, cost=5, bucket=1, minutes=30, draws=(Draw(pool=1, minutes=12, lot=0, grams=9),)),
            OptionRow(line=1, cost=6, minutes=20, build=1, volume=3),
            OptionRow(line=2, cost=7, minutes=10, build=1, volume=3),
            OptionRow(line=2, cost=8, pool=1, minutes=10, build=0),
        ],
        capacity=[[50, 40], [30, 0]],
        stock=[20],
        builds=[BuildRow(cost=70, pool=1, minutes=8), BuildRow(cost=90, minutes=15)],
        quotas=[
            QuotaRow(weights={0: 4, 1: 4, 2: 4}, limit=6, excess_cost=11),
            QuotaRow(weights={1: 2, 2: 3}, limit=0),
            QuotaRow(weights={0: 50}, limit=49, excess_cost=0),
        ],
    )


def test_cost_counts_a_shared_build_once_and_what_a_soft_quota_exceeds() -> None:
    assert plan_cost(split_and_shared(), (0, 1, 2)) == 5 + 6 + 7 + 90 + 11 * 6
    assert plan_cost(split_and_shared(), (0, 1, 3)) == 5 + 6 + 8 + 90 + 70 + 11 * 2
    assert plan_cost(split_and_shared(), (0, UNROUTED, UNROUTED)) == 5 + 2_000


def test_opened_builds_name_their_lines() -> None:
    assert opened_builds(split_and_shared(), (0, 1, 2)) == {1: (1, 2)}
    assert opened_builds(split_and_shared(), (UNROUTED, 1, 3)) == {0: (2,), 1: (1,)}
    assert opened_builds(split_and_shared(), (0, UNROUTED, UNROUTED)) == {}


def test_quotas_are_weighed_by_what_is_chosen() -> None:
    assert quota_weights(split_and_shared(), (0, 1, 2)) == [12, 5, 50]
    assert quota_weights(split_and_shared(), (0, UNROUTED, 3)) == [4, 0, 50]
    assert quota_weights(split_and_shared(), (UNROUTED,) * 3) == [0, 0, 0]


def test_draws_and_openings_are_work_too() -> None:
    assert day_plan(split_and_shared(), (0, 1, 2)) == (
        share(pool=0, bucket=0, line=0, minutes=5),
        share(pool=0, bucket=0, line=1, minutes=35),
        share(pool=0, bucket=0, line=2, minutes=10),
        share(pool=0, bucket=1, line=0, minutes=25),
        share(pool=1, bucket=0, line=0, minutes=12),
    )


def test_an_opening_that_does_not_fit_is_refused() -> None:
    with pytest.raises(PlanDoesNotFit, match="pool 1 lacks 2 minutes before the end of bucket 0") as refusal:
        day_plan(replace(split_and_shared(), build_minutes=np.array([10, 15])), (0, UNROUTED, 3))

    assert len(day_plan(split_and_shared(), (0, UNROUTED, 3))) == 3
    assert refusal.value.status == 500


@given(seed=st.integers(0, 10_000))
def test_any_feasible_choice_has_a_day_plan_and_no_other_has(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    for chosen in list(all_choices(problem))[:40]:
        if not is_feasible(problem, chosen):
            continue
        done: dict[int, int] = defaultdict(int)
        used: dict[tuple[int, int], int] = defaultdict(int)
        for day in day_plan(problem, chosen):
            done[day.line] += day.minutes
            used[day.pool, day.bucket] += day.minutes
            assert day.pool == problem.option_pool[chosen[day.line]]
            assert day.bucket <= problem.option_bucket[chosen[day.line]]
        assert all(minutes <= problem.capacity[pool, bucket] for (pool, bucket), minutes in used.items())
        assert done == {
            line: int(problem.option_minutes[option])
            for line, option in enumerate(chosen)
            if option != UNROUTED and problem.option_minutes[option] > 0
        }
