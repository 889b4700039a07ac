"""Scarce resources as rows: which there are, and which options fit at all."""

from dataclasses import replace

import numpy as np

from fabroute.solver.problem import HARD, NO_LOT, RoutingProblem
from fabroute.solver.rows import (
    Row,
    build_room,
    cumulative_capacity,
    fits_alone,
    is_shared,
    lot_stock,
    quotas,
    scarce_rows,
)
from tests.factories.solver import BuildRow, Draw, OptionRow, QuotaRow, rivals_for_one_pool, routing_problem


def everything(problem: RoutingProblem) -> np.ndarray[tuple[int, ...], np.dtype[np.bool_]]:
    return np.ones(problem.option_count, dtype=np.bool_)


def facts(row: Row) -> tuple[list[int], list[int], int]:
    return row.members.tolist(), row.weights.tolist(), row.limit


def test_capacity_rows_hold_all_that_is_due_by_then() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, bucket=2, minutes=50),
            OptionRow(line=1, cost=1, bucket=0, minutes=40),
            OptionRow(line=2, cost=1, bucket=2, minutes=90),
        ],
        capacity=[[30, 40, 50]],
    )

    rows = [facts(row) for row in cumulative_capacity(problem, everything(problem))]

    assert rows == [([1], [40], 30), ([1, 0, 2], [40, 50, 90], 120)]


def test_deadlines_by_which_everything_fits_make_no_row() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=1, bucket=line, minutes=40) for line in (0, 1)], capacity=[[40, 39]]
    )

    assert [facts(row) for row in cumulative_capacity(problem, everything(problem))] == [([0, 1], [40, 40], 79)]


def test_pools_have_rows_of_their_own_and_dead_options_are_in_none() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=1, pool=line % 2, minutes=30) for line in range(5)],
        capacity=[[50], [50]],
    )
    alive = np.array([True, True, True, True, False])

    rows = [facts(row) for row in cumulative_capacity(problem, alive)]

    assert rows == [([0, 2], [30, 30], 50), ([1, 3], [30, 30], 50)]


def test_lot_rows_hold_all_that_draw_on_a_lot() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, lot=1, grams=5),
            OptionRow(line=1, cost=1, lot=0, grams=7),
            OptionRow(line=2, cost=1, lot=1, grams=6),
            OptionRow(line=3, cost=1, lot=NO_LOT, grams=9),
            OptionRow(line=4, cost=1, lot=1, grams=0),
        ],
        stock=[10, 11],
    )

    rows = [facts(row) for row in lot_stock(problem, everything(problem))]

    assert rows == [([1], [7], 10), ([0, 2], [5, 6], 11)]


def test_a_row_is_scarce_only_if_lines_can_overfill_it_with_one_option_each() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, bucket=0, minutes=30),
            OptionRow(line=0, cost=2, bucket=0, minutes=35),
            OptionRow(line=1, cost=1, bucket=0, minutes=25),
        ],
        capacity=[[60]],
    )
    tighter = routing_problem(
        options=[
            OptionRow(line=0, cost=1, minutes=30),
            OptionRow(line=0, cost=2, minutes=36),
            OptionRow(line=1, cost=1, minutes=25),
        ],
        capacity=[[60]],
    )

    assert scarce_rows(problem, everything(problem)) == []
    assert [facts(row) for row in scarce_rows(tighter, everything(tighter))] == [([0, 1, 2], [30, 36, 25], 60)]


def test_an_option_fits_alone_up_to_the_last_minute_gram_and_cent() -> None:
    problem = routing_problem(
        options=[
            OptionRow(line=0, cost=1, bucket=1, minutes=100),
            OptionRow(line=0, cost=1, bucket=1, minutes=101),
            OptionRow(line=0, cost=1, bucket=0, minutes=61),
            OptionRow(line=0, cost=1, lot=0, grams=500),
            OptionRow(line=0, cost=1, lot=0, grams=501),
            OptionRow(line=0, cost=1, lot=NO_LOT, grams=10**9),
            OptionRow(line=0, cost=1_000),
            OptionRow(line=0, cost=1_001),
        ],
        capacity=[[60, 40]],
        stock=[500],
    )

    assert fits_alone(problem).tolist() == [True, False, False, True, False, True, True, False]


