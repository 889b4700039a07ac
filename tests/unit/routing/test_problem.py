"""Choices as one problem of integer arrays, the way back from its plan, and what the plan leaves."""

from datetime import date

import numpy as np

from fabroute.routing.service.outbid import Leftovers, outbid_exclusions
from fabroute.routing.service.problem import JointProblem, MachineDays, Supply, joint_problem, take_minutes
from fabroute.solver.plan import UNROUTED
from tests.factories.routing import (
    a_claimed_line,
    a_lot_view,
    a_node_view,
    a_way,
    an_exclusion,
    an_option,
    some_calendars,
    some_choices,
)

HAMBURG = a_way(node=a_node_view(node_id="N1", city="Hamburg"), minutes=100, grams=30)
KRAKOW = a_way(node=a_node_view(node_id="N2", city="Kraków"), minutes=120, grams=40, freight_minor=690)


SUPPLY = Supply(
    minutes={"N1-A": np.array([150, 90, 0]), "N2-A": np.array([100, 10, 50]), "N9-A": np.array([1, 1, 1])},
    grams={"lot_N1": 70, "lot_N2": 50, "lot_unused": 9},
)


def two_lines() -> JointProblem:
    """The first line may go to Hamburg on two days or to Kraków, the second to Hamburg only, the third nowhere."""
    first = some_choices(
        a_claimed_line(line_id="line_1"), an_option(HAMBURG), an_option(HAMBURG, bucket=1), an_option(KRAKOW, bucket=2)
    )
    second = some_choices(a_claimed_line(line_id="line_2"), an_option(HAMBURG))
    nowhere = some_choices(a_claimed_line(line_id="line_3"))
    return joint_problem([first, second, nowhere], supply=SUPPLY, buckets=3)


def test_only_what_can_be_used_is_in_the_problem() -> None:
    joint = two_lines()

    assert joint.machines == ("N1-A", "N2-A")
    assert joint.lots == ("lot_N1", "lot_N2")
    assert [each.line.line_id for each in joint.choices] == ["line_1", "line_2"]
    assert joint.problem.capacity.tolist() == [[150, 90, 0], [100, 10, 50]]
    assert joint.problem.stock.tolist() == [70, 50]


def test_each_option_is_a_row_of_integers() -> None:
    problem = two_lines().problem

    assert problem.option_line.tolist() == [0, 0, 0, 1]
    assert problem.option_cost.tolist() == [1_130_048, 1_130_072, 1_330_096, 1_130_048]
    assert problem.option_pool.tolist() == [0, 0, 1, 0]
    assert problem.option_bucket.tolist() == [0, 1, 2, 0]
    assert problem.option_minutes.tolist() == [100, 100, 120, 100]
    assert problem.option_lot.tolist() == [0, 0, 1, 0]
    assert problem.option_grams.tolist() == [30, 30, 40, 30]


def test_a_line_without_a_place_costs_more_than_any_of_its_options() -> None:
    usury = a_way(node=a_node_view(node_id="N2"), production_minor=10_000)
    dear = some_choices(a_claimed_line(), an_option(HAMBURG), an_option(usury))
    one = joint_problem([dear], supply=SUPPLY, buckets=3).problem

    assert two_lines().problem.unrouted_cost.tolist() == [2_825_120 + 5_000_000] * 2
    assert one.unrouted_cost.tolist() == [10_490_048 + 1_000]


def test_without_any_option_there_is_nothing_to_decide() -> None:
    joint = joint_problem([some_choices(a_claimed_line())], supply=Supply(minutes={}, grams={}), buckets=3)

    assert (joint.problem.line_count, joint.problem.option_count) == (0, 0)
    assert joint.chosen(()) == {}


def test_a_plan_is_named_again_and_its_work_spread_over_days() -> None:
    joint, calendars = two_lines(), some_calendars(horizon_days=3)
    chosen = joint.chosen([2, 3])
    days, hamburg = joint.days([1, 3], calendars), joint.options[0].way.offer.machine_id

    assert {line: option.way.node.city for line, option in chosen.items()} == {"line_1": "Kraków", "line_2": "Hamburg"}
    assert days == {
        "line_2": (MachineDays(machine_id=hamburg, minutes_by_day=((date(2026, 6, 15), 100),)),),
        "line_1": (MachineDays(machine_id=hamburg, minutes_by_day=((date(2026, 6, 15), 50), (date(2026, 6, 16), 50))),),
    }
    assert list(joint.chosen([UNROUTED, 3])) == ["line_2"]


