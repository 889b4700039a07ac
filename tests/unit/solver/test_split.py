"""One quantity over several makers: scenario S6 to the cent and the minute, and brute force on small ones."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fabroute.solver.limits import SolveLimits
from fabroute.solver.split import (
    InvalidSplit,
    SplitMachine,
    SplitNode,
    SplitPlan,
    SplitProblem,
    SplitRule,
    SplitShortfall,
    broken_rules,
    split_plan,
)
from fabroute.solver.split_search import allocate
from tests.factories.splits import HOUR, a_printer, a_random_split, every_split, line_down

PER_HOUR = 200_000
"""2,000 an hour, in cents."""


def planned(problem: SplitProblem) -> SplitPlan:
    plan = allocate(problem)
    assert isinstance(plan, SplitPlan)
    assert broken_rules(problem, plan) == ()
    return plan


def test_line_down_within_twelve_hours_takes_54_caps_from_a_and_6_from_b() -> None:
    plan = planned(line_down(deadline_hours=12))

    assert plan.by_node == (54, 6)
    assert plan.pieces[0] == (18, 18, 18)
    assert (plan.cost, plan.ready_seconds) == (89_900, 12 * HOUR)
    assert plan.proven


def test_line_down_with_a_cost_of_waiting_takes_42_from_a_and_18_from_b() -> None:
    plan = planned(line_down(cost_of_waiting_per_hour=PER_HOUR))

    assert plan.by_node == (42, 18)
    assert (plan.cost, plan.ready_seconds) == (94_700, 560 * 60)
    assert plan.objective == 94_700 * HOUR + PER_HOUR * 560 * 60
    assert plan.bound == plan.objective


def test_each_node_alone_is_late_by_what_the_scenario_says() -> None:
    alone = planned(line_down(max_nodes=1))
    only_b = planned(replace(line_down(max_nodes=1), nodes=line_down().nodes[1:]))

    assert (alone.by_node, alone.cost, alone.ready_seconds) == ((60, 0), 84_000, 800 * 60)  # 13.33 h
    assert (only_b.cost, only_b.ready_seconds) == (60 * 1_800 + 3_500, 22 * HOUR)


def test_what_cannot_be_made_in_time_is_told_with_what_can() -> None:
    one_node = allocate(line_down(deadline_hours=12, max_nodes=1))
    nine_hours = allocate(line_down(deadline_hours=9))
    no_time = allocate(line_down(deadline_hours=0))

    assert one_node == SplitShortfall(most_by_deadline=54, whole_by_seconds=800 * 60)
    assert nine_hours == SplitShortfall(most_by_deadline=59, whole_by_seconds=560 * 60)
    assert no_time == SplitShortfall(most_by_deadline=0, whole_by_seconds=560 * 60)


def test_without_enough_material_anywhere_the_whole_is_never_ready() -> None:
    near, far = line_down().nodes
    short = replace(line_down(), nodes=(replace(near, most_pieces=20), replace(far, most_pieces=30)))

    assert allocate(short) == SplitShortfall(most_by_deadline=50, whole_by_seconds=None)
    assert planned(replace(short, quantity=50)).by_node == (20, 30)
    assert allocate(replace(short, nodes=())) == SplitShortfall(most_by_deadline=0, whole_by_seconds=None)


def test_a_node_gets_its_least_number_of_pieces_or_none() -> None:
    plan = planned(line_down(deadline_hours=12, min_per_node=10))
    too_many = allocate(line_down(deadline_hours=12, min_per_node=31))

    assert plan.by_node == (50, 10)
    assert plan.cost == 50 * 1_400 + 10 * 1_800 + 3_500
    assert too_many == SplitShortfall(most_by_deadline=54, whole_by_seconds=800 * 60)


@pytest.mark.parametrize(("hours", "by_node"), [(13, (57, 3)), (12, (54, 6)), (11, (48, 12)), (10, (45, 15))])
def test_each_hour_less_moves_caps_to_the_dearer_node(hours: int, by_node: tuple[int, int]) -> None:
    plan = planned(line_down(deadline_hours=hours))

    assert plan.by_node == by_node
    assert plan.by_node[0] == hours * 60 // 40 * 3  # whole caps of 40 minutes, in three printers


def test_a_printer_that_is_busy_at_first_gets_less() -> None:
    near, far = line_down().nodes
    busy = replace(near, machines=(a_printer(), a_printer(), a_printer(begins_minutes=400)))
    plan = planned(replace(line_down(deadline_hours=12), nodes=(busy, far)))

    assert plan.pieces[0] == (18, 18, 8)
    assert plan.by_node == (44, 16)
    assert plan.cost == 44 * 1_400 + 16 * 1_800 + 3_500


def test_batches_are_paid_and_waited_for_whole() -> None:
    tray = SplitMachine(seconds_per_batch=600, pieces_per_batch=10, cost_per_batch=500, cost_per_piece=7, fixed_cost=90)
    plan = planned(SplitProblem(quantity=21, nodes=(SplitNode(machines=(tray,)),), max_nodes=1))

    assert (plan.cost, plan.ready_seconds) == (90 + 3 * 500 + 21 * 7, 1_800)
    assert (tray.seconds(0), tray.cost(0)) == (0, 0)


def test_a_minimum_order_is_paid_once_for_all_machines_of_a_node() -> None:
    node = SplitNode(machines=(a_printer(), a_printer()), minimum_cost=10_000)
    plan = planned(SplitProblem(quantity=4, nodes=(node,), max_nodes=1))

    assert (plan.cost, plan.ready_seconds) == (10_000, 80 * 60)
    assert sorted(plan.pieces[0]) == [2, 2]  # waiting costs nothing, but of equal plans the quicker is taken


def test_of_equally_good_plans_the_one_with_the_fewest_machines_is_taken() -> None:
    slow, quick = a_printer(minutes_each=60), a_printer(minutes_each=10)
    plan = planned(SplitProblem(quantity=6, nodes=(SplitNode(machines=(slow, quick, quick, quick)),), max_nodes=1))

    assert plan.ready_seconds == 20 * 60
    assert plan.pieces == ((0, 2, 2, 2),)


def test_the_same_problem_gives_the_same_plan() -> None:
    plans = {allocate(line_down(deadline_hours=12), SolveLimits(seed=seed)) for seed in (1, 1, 1)}

    assert len(plans) == 1
    assert allocate(a_random_split(5)) == allocate(a_random_split(5))


def test_a_plan_that_breaks_a_rule_is_told_which() -> None:
    problem = line_down(deadline_hours=12, min_per_node=5, max_nodes=1)
    late = split_plan(problem, [(19, 19, 18), (4, 0)])
    limited = replace(problem, nodes=(replace(problem.nodes[0], most_pieces=10), problem.nodes[1]))
    small = replace(problem, nodes=(SplitNode(machines=(a_printer(most_pieces=1),)),), quantity=2)

    assert broken_rules(problem, late) == (SplitRule.MINIMUM, SplitRule.NODES, SplitRule.DEADLINE)
    assert SplitRule.NODE in broken_rules(limited, late)
    assert broken_rules(small, split_plan(small, [(2,)])) == (SplitRule.MACHINE, SplitRule.MINIMUM)
    assert broken_rules(problem, replace(late, cost=1, ready_seconds=1)) == (
        SplitRule.MINIMUM,
        SplitRule.NODES,
        SplitRule.COST,
        SplitRule.READY,
    )
    assert SplitRule.QUANTITY in broken_rules(problem, split_plan(problem, [(18, 18, 18), (0, 0)]))


@pytest.mark.parametrize(
    "wrong",
    [{"quantity": 0}, {"max_nodes": 0}, {"min_per_node": 0}, {"deadline_hours": -1}, {"cost_of_waiting_per_hour": -1}],
)
def test_a_split_that_contradicts_itself_is_refused(wrong: dict[str, int]) -> None:
    with pytest.raises(InvalidSplit) as refused:
        line_down(**wrong)

    assert (refused.value.code, refused.value.status) == ("invalid_split", 422)


def test_figures_that_integers_cannot_hold_are_refused() -> None:
    dear = SplitNode(machines=(a_printer(price_minor=2**50),))
    with pytest.raises(InvalidSplit, match="coarser units"):
        SplitProblem(quantity=10_000, nodes=(dear,), max_nodes=1)
    with pytest.raises(InvalidSplit, match="negative"):
        SplitProblem(quantity=1, nodes=(SplitNode(machines=(a_printer(price_minor=-1),)),), max_nodes=1)
    with pytest.raises(InvalidSplit, match="pieces_per_batch"):
        SplitProblem(quantity=1, nodes=(SplitNode(machines=(a_printer(pieces_per_batch=0),)),), max_nodes=1)


def test_a_large_quantity_over_many_nodes_is_proven_too() -> None:
    nodes = tuple(
        SplitNode(machines=(a_printer(minutes_each=20 + n, price_minor=900 + 37 * n % 400),) * 3, fixed_cost=2_000)
        for n in range(12)
    )
    plan = planned(SplitProblem(quantity=5_000, nodes=nodes, max_nodes=4, cost_of_waiting_per_hour=500))

    assert sum(plan.by_node) == 5_000
    assert len([made for made in plan.by_node if made]) <= 4
    assert plan.proven


@settings(max_examples=150, deadline=None)
@given(seed=st.integers(min_value=0, max_value=100_000))
def test_no_plan_of_all_is_better_and_no_possible_one_is_missed(seed: int) -> None:
    problem = a_random_split(seed)
    found, all_plans = allocate(problem), list(every_split(problem))

    if isinstance(found, SplitPlan):
        assert broken_rules(problem, found) == ()
        assert found.proven
        best = min(all_plans, key=lambda plan: (plan.objective, plan.ready_seconds))
        assert (found.objective, found.ready_seconds) == (best.objective, best.ready_seconds)
    else:
        unhurried = list(every_split(replace(problem, deadline_seconds=None)))
        some = [sum(plan.by_node) for plan in every_split(problem, whole=False)]
        assert all_plans == []
        assert found.most_by_deadline == max(some, default=0)
        assert found.whole_by_seconds == min((plan.ready_seconds for plan in unhurried), default=None)
