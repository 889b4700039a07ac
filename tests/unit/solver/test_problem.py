"""The routing problem: what it takes, what it refuses, and its hash."""

from typing import Any

import numpy as np
import pytest

from fabroute.kernel.errors import DomainError
from fabroute.solver.problem import InvalidProblem, RoutingProblem, exact_sum
from tests.factories.solver import OptionRow, routing_problem


def arrays(**changes: Any) -> dict[str, Any]:
    """Two lines, three options, two pools, two buckets, one lot; with changes."""
    return {
        "line_count": 2,
        "option_line": [0, 0, 1],
        "option_cost": [5, 6, 7],
        "option_pool": [0, 1, 1],
        "option_bucket": [0, 1, 1],
        "option_minutes": [10, 20, 30],
        "option_lot": [-1, 0, 0],
        "option_grams": [0, 40, 50],
        "unrouted_cost": [100, 200],
        "capacity": [[60, 60], [30, 90]],
        "stock": [500],
        **changes,
    }


def test_a_problem_tells_where_the_options_of_each_line_begin() -> None:
    problem = routing_problem(options=[OptionRow(line=0, cost=1), OptionRow(line=0, cost=2), OptionRow(line=2, cost=3)])

    assert problem.line_count == 3
    assert problem.option_count == 3
    assert problem.line_start().tolist() == [0, 2, 2, 3]


def test_capacity_is_given_by_bucket_and_added_up_on_demand() -> None:
    problem = RoutingProblem(**arrays())

    assert problem.capacity.tolist() == [[60, 60], [30, 90]]
    assert problem.cumulative_capacity().tolist() == [[60, 120], [30, 120]]


def test_arrays_are_copied_and_can_not_be_changed() -> None:
    costs = np.array([5, 6, 7], dtype=np.int32)
    problem = RoutingProblem(**arrays(option_cost=costs))
    costs[0] = 99

    assert problem.option_cost.tolist() == [5, 6, 7]
    assert problem.option_cost.dtype == np.int64
    with pytest.raises(ValueError, match="read-only"):
        problem.option_cost[0] = 1


def test_an_empty_problem_is_a_problem() -> None:
    problem = routing_problem(lines=0, capacity=[[]])

    assert problem.line_count == 0
    assert problem.option_count == 0
    assert problem.line_start().tolist() == [0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"line_count": -1}, "line_count is -1"),
        ({"option_cost": [5, 6]}, "option_cost has 2 entries for 3 options"),
        ({"option_grams": [1, 2, 3, 4]}, "option_grams has 4 entries for 3 options"),
        ({"unrouted_cost": [1]}, "unrouted_cost has 1 entries for 2 lines"),
        ({"option_line": [0, 1, 0]}, "option 2 goes back a line"),
        ({"option_line": [0, 0, 2]}, r"option_line\[2\] is 2, but there are 2 lines"),
        ({"option_line": [-1, 0, 1]}, r"option_line\[0\] is -1, but there are 2 lines"),
        ({"option_pool": [0, 2, 1]}, r"option_pool\[1\] is 2, but there are 2 pools"),
        ({"option_bucket": [0, 1, 2]}, r"option_bucket\[2\] is 2, but there are 2 buckets"),
        ({"option_lot": [-1, 0, 1]}, r"option_lot\[2\] is 1, but there are 1 lots"),
        ({"option_lot": [-2, 0, 0]}, r"option_lot\[0\] is -2, but there are 1 lots"),
        ({"option_cost": [5, -6, 7]}, r"option_cost\[1\] is -6"),
        ({"option_minutes": [-1, 20, 30]}, r"option_minutes\[0\] is -1"),
        ({"unrouted_cost": [100, -1]}, r"unrouted_cost\[1\] is -1"),
        ({"capacity": [[60, 60], [-30, 90]]}, r"capacity\[2\] is -30"),
        ({"stock": [-500]}, r"stock\[0\] is -500"),
        ({"capacity": [60, 60]}, r"capacity must have 2 dimension\(s\), not 1"),
        ({"option_cost": [[5, 6, 7]]}, r"option_cost must have 1 dimension\(s\), not 2"),
        ({"option_cost": [5.0, 6.5, 7.0]}, r"option_cost must hold whole numbers below 2.62 \(it holds float64\)"),
        ({"stock": ["many"]}, "stock must hold whole numbers"),
        ({"option_cost": np.array([5, 2**63, 7], dtype=np.uint64)}, r"option_cost must hold .* \(it holds uint64\)"),
        ({"option_cost": [5, 2**62, 7]}, r"option_cost must hold whole numbers below 2.62 \(it holds int64\)"),
        ({"option_cost": [2**61, 2**61, 7]}, "option_cost adds up to 4611686018427387911"),
        ({"option_minutes": [2**61, 2**61, 0]}, "option_minutes adds up to"),
        ({"capacity": [[2**61, 2**61], [0, 0]]}, "capacity adds up to"),
        ({"option_cost": [2**61, 0, 0], "unrouted_cost": [2**61, 0]}, "option_cost and unrouted_cost add up to"),
    ],
)
def test_a_problem_that_contradicts_itself_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidProblem, match=words) as refusal:
        RoutingProblem(**arrays(**changes))

    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, DomainError)
    assert (refusal.value.code, refusal.value.status) == ("invalid_routing_problem", 500)


def test_costs_just_under_the_limit_are_taken() -> None:
    problem = RoutingProblem(**arrays(option_cost=[2**61 - 1, 0, 0], unrouted_cost=[2**61 - 1, 1]))

    assert exact_sum(problem.option_cost) + exact_sum(problem.unrouted_cost) == 2**62 - 1


def test_sums_do_not_wrap_around() -> None:
    assert exact_sum(np.array([2**62, 2**62, 2**62, 5], dtype=np.int64)) == 3 * 2**62 + 5
    assert exact_sum(np.array([], dtype=np.int64)) == 0


def test_the_hash_is_of_the_numbers_and_nothing_else() -> None:
    problem = RoutingProblem(**arrays())
    same = RoutingProblem(**arrays(option_cost=np.array([5, 6, 7], dtype=np.int16)))

    assert problem.snapshot_sha256() == same.snapshot_sha256()
    assert problem.snapshot_sha256() == "887003d97cbbf496689a40be53597ff161ebdf879f944b40ed91fdcbd55ab2c5"


@pytest.mark.parametrize(
    "changes",
    [
        {"line_count": 3, "unrouted_cost": [100, 200, 0]},
        {"option_line": [0, 1, 1]},
        {"option_cost": [5, 6, 8]},
        {"option_pool": [0, 1, 0]},
        {"option_bucket": [0, 1, 0]},
        {"option_minutes": [10, 20, 31]},
        {"option_lot": [-1, 0, -1]},
        {"option_grams": [0, 40, 51]},
        {"unrouted_cost": [100, 201]},
        {"capacity": [[60, 60], [30, 91]]},
        {"stock": [501]},
    ],
)
def test_every_number_changes_the_hash(changes: dict[str, Any]) -> None:
    problem = RoutingProblem(**arrays())
    changed = RoutingProblem(**arrays(**changes))

    assert changed.snapshot_sha256() != problem.snapshot_sha256()
    assert len(changed.snapshot_sha256()) == 64


def test_the_shape_of_the_capacity_is_part_of_the_hash() -> None:
    wide = routing_problem(lines=0, capacity=[[1, 2, 3, 4]])
    square = routing_problem(lines=0, capacity=[[1, 2], [3, 4]])

    assert wide.capacity.shape == (1, 4)
    assert wide.snapshot_sha256() != square.snapshot_sha256()
