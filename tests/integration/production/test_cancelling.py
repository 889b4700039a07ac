"""Cancelling an order whose jobs are with nodes: what nobody started goes, what somebody started stays."""

from typing import Any

import pytest

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.network.service import StatusChange
from fabroute.production.service import (
    JobStarted,
    JobStateConflict,
    accept_job,
    cancel_order,
    hold_unqualified,
    take_back_job,
)
from fabroute.production.service.phases.cancelling import CancellationAnswer, answer_cancellation
from fabroute.production.service.rerouting.failing import JobFailure, report_failure
from fabroute.production.service.rerouting.outages import set_node_status
from fabroute.production.service.rerouting.settling import settle_reroutes
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, Floor
from tests.factories.routable import held_and_taken

NOTHING = {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}


def cancel(floor: Floor) -> list[str]:
    ((order_id,),) = floor.table("SELECT id FROM orders")
    with unit_of_work(floor.engine) as session:
        jobs = cancel_order(
            session,
            organisation_id=floor.owner.organisation_id,
            order_id=str(order_id),
            actor=floor.owner.key_id,
            now=NOW,
        )
    return [job.state for job in jobs.cancelled]


def broken(floor: Floor) -> set[str]:
    found = {finding.invariant.name for finding in check_invariants(floor.engine) if finding.broken}
    return found - {"the outbox is being emptied", "every decided line names its decision, made under its fence"}


def test_an_accepted_job_that_nobody_started_is_cancelled_and_gives_everything_back(floor: Floor) -> None:
    job_id = floor.accepted()

    assert cancel(floor) == ["cancelled"]
    assert floor.table("SELECT id, state, fence FROM jobs") == [(job_id, "cancelled", 2)]
    assert floor.do(held_and_taken) == NOTHING
    data = {"node_id": "N101", "reason": "order cancelled"}
    assert floor.audited("job.cancelled") == [(floor.owner.key_id, job_id, data)]
    assert broken(floor) == set()


def test_a_held_job_that_nobody_started_is_cancelled(floor: Floor) -> None:
    floor.accepted()
    floor.table("UPDATE material_lots SET state = 'blocked' RETURNING 1")
    floor.do(lambda session: hold_unqualified(session, now=NOW))

    assert cancel(floor) == ["cancelled"]
    assert floor.do(held_and_taken) == NOTHING
    assert floor.table("SELECT state FROM order_lines") == [("cancelled",)]


def answer(floor: Floor, job_id: str, *, agreed: bool) -> str:
    said = CancellationAnswer(agreed=agreed, reason="half of it is printed")
    return floor.do(
        lambda session: answer_cancellation(
            session, principal=BUREAU_KEY, job_id=job_id, answer=said, lease=None, now=NOW
        )
    ).state


def started_and_offered(floor: Floor) -> tuple[str, str]:
    """Give the bureau two lines of an order, of which it has fetched the file of the first."""
    first, second = floor.offered(1, 1)
    floor.do(lambda session: accept_job(session, principal=BUREAU_KEY, job_id=first.job_id, now=NOW))
    floor.fetched(first.job_id)
    return first.job_id, second.job_id


def test_the_node_of_a_started_job_is_asked_to_stop_and_what_nobody_started_goes_at_once(floor: Floor) -> None:
    first, second = started_and_offered(floor)

    assert cancel(floor) == ["cancelled"]
    assert floor.table(
        "SELECT id, state, cancel_reason, cancel_cause FROM jobs WHERE cancel_requested_at = :now", now=NOW
    ) == [(first, "accepted", "order cancelled", "")]
    assert floor.table("SELECT state FROM jobs WHERE id = :it", it=second) == [("cancelled",)]
    assert sorted(floor.table("SELECT state FROM order_lines")) == [("cancelled",), ("routed",)]
    assert floor.told("job.cancel_requested") == [first]
    assert cancel(floor) == []  # asked again, nothing changes
    assert floor.told("job.cancel_requested") == [first]
    assert broken(floor) == set()


