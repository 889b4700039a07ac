"""One line at once, against plain counting and by hand."""

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from fabroute.solver.online import OnlineChoice, Residual, ScarceRow, Shortfall, choose_online
from fabroute.solver.plan import UNROUTED, ScarcityPrices, plan_cost
from fabroute.solver.problem import HARD, NO_BUILD, RoutingProblem
from tests.factories.online import prices_by_chance, problem_of_all_rules, room_of, wants_of
from tests.factories.solver import OptionRow, rivals_for_one_pool, routing_problem

_SEEDS = range(250)


def _plan_of_others(problem: RoutingProblem, *, seed: int) -> list[int]:
    """Return options of lines other than 0 that some run took: one for each line, whether there is room or not."""
    random = np.random.default_rng([seed, 2])
    start = problem.line_start()
    spans = ((int(start[line]), int(start[line + 1])) for line in range(1, problem.line_count))
    return [int(random.integers(first, end)) for first, end in spans if end > first and random.random() < 0.6]


def _short_rows(problem: RoutingProblem, taken: list[int], option: int) -> dict[tuple[str, int, int], int]:
    """Return by row what is missing for an option beside those that are taken."""
    before, after = wants_of(problem, taken), wants_of(problem, [*taken, option])
    asked = {row: need for row, need in (after - before).items() if not (row[0] == "minutes" and _beyond(problem, row))}
    return {row: after[row] - room_of(problem, row) for row in asked if after[row] > room_of(problem, row)}


def _beyond(problem: RoutingProblem, row: tuple[str, int, int]) -> bool:
    return bool(row[2] >= problem.capacity.shape[1])


def _added_cost(problem: RoutingProblem, taken: list[int], option: int) -> int:
    """Return what an option adds to the cost of a plan of the other lines."""
    line_of = problem.option_line.tolist()
    before = [UNROUTED] * problem.line_count
    for other in taken:
        before[line_of[other]] = other
    after = [*before]
    after[0] = option
    return plan_cost(problem, after) - plan_cost(problem, before) + int(problem.unrouted_cost[0])


@pytest.mark.parametrize("seed", _SEEDS)
def test_what_fits_and_what_lacks_is_what_plain_counting_says(seed: int) -> None:
    problem = problem_of_all_rules(seed=seed)
    taken = _plan_of_others(problem, seed=seed)
    choice = choose_online(problem, 0, Residual.of(problem, taken))
    worst: dict[tuple[int, str, int], int] = {}
    for option in range(int(problem.line_start()[1])):
        short = _short_rows(problem, taken, option)
        assert bool(choice.fits[option]) == (not short), f"option {option}: {short}"
        for (kind, index, _), lacks in short.items():
            worst[option, kind, index] = max(lacks, worst.get((option, kind, index), 0))
    found = {(each.option, each.row.value, each.index): each.lacks for each in choice.shortfalls}
    assert found == worst


@pytest.mark.parametrize("seed", _SEEDS)
def test_the_choice_is_the_least_of_all_that_fit_at_cost_and_at_prices(seed: int) -> None:
    problem = problem_of_all_rules(seed=seed)
    taken = _plan_of_others(problem, seed=seed)
    residual, prices = Residual.of(problem, taken), prices_by_chance(problem, seed=seed)
    added = [_added_cost(problem, taken, option) for option in range(int(problem.line_start()[1]))]
    plain, priced = choose_online(problem, 0, residual), choose_online(problem, 0, residual, prices)
    assert plain.cost.tolist() == plain.reduced_cost.tolist() == priced.cost.tolist() == added
    scarce = [_scarcity_of(problem, prices, option, residual) for option in range(len(added))]
    assert np.abs(priced.reduced_cost - np.array(added) - np.array(scarce)).max(initial=0.0) <= 0.5 + 1e-9
    for choice in (plain, priced):
        fitting = [option for option in range(len(added)) if choice.fits[option]]
        ranked = sorted(fitting, key=lambda option: (choice.reduced_cost[option], added[option], option))
        assert choice.option == next(iter(ranked), UNROUTED)


def _scarcity_of(problem: RoutingProblem, prices: ScarcityPrices, option: int, residual: Residual) -> float:
    total = float(prices.of_options(problem)[option])
    build = int(problem.option_build[option])
    if build == NO_BUILD or residual.is_open[build]:
        return total
    place = int(problem.build_pool[build]), int(problem.build_bucket[build])
    return total + float(problem.build_minutes[build] * prices.minute[place])


@pytest.mark.parametrize("seed", range(60))
def test_what_is_left_after_options_is_what_plain_counting_leaves(seed: int) -> None:
    problem = problem_of_all_rules(seed=seed)
    taken = _plan_of_others(problem, seed=seed)
    left, wants = Residual.of(problem, taken), wants_of(problem, taken)
    pools, buckets = problem.capacity.shape
    minutes = [[_left(problem, wants, ("minutes", pool, to)) for to in range(buckets)] for pool in range(pools)]
    assert left.minutes.tolist() == minutes
    assert left.grams.tolist() == [_left(problem, wants, ("grams", lot, 0)) for lot in range(len(problem.stock))]
    assert left.volume.tolist() == [_left(problem, wants, ("volume", b, 0)) for b in range(len(problem.build_volume))]
    assert left.quota_weight.tolist() == [wants["quota", quota, 0] for quota in range(len(problem.quota_limit))]


