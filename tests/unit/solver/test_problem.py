"""The routing problem: what it takes, what it refuses, and its hash."""

from typing import Any

import numpy as np
import pytest

from fabroute.kernel.errors import DomainError
from fabroute.solver.problem import HARD, InvalidProblem, RoutingProblem, exact_sum
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


def mixed(**changes: Any) -> dict[str, Any]:
    """The same with a split, two builds, a hard and a soft quota; with changes."""
    return arrays(
        **{
            "draw_option": [1, 1],
            "draw_pool": [0, 1],
            "draw_bucket": [1, 0],
            "draw_minutes": [3, 4],
            "draw_lot": [0, -1],
            "draw_grams": [8, 0],
            "option_build": [0, -1, -1],
            "option_volume": [7, 0, 0],
            "build_cost": [90, 70],
            "build_pool": [0, 1],
            "build_bucket": [0, 1],
            "build_minutes": [15, 25],
            "build_volume": [10, 20],
            "quota_limit": [5, 6],
            "quota_excess_cost": [HARD, 2],
            "share_quota": [0, 1],
            "share_option": [0, 2],
            "share_weight": [4, 9],
            **changes,
        }
    )


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
        ({"option_line": [0, 1, 0]}, "options must be sorted by line: entry 2 goes back"),
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
        ({"option_cost": [2**61, 2**61, 7]}, "the costs of option_cost, unrouted_cost, build_cost and quotas reach"),
        ({"option_minutes": [2**61, 2**61, 0]}, "the sum of option_minutes, draw_minutes, build_minutes is 4611686018"),
        ({"option_grams": [0, 2**61, 2**61]}, "the sum of option_grams, draw_grams is 4611686018427387904, over"),
        ({"capacity": [[2**61, 2**61], [0, 0]]}, "the sum of capacity is"),
        ({"option_cost": [2**61, 0, 0], "unrouted_cost": [2**61, 0]}, "and quotas reach 4611686018427387904"),
    ],
)
def test_a_problem_that_contradicts_itself_is_refused_by_name(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidProblem, match=words) as refusal:
        RoutingProblem(**arrays(**changes))

    assert isinstance(refusal.value, ValueError)
    assert isinstance(refusal.value, DomainError)
    assert (refusal.value.code, refusal.value.status) == ("invalid_routing_problem", 500)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"draw_option": [1, 3]}, r"draw_option\[1\] is 3, but there are 3 options"),
        ({"draw_option": [1, 0]}, "draws must be sorted by option: entry 1 goes back"),
        ({"draw_pool": [0, 2]}, r"draw_pool\[1\] is 2, but there are 2 pools"),
        ({"draw_bucket": [-1, 0]}, r"draw_bucket\[0\] is -1, but there are 2 buckets"),
        ({"draw_lot": [0, 1]}, r"draw_lot\[1\] is 1, but there are 1 lots"),
        ({"draw_grams": [1]}, "draw_grams has 1 entries for 2 draws"),
        ({"draw_minutes": [1, -1]}, r"draw_minutes\[1\] is -1"),
        ({"option_build": [0, -1]}, "option_build has 2 entries for 3 options"),
        ({"option_build": [-1, 2, -1]}, r"option_build\[1\] is 2, but there are 2 builds"),
        ({"option_build": [-1, 0, -1]}, "option 1 and its build are not on the same pool and bucket"),
        ({"option_volume": [7, 3, 0]}, r"option_volume\[1\] is not 0, but the option has no build"),
        ({"option_volume": [-7, 0, 0]}, r"option_volume\[0\] is -7"),
        ({"build_pool": [0, 2]}, r"build_pool\[1\] is 2, but there are 2 pools"),
        ({"build_bucket": [0, 2]}, r"build_bucket\[1\] is 2, but there are 2 buckets"),
        ({"build_minutes": [1]}, "build_minutes has 1 entries for 2 builds"),
        ({"build_cost": [1, -1]}, r"build_cost\[1\] is -1"),
        ({"share_quota": [0, 2]}, r"share_quota\[1\] is 2, but there are 2 quotas"),
        ({"share_quota": [1, 0]}, "shares must be sorted by quota: entry 1 goes back"),
        ({"share_option": [0, 3]}, r"share_option\[1\] is 3, but there are 3 options"),
        ({"share_weight": [0, -3]}, r"share_weight\[1\] is -3"),
        ({"quota_limit": [5]}, "quota_excess_cost has 2 entries for 1 quotas"),
        ({"quota_limit": [-5, 0]}, r"quota_limit\[0\] is -5"),
        ({"quota_excess_cost": [-2, 0]}, r"quota_excess_cost\[0\] is -2"),
        ({"draw_minutes": [2**61, 2**61]}, "the sum of option_minutes, draw_minutes, build_minutes is"),
        ({"draw_grams": [2**61, 2**61]}, "the sum of option_grams, draw_grams is"),
        ({"build_minutes": [2**61, 2**61]}, "the sum of option_minutes, draw_minutes, build_minutes is"),
        ({"build_cost": [2**61, 2**61]}, "and quotas reach"),
        ({"share_weight": [2**61, 2**61]}, "the sum of share_weight is"),
        ({"share_weight": [4, 2**40 + 6], "quota_excess_cost": [-1, 2**22]}, "and quotas reach 4611686018427388382"),
    ],
)
def test_draws_builds_and_quotas_that_contradict_themselves_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidProblem, match=words) as refusal:
        RoutingProblem(**mixed(**changes))

    assert refusal.value.code == "invalid_routing_problem"


