"""Held jobs that nobody started go back to routing and give everything back; started ones wait for a person."""

import pytest

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.inventory.service import ReasonMissing
from fabroute.orders.service import get_order
from fabroute.production.service import (
    JobStateConflict,
    NotTheOwner,
    UnknownJob,
    held_jobs_wait,
    hold_unqualified,
    take_back_held,
    take_back_job,
)
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of
from tests.factories.routable import held_and_taken

NOTHING = {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}
BROKEN_BY_HAND = {
    "the outbox is being emptied",
    "every decided line names its decision, made under its fence",
    "no job at a node that lacked a required certificate",
    "a job that lost a certificate is held",
    "what was revoked says who did it and why",
}
"""No relay runs here, jobs are made without decisions, and certificates are revoked behind the service's back."""


def close_the_gate(floor: Floor) -> int:
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")
    return floor.do(lambda session: hold_unqualified(session, now=NOW))


def take_back(floor: Floor, *, limit: int = 200) -> int:
    return floor.do(lambda session: take_back_held(session, limit=limit, now=NOW))


def take_one_back(floor: Floor, job_id: str, who: Principal, reason: str = "the bureau asked") -> str:
    with unit_of_work(floor.engine) as session:
        return take_back_job(session, principal=who, job_id=job_id, reason=reason, now=NOW).state


def states(floor: Floor) -> list[tuple[object, ...]]:
    return floor.table(
        "SELECT job.state, line.state, line.state_reason FROM jobs job"
        " JOIN order_lines line ON line.id = job.order_line_id ORDER BY job.id"
    )


def nothing_is_wrong(floor: Floor) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(floor.engine) if finding.broken}
    assert broken <= BROKEN_BY_HAND, broken
    return True


def test_held_jobs_that_nobody_started_are_routed_again_and_give_everything_back(floor: Floor) -> None:
    floor.accepted()
    floor.offered(1, 2)
    held = close_the_gate(floor)
    waited = floor.do(held_jobs_wait)

    assert (held, waited, take_back(floor)) == (3, True, 3)

    because = "held before it was started: CERTIFICATE_MISSING: has no ISO9001 for MJF:PA12-MJF"
    assert states(floor) == [("cancelled", "pending", because)] * 3
    causes = "SELECT cause, detail, count(*) FROM reroutes GROUP BY 1, 2"
    assert floor.table(causes) == [("gate_closed", because, 3)]
    assert floor.do(held_and_taken) == NOTHING
    assert floor.table("SELECT state, count(*) FROM orders GROUP BY 1") == [("pending", 2)]
    assert len(floor.told("job.cancelled")) == 3
    assert (floor.do(held_jobs_wait), take_back(floor)) == (False, 0)
    assert nothing_is_wrong(floor)


def test_a_line_that_was_taken_back_gets_a_new_job(floor: Floor) -> None:
    floor.accepted()
    close_the_gate(floor)
    take_back(floor)

    floor.offered()

    assert floor.table("SELECT state, count(*) FROM jobs GROUP BY 1 ORDER BY 1") == [("cancelled", 1), ("offered", 2)]
    assert floor.do(held_and_taken) == {"grams": 200, "minutes": 40, "held_grams": 200, "held_minutes": 40}
    assert nothing_is_wrong(floor)


def test_as_many_are_taken_back_at_a_time_as_asked_for(floor: Floor) -> None:
    floor.offered(1, 1, 1)
    close_the_gate(floor)

    assert [take_back(floor, limit=2) for _ in range(3)] == [2, 1, 0]
    assert {state for state, _, _ in states(floor)} == {"cancelled"}


def test_a_job_whose_file_was_released_waits_for_a_person(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    close_the_gate(floor)

    assert (floor.do(held_jobs_wait), take_back(floor)) == (False, 0)
    assert [state for state, _, _ in states(floor)] == ["held"]
    assert take_one_back(floor, job_id, key_of(floor.owner)) == "cancelled"
    assert states(floor) == [("cancelled", "pending", "the bureau asked")]
    assert floor.do(held_and_taken) == NOTHING
    assert nothing_is_wrong(floor)


def test_taking_back_is_told_and_audited_with_the_reason(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    close_the_gate(floor)

    take_one_back(floor, job_id, OPERATOR_KEY)

    data = {"node_id": "N101", "reason": "the bureau asked"}
    assert floor.audited("job.cancelled") == [("key_operator", job_id, data)]
    assert floor.told("job.cancelled") == [job_id]
    ((order_id,),) = floor.table("SELECT order_id FROM jobs")
    reasons = "SELECT subject_id FROM outbox_events WHERE data ->> 'reason' = 'capacity_released'"
    assert floor.table(reasons) == [(order_id,)]
    with unit_of_work(floor.engine) as session:
        order = get_order(session, organisation_id=floor.owner.organisation_id, order_id=str(order_id))
    assert order.state == "pending"


def test_the_operator_may_take_back_an_accepted_job_the_owner_may_not(floor: Floor) -> None:
    job_id = floor.accepted()

    with pytest.raises(JobStateConflict, match="is accepted, so it can't be taken back: its node is at work on it"):
        take_one_back(floor, job_id, key_of(floor.owner))
    assert take_one_back(floor, job_id, OPERATOR_KEY) == "cancelled"
    assert floor.table("SELECT fence FROM jobs") == [(2,)]


def test_only_the_owner_and_the_operator_take_jobs_back(floor: Floor) -> None:
    job_id = floor.accepted()
    close_the_gate(floor)

    with pytest.raises(NotTheOwner) as refusal:
        take_one_back(floor, job_id, BUREAU_KEY)
    with pytest.raises(UnknownJob):
        take_one_back(floor, job_id, RIVAL_KEY)
    assert (refusal.value.code, refusal.value.status) == ("not_the_owner", 403)
    assert states(floor)[0][0] == "held"


def test_taking_back_needs_a_reason_and_a_job_that_is_live(floor: Floor) -> None:
    job_id = floor.accepted()

    with pytest.raises(ReasonMissing, match="say why"):
        take_one_back(floor, job_id, OPERATOR_KEY, reason=" ")
    take_one_back(floor, job_id, OPERATOR_KEY)
    with pytest.raises(JobStateConflict, match="is cancelled, so it can't be taken back"):
        take_one_back(floor, job_id, OPERATOR_KEY)
    assert floor.do(held_and_taken) == NOTHING
