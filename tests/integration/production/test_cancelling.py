"""Cancelling an order whose jobs are with nodes: what nobody started goes, what somebody started stays."""

import pytest

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.production.service import JobStarted, cancel_order, hold_unqualified, take_back_job
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY, Floor
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
    return [job.state for job in jobs]


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


def test_an_order_whose_file_was_released_stays_whole(floor: Floor) -> None:
    first, second = floor.offered(1, 1)
    floor.table(f"UPDATE jobs SET state = 'accepted' WHERE id = '{first.job_id}' RETURNING 1")
    floor.fetched(first.job_id)
    held = floor.do(held_and_taken)

    with pytest.raises(JobStarted, match=f"{first.job_id} at N101") as refusal:
        cancel(floor)
    assert (refusal.value.code, refusal.value.status) == ("job_started", 409)
    assert "POST /v1/jobs/{id}/take-back" in refusal.value.message
    assert second.job_id not in refusal.value.message
    assert floor.table("SELECT state FROM jobs ORDER BY state") == [("accepted",), ("offered",)]
    assert floor.table("SELECT DISTINCT state FROM order_lines") == [("routed",)]
    assert (floor.do(held_and_taken), floor.audited("order.cancelled")) == (held, [])


def test_once_the_started_job_is_taken_back_the_order_can_be_cancelled(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    floor.do(lambda session: take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="agreed", now=NOW))

    assert cancel(floor) == []
    assert floor.table("SELECT state FROM order_lines") == [("cancelled",)]
    assert floor.do(held_and_taken) == NOTHING
    assert broken(floor) == set()
