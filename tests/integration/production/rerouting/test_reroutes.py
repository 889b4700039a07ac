"""Each way a job leaves its node: with its cause, to another node, with what became of the promise told."""

from datetime import date, timedelta

import pytest

from fabroute.network.service import StatusChange
from fabroute.network.service.nodes import NodeClosed
from fabroute.network.service.outages import CapacityCut, MachineChange
from fabroute.production.service.phases.cancelling import CancellationAnswer, answer_cancellation
from fabroute.production.service.rerouting import outages
from fabroute.production.service.rerouting.attention import InvalidRetry, get_attention, lift_exclusion, retry_line
from fabroute.production.service.rerouting.failing import JobFailure, report_failure
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY
from tests.factories.rerouting import Works, a_leaving

DOWN = StatusChange(status="down", reason="fire", expected_version=None)
UP = StatusChange(status="up", reason="repaired", expected_version=None)


def set_node(works: Works, change: StatusChange) -> outages.Outage:
    return works.do(
        lambda session: outages.set_node_status(session, node_id="N101", change=change, actor="key_bureau", now=NOW)
    )


def answer(works: Works, job_id: str, *, agreed: bool) -> str:
    said = CancellationAnswer(agreed=agreed, reason="")
    return works.do(
        lambda session: answer_cancellation(
            session, principal=BUREAU_KEY, job_id=job_id, answer=said, lease=None, now=NOW
        )
    ).state


def line_of_the_order(works: Works) -> tuple[str, int]:
    ((order_id, position),) = works.table("SELECT order_id, position FROM order_lines")
    return str(order_id), int(str(position))


def test_a_declined_line_goes_to_another_node_and_its_owner_is_told_that_it_costs_more(works: Works) -> None:
    (job_id,) = works.ordered()
    assert works.where() == ["N101"]

    works.lost(job_id, a_leaving())
    assert works.reroutes() == [("declined", "N101", "")]
    works.route()

    assert works.where() == ["N102"]
    assert works.reroutes() == [("declined", "N101", "dearer")]
    (told,) = works.told("order.promise_changed")
    assert (told["cause"], told["outcome"], told["from_node"], told["to_node"]) == (
        "declined", "dearer", "N101", "N102",
    )  # fmt: skip
    assert (told["promised_minor"], told["landed_minor"]) == (5_000 + 997, 6_000 + 997)
    assert works.told("order.rerouted") == []
    (document,) = works.table("SELECT document FROM routing_decisions WHERE fence > 1")[0]
    assert isinstance(document, dict)
    assert [each["reasons"][0]["code"] for each in document["exclusions"]] == ["DECLINED"]
    assert works.broken() == set()


def test_a_line_that_only_moves_for_a_while_keeps_its_promise(works: Works) -> None:
    (job_id,) = works.ordered()
    works.lost(job_id, a_leaving("operator", exclude=False, state="cancelled"))
    works.route()

    assert works.where() == ["N101"]
    assert works.reroutes() == [("operator", "N101", "kept")]
    assert [told["outcome"] for told in works.told("order.rerouted")] == ["kept"]
    assert works.told("order.promise_changed") == []


def test_after_three_nodes_a_person_has_a_look_and_sends_the_line_on(works: Works) -> None:
    works.ordered()
    for number in range(3):
        works.lost(works.jobs()[0], a_leaving(later=number))
        works.route(now=NOW + timedelta(minutes=number))
    order_id, position = line_of_the_order(works)
    seen = works.do(lambda session: get_attention(session, principal=works.buyer, order_id=order_id, position=position))

    assert (seen.state, [each.node_id for each in seen.exclusions]) == ("parked", ["N101", "N102", "N103"])
    assert seen.state_reason.startswith("needs attention: 3 nodes could not make it (N101 declined: no capacity; ")
    assert [outcome for _, _, outcome in works.reroutes()] == ["dearer", "dearer", "parked"]
    with pytest.raises(InvalidRetry, match="no node 'N999'"):
        works.do(
            lambda session: retry_line(
                session, principal=works.buyer, order_id=order_id, position=position, still_excluded=["N999"], now=NOW
            )
        )
    again = works.do(
        lambda session: retry_line(
            session, principal=works.buyer, order_id=order_id, position=position, still_excluded=["N101"], now=NOW
        )
    )
    assert (again.state, [each.node_id for each in again.exclusions]) == ("pending", ["N101"])
    works.route()
    assert works.where() == ["N102"]
    assert works.broken() == set()


def test_a_lifted_exclusion_lets_the_node_have_the_line_again(works: Works) -> None:
    (job_id,) = works.ordered()
    works.lost(job_id, a_leaving())
    order_id, position = line_of_the_order(works)
    line = works.do(
        lambda session: lift_exclusion(
            session, principal=OPERATOR_KEY, order_id=order_id, position=position, node_id="N101", now=NOW
        )
    )
    works.route()

    assert line.exclusions == ()
    assert works.where() == ["N101"]
    assert works.reroutes() == [("declined", "N101", "kept")]


def test_a_failed_job_ends_at_its_node_and_its_line_goes_elsewhere(works: Works) -> None:
    (job_id,) = works.ordered()
    works.accepted(job_id, fetched=True)
    failure = JobFailure(reason="machine_broke", text="laser")
    ended = works.do(
        lambda session: report_failure(
            session, principal=BUREAU_KEY, job_id=job_id, failure=failure, lease=None, now=NOW
        )
    )
    works.route()

    assert (ended.state, ended.end_reason) == ("failed", "machine broke: laser")
    assert works.where() == ["N102"]
    assert works.reroutes("cause, detail, outcome") == [("print_failed", "machine broke: laser", "dearer")]
    assert works.broken() == set()


