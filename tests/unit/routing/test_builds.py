"""Shared builds: who may meet in one, what it costs once, and what each line pays of it, to the cent."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from fractions import Fraction

import numpy as np
import pytest

from fabroute.estimation.production import WHOLE_BUILD
from fabroute.orders.service import ClaimedLine
from fabroute.routing.service.builds import (
    SAVING_ROW,
    Builds,
    Place,
    build_mates,
    no_builds,
    shared_builds,
    split_by_weight,
    with_mates,
)
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.companies import EVERYBODY
from fabroute.routing.service.options import BuildShare, LineChoices, Option, Share, Way
from fabroute.routing.service.problem import JointProblem, joint_problem
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.engines import solve
from fabroute.solver.plan import PlanStatus
from fabroute.solver.problem import NO_BUILD
from fabroute.solver.verify import verify_plan
from tests.factories.routing import MONDAY_MORNING, a_claimed_line, a_way, an_option, some_choices
from tests.factories.solver import is_feasible, least_cost_by_trying_all
from tests.factories.spares import (
    CAP_MINOR,
    CAP_PRINTER,
    CAPS_PER_BUILD,
    OPENING_MINOR,
    OPENING_MINUTES,
    a_cap,
    a_cap_printer,
    a_spare_order,
    a_spares_node,
    a_spares_snapshot,
)

ALONE_MINOR = 4_940
SEVEN = tuple(a_spare_order(number) for number in range(1, 8))


def choices_of(snapshot: RoutingSnapshot) -> tuple[LineChoices, ...]:
    return CandidateFinder(snapshot).choices()


def joint_of(snapshot: RoutingSnapshot) -> JointProblem:
    finder = CandidateFinder(snapshot)
    return joint_problem(finder.choices(), supply=finder.supply(), buckets=snapshot.horizon_days, sharing=True)


def first_options(joint: JointProblem) -> list[int]:
    return [int(first) for first in joint.problem.line_start()[:-1]]


def settled(*lines: ClaimedLine, minimum_order_minor: int = 0, margin: float = 0.0) -> list[Option]:
    """Return the first option of each line with its share, on one node."""
    node = a_spares_node(minimum_order_minor=minimum_order_minor, margin=margin)
    joint = joint_of(a_spares_snapshot(*lines, nodes=(node,)))
    return list(joint.chosen(first_options(joint)).values())


def production(options: Sequence[Option]) -> list[int]:
    return [option.price.production_minor for option in options]


def share_of(option: Option) -> BuildShare:
    assert option.build is not None
    return option.build


# ---------------------------------------------------------------- S2


def test_seven_orders_of_four_caps_are_one_build_of_28_at_75_80() -> None:
    joint = joint_of(a_spares_snapshot(*SEVEN))
    chosen = list(joint.chosen(first_options(joint)).values())

    assert [choices.options[0].price.production_minor for choices in joint.choices] == [ALONE_MINOR] * 7
    assert ALONE_MINOR * 7 == 345_80
    assert production(chosen) == [10_83] * 6 + [10_82]
    assert sum(production(chosen)) == 75_80 == OPENING_MINOR + CAPS_PER_BUILD * CAP_MINOR
    assert len({share_of(option).key for option in chosen}) == 1
    assert [share_of(option).lines for option in chosen] == [7] * 7
    assert is_feasible(joint.problem, first_options(joint))


def test_each_line_is_told_what_it_has_of_the_build_and_what_that_saves() -> None:
    first, *_, last = settled(*SEVEN)

    assert share_of(first).volume_share == pytest.approx(1 / 7, abs=1e-4)
    assert share_of(first).fill == pytest.approx(4 / 28, abs=1e-6)
    assert share_of(first).saved_minor == ALONE_MINOR - 10_83 == 38_57
    assert share_of(last).saved_minor == 38_58
    assert first.price.breakdown[-1].code == SAVING_ROW
    for option in (first, last):
        assert sum(row.amount_minor for row in option.price.breakdown) == option.price.landed_minor


def test_the_machine_opens_the_build_once_and_the_first_line_holds_those_minutes() -> None:
    joint = joint_of(a_spares_snapshot(*SEVEN))
    chosen = list(joint.chosen(first_options(joint)).values())

    minutes = [option.way.machine_minutes for option in chosen]
    assert minutes == [285] + [285 - OPENING_MINUTES] * 6
    taken = joint.problem.option_minutes[first_options(joint)].sum() + joint.problem.build_minutes[0]
    assert sum(minutes) == taken == 285 + 6 * 27


def test_the_cheapest_plan_of_all_is_one_build() -> None:
    """By trying every choice of three lines."""
    joint = joint_of(a_spares_snapshot(*SEVEN[:3]))
    alone = sum(choices.options[0].cost_millis for choices in joint.choices)

    assert least_cost_by_trying_all(joint.problem) == alone - 2 * OPENING_MINOR * 1_000


def test_a_line_alone_in_its_build_pays_and_takes_what_it_always_did() -> None:
    joint = joint_of(a_spares_snapshot(*SEVEN[:2]))
    latest = [int(joint.problem.line_start()[1]) - 1, int(joint.problem.line_start()[1])]
    first, second = joint.chosen(latest).values()

    assert first.bucket != second.bucket
    assert (first.build, second.build) == (None, None)
    assert production([first, second]) == [ALONE_MINOR, ALONE_MINOR]
    assert [option.way.machine_minutes for option in (first, second)] == [285, 285]


# ---------------------------------------------------------------- who may meet


def test_one_line_shares_with_nobody() -> None:
    joint = joint_of(a_spares_snapshot(SEVEN[0]))

    assert joint.problem.is_plain
    assert joint.builds.builds == ()


def test_a_safety_part_is_in_a_build_with_its_own_owner_but_not_with_others() -> None:
    lines = [
        a_spare_order(1, owner="org_a", criticality="safety"),
        a_spare_order(2, owner="org_a", criticality="safety"),
        a_spare_order(3, owner="org_b"),
        a_spare_order(4, owner="org_c"),
    ]
    builds = shared_builds(
        [some_choices(line, an_option(_caps_way(company))) for line, company in zip(lines, _COMPANIES, strict=True)]
    )

    together = {placed.line: placed.build for placed in builds.placed}
    assert together[0] == together[1] != together[2] == together[3]
    assert {build.place.company for build in builds.builds} == {"org_a", EVERYBODY}


def test_a_part_that_nests_through_the_bed_pays_its_share_already() -> None:
    nested = a_way()
    builds = shared_builds([some_choices(a_claimed_line(line_id=f"line_{n}"), an_option(nested)) for n in (1, 2)])

    assert nested.opening is None
    assert builds.builds == ()
    assert [placed.build for placed in builds.placed] == [NO_BUILD, NO_BUILD]


def test_a_split_line_shares_no_build() -> None:
    way = _caps_way(EVERYBODY)
    share = Share(way=way, quantity=2, bucket=0, minutes=100)
    split = replace(an_option(way), shares=(share, share))
    builds = shared_builds([some_choices(a_claimed_line(line_id=f"line_{n}"), split) for n in (1, 2)])

    assert builds.builds == ()
    assert builds.option_minutes().tolist() == [way.machine_minutes] * 2


def test_other_lots_days_machines_or_parameter_sets_are_other_builds() -> None:
    way = _caps_way(EVERYBODY)
    others = (
        replace(way, lot=replace(way.lot, lot_id="lot_other")),
        replace(way, offer=replace(way.offer, parameter_set="PS-2")),
        replace(way, offer=replace(way.offer, machine_id="N1-B")),
    )
    apart = [an_option(way), *map(an_option, others), an_option(way, bucket=1)]
    builds = shared_builds([some_choices(a_claimed_line(line_id=f"line_{n}"), o) for n, o in enumerate(apart)])

    assert builds.builds == ()
    assert len(builds.placed) == 5


# ---------------------------------------------------------------- how much it costs, and how much it holds


def test_a_build_costs_the_least_that_one_of_its_lines_has_to_share() -> None:
    """A taller part has more layers: it pays alone for those that the lower one doesn't need."""
    slow = replace(CAP_PRINTER, layer_fixed_s=9)
    low, high = a_cap(revision_id="rev_low"), a_cap(revision_id="rev_high", height_mm=43)
    lines = [a_spare_order(1, revision_id="rev_low"), a_spare_order(2, revision_id="rev_high")]
    joint = joint_of(a_spares_snapshot(*lines, offers=(a_cap_printer(model=slow),), revisions=(low, high)))
    first, second = (choices.options[0].way.opening for choices in joint.choices)

    assert first is not None
    assert second is not None
    # 36 and 43 mm at 0.2 mm and 9 s: 180 and 215 layers, 27 and 32.25 minutes at 10.00 an hour.
    assert (first.cost_minor, second.cost_minor) == (4_950, 4_500 + 537)
    assert (first.minutes, second.minutes) == (258 + 27, 258 + 32)
    assert joint.builds.builds[0].cost_minor == 4_950
    assert joint.builds.builds[0].minutes == 285


