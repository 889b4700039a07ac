"""Claims: who gets which job, what is not given out, and what is kept."""

from collections.abc import Sequence
from datetime import date, timedelta
from functools import partial

import pytest
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.network.service import UnknownNode
from fabroute.production.service import JobStateConflict, JobUnqualified, UnknownJob, revoke_certificate
from fabroute.production.service.claims import (
    AskedClaim,
    Claimed,
    ClaimKeyContended,
    ClaimKeyReused,
    ClaimResult,
    ClaimTerms,
    JobAlreadyClaimed,
    NothingToClaim,
    Packet,
    QueueFilter,
    claim_jobs,
    list_queue,
)
from fabroute.production.service.phases.accepting import OfferLapsed
from tests.factories.databases import rows
from tests.factories.orders import given_revision
from tests.factories.organisations import NOW
from tests.factories.production import (
    BUREAU_KEY,
    CERTIFICATE,
    OPERATOR_KEY,
    RIVAL_KEY,
    Floor,
    a_certificate,
    given_certificates,
    key_of,
)


def names(packets: Sequence[Packet]) -> bytes:
    return ",".join(packet.job.job_id for packet in packets).encode()


TERMS = partial(ClaimTerms, answer=names, offer_seconds=900)


def asks(
    key: str, *, most: int = 1, job_id: str | None = None, principal: Principal = BUREAU_KEY, sha: str = "x"
) -> AskedClaim:
    return AskedClaim(
        principal=principal, node_id="N101", idempotency_key=key, request_sha256=sha, most=most, job_id=job_id
    )


def claimed(floor: Floor, *asked: AskedClaim, terms: ClaimTerms | None = None) -> list[ClaimResult]:
    return floor.do(lambda session: claim_jobs(session, asked=asked, terms=terms or TERMS(), now=NOW))


def job_ids(result: ClaimResult) -> list[str]:
    assert isinstance(result, Claimed), result
    return result.body.decode().split(",")


def shown(
    floor: Floor, principal: Principal = BUREAU_KEY, *, limit: int = 50, states: tuple[str, ...] = ()
) -> list[str]:
    wanted = QueueFilter(node_id="N101", states=states)

    def read(session: Session) -> list[str]:
        found = list_queue(session, principal=principal, wanted=wanted, cursor=None, limit=limit, now=NOW)
        return [job.job_id for job in found.page.items]

    return floor.do(read)


def due(floor: Floor, job_id: str, day: date) -> None:
    floor.table("UPDATE jobs SET produce_by = :day WHERE id = :it RETURNING id", day=day, it=job_id)


def test_the_soonest_due_are_given_out_first_and_whoever_came_first_is_served_first(floor: Floor) -> None:
    jobs = [offer.job_id for offer in floor.offered(1, 1, 1, 1)]
    for days, job_id in enumerate(reversed(jobs)):
        due(floor, job_id, date(2026, 6, 16) + timedelta(days=days))
    first, second, third = claimed(floor, asks("a", most=3), asks("b", most=3), asks("c"))

    assert job_ids(first) == [jobs[3], jobs[2], jobs[1]]
    assert job_ids(second) == [jobs[0]]
    assert third == NothingToClaim()


def test_a_claim_leases_the_job_until_its_node_must_answer_and_counts_its_fence_up(floor: Floor) -> None:
    (offer,) = floor.offered()
    floor.table("UPDATE jobs SET fence = 4 RETURNING id")
    before = floor.table("SELECT queue_version FROM nodes WHERE id = 'N101'")
    claimed(floor, asks("a"))
    sql = (
        "SELECT state, lease_kind, lease_epoch, fence, claimed_by, lease_id LIKE 'lse!_%' ESCAPE '!',"
        " round(extract(epoch FROM lease_until - clock_timestamp()) / 60) FROM jobs"
    )

    assert floor.table(sql) == [("offered", "claim", 5, 5, "key_bureau", True, 15)]
    assert floor.told("job.claimed") == [offer.job_id]
    assert floor.audited("job.claimed") == [("key_bureau", offer.job_id, {"node_id": "N101", "epoch": 5})]
    assert floor.table("SELECT queue_version - 1 FROM nodes WHERE id = 'N101'") == before


def test_a_node_that_takes_its_time_has_it(floor: Floor) -> None:
    floor.offered()
    floor.table("UPDATE nodes SET offer_seconds = 7200 RETURNING id")
    floor.table("UPDATE jobs SET produce_by = current_date + 2 RETURNING id")
    claimed(floor, asks("a"))
    sql = "SELECT round(extract(epoch FROM lease_until - clock_timestamp()) / 60) FROM jobs"

    assert floor.table(sql) == [(120,)]