def test_without_capacity_only_options_without_minutes_fit() -> None:
    problem = rivals_for_one_pool(lines=2, capacity=0)

    assert fits_alone(problem).tolist() == [False, True, False, True]
    assert fits_alone(routing_problem(lines=3)).tolist() == []


def split_and_shared(*, lines: int = 2) -> RoutingProblem:
    """Options 0 and 2 share a build of pool 0 with 15 minutes to open; option 1 is split; three quotas."""
    return routing_problem(
        options=[
            OptionRow(line=0, cost=1, minutes=20, build=0, volume=6),
            OptionRow(line=0, cost=1, pool=1, minutes=30, lot=0, grams=9, draws=(Draw(bucket=1, minutes=5),) * 2),
            OptionRow(line=1, cost=1, build=0, volume=5),
            OptionRow(line=1, cost=1, pool=1, minutes=9, draws=(Draw(lot=0, grams=4), Draw(lot=0, grams=3))),
        ],
        capacity=[[29, 0], [35, 0]],
        stock=[15],
        lines=lines,
        builds=[BuildRow(cost=3, minutes=15, volume=10)],
        quotas=[
            QuotaRow(weights={0: 2, 3: 2}, limit=3),
            QuotaRow(weights={1: 0, 2: 5, 0: 1}, limit=4, excess_cost=7),
            QuotaRow(weights={0: 9, 2: 9}, limit=1, excess_cost=0),
        ],
    )


def test_draws_and_openings_count_in_the_minutes_of_their_pool() -> None:
    problem = split_and_shared()
    rows = [(*facts(row), row.openings.tolist()) for row in cumulative_capacity(problem, everything(problem))]

    assert rows == [
        ([0, 2], [20, 0], 29, [15, 15]),
        ([0, 1, 2], [20, 10, 0], 29, [15, 0, 15]),
        ([1, 3], [30, 9], 35, [0, 0]),
    ]


def test_grams_of_a_split_are_added_up_on_each_lot() -> None:
    problem = split_and_shared()

    assert [facts(row) for row in lot_stock(problem, everything(problem))] == [([1, 3], [9, 7], 15)]


def test_a_build_has_a_row_of_its_room_only_where_lines_share_it() -> None:
    problem = split_and_shared()
    alone = np.array([True, True, False, True])
    (room,) = build_room(problem, everything(problem))

    assert (*facts(room), room.room_of) == ([0, 2], [6, 5], 10, 0)
    assert list(build_room(problem, alone)) == []
    assert (is_shared(problem, everything(problem)).tolist(), is_shared(problem, alone).tolist()) == ([True], [False])


def test_a_build_of_one_line_is_part_of_its_options_minutes() -> None:
    problem = split_and_shared()
    rows = list(cumulative_capacity(problem, np.array([True, False, False, False])))

    assert [(*facts(row), row.openings.tolist()) for row in rows] == [([0], [35], 29, [0])]


def test_quotas_have_rows_hard_or_at_a_price_and_none_where_excess_is_free() -> None:
    problem = split_and_shared()
    hard, soft = quotas(problem, everything(problem))

    assert (*facts(hard), hard.excess_cost) == ([0, 3], [2, 2], 3, HARD)
    assert (*facts(soft), soft.excess_cost) == ([0, 2], [1, 5], 4, 7)


def test_an_option_fits_alone_with_all_its_draws_its_opening_its_volume_and_its_quotas() -> None:
    problem = split_and_shared()
    roomy = replace(problem, capacity=np.array([[35, 0], [35, 0]]))
    small = replace(roomy, build_volume=np.array([5]), stock=np.array([6]))
    capped = replace(roomy, quota_limit=np.array([1, 4, 1]))

    assert fits_alone(problem).tolist() == [False, True, True, True]
    assert fits_alone(roomy).tolist() == [True] * 4
    assert fits_alone(small).tolist() == [False, False, True, False]
    assert fits_alone(capped).tolist() == [False, True, True, False]
