"""Scarce resources as rows: which there are, and which options fit at all."""

import numpy as np

from fabroute.solver.problem import NO_LOT, RoutingProblem
from fabroute.solver.rows import Row, cumulative_capacity, fits_alone, lot_stock, scarce_rows
from tests.factories.solver import OptionRow, rivals_for_one_pool, routing_problem


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