def test_a_claimed_job_is_not_given_out_again_and_asked_for_by_its_id_it_is_refused(floor: Floor) -> None:
    (offer,) = floor.offered()
    claimed(floor, asks("a"))
    nothing, named = claimed(floor, asks("b"), asks("c", job_id=offer.job_id))

    assert nothing == NothingToClaim()
    assert isinstance(named, JobAlreadyClaimed)
    assert offer.job_id in named.message


def test_of_two_that_name_one_job_in_one_batch_the_first_has_it(floor: Floor) -> None:
    one, other = (offer.job_id for offer in floor.offered(1, 1))
    first, second, third = claimed(floor, asks("a", job_id=one), asks("b", job_id=one), asks("c", most=5))

    assert job_ids(first) == [one]
    assert isinstance(second, JobAlreadyClaimed)
    assert job_ids(third) == [other]


def test_jobs_that_can_t_be_claimed_are_told_apart(floor: Floor) -> None:
    accepted = floor.accepted()
    stranger = asks("s", principal=RIVAL_KEY)
    strange, unknown, taken = claimed(floor, stranger, asks("u", job_id="job_no"), asks("t", job_id=accepted))

    assert isinstance(strange, UnknownNode)
    assert isinstance(unknown, UnknownJob)
    assert isinstance(taken, JobStateConflict)
    assert "accepted" in taken.message


def test_the_operator_may_claim_for_a_node(floor: Floor) -> None:
    (offer,) = floor.offered()
    (result,) = claimed(floor, asks("a", principal=OPERATOR_KEY))

    assert job_ids(result) == [offer.job_id]
    assert floor.table("SELECT claimed_by FROM jobs") == [("key_operator",)]


def test_what_the_node_is_not_qualified_for_now_is_held_and_others_are_given_out_in_its_stead(floor: Floor) -> None:
    bad, good = (offer.job_id for offer in floor.offered(1, 1))
    due(floor, bad, date(2026, 6, 15))
    lot = "UPDATE jobs SET lot_id = 'lot_old' WHERE id = :it RETURNING id"
    floor.table(
        "INSERT INTO material_lots (id, node_id, material, initial_grams, remaining_grams, expires_on, state,"
        " reuse_count) VALUES ('lot_old', 'N101', 'PA12-MJF', 5, 5, '2026-06-30', 'blocked', 0) RETURNING id"
    )
    floor.table(lot, it=bad)
    visible = shown(floor, states=("offered",))
    (result,) = claimed(floor, asks("a"))

    assert visible == [good]
    assert job_ids(result) == [good]
    ((state, reason),) = floor.table("SELECT state, held_reason FROM jobs WHERE id = :it", it=bad)
    assert state == "held"
    assert "lot_old" in str(reason)


def test_a_named_job_whose_gate_closed_is_refused_on_the_audit_log_and_held(floor: Floor) -> None:
    (offer,) = floor.offered()
    floor.table("UPDATE certificates SET revoked_at = now() WHERE id = :it RETURNING id", it=CERTIFICATE)
    (result,) = claimed(floor, asks("a", job_id=offer.job_id))

    assert isinstance(result, JobUnqualified)
    assert result.entry.action == "job.refused"
    assert result.entry.data["codes"] == "CERTIFICATE_MISSING"
    assert floor.table("SELECT state, lease_id FROM jobs") == [("held", None)]
    assert floor.told("job.held") == [offer.job_id]


CHANGES = {
    "certificate": "UPDATE certificates SET revoked_at = now() RETURNING id",
    "lot": "UPDATE material_lots SET state = 'quarantined' RETURNING id",
    "reuse": "UPDATE material_lots SET reuse_count = 99 RETURNING id",
    "offer": "UPDATE machine_offers SET parameter_set_state = 'development' RETURNING id",
    "gone": "DELETE FROM machine_offers RETURNING id",
    "export": "UPDATE part_revisions SET export_class = 'ITAR' RETURNING id",
    "owner's nodes": "UPDATE part_revisions SET ip_nodes = '{N999}' RETURNING id",
    "first article": "UPDATE part_revisions SET part_qualification = true RETURNING id",
}


@pytest.mark.parametrize("change", sorted(CHANGES))
def test_facts_that_were_kept_from_an_earlier_claim_are_of_now(floor: Floor, change: str) -> None:
    floor.offered(1, 1)
    terms = TERMS()
    (before,) = claimed(floor, asks("a"), terms=terms)
    floor.table(CHANGES[change])
    (after,) = claimed(floor, asks("b"), terms=terms)

    assert isinstance(before, Claimed)
    assert after == NothingToClaim()
    assert floor.table("SELECT state, count(*) FROM jobs GROUP BY state ORDER BY state") == [
        ("held", 1),
        ("offered", 1),
    ]


