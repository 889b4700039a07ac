"""A node accepts a job that was offered to it: once, while every gate is open."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier

import pytest

from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.network.service import find_node
from fabroute.production.service import (
    JobStateConflict,
    JobUnqualified,
    JobView,
    NotTheNode,
    UnknownJob,
    accept_job,
    get_job,
    hold_unqualified,
    recheck_jobs,
)
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of
from tests.integration.production.conftest import THREADS

SECOND_KEY = replace(BUREAU_KEY, key_id="key_second")


def accept(floor: Floor, job_id: str, who: Principal = BUREAU_KEY) -> JobView:
    return floor.do(lambda session: accept_job(session, principal=who, job_id=job_id, now=NOW))


def test_an_accepted_job_has_a_new_fence_and_is_told_audited_and_counted(floor: Floor) -> None:
    (offer,) = floor.offered()

    job = accept(floor, offer.job_id)

    assert (job.state, job.fence, job.version) == ("accepted", 1, 2)
    assert (job.accepted_at, job.accepted_by, job.prints_left) == (NOW, "key_bureau", 1)
    assert (job.file_available, job.started) == (True, False)
    assert floor.told("job.accepted") == [offer.job_id]
    assert floor.audited("job.accepted") == [("key_bureau", offer.job_id, {"node_id": "N101"})]
    assert floor.do(lambda session: find_node(session, node_id="N101")).queue_version == 3


def test_the_operator_may_accept_for_a_node(floor: Floor) -> None:
    (offer,) = floor.offered()

    assert accept(floor, offer.job_id, OPERATOR_KEY).accepted_by == "key_operator"
    assert floor.table("SELECT state FROM jobs") == [("accepted",)]


def test_an_owner_can_not_accept_for_a_node_and_a_rival_is_told_of_no_job(floor: Floor) -> None:
    (offer,) = floor.offered()

    with pytest.raises(NotTheNode, match="lies with node N101") as refusal:
        accept(floor, offer.job_id, key_of(floor.owner))
    with pytest.raises(UnknownJob):
        accept(floor, offer.job_id, RIVAL_KEY)
    assert (refusal.value.code, refusal.value.status) == ("not_the_node", 403)
    assert floor.table("SELECT state, fence FROM jobs") == [("offered", 0)]


def test_a_job_is_accepted_once_and_its_key_is_told_so_again(floor: Floor) -> None:
    (offer,) = floor.offered()
    first = accept(floor, offer.job_id)

    with pytest.raises(JobStateConflict, match="is accepted, so it can't be accepted") as refusal:
        accept(floor, offer.job_id, SECOND_KEY)
    assert (refusal.value.code, refusal.value.status) == ("job_state_conflict", 409)
    assert accept(floor, offer.job_id) == first
    assert floor.table("SELECT fence FROM jobs") == [(1,)]
    assert len(floor.audited("job.accepted")) == len(floor.told("job.accepted")) == 1


def test_a_held_job_is_not_accepted_again_by_the_key_that_had_accepted_it(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")
    assert floor.do(lambda session: hold_unqualified(session, now=NOW)) == 1

    with pytest.raises(JobStateConflict, match="it waits because of CERTIFICATE_MISSING"):
        accept(floor, job_id)
    assert floor.table("SELECT state, fence FROM jobs") == [("held", 2)]


def race(floor: Floor, keys: Sequence[Principal]) -> list[str]:
    """Let every key accept one job in the same moment; return what each is told."""
    (offer,) = floor.offered()
    start = Barrier(len(keys))

    def try_it(key: Principal) -> str:
        start.wait()
        try:
            return accept(floor, offer.job_id, key).state
        except JobStateConflict as conflict:
            return conflict.code

    with ThreadPoolExecutor(len(keys)) as pool:
        return list(pool.map(try_it, keys))


def test_of_many_keys_that_accept_at_once_one_wins(floor: Floor) -> None:
    found = race(floor, [replace(BUREAU_KEY, key_id=f"key_{number}") for number in range(THREADS)])

    winner = f"key_{found.index('accepted')}"
    assert sorted(found) == ["accepted"] + ["job_state_conflict"] * (THREADS - 1)
    assert floor.table("SELECT accepted_by FROM jobs") == [(winner,)]
    assert floor.table("SELECT state, fence, version FROM jobs") == [("accepted", 1, 2)]
    assert len(floor.audited("job.accepted")) == 1


def test_one_key_that_accepts_many_times_at_once_accepts_once_and_is_always_answered(floor: Floor) -> None:
    assert race(floor, [BUREAU_KEY] * THREADS) == ["accepted"] * THREADS
    assert floor.table("SELECT state, fence, version FROM jobs") == [("accepted", 1, 2)]
    assert len(floor.audited("job.accepted")) == 1


def test_a_gate_that_closed_meanwhile_refuses_for_the_audit_log(floor: Floor) -> None:
    (offer,) = floor.offered()
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")

    with pytest.raises(JobUnqualified, match="CERTIFICATE_MISSING: has no ISO9001 for MJF:PA12-MJF") as refusal:
        accept(floor, offer.job_id)
    entry = refusal.value.entry
    assert (entry.organisation_id, entry.actor) == (floor.owner.organisation_id, "key_bureau")
    assert (entry.action, entry.subject_id) == ("job.refused", offer.job_id)
    assert entry.data == {"wish": "accepted", "codes": "CERTIFICATE_MISSING"}
    assert floor.table("SELECT state, fence FROM jobs") == [("offered", 0)]


GATES = [
    ("UPDATE certificates SET valid_to = '2026-06-15' RETURNING 1", "CERTIFICATE_EXPIRES"),
    ("UPDATE certificates SET verified_at = NULL RETURNING 1", "CERTIFICATE_MISSING"),
    ("UPDATE certificates SET machine_id = 'N101-A', parameter_set = 'PS-2' RETURNING 1", "CERTIFICATE_MISSING"),
    ("UPDATE part_revisions SET part_qualification = true RETURNING 1", "PART_NOT_QUALIFIED"),
    ("UPDATE part_revisions SET export_class = 'itar' RETURNING 1", "EXPORT_CONTROL"),
    ("UPDATE part_revisions SET ip_zone = 'US' RETURNING 1", "IP_POLICY"),
    ("UPDATE part_revisions SET ip_countries = '{FR}' RETURNING 1", "IP_POLICY"),
    ("UPDATE part_revisions SET ip_nodes = '{N999}' RETURNING 1", "IP_POLICY"),
    ("UPDATE part_revisions SET ip_kinds = '{in_house}' RETURNING 1", "IP_POLICY"),
    ("UPDATE part_revisions SET parameter_sets = '{PS-2}' RETURNING 1", "NO_PARAMETER_SET"),
    ("UPDATE part_revisions SET licence_required = true RETURNING 1", "IP_POLICY"),
    ("UPDATE part_revisions SET state = 'withdrawn' RETURNING 1", "FILE_NOT_VALIDATED"),
    ("UPDATE print_files SET validated_at = NULL RETURNING 1", "FILE_NOT_VALIDATED"),
    ("UPDATE machine_offers SET parameter_set_state = 'development' RETURNING 1", "NO_PARAMETER_SET"),
    ("UPDATE machine_offers SET parameter_set = 'PS-9' RETURNING 1", "NO_PARAMETER_SET"),
    ("UPDATE material_lots SET state = 'quarantined' RETURNING 1", "LOT_BLOCKED"),
    ("UPDATE material_lots SET expires_on = '2026-06-15' RETURNING 1", "LOT_BLOCKED"),
    ("UPDATE material_lots SET reuse_count = 11 RETURNING 1", "LOT_BLOCKED"),
    ("UPDATE orders SET criticality = 'safety' RETURNING 1", "PART_NOT_QUALIFIED"),
    ("UPDATE orders SET criticality = 'patient'; UPDATE jobs SET ship_to_country = 'FR' RETURNING 1", "IP_POLICY"),
]


@pytest.mark.parametrize(("change", "code"), GATES)
def test_every_gate_is_asked_again(floor: Floor, change: str, code: str) -> None:
    (offer,) = floor.offered()
    before = floor.do(lambda session: recheck_jobs(session, job_ids=[offer.job_id], now=NOW))
    with unit_of_work(floor.engine) as session:
        for statement in change.split("; "):
            session.connection().exec_driver_sql(statement)

    after = floor.do(lambda session: recheck_jobs(session, job_ids=[offer.job_id], now=NOW))

    assert before == {offer.job_id: ()}
    assert [reason.code for reason in after[offer.job_id]] == [code]
    assert after[offer.job_id][0].message


def test_a_job_that_is_late_is_looked_at_for_today(floor: Floor) -> None:
    (offer,) = floor.offered()
    floor.table("UPDATE jobs SET produce_by = '2026-05-01' RETURNING 1")

    found = floor.do(lambda session: recheck_jobs(session, job_ids=[offer.job_id], now=NOW))
    assert found == {offer.job_id: ()}
    assert floor.do(lambda session: get_job(session, principal=BUREAU_KEY, job_id=offer.job_id)).state == "offered"
