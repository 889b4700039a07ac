"""Splits, shared builds and quotas, all mixed: solved as by trying everything, and every bound holds."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver.contest import reduce_problem
from fabroute.solver.engines import solve
from fabroute.solver.improvement import improve
from fabroute.solver.insertion import one_by_one, regret_insertion
from fabroute.solver.limits import Budget, SolveLimits
from fabroute.solver.plan import UNROUTED, PlanStatus
from fabroute.solver.prices import at_prices, links_of, price_rows, worth_keeping
from fabroute.solver.verify import verify, verify_plan
from tests.factories.solver import (
    BuildRow,
    Draw,
    OptionRow,
    QuotaRow,
    all_choices,
    cost_by_hand,
    is_feasible,
    least_cost_by_trying_all,
    only_contest,
    routing_problem,
    small_mixed_problem,
)


def test_600_small_mixed_problems_are_solved_as_by_brute_force() -> None:
    engines: Counter[str] = Counter()
    for seed in range(600):
        problem = small_mixed_problem(seed=seed)
        plan = solve(problem)
        engines[plan.engine] += 1

        assert verify_plan(problem, plan) == (), seed
        assert plan.cost == plan.bound == least_cost_by_trying_all(problem), seed
        assert plan.status is PlanStatus.OPTIMAL, seed
    assert engines["cheapest_each"] in range(200, 400)


@settings(deadline=None)
@given(seed=st.integers(10_000, 10**9), unit=st.sampled_from([1, 997, 10**6, 10**9]))
def test_mixed_problems_by_chance_are_solved_as_by_brute_force_at_any_scale_of_cost(seed: int, unit: int) -> None:
    problem = small_mixed_problem(seed=seed, cost_unit=unit)
    plan, baseline = solve(problem, SolveLimits(seed=seed % 1_000)), one_by_one(problem)

    assert verify_plan(problem, plan) == verify_plan(problem, baseline) == ()
    assert baseline.bound <= plan.bound == plan.cost == least_cost_by_trying_all(problem) <= baseline.cost


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_contests_of_mixed_problems_hold_an_optimum_of_their_lines(first: int) -> None:
    """Plain choices and each contest's optimum, found by trying all, add up to the whole problem's optimum."""
    for seed in range(first, first + 50):
        problem = small_mixed_problem(seed=seed)
        reduction = reduce_problem(problem)
        contested = {line for contest in reduction.contests for line in contest.lines.tolist()}
        plain = [option if line not in contested else UNROUTED for line, option in enumerate(reduction.chosen.tolist())]
        alone = [int(problem.unrouted_cost[line]) for line in contested]
        total = cost_by_hand(problem, plain) - sum(alone)
        total += sum(least_cost_by_trying_all(contest.problem_of(problem)) for contest in reduction.contests)

        assert total == least_cost_by_trying_all(problem), seed
        assert sum(contest.line_count for contest in reduction.contests) == len(contested), seed


@pytest.mark.parametrize("first", range(0, 200, 50))
def test_prices_of_rows_and_builds_prove_bounds_whatever_they_are(first: int) -> None:
    for seed in range(first, first + 50):
        problem, random = small_mixed_problem(seed=seed, cost_unit=100), np.random.default_rng(seed)
        for contest in reduce_problem(problem).contests:
            optimum = least_cost_by_trying_all(contest.problem_of(problem))
            free = at_prices(contest, np.zeros(len(contest.limit)))
            linear = price_rows(contest, seconds=10.0)
            link = random.uniform(0, 2_000, len(links_of(contest).build))
            wild = at_prices(contest, random.uniform(0, 3_000, len(contest.limit)), link=link)

            assert wild.bound <= optimum, seed
            assert free.bound - 1 <= linear.bound <= optimum, seed


@pytest.mark.parametrize("first", range(0, 120, 40))
def test_options_of_mixed_problems_that_are_not_worth_keeping_are_in_no_cheaper_plan(first: int) -> None:
    for seed in range(first, first + 40):
        problem = small_mixed_problem(seed=seed)
        for contest in reduce_problem(problem).contests:
            alone = contest.problem_of(problem)
            most = least_cost_by_trying_all(alone) + 3
            dropped = set(np.flatnonzero(~worth_keeping(contest, price_rows(contest, seconds=10.0), most)).tolist())
            cheaper = [each for each in all_choices(alone) if dropped & set(each) and cost_by_hand(alone, each) < most]
            assert not any(is_feasible(alone, each) for each in cheaper), seed


@given(seed=st.integers(0, 10_000))
def test_insertion_into_mixed_problems_never_takes_what_does_not_fit(seed: int) -> None:
    problem = small_mixed_problem(seed=seed)
    for contest in reduce_problem(problem).contests:
        chosen, alone = regret_insertion(contest, contest.cost.astype(np.float64)), contest.problem_of(problem)
        soft = contest.soft

        assert verify(alone, chosen.tolist()) == ()
        assert (np.delete(contest.slack(chosen), soft) >= 0).all()
        assert contest.cost_of(chosen) == cost_by_hand(alone, chosen.tolist())


def test_improvement_of_mixed_problems_ends_at_their_optimum() -> None:
    for seed in range(40):
        problem = small_mixed_problem(seed=seed)
        for contest in reduce_problem(problem).contests:
            alone, nothing = contest.problem_of(problem), np.full(contest.line_count, UNROUTED)
            prices, budget = price_rows(contest, seconds=10.0), Budget(limits=SolveLimits(wall_seconds=60.0))
            chosen = improve(contest, prices, nothing, budget, seconds=1.0)

            assert contest.cost_of(chosen) == least_cost_by_trying_all(alone), seed
            assert verify(alone, chosen.tolist()) == (), seed


def print_room(*, volume: int = 10, minutes: int = 5, capacity: int = 100) -> tuple[BuildRow, list[list[int]]]:
    return BuildRow(cost=30, minutes=minutes, volume=volume), [[capacity]]


def test_lines_share_a_build_where_that_pays() -> None:
    """Alone the build costs 10 + 30 against 25 elsewhere; for two it is 20 + 30 against 50, for three 60 against 75."""
    build, capacity = print_room()
    two, three = (
        routing_problem(
            options=[
                row
                for line in range(lines)
                for row in (OptionRow(line=line, cost=10, minutes=4, build=0, volume=3), OptionRow(line=line, cost=26))
            ],
            capacity=capacity,
            builds=[build],
        )
        for lines in (1, 3)
    )

    assert solve(two).chosen == (1,)
    assert (solve(three).chosen, solve(three).cost, solve(three).bound) == ((0, 2, 4), 60, 60)
    assert (one_by_one(three).chosen, one_by_one(three).cost) == ((1, 3, 5), 78)


def test_a_build_holds_what_fits_and_its_opening_takes_minutes_once() -> None:
    build, capacity = print_room(volume=7, capacity=14)
    problem = routing_problem(
        options=[
            row
            for line in range(3)
            for row in (OptionRow(line=line, cost=10, minutes=4, build=0, volume=3), OptionRow(line=line, cost=99))
        ],
        capacity=capacity,
        builds=[build],
    )
    contest = only_contest(problem)
    plan = solve(problem)

    assert plan.cost == plan.bound == 10 + 10 + 30 + 99
    assert contest.limit.tolist() == [14, 7]
    assert contest.slack(np.array([0, 2, UNROUTED])).tolist() == [14 - 4 - 4 - 5, 7 - 3 - 3]
    assert (contest.room_of.tolist(), contest.build_cost.tolist()) == ([-1, 0], [30])


def test_a_build_that_one_line_may_use_is_part_of_its_options() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, minutes=6, build=0, volume=3),
            OptionRow(line=0, cost=60),
            OptionRow(line=1, cost=10, minutes=6),
            OptionRow(line=1, cost=25),
        ],
        capacity=[[15]],
        builds=[BuildRow(cost=30, minutes=4, volume=3)],
    )
    contest = only_contest(problem)

    assert contest.cost.tolist() == [40, 60, 10, 25]
    assert (contest.option_build.tolist(), contest.build_cost.tolist()) == ([-1, -1, -1, -1], [])
    assert (contest.entry_weight.tolist(), contest.entry_opening.tolist()) == ([10, 6], [0, 0])
    assert solve(problem).chosen == (0, 3)


def test_a_cheap_option_of_a_shared_build_does_not_beat_a_dearer_free_one_unseen() -> None:
    """Option 0 looks cheaper than 1, yet pays 30 for the build unless line 1 opens it."""
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, build=0, volume=1),
            OptionRow(line=0, cost=20),
            OptionRow(line=0, cost=40),
            OptionRow(line=1, cost=10, build=0, volume=1),
            OptionRow(line=1, cost=15),
        ],
        builds=[BuildRow(cost=30)],
    )

    assert only_contest(problem).options.tolist() == [0, 1, 3, 4]
    assert solve(problem).chosen == (1, 4)
    assert solve(problem).cost == 35


def test_a_split_draws_on_all_its_pools_and_lots() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, minutes=5, draws=(Draw(pool=1, minutes=5, lot=0, grams=6),)),
            OptionRow(line=0, cost=50, pool=2, minutes=10),
            OptionRow(line=1, cost=10, pool=1, minutes=6),
            OptionRow(line=1, cost=30, pool=2, minutes=6),
            OptionRow(line=2, cost=10, lot=0, grams=5),
            OptionRow(line=2, cost=14, pool=2, minutes=1),
        ],
        capacity=[[5], [10], [17]],
        stock=[10],
    )

    assert solve(problem).chosen == (0, 3, 5)
    assert solve(problem).cost == solve(problem).bound == 10 + 30 + 14


def test_a_split_that_asks_one_pool_twice_must_fit_twice() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, bucket=1, minutes=60, draws=(Draw(bucket=0, minutes=50),)),
            OptionRow(line=0, cost=20, bucket=1, minutes=60, draws=(Draw(bucket=0, minutes=40),)),
        ],
        capacity=[[60, 40]],
    )

    assert solve(problem).chosen == (1,)
    assert one_by_one(problem).chosen == (1,)


def test_a_hard_quota_holds_and_a_soft_one_has_its_price() -> None:
    def share_of_a_node(excess_cost: int) -> tuple[int, ...]:
        options = [row for line in range(3) for row in (OptionRow(line=line, cost=10), OptionRow(line=line, cost=25))]
        quota = QuotaRow(weights={0: 4, 2: 4, 4: 4}, limit=6, excess_cost=excess_cost)
        return solve(routing_problem(options=options, quotas=[quota])).chosen

    assert share_of_a_node(-1).count(1) + share_of_a_node(-1).count(3) + share_of_a_node(-1).count(5) == 2
    assert share_of_a_node(0) == (0, 2, 4)
    assert share_of_a_node(2) == (0, 2, 4)
    assert len({0, 2, 4} & set(share_of_a_node(4))) == 2
    assert len({0, 2, 4} & set(share_of_a_node(8))) == 1
