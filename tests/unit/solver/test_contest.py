"""Reduction: plain decisions are made at once, the rest falls into contests that share nothing."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.solver.contest import Room, reduce_problem
from fabroute.solver.plan import UNROUTED
from tests.factories.solver import (
    OptionRow,
    least_cost_by_trying_all,
    only_contest,
    rivals_for_one_pool,
    routing_problem,
    small_tight_problem,
)


def left(*slack: int) -> Room:
    return Room(slack=np.array(slack), opened=np.zeros(0, dtype=np.bool_))


def test_without_rivals_every_line_takes_its_cheapest_option() -> None:
    reduction = reduce_problem(rivals_for_one_pool(lines=3, minutes=6, capacity=18))

    assert reduction.chosen.tolist() == [0, 2, 4]
    assert reduction.contests == ()


def test_of_equally_cheap_options_the_first_is_taken() -> None:
    problem = routing_problem(options=[OptionRow(line=0, cost=cost) for cost in (7, 5, 5)])

    assert reduce_problem(problem).chosen.tolist() == [1]


def test_lines_that_want_the_same_pool_are_a_contest() -> None:
    contest = only_contest(rivals_for_one_pool(lines=2, minutes=6, capacity=11))

    assert contest.lines.tolist() == [0, 1]
    assert contest.options.tolist() == [0, 1, 2, 3]
    assert contest.option_line.tolist() == [0, 0, 1, 1]
    assert contest.cost.tolist() == [10, 20, 10, 21]
    assert contest.unrouted_cost.tolist() == [1_000, 1_000]
    assert (contest.entry_row.tolist(), contest.entry_option.tolist()) == ([0, 0], [0, 2])
    assert (contest.entry_weight.tolist(), contest.limit.tolist()) == ([6, 6], [11])


def test_options_dearer_than_a_free_one_are_dropped() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, pool=0, minutes=6),
            OptionRow(line=0, cost=20, pool=1, minutes=6),
            OptionRow(line=0, cost=30, pool=0, minutes=6),
            OptionRow(line=0, cost=20, pool=1, minutes=6),
            OptionRow(line=1, cost=10, pool=0, minutes=6),
        ],
        capacity=[[10], [100]],
    )

    assert only_contest(problem).options.tolist() == [0, 1, 4]


def test_a_line_that_leaves_may_free_the_rest() -> None:
    """Line 0 is cheapest on a free pool; without its dear option on pool 0, pool 0 suffices for line 1."""
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=10, pool=1, minutes=6),
            OptionRow(line=0, cost=30, pool=0, minutes=6),
            OptionRow(line=1, cost=10, pool=0, minutes=6),
        ],
        capacity=[[10], [10]],
    )
    reduction = reduce_problem(problem)

    assert reduction.chosen.tolist() == [0, 2]
    assert reduction.contests == ()


def test_lines_without_an_option_that_fits_stay_unrouted() -> None:
    problem = routing_problem(
        options=[OptionRow(line=1, cost=10, minutes=6), OptionRow(line=2, cost=2_000)], capacity=[[5]], lines=4
    )
    reduction = reduce_problem(problem)

    assert reduction.chosen.tolist() == [UNROUTED] * 4
    assert reduction.contests == ()


def test_contests_share_no_scarce_row() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=10, pool=line % 2, minutes=6) for line in range(4)],
        capacity=[[10], [10]],
    )
    even, odd = reduce_problem(problem).contests

    assert (even.lines.tolist(), even.options.tolist()) == ([0, 2], [0, 2])
    assert (odd.lines.tolist(), odd.options.tolist()) == ([1, 3], [1, 3])
    assert (even.limit.tolist(), odd.limit.tolist()) == ([10], [10])
    assert reduce_problem(problem).chosen.tolist() == [UNROUTED] * 4


def test_a_chain_of_shared_rows_is_one_contest() -> None:
    """Lines 0 and 3 meet through 1 and 2: pool 0, a lot, pool 1."""
    problem = routing_problem(
        options=[
            OptionRow(line=3, cost=10, pool=0, minutes=6),
            OptionRow(line=1, cost=10, pool=0, minutes=6),
            OptionRow(line=1, cost=11, pool=2, lot=0, grams=6),
            OptionRow(line=2, cost=10, pool=2, lot=0, grams=6),
            OptionRow(line=2, cost=11, pool=1, minutes=6),
            OptionRow(line=0, cost=10, pool=1, minutes=6),
        ],
        capacity=[[10], [10], [0]],
        stock=[10],
    )
    contest = only_contest(problem)

    assert contest.lines.tolist() == [0, 1, 2, 3]
    assert len(contest.limit) == 3


def test_slack_is_what_a_choice_leaves() -> None:
    contest = only_contest(rivals_for_one_pool(lines=3, minutes=6, capacity=13))

    assert contest.slack(np.array([UNROUTED, UNROUTED, UNROUTED])).tolist() == [13]
    assert contest.slack(np.array([0, 3, 4])).tolist() == [1]
    assert contest.fits(left(6)).tolist() == [True] * 6
    assert contest.fits(left(5)).tolist() == [False, True, False, True, False, True]


def test_taking_an_option_draws_on_all_its_rows() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=line, cost=10, bucket=bucket, minutes=6, lot=0, grams=30)
            for line, bucket in ((0, 0), (1, 1), (2, 1))
        ],
        capacity=[[11, 4]],
        stock=[80],
    )
    contest = only_contest(problem)
    room = contest.room(np.full(3, UNROUTED))
    contest.take(room, 0)

    assert contest.limit.tolist() == [15, 80]
    assert room.slack.tolist() == [9, 50]
    contest.take(room, 1)
    assert room.slack.tolist() == [3, 20]
    assert room.slack.tolist() == contest.slack(np.array([0, 1, UNROUTED])).tolist()


def test_cost_counts_unrouted_lines_at_their_price() -> None:
    contest = only_contest(rivals_for_one_pool(lines=2))

    assert contest.cost_of(np.array([0, 3])) == 31
    assert contest.cost_of(np.array([UNROUTED, 2])) == 1_010


def test_a_narrower_contest_keeps_only_rows_that_can_still_run_out() -> None:
    contest = only_contest(rivals_for_one_pool(lines=3, minutes=6, capacity=13))
    lines = np.array([True, False, True])
    keep = np.array([True, True, False, False, True, False])
    ample = contest.narrowed(keep, lines=lines)
    tight = contest.narrowed(keep, lines=lines, room=left(7))

    assert (ample.lines.tolist(), ample.options.tolist()) == ([0, 2], [0, 1, 4])
    assert (ample.option_line.tolist(), ample.limit.tolist()) == ([0, 0, 1], [])
    assert (tight.limit.tolist(), tight.entry_option.tolist(), tight.entry_weight.tolist()) == ([7], [0, 2], [6, 6])
    assert tight.cost.tolist() == [10, 20, 10]


def test_choices_are_translated_both_ways() -> None:
    contest = only_contest(rivals_for_one_pool(lines=3, minutes=6, capacity=13))
    part = contest.narrowed(np.array([True, True, False, False, False, True]), lines=np.array([True, False, True]))
    outer = np.array([1, 2, UNROUTED])

    assert part.from_outer(outer).tolist() == [1, UNROUTED]
    assert part.into_outer(np.array([UNROUTED, 2]), outer).tolist() == [UNROUTED, 2, 5]
    assert part.into_outer(part.from_outer(outer), outer).tolist() == outer.tolist()
    assert outer.tolist() == [1, 2, UNROUTED]


def test_a_contest_can_be_read_as_a_problem_of_its_own() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=7),
            OptionRow(line=1, cost=10, pool=1, bucket=1, minutes=6, lot=0, grams=3),
            OptionRow(line=2, cost=11, pool=1, bucket=1, minutes=6),
        ],
        capacity=[[0, 0], [5, 5]],
        stock=[9],
        unrouted=[50, 60, 70],
    )
    alone = only_contest(problem).problem_of(problem)

    assert (alone.line_count, alone.option_line.tolist(), alone.option_cost.tolist()) == (2, [0, 1], [10, 11])
    assert (alone.option_minutes.tolist(), alone.option_lot.tolist(), alone.option_grams.tolist()) == (
        [6, 6],
        [0, -1],
        [3, 0],
    )
    assert alone.unrouted_cost.tolist() == [60, 70]
    assert alone.capacity.tolist() == problem.capacity.tolist()


@given(seed=st.integers(0, 10_000))
def test_reduction_loses_no_optimum_and_leaves_each_line_in_one_place(seed: int) -> None:
    problem = small_tight_problem(seed=seed)
    reduction = reduce_problem(problem)
    contested = [line for contest in reduction.contests for line in contest.lines.tolist()]
    plain = [line for line in range(problem.line_count) if line not in contested]
    rest = routing_problem(
        options=[
            OptionRow(
                line=line,
                cost=int(problem.option_cost[option]),
                pool=int(problem.option_pool[option]),
                bucket=int(problem.option_bucket[option]),
                minutes=int(problem.option_minutes[option]),
                lot=int(problem.option_lot[option]),
                grams=int(problem.option_grams[option]),
            )
            for line, option in _left(problem.option_line.tolist(), reduction.chosen.tolist(), plain, contested)
        ],
        capacity=problem.capacity.tolist(),
        stock=problem.stock.tolist(),
        unrouted=problem.unrouted_cost.tolist(),
        lines=problem.line_count,
    )

    assert len(contested) == len(set(contested))
    assert all(reduction.chosen[line] == UNROUTED for line in contested)
    assert least_cost_by_trying_all(rest) == least_cost_by_trying_all(problem)


def _left(owners: list[int], chosen: list[int], plain: list[int], contested: list[int]) -> list[tuple[int, int]]:
    """Options that a plan may still use: the plain choices, and all of contested lines."""
    decided = [(line, chosen[line]) for line in plain if chosen[line] != UNROUTED]
    return decided + [(line, option) for option, line in enumerate(owners) if line in contested]


@pytest.mark.parametrize("seed", range(30))
def test_each_contest_holds_an_optimum_of_its_lines(seed: int) -> None:
    """Solved alone and put together, plain choices and the contests' optima are the problem's optimum."""
    problem = small_tight_problem(seed=seed)
    reduction = reduce_problem(problem)
    total = sum(
        int(problem.option_cost[option]) if option != UNROUTED else int(problem.unrouted_cost[line])
        for line, option in enumerate(reduction.chosen.tolist())
        if not any(line in contest.lines for contest in reduction.contests)
    )
    for contest in reduction.contests:
        lines = contest.lines.tolist()
        kept = contest.options.tolist()
        alone = routing_problem(
            options=[
                OptionRow(
                    line=lines.index(int(problem.option_line[option])),
                    cost=int(problem.option_cost[option]),
                    pool=int(problem.option_pool[option]),
                    bucket=int(problem.option_bucket[option]),
                    minutes=int(problem.option_minutes[option]),
                    lot=int(problem.option_lot[option]),
                    grams=int(problem.option_grams[option]),
                )
                for option in kept
            ],
            capacity=problem.capacity.tolist(),
            stock=problem.stock.tolist(),
            unrouted=contest.unrouted_cost.tolist(),
        )
        total += least_cost_by_trying_all(alone)

    assert total == least_cost_by_trying_all(problem)
    assert reduction.chosen.shape == (problem.line_count,)