def test_facts_are_read_again_only_where_something_was_touched(floor: Floor) -> None:
    floor.offered(1, 1)
    terms = TERMS()
    claimed(floor, asks("a"), terms=terms)
    kept = terms.book.facts
    with unit_of_work(floor.engine) as session:
        first = kept(session, revision_ids=[floor.owner.revision_id], node_ids=["N101"]).nodes["N101"]
        rows(session, "UPDATE nodes SET queue_version = queue_version + 1 RETURNING id")
        rows(session, "UPDATE material_lots SET remaining_grams = remaining_grams - 1 RETURNING id")
        same = kept(session, revision_ids=[floor.owner.revision_id], node_ids=["N101"]).nodes["N101"]
        rows(session, "UPDATE nodes SET country = 'AT' RETURNING id")
        other = kept(session, revision_ids=[floor.owner.revision_id], node_ids=["N101"]).nodes["N101"]

    assert same is first
    assert (first.country, other.country) == ("DE", "AT")


def test_a_key_s_answer_is_kept_with_its_effect_and_one_of_another_body_is_refused(floor: Floor) -> None:
    (offer,) = floor.offered()
    claimed(floor, asks("a"))
    again, other = claimed(floor, asks("a"), asks("a", sha="y"))
    sql = "SELECT key, status, request_sha256, starts_with(subject_id, 'clm_') FROM idempotency_keys WHERE key = 'a'"

    assert again == Claimed(body=offer.job_id.encode(), is_replay=True)
    assert isinstance(other, ClaimKeyReused)
    assert floor.table(sql) == [("a", 200, "x", True)]


def test_a_key_that_another_transaction_has_just_taken_undoes_all_of_the_batch(floor: Floor) -> None:
    floor.offered(1, 1)
    with pytest.raises(ClaimKeyContended):
        claimed(floor, asks("same"), asks("same"))

    assert floor.table("SELECT count(*) FROM jobs WHERE lease_id IS NOT NULL") == [(0,)]
    assert floor.told("job.claimed") == []


def test_jobs_that_another_transaction_holds_are_passed_over_without_waiting(floor: Floor) -> None:
    locked, free = (offer.job_id for offer in floor.offered(1, 1))
    due(floor, locked, date(2026, 6, 15))
    with unit_of_work(floor.engine) as other:
        rows(other, "SELECT id FROM jobs WHERE id = :it FOR UPDATE", it=locked)
        (result,) = claimed(floor, asks("a", most=2))

    assert job_ids(result) == [free]
    assert shown(floor) == sorted((locked, free))


def test_a_page_is_filled_with_qualified_jobs_from_further_on(floor: Floor) -> None:
    jobs = [offer.job_id for offer in floor.offered(*[1] * 9)]
    other = given_revision(floor.engine, part_id=floor.owner.part_id, revision="B")
    bad = "UPDATE jobs SET revision_id = :other WHERE id = ANY(:ids) RETURNING id"
    floor.table(bad, other=other, ids=sorted(jobs)[:6])
    floor.table("UPDATE part_revisions SET required_certificates = '{EN9100}' WHERE id = :it RETURNING id", it=other)

    assert shown(floor, limit=2) == sorted(jobs)[6:8]
    assert shown(floor, OPERATOR_KEY, limit=2) == sorted(jobs)[:2]
    assert shown(floor, key_of(floor.owner)) == sorted(jobs)
    assert shown(floor, states=("accepted", "held")) == []


def test_a_certificate_that_comes_back_makes_the_queue_visible_again(floor: Floor) -> None:
    (offer,) = floor.offered()
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING id")
    hidden = shown(floor)
    given_certificates(floor.engine, a_certificate(certificate_id="crt_new"))

    assert hidden == []
    assert shown(floor) == [offer.job_id]


def test_a_job_that_is_claimed_while_its_certificate_is_revoked_is_held_all_the_same(floor: Floor) -> None:
    floor.offered()
    claimed(floor, asks("a"))
    revoked = floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit failed", principal=OPERATOR_KEY, now=NOW
        )
    )

    assert revoked.held == 1
    assert floor.table("SELECT state FROM jobs") == [("held",)]


def test_an_offer_whose_time_is_over_is_claimed_by_nobody(floor: Floor) -> None:
    late, last, free = (offer.job_id for offer in floor.offered(1, 1, 1))
    ends = "UPDATE jobs SET offer_until = :until WHERE id = :it RETURNING id"
    floor.table(ends, until=NOW, it=late)
    floor.table(ends, until=NOW + timedelta(microseconds=1), it=last)
    floor.table(ends, until=None, it=free)

    by_name, any_of_them = claimed(floor, asks("a", job_id=late), asks("b", most=3))

    assert isinstance(by_name, OfferLapsed)
    assert by_name.code == "offer_lapsed"
    assert set(job_ids(any_of_them)) == {last, free}
    assert floor.table("SELECT state, lease_id FROM jobs WHERE id = :it", it=late) == [("offered", None)]