def test_a_node_that_goes_down_loses_what_it_has_not_started_and_is_asked_about_the_rest(works: Works) -> None:
    first, second = works.ordered(1, 1)
    works.accepted(first, fetched=True)

    outage = set_node(works, DOWN)
    works.route()

    assert (outage.rerouted, outage.asked) == ((second,), (first,))
    assert works.table("SELECT state, cancel_cause FROM jobs WHERE id = :it", it=first) == [("accepted", "node_down")]
    assert works.where() == ["N102"]
    assert answer(works, first, agreed=True) == "cancelled"
    works.route()
    assert works.where() == ["N102", "N102"]
    assert [cause for cause, _, _ in works.reroutes()] == ["node_down", "node_down"]
    assert works.broken() == set()


def test_a_node_that_comes_up_again_is_not_asked_any_more(works: Works) -> None:
    (job_id,) = works.ordered()
    works.accepted(job_id, fetched=True)
    set_node(works, DOWN)
    set_node(works, UP)

    assert works.table("SELECT state, cancel_requested_at, cancel_cause FROM jobs") == [("accepted", None, "")]
    assert len(works.told("job.cancel_withdrawn")) == 1
    assert works.reroutes() == []


def test_a_machine_that_goes_down_loses_what_it_has_not_started(works: Works) -> None:
    (job_id,) = works.ordered()
    change = MachineChange(status="down", reason="pump")
    outage = works.do(
        lambda session: outages.set_machine_status(
            session, machine_id="N101-A", change=change, actor="key_bureau", now=NOW
        )
    )
    works.route()

    assert outage.rerouted == (job_id,)
    assert works.where() == ["N102"]
    assert works.reroutes("cause, detail") == [("machine_down", "machine N101-A is down: pump")]
    assert works.table("SELECT version FROM nodes WHERE id = 'N101'") == [(2,)]
    assert works.broken() == set()


def test_a_cut_takes_the_fewest_jobs_and_leaves_the_rest_where_it_is(works: Works) -> None:
    jobs = works.ordered(1, 2, 3)
    ((needed,),) = works.table("SELECT sum(minutes) FROM capacity_allocations WHERE machine_id = 'N101-A'")
    ((largest, minutes),) = works.table(
        "SELECT job_id, sum(minutes) FROM capacity_allocations GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT 1"
    )
    ((initial,),) = works.table("SELECT sum(initial_minutes) FROM capacity_slots WHERE machine_id = 'N101-A'")
    cut = CapacityCut(first_day=date(2026, 6, 15), last_day=date(2026, 8, 30), fraction=0.0, reason="shift cancelled")
    outage = works.do(
        lambda session: outages.cut_capacity(session, machine_id="N101-A", cut=cut, actor="key_bureau", now=NOW)
    )

    assert sorted(outage.rerouted) == jobs  # nothing is left, so all leave
    assert outage.over_minutes == ()
    assert works.table("SELECT sum(initial_minutes) FROM capacity_slots WHERE machine_id = 'N101-A'") == [(0,)]
    assert int(str(initial)) >= int(str(needed)) >= int(str(minutes))
    assert largest in outage.rerouted
    assert [cause for cause, _, _ in works.reroutes()] == ["capacity_cut"] * 3
    assert works.broken() == set()


def test_what_a_started_job_holds_of_a_cut_day_stays_its_own(works: Works) -> None:
    (job_id,) = works.ordered()
    works.accepted(job_id, fetched=True)
    held = works.table("SELECT day, minutes FROM capacity_allocations")
    cut = CapacityCut(first_day=NOW.date(), last_day=date(2026, 8, 30), minutes_per_day=0, reason="no shift")
    outage = works.do(
        lambda session: outages.cut_capacity(session, machine_id="N101-A", cut=cut, actor="key_bureau", now=NOW)
    )

    assert (outage.rerouted, list(outage.over_minutes)) == ((), held)
    assert works.reroutes() == []
    assert works.broken() == set()


def test_a_bankrupt_nodes_jobs_are_decided_together_and_no_dearer_than_one_by_one(works: Works) -> None:
    works.ordered(count=12)
    started = works.jobs()[0]
    works.accepted(started, fetched=True)
    outage = works.do(
        lambda session: outages.close_node(session, node_id="N101", reason="insolvency", actor="key_operator", now=NOW)
    )
    works.route()

    assert (len(outage.rerouted), outage.suspect) == (11, (started,))
    assert works.table("SELECT state, suspect_from FROM jobs WHERE id = :it", it=started) == [("suspect", "accepted")]
    ((lines, dearer, lost),) = works.table(
        "SELECT lines, both_landed_minor - baseline_both_landed_minor, no_route - baseline_no_route"
        " FROM routing_runs ORDER BY started_at DESC, id DESC LIMIT 1"
    )
    assert lines == 11
    assert int(str(dearer)) <= 0
    assert int(str(lost)) <= 0
    assert set(works.where()) == {"N102"}
    assert {cause for cause, _, _ in works.reroutes()} == {"node_closed"}
    assert works.table("SELECT count(*) FROM reroutes WHERE outcome = '' OR arrives_at > promised_at") == [(0,)]
    with pytest.raises(NodeClosed, match="insolvency"):
        set_node(works, UP)
    assert works.broken() == set()
