"""Promises at once: line by line, by what is left and what it is worth, with the reason where nothing is."""

from collections import Counter
from dataclasses import replace

import numpy as np

from fabroute.routing.rules.policies import ShareCap
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decide import decide
from fabroute.routing.service.online import decide_online
from fabroute.routing.service.online_prices import price_document, prices_of
from fabroute.routing.service.problem import JointProblem, joint_problem
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import PlanStatus, RoutingPlan, ScarcityPrices
from tests.factories.archives import a_policy, a_snapshot_under, some_orders
from tests.factories.routing import a_node_view
from tests.factories.snapshots import a_line, a_revision_view, a_snapshot

CHEAP = a_node_view(node_id="N1", city="Hannover", latitude=52.0, longitude=10.0, margin=0.1)
DEAR = a_node_view(node_id="N2", city="Göttingen", latitude=51.5, longitude=10.0, margin=0.4)
DOWN = a_node_view(node_id="N3", city="Kassel", latitude=51.3, longitude=9.5, status="down")
FULL = (0,) * 14
MADE_APART = replace(a_revision_view(), sector="medical")
LIMITS = SolveLimits(seed=7, deterministic_seconds=2.0, wall_seconds=20.0)


def test_a_line_alone_gets_what_a_joint_run_would_give_it() -> None:
    snapshot = a_snapshot(nodes=(CHEAP, DEAR, DOWN), revisions=(MADE_APART,))
    online, joint = decide_online(snapshot), decide(snapshot, LIMITS)
    assert online.decided is not None
    (verdict,), (other,) = online.decided.verdicts, joint.verdicts
    assert verdict.chosen is not None
    assert other.chosen is not None
    assert verdict.chosen.way.node.city == other.chosen.way.node.city == "Hannover"
    assert verdict.chosen.cost_millis == other.chosen.cost_millis
    assert online.decided.days == joint.days
    assert [it.node.node_id for it in verdict.exclusions] == ["N3"]
    assert (online.undecided, online.decided.plan.engine) == ({}, "online")
    assert online.decided.plan.status is PlanStatus.BASELINE


def test_a_price_sends_a_line_to_a_machine_that_nobody_else_needs() -> None:
    snapshot = a_snapshot(nodes=(CHEAP, DEAR), revisions=(MADE_APART,))
    dear = {"first_day": "2026-06-15", "minute_millis": {"N1-A": [50_000.0] * 14}, "gram_millis": {}}
    old = dear | {"minute_millis": {"N1-A": [0.0] * 14}}
    assert _cities(snapshot) == ["Hannover"]
    assert _cities(replace(snapshot, prices=(dear,))) == ["Göttingen"]
    assert _cities(replace(snapshot, prices=(old,))) == ["Hannover"]


def _cities(snapshot: RoutingSnapshot) -> list[str | None]:
    decision = decide_online(snapshot)
    assert decision.decided is not None
    return [None if it.chosen is None else it.chosen.way.node.city for it in decision.decided.verdicts]


def test_lines_of_an_order_take_their_minutes_one_after_the_other() -> None:
    first, second = a_line(line_id="line_1", order_id="ord_1"), a_line(line_id="line_2", order_id="ord_1")
    room = {"N1-A": (0, 0, 400, *FULL[3:]), "N2-A": FULL}
    snapshot = a_snapshot(first, second, nodes=(CHEAP, DEAR), free_minutes=room, revisions=(MADE_APART,))
    decision = decide_online(snapshot)
    assert decision.decided is not None
    assert [it.choices.line.line_id for it in decision.decided.verdicts] == ["line_1"]
    assert [line.line_id for line in decision.snapshot.lines] == ["line_1"]
    minutes = sum(minutes for _, minutes in decision.decided.days["line_1"][0].minutes_by_day)
    assert decision.undecided == {
        "line_2": f"nothing is left for it at once: N1-A lacks {2 * minutes - 400} minutes by 2026-06-17; decided "
        "together with other orders within seconds"
    }


def test_a_lot_that_is_short_is_named_with_what_it_lacks() -> None:
    first, second = a_line(line_id="line_1", order_id="ord_1"), a_line(line_id="line_2", order_id="ord_1")
    snapshot = a_snapshot(first, second, nodes=(CHEAP,), revisions=(MADE_APART,))
    whole = decide_online(snapshot).decided
    assert whole is not None
    assert whole.verdicts[0].chosen is not None
    grams = whole.verdicts[0].chosen.way.grams
    (lot,) = snapshot.network.lots
    scarce = replace(snapshot.network, lots=(replace(lot, remaining_grams=2 * grams - 1),))
    decision = decide_online(replace(snapshot, network=scarce))
    assert list(decision.undecided) == ["line_2"]
    assert f"lot {lot.lot_id} lacks 1 g" in decision.undecided["line_2"]