def test_no_price_falls_under_the_minimum_order_of_the_node() -> None:
    options = settled(*SEVEN, minimum_order_minor=20_00)

    assert all(price >= 20_00 for price in production(options))
    # 49.40 less 20.00 can be shared.
    assert sum(production(options)) == 7 * ALONE_MINOR - 6 * 29_40
    assert max(share_of(option).saved_minor for option in options) == 29_40 - 29_40 // 7


def test_a_line_with_hardly_anything_to_share_is_made_alone() -> None:
    small, large = _caps_way(EVERYBODY, cost_minor=1_000), _caps_way(EVERYBODY, cost_minor=4_000)
    lines = [a_claimed_line(line_id=f"line_{number}") for number in range(3)]
    builds = shared_builds(
        [some_choices(line, an_option(way)) for line, way in zip(lines, (small, large, large), strict=True)]
    )

    assert [placed.build for placed in builds.placed] == [NO_BUILD, 0, 0]
    assert builds.builds[0].cost_minor == 4_000


def test_a_margin_is_on_what_opens_a_build_too() -> None:
    options = settled(*SEVEN, margin=0.25)

    assert sum(production(options)) == (45_00 + 28 * 1_10) * 5 // 4 == 94_75
    assert sum(share_of(option).saved_minor for option in options) == 6 * 56_25