def _left(problem: RoutingProblem, wants: Counter[tuple[str, int, int]], row: tuple[str, int, int]) -> int:
    return room_of(problem, row) - wants[row]


def test_what_is_left_is_not_changed_by_looking_or_taking() -> None:
    problem = rivals_for_one_pool()
    before = Residual.of(problem)
    after = before.less(problem, choose_online(problem, 0, before).option)
    assert before.minutes.tolist() == [[10], [12]]
    assert after.minutes.tolist() == [[4], [12]]


def test_a_price_turns_a_line_away_from_the_pool_that_others_need() -> None:
    problem = rivals_for_one_pool(lines=2)
    empty = Residual.of(problem)
    dear = ScarcityPrices(minute=np.array([[2.0], [0.0]]), gram=np.zeros(0))
    assert choose_online(problem, 0, empty).option == 0
    at_prices = choose_online(problem, 0, empty, dear)
    assert (at_prices.option, at_prices.dearer(0)) == (1, 2)
    assert at_prices.cost.tolist() == [10, 20]
    assert at_prices.reduced_cost.tolist() == [22, 20]


def test_equal_reduced_costs_go_to_the_cheaper_option() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=12, pool=0, minutes=1), OptionRow(line=0, cost=10, pool=1, minutes=1)],
        capacity=[[5], [5]],
    )
    even = ScarcityPrices(minute=np.array([[0.0], [2.0]]), gram=np.zeros(0))
    choice = choose_online(problem, 0, Residual.of(problem), even)
    assert choice.reduced_cost.tolist() == [12, 12]
    assert choice.option == 1


def test_the_row_that_lacks_most_is_named_with_its_figures() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=5, bucket=0, minutes=9, lot=0, grams=30)], capacity=[[4, 1, 3]], stock=[12]
    )
    choice = choose_online(problem, 0, Residual.of(problem))
    assert choice.option == UNROUTED
    assert choice.shortfalls == (
        Shortfall(option=0, row=ScarceRow.MINUTES, index=0, bucket=0, needs=9, has=4),
        Shortfall(option=0, row=ScarceRow.GRAMS, index=0, bucket=None, needs=30, has=12),
    )
    assert [shortfall.lacks for shortfall in choice.shortfalls] == [5, 18]


def test_an_early_line_may_not_take_the_minutes_of_a_later_deadline_that_is_promised() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=5, bucket=0, minutes=3),
            OptionRow(line=1, cost=5, bucket=1, minutes=6),
        ],
        capacity=[[4, 4]],
    )
    choice = choose_online(problem, 0, Residual.of(problem, [1]))
    assert choice.option == UNROUTED
    assert choice.shortfalls == (Shortfall(option=0, row=ScarceRow.MINUTES, index=0, bucket=1, needs=3, has=2),)


def test_without_a_choice_nothing_is_dearer_than_it() -> None:
    choice = choose_online(routing_problem(lines=1), 0, Residual.of(routing_problem(lines=1)))
    assert (choice.option, choice.shortfalls, choice.fits.tolist()) == (UNROUTED, (), [])
    with pytest.raises(ValueError, match="nothing fits"):
        choice.dearer(0)


def _of_one_quota(*, excess: int) -> tuple[RoutingProblem, OnlineChoice]:
    plain = routing_problem(
        options=[OptionRow(line=0, cost=10), OptionRow(line=1, cost=10), OptionRow(line=1, cost=14)], capacity=[[1]]
    )
    problem = replace(
        plain,
        quota_limit=np.array([3]),
        quota_excess_cost=np.array([excess]),
        share_quota=np.array([0, 0]),
        share_option=np.array([0, 1]),
        share_weight=np.array([2, 2]),
    )
    return problem, choose_online(problem, 1, Residual.of(problem, [0]))


def test_a_hard_quota_rules_out_and_a_soft_one_costs_what_goes_over_it() -> None:
    _, hard = _of_one_quota(excess=HARD)
    assert hard.shortfalls == (Shortfall(option=1, row=ScarceRow.QUOTA, index=0, bucket=None, needs=2, has=1),)
    assert hard.option == 2
    _, soft = _of_one_quota(excess=5)
    assert (soft.option, soft.cost.tolist()) == (2, [15, 14])
    _, cheap = _of_one_quota(excess=3)
    assert (cheap.option, cheap.cost.tolist()) == (1, [13, 14])


def test_costs_near_the_limit_do_not_wrap_around() -> None:
    problem = routing_problem(
        options=[OptionRow(line=0, cost=2**60, minutes=2**40), OptionRow(line=0, cost=2**60 + 1, pool=1)],
        capacity=[[2**41], [1]],
    )
    steep = ScarcityPrices(minute=np.array([[1e200], [0.0]]), gram=np.zeros(0))
    choice = choose_online(problem, 0, Residual.of(problem), steep)
    assert choice.option == 1
    assert choice.reduced_cost.tolist() == [2**60 + 2**61, 2**60 + 1]