def test_a_line_that_no_node_can_make_is_decided_with_all_reasons() -> None:
    decision = decide_online(a_snapshot(nodes=(DOWN,)))
    assert decision.decided is not None
    (verdict,) = decision.decided.verdicts
    assert (verdict.chosen, verdict.is_final, decision.undecided) == (None, True, {})
    assert [reason.code.value for reason in verdict.exclusions[0].reasons] == ["NODE_DOWN"]


def test_a_node_at_its_share_cap_is_excluded_with_the_figures_of_the_cap() -> None:
    snapshot = a_snapshot_under(*some_orders(10), policies=(a_policy(ShareCap(node_id=None, share=0.4)),))
    decision = decide_online(snapshot)
    assert decision.decided is not None
    verdicts = decision.decided.verdicts
    by_city = Counter(verdict.chosen.way.node.city for verdict in verdicts if verdict.chosen is not None)
    assert by_city == {"Hannover": 4, "Göttingen": 4, "Kassel": 2}
    (last,) = (it for it in verdicts if it.choices.line.line_id == "line_9")
    assert [(it.node.node_id, [reason.code.value for reason in it.reasons]) for it in last.exclusions] == [
        ("N1", ["CONCENTRATION"]),
        ("N2", ["CONCENTRATION"]),
    ]
    assert last.exclusions[0].reasons[0].message == "would have 5 of 10 lines of 30 days (50%), the cap is 40%"


def test_lines_that_may_be_split_wait_for_a_run_and_others_do_not() -> None:
    shared = replace(a_line(line_id="line_1", order_id="ord_1"), split_max_nodes=5, split_min_per_node=1)
    snapshot = a_snapshot(shared, a_line(line_id="line_2", order_id="ord_1"), nodes=(CHEAP, DEAR))
    decision = decide_online(snapshot)
    assert decision.decided is not None
    assert [it.choices.line.line_id for it in decision.decided.verdicts] == ["line_2"]
    assert decision.undecided == {"line_1": "lines that may be split are decided together within seconds"}
    alone = decide_online(replace(snapshot, lines=(shared,)))
    assert (alone.decided, alone.snapshot.lines) == (None, ())
    assert alone.undecided == decision.undecided


def _joint() -> tuple[JointProblem, Calendars]:
    finder = CandidateFinder(a_snapshot(nodes=(CHEAP, DEAR), revisions=(MADE_APART,)))
    return joint_problem(finder.choices(), supply=finder.supply(), buckets=14), finder.calendars


def _plan(joint: JointProblem, prices: ScarcityPrices | None) -> RoutingPlan:
    return RoutingPlan(
        chosen=(0,), cost=5, bound=5, engine="e", status=PlanStatus.OPTIMAL, seed=1, wall_ms=1, prices=prices
    )


def test_prices_are_kept_by_name_and_found_again_for_another_problem() -> None:
    joint, calendars = _joint()
    minute = np.vstack([np.linspace(14.0, 1.0, 14), np.zeros(14)])
    document = price_document(joint, _plan(joint, ScarcityPrices(minute=minute, gram=np.array([0.0, 2.5]))), calendars)
    assert document == {
        "first_day": "2026-06-15",
        "minute_millis": {"N1-A": [float(price) for price in range(14, 0, -1)]},
        "gram_millis": {joint.lots[1]: 2.5},
    }
    found = prices_of((document,), joint, calendars)
    assert found is not None
    assert found.minute.tolist() == minute.tolist()
    assert found.gram.tolist() == [0.0, 2.5]


def test_a_plan_without_prices_keeps_none() -> None:
    joint, calendars = _joint()
    assert price_document(joint, _plan(joint, None), calendars) is None
    assert prices_of((), joint, calendars) is None


def test_days_that_have_passed_are_dropped_and_the_highest_of_several_prices_counts() -> None:
    joint, calendars = _joint()
    older = {"first_day": "2026-06-12", "minute_millis": {"N1-A": [9.0, 8.0, 7.0, 6.0, 5.0]}, "gram_millis": {}}
    other = {"first_day": "2026-06-15", "minute_millis": {"N1-A": [5.5] * 14}, "gram_millis": {joint.lots[0]: 1.0}}
    one, both = prices_of((older,), joint, calendars), prices_of((older, other), joint, calendars)
    assert one is not None
    assert both is not None
    assert one.minute[0].tolist() == [6.0, *[5.0] * 13]
    assert both.minute[0].tolist() == [6.0, *[5.5] * 13]
    assert one.minute[1].tolist() == [0.0] * 14
    assert both.gram.tolist() == [1.0, 0.0]