def test_of_several_builds_only_the_last_is_shared() -> None:
    """30 caps fill a build and leave two: those share with others."""
    many, few = settled(a_spare_order(1, quantity=30), a_spare_order(2, quantity=4))

    assert production([many, few])[0] + production([many, few])[1] == 2 * OPENING_MINOR + 34 * CAP_MINOR
    assert share_of(many).volume_share == pytest.approx(2 / 6, abs=1e-4)
    assert share_of(few).saved_minor == OPENING_MINOR - OPENING_MINOR * 4 // 6


def test_whole_builds_share_nothing() -> None:
    full, other = settled(a_spare_order(1, quantity=28), a_spare_order(2, quantity=4))

    assert (full.build, other.build) == (None, None)
    assert full.price.production_minor == OPENING_MINOR + 28 * CAP_MINOR


def test_what_does_not_fit_into_one_build_has_room_in_two() -> None:
    joint = joint_of(a_spares_snapshot(*SEVEN, a_spare_order(8)))
    bucket_0 = [build for build in joint.builds.builds if build.place.bucket == 0]
    in_one = [_option_in(joint.builds, line, build=0) for line in range(8)]
    in_two = [*in_one[:7], _option_in(joint.builds, 7, build=1)]

    assert len(bucket_0) == 2
    assert not is_feasible(joint.problem, in_one)
    assert is_feasible(joint.problem, in_two)
    assert sum(production(list(joint.chosen(in_two).values()))) == 75_80 + ALONE_MINOR


def test_lines_of_which_no_two_fit_together_share_nothing() -> None:
    large = [a_spare_order(number, quantity=15) for number in (1, 2, 3)]
    small = a_spare_order(4, quantity=13)

    assert joint_of(a_spares_snapshot(*large)).builds.builds == ()
    assert len({place.bucket for place in _places(joint_of(a_spares_snapshot(*large, small)).builds)}) == 3


def test_in_large_problems_each_line_has_one_build_and_company_in_it() -> None:
    lines = [a_spare_order(number, quantity=quantity) for number, quantity in enumerate((14, 14, 14, 14, 28, 20, 9))]
    choices = choices_of(a_spares_snapshot(*lines))
    free, fixed = shared_builds(choices), shared_builds(choices, most_options=0)

    assert len(fixed.placed) == sum(len(each.options) for each in choices) < len(free.placed)
    for build in range(len(fixed.builds)):
        members = {placed.line: placed.volume for placed in fixed.placed if placed.build == build}
        assert len(members) >= 2
        assert sum(members.values()) <= WHOLE_BUILD


# ---------------------------------------------------------------- arrays against plain counting


@pytest.mark.parametrize("seed", range(12))
def test_the_problem_says_what_counting_builds_by_hand_says(seed: int) -> None:
    """Every assignment of lines to days and plates, without the arrays: the least cost is the same."""
    random = np.random.default_rng(seed)
    quantities = [int(quantity) for quantity in random.integers(1, 20, 3)]
    lines = [a_spare_order(number, quantity=quantity) for number, quantity in enumerate(quantities, start=1)]
    just_after_midnight = MONDAY_MORNING - timedelta(hours=9, minutes=30)
    snapshot = a_spares_snapshot(*lines, now=just_after_midnight)
    choices, joint = choices_of(snapshot), joint_of(snapshot)

    assert least_cost_by_trying_all(joint.problem) == _least_by_hand(choices, quantities)