def test_what_a_plan_leaves_is_what_a_later_line_could_have() -> None:
    joint = two_lines()
    leftovers = Leftovers(joint, [1, 3], SUPPLY)

    today, tomorrow, in_krakow = joint.options[0], joint.options[1], joint.options[2]
    assert leftovers.minutes(today) == 40  # 240 in all, 200 taken: 50 of today's are left, but not of both days'
    assert leftovers.minutes(tomorrow) == 40
    assert leftovers.grams(today) == 10
    assert (leftovers.minutes(in_krakow), leftovers.grams(in_krakow)) == (160, 50)


def test_a_line_that_lost_is_told_what_others_left_at_each_node() -> None:
    joint = two_lines()
    lost = joint.choices[1]
    exclusions = outbid_exclusions(lost, Leftovers(joint, [1, UNROUTED], SUPPLY), some_calendars(horizon_days=3))
    enough_time = outbid_exclusions(lost, Leftovers(joint, [1, 3], SUPPLY), some_calendars(horizon_days=3))

    assert [exclusion.node.city for exclusion in exclusions] == ["Hamburg"]
    assert exclusions[0].reasons[0].code == "CAPACITY"
    codes = [reason.code for reason in enough_time[0].reasons]
    assert codes == ["MATERIAL_SHORT", "CAPACITY"]
    assert enough_time[0].reasons[0].message == "needs 30 g of lot lot_N1; orders that gain more leave 10 g"
    assert enough_time[0].reasons[0].figures == {
        "needed_grams": 30,
        "left_grams": 10,
        "lot_id": "lot_N1",
        "taken_by_other_orders": True,
    }
    assert enough_time[0].reasons[1].figures == {
        "needed_minutes": 100,
        "left_minutes": 40,
        "by": "2026-06-15",
        "taken_by_other_orders": True,
    }


def test_what_others_took_stands_beside_what_ruled_nodes_out() -> None:
    line = a_claimed_line()
    scarce = a_way(node=a_node_view(node_id="N2"), lot=a_lot_view(lot_id="lot_2", grams=10), grams=10)
    winner = some_choices(a_claimed_line(line_id="line_0"), an_option(scarce))
    loser = some_choices(
        line, an_option(scarce), exclusions=(an_exclusion("N3", "PACKAGING"), an_exclusion("N1", "NODE_DOWN"))
    )
    supply = Supply(minutes={"N2-A": np.array([1000])}, grams={"lot_2": 10})
    joint = joint_problem([winner, loser], supply=supply, buckets=1)

    exclusions = outbid_exclusions(loser, Leftovers(joint, [0, UNROUTED], supply), some_calendars(horizon_days=1))
    assert [(each.node.node_id, each.reasons[0].code) for each in exclusions] == [
        ("N1", "NODE_DOWN"),
        ("N2", "MATERIAL_SHORT"),
        ("N3", "PACKAGING"),
    ]
    assert len(exclusions[1].reasons) == 1


def test_minutes_are_taken_from_the_first_buckets_that_have_some() -> None:
    free = [30, 0, 50, 40]

    assert take_minutes(free, 60, buckets=range(3)) == {0: 30, 2: 30}
    assert free == [0, 0, 20, 40]
    assert take_minutes(free, 40, buckets=range(3, 4)) == {3: 40}
    assert free == [0, 0, 20, 0]


def test_minutes_for_which_there_is_no_room_take_nothing() -> None:
    free = [30, 0, 50, 40]

    assert take_minutes(free, 81, buckets=range(3)) is None
    assert free == [30, 0, 50, 40]
    assert take_minutes(free, 80, buckets=range(3)) == {0: 30, 2: 50}
    assert free == [0, 0, 0, 40]