def test_the_order_is_cancelled_when_the_node_agrees(floor: Floor) -> None:
    first, _ = started_and_offered(floor)
    cancel(floor)

    assert answer(floor, first, agreed=True) == "cancelled"
    assert floor.table("SELECT DISTINCT state FROM order_lines") == [("cancelled",)]
    assert floor.table("SELECT state FROM orders") == [("cancelled",)]
    assert floor.do(held_and_taken) == NOTHING
    assert floor.table("SELECT count(*) FROM reroutes") == [(0,)]
    assert broken(floor) == set()


def test_a_job_that_has_ended_is_not_stopped_again(floor: Floor) -> None:
    first, _ = started_and_offered(floor)
    cancel(floor)
    answer(floor, first, agreed=True)
    told = floor.told("job.cancelled")

    with pytest.raises(JobStateConflict, match=f"job {first} is cancelled, so it can't be stopped any more"):
        answer(floor, first, agreed=True)
    assert floor.told("job.cancelled") == told


def test_what_a_node_refuses_to_stop_goes_on(floor: Floor) -> None:
    first, _ = started_and_offered(floor)
    cancel(floor)

    assert answer(floor, first, agreed=False) == "accepted"
    assert floor.table("SELECT state, cancel_requested_at FROM jobs WHERE id = :it", it=first) == [("accepted", None)]
    assert floor.table("SELECT state FROM orders") == [("routed",)]
    assert floor.told("job.cancel_refused") == [first]
    assert broken(floor) == set()


def test_an_order_of_which_a_part_was_shipped_cant_be_cancelled(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.table("UPDATE jobs SET state = 'shipped', shipped_at = now() RETURNING id")

    with pytest.raises(JobStarted, match=f"{job_id} from N101") as refusal:
        cancel(floor)
    assert (refusal.value.code, refusal.value.status) == ("job_started", 409)
    assert floor.table("SELECT state FROM orders") == [("routed",)]


def test_once_the_started_job_is_taken_back_the_order_can_be_cancelled(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    floor.do(lambda session: take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="agreed", now=NOW))

    assert cancel(floor) == []
    assert floor.table("SELECT state FROM order_lines") == [("cancelled",)]
    assert floor.do(held_and_taken) == NOTHING
    assert broken(floor) == set()


def set_node(floor: Floor, status: str) -> None:
    change = StatusChange(status=status, reason="no power", expected_version=None)
    floor.do(lambda session: set_node_status(session, node_id="N101", change=change, actor="key_operator", now=NOW))


def test_a_cancelled_order_is_not_routed_again_because_its_node_was_asked_to_stop_for_an_outage(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    set_node(floor, "down")
    assert floor.table("SELECT cancel_cause FROM jobs") == [("node_down",)]
    assert cancel(floor) == []
    set_node(floor, "up")
    assert floor.table("SELECT cancel_requested_at, cancel_cause, cancel_reason FROM jobs") == [
        (NOW, "", "order cancelled")
    ]

    assert answer(floor, job_id, agreed=True) == "cancelled"
    assert floor.table("SELECT state FROM order_lines") == [("cancelled",)]
    assert floor.table("SELECT cause FROM reroutes") == []
    assert broken(floor) == set()


@pytest.mark.parametrize("by", ["node", "operator"])
def test_a_line_of_a_cancelled_order_is_not_made_elsewhere_when_its_job_leaves_its_node(floor: Floor, by: str) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    cancel(floor)
    failure = JobFailure(reason="machine_broke")
    known: dict[str, Any] = {"job_id": job_id, "now": NOW}
    if by == "node":
        floor.do(lambda session: report_failure(session, principal=BUREAU_KEY, failure=failure, lease=None, **known))
    else:
        floor.do(lambda session: take_back_job(session, principal=OPERATOR_KEY, reason="they agreed", **known))

    assert floor.table("SELECT state FROM jobs") == [("failed" if by == "node" else "cancelled",)]
    assert floor.table("SELECT state FROM order_lines") == [("cancelled",)]
    assert floor.table("SELECT state FROM orders") == [("cancelled",)]
    assert floor.do(held_and_taken) == NOTHING
    assert floor.do(lambda session: settle_reroutes(session, now=NOW)) == 1
    assert floor.table("SELECT cause, outcome FROM reroutes") == [
        ("print_failed" if by == "node" else "operator", "cancelled")
    ]
    assert broken(floor) == set()