@pytest.mark.parametrize("seed", range(12))
def test_small_problems_are_proven_and_no_other_choice_is_cheaper(seed: int) -> None:
    """Two printers of which one has little time, lines of any size: against trying all choices."""
    random = np.random.default_rng(seed)
    lines = [a_spare_order(number, quantity=int(random.integers(1, 30))) for number in (1, 2, 3)]
    printers = (a_cap_printer(machine_id="N1-A"), a_cap_printer(machine_id="N1-B"))
    snapshot = a_spares_snapshot(*lines, offers=printers)
    free = {"N1-A": (int(random.integers(200, 700)), *(0,) * 13), "N1-B": (int(random.integers(200, 500)),) * 14}
    joint = joint_of(replace(snapshot, network=replace(snapshot.network, capacity=free)))
    plan = solve(joint.problem)

    assert plan.status is PlanStatus.OPTIMAL
    assert plan.cost == least_cost_by_trying_all(joint.problem)
    assert verify_plan(joint.problem, plan) == ()


def _least_by_hand(choices: Sequence[LineChoices], quantities: Sequence[int]) -> int:
    """Return the least cost over all options of three lines, and all ways to put those of one day onto plates."""
    least = []
    for options in itertools.product(*(each.options for each in choices)):
        alone = sum(option.cost_millis for option in options)
        saved = max(_saved(options, quantities, plates) for plates in itertools.product(range(3), repeat=3))
        least.append(alone - saved)
    return min(least)


def _saved(options: Sequence[Option], quantities: Sequence[int], plates: Sequence[int]) -> int:
    groups: dict[tuple[int, int], list[int]] = {}
    for option, quantity, plate in zip(options, quantities, plates, strict=True):
        groups.setdefault((option.bucket, plate), []).append(quantity)
    if any(sum(group) > CAPS_PER_BUILD for group in groups.values()):
        return -1
    return sum(len(group) - 1 for group in groups.values()) * OPENING_MINOR * 1_000


# ---------------------------------------------------------------- shares, names, mates


@pytest.mark.parametrize("seed", range(20))
def test_cents_are_split_so_that_no_other_split_is_nearer(seed: int) -> None:
    """By trying all splits of a few cents: the largest deviation from the exact parts is least."""
    random = np.random.default_rng(seed)
    weights = [int(weight) for weight in random.integers(0, 9, 3)]
    amount = int(random.integers(0, 12))
    parts = split_by_weight(amount, weights)
    counted = weights if any(weights) else [1, 1, 1]
    exact = [Fraction(amount * weight, sum(counted)) for weight in counted]
    splits = (each for each in itertools.product(range(amount + 1), repeat=3) if sum(each) == amount)

    assert sum(parts) == amount
    best = min(sum(abs(part - true) for part, true in zip(each, exact, strict=True)) for each in splits)
    assert sum(abs(part - true) for part, true in zip(parts, exact, strict=True)) == best


def test_the_same_lines_name_the_same_build_on_any_day() -> None:
    today, again = settled(*SEVEN), settled(*SEVEN)
    fewer = settled(*SEVEN[:6])

    assert share_of(today[0]).key == share_of(again[6]).key
    assert share_of(fewer[0]).key != share_of(today[0]).key
    assert share_of(today[0]).key.startswith("build_")


def test_lines_of_a_build_stand_or_fall_together() -> None:
    options = dict(zip("abc", settled(*SEVEN[:3]), strict=True))
    alone = settled(SEVEN[0])[0]
    mates = build_mates({**options, "d": alone, "e": None})

    assert mates == dict.fromkeys("abc", frozenset("abc"))
    assert with_mates({"b", "d"}, mates) == {"a", "b", "c", "d"}
    assert with_mates((), mates) == set()


def test_without_builds_every_line_keeps_its_own() -> None:
    choices = choices_of(a_spares_snapshot(*SEVEN[:2]))
    builds = no_builds(choices)

    assert builds.arrays(pool_of={"N1-A": 0}) == {}
    assert builds.option_costs().tolist() == [option.cost_millis for each in choices for option in each.options]
    assert builds.option_lines().tolist() == [0, 0, 0, 1, 1, 1]


_COMPANIES = ("org_a", "org_a", EVERYBODY, EVERYBODY)


def _caps_way(company: str, *, cost_minor: int = OPENING_MINOR) -> Way:
    opening = choices_of(a_spares_snapshot(SEVEN[0]))[0].options[0].way.opening
    assert opening is not None
    return replace(
        a_way(production_minor=ALONE_MINOR, minutes=285),
        opening=replace(opening, company=company, cost_minor=cost_minor),
    )


def _option_in(builds: Builds, line: int, *, build: int) -> int:
    return next(i for i, placed in enumerate(builds.placed) if (placed.line, placed.build) == (line, build))


def _places(builds: Builds) -> set[Place]:
    return {build.place for build in builds.builds}