def test_a_build_that_is_not_there_is_refused_though_there_are_none() -> None:
    with pytest.raises(InvalidProblem, match=r"option_build\[2\] is 0, but there are 0 builds"):
        RoutingProblem(**arrays(option_build=[-1, -1, 0], option_volume=[0, 0, 0]))
    with pytest.raises(InvalidProblem, match="option_build has 0 entries for 3 options"):
        RoutingProblem(**arrays(option_volume=[0, 4, 0]))


def test_without_builds_every_option_is_made_in_none() -> None:
    plain, split = RoutingProblem(**arrays()), RoutingProblem(**mixed())

    assert (plain.option_build.tolist(), plain.option_volume.tolist()) == ([-1, -1, -1], [0, 0, 0])
    assert plain.is_plain
    assert not split.is_plain


def test_hard_quotas_may_be_exceeded_in_sum_without_a_cost() -> None:
    problem = RoutingProblem(**mixed(share_weight=[2**61, 2**60], quota_excess_cost=[-1, 0]))

    assert problem.quota_excess_cost.tolist() == [HARD, 0]
    assert problem.share_weight.tolist() == [2**61, 2**60]


def test_a_problem_of_some_options_keeps_what_belongs_to_them() -> None:
    problem = RoutingProblem(**mixed())
    part = problem.only(np.array([False, True, True]))
    alone = problem.only(np.array([False, False, True]), lines=np.array([False, True]))

    assert (part.line_count, part.option_line.tolist(), part.option_cost.tolist()) == (2, [0, 1], [6, 7])
    assert (part.draw_option.tolist(), part.draw_minutes.tolist(), part.draw_lot.tolist()) == ([0, 0], [3, 4], [0, -1])
    assert (part.share_quota.tolist(), part.share_option.tolist(), part.share_weight.tolist()) == ([1], [1], [9])
    assert (part.option_build.tolist(), part.build_cost.tolist()) == ([-1, -1], [90, 70])
    assert (alone.line_count, alone.option_line.tolist(), alone.unrouted_cost.tolist()) == (1, [0], [200])
    assert (alone.draw_option.tolist(), alone.share_option.tolist()) == ([], [0])
    assert alone.quota_limit.tolist() == [5, 6]


def test_a_plain_problem_of_some_options_is_plain() -> None:
    part = RoutingProblem(**arrays()).only(np.array([True, False, False]))

    assert part.is_plain
    assert part.option_build.tolist() == [-1]


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
    assert problem.snapshot_sha256() == "52c2c074ccc70b56ee42d9ab2569e8aed25dd47af750564e63f469c34532f0f0"


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


@pytest.mark.parametrize("name", [each for each in mixed() if each not in arrays()])
def test_every_number_of_draws_builds_and_quotas_changes_the_hash(name: str) -> None:
    problem = RoutingProblem(**mixed())
    other = {"draw_option": [1, 2], "share_quota": [1, 1], "option_build": [-1, -1, -1], "option_volume": [8, 0, 0]}
    less = {"draw_bucket": [1, 1], "draw_grams": [8, 1], "quota_excess_cost": [HARD, 3], "build_pool": [0, 0]}
    values = (other | less | {"build_bucket": [0, 0]}).get(name, [*mixed()[name][:-1], 0])
    volume = {"option_volume": [0, 0, 0]} if name == "option_build" else {}
    changed = RoutingProblem(**mixed(**{name: values}, **volume))

    assert changed.snapshot_sha256() != problem.snapshot_sha256()
    assert problem.snapshot_sha256() == RoutingProblem(**mixed()).snapshot_sha256()


def test_the_shape_of_the_capacity_is_part_of_the_hash() -> None:
    wide = routing_problem(lines=0, capacity=[[1, 2, 3, 4]])
    square = routing_problem(lines=0, capacity=[[1, 2], [3, 4]])

    assert wide.capacity.shape == (1, 4)
    assert wide.snapshot_sha256() != square.snapshot_sha256()
