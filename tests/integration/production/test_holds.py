"""Jobs are held when a gate closes, in the transaction that closes it; a person or a worker decides what then."""

from datetime import date, timedelta

import pytest
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.inventory.service import UnknownRevision
from fabroute.network.service import find_node
from fabroute.production.service import (
    JobFinished,
    JobStateConflict,
    JobUnqualified,
    UnknownJob,
    get_job,
    hold_unqualified,
    resume_job,
    revoke_certificate,
    revoke_first_article,
    take_back_job,
    withdraw_revision,
)
from fabroute.qualification.service import (
    NewFirstArticle,
    UnknownCertificate,
    UnknownFirstArticle,
    save_first_articles,
)
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

CLOSED = "CERTIFICATE_MISSING: has no ISO9001 for MJF:PA12-MJF"
WHY = f"certificate ISO9001 was revoked (audit failed); {CLOSED}"


def revoke(floor: Floor, who: Principal = OPERATOR_KEY) -> int:
    return floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit failed", principal=who, now=NOW
        )
    ).held


def hold(floor: Floor, days_later: int = 0) -> int:
    return floor.do(lambda session: hold_unqualified(session, now=NOW + timedelta(days=days_later)))


def jobs(floor: Floor) -> list[tuple[object, ...]]:
    return floor.table("SELECT state, held_from, held_reason FROM jobs ORDER BY id")


def test_a_revoked_certificate_holds_the_jobs_that_need_it_with_the_reason(floor: Floor) -> None:
    accepted = floor.accepted()
    (offer,) = floor.offered()

    assert revoke(floor) == 2

    assert jobs(floor) == [("held", "accepted", WHY), ("held", "offered", WHY)]
    assert floor.told("job.held") == [accepted, offer.job_id]
    held = floor.audited("job.held")
    assert held[0] == ("key_operator", accepted, {"from": "accepted", "reason": WHY, "node_id": "N101"})
    assert [subject for _, subject, _ in held] == [accepted, offer.job_id]
    job = floor.do(lambda session: get_job(session, principal=BUREAU_KEY, job_id=accepted))
    assert (job.held_at, job.held_reason, job.fence, job.file_available) == (NOW, WHY, 2, False)


def test_a_hold_that_is_rolled_back_leaves_the_certificate_and_the_jobs(floor: Floor) -> None:
    floor.accepted()

    def revoke_and_lose_the_connection(session: Session) -> None:
        revoke_certificate(session, certificate_id=CERTIFICATE, reason="audit", principal=OPERATOR_KEY, now=NOW)
        raise RuntimeError("the connection is lost")

    with pytest.raises(RuntimeError, match="lost"):
        floor.do(revoke_and_lose_the_connection)
    assert jobs(floor) == [("accepted", None, "")]
    assert floor.table("SELECT revoked_at FROM certificates") == [(None,)]


def test_a_certificate_that_another_one_stands_in_for_holds_nothing(floor: Floor) -> None:
    floor.accepted()
    given_certificates(floor.engine, a_certificate(certificate_id="crt_second"))

    assert revoke(floor) == 0
    assert jobs(floor) == [("accepted", None, "")]


def test_a_node_may_give_up_its_own_certificate_and_nobody_elses(floor: Floor) -> None:
    floor.accepted()

    for stranger in (RIVAL_KEY, key_of(floor.owner)):
        with pytest.raises(UnknownCertificate, match="there is no certificate crt_N101 that you may see"):
            revoke(floor, stranger)
    assert jobs(floor) == [("accepted", None, "")]
    assert revoke(floor, BUREAU_KEY) == 1
    assert floor.table("SELECT revoked_by, revocation_reason FROM certificates") == [("key_bureau", "audit failed")]


def test_revoking_twice_holds_once(floor: Floor) -> None:
    floor.accepted()

    assert (revoke(floor), revoke(floor)) == (1, 0)
    assert floor.table("SELECT fence, version FROM jobs") == [(2, 3)]
    assert len(floor.told("job.held")) == 1


def test_the_queues_version_counts_a_hold_once(floor: Floor) -> None:
    floor.offered(1, 1, 1)
    before = floor.do(lambda session: find_node(session, node_id="N101")).queue_version

    assert revoke(floor) == 3
    assert floor.do(lambda session: find_node(session, node_id="N101")).queue_version == before + 1


def test_a_revoked_first_article_holds_the_jobs_of_its_revision(floor: Floor) -> None:
    article = NewFirstArticle(
        first_article_id="fai_1",
        revision_id=floor.owner.revision_id,
        node_id="N101",
        machine_id="N101-A",
        material="PA12-MJF",
        parameter_set="PS-1",
        approved_on=date(2026, 1, 10),
        last_production_on=date(2026, 1, 10),
    )
    floor.do(lambda session: save_first_articles(session, first_articles=(article,), now=NOW))
    floor.table("UPDATE part_revisions SET part_qualification = true RETURNING 1")
    floor.accepted()
    before = hold(floor)

    def withdraw(who: Principal) -> int:
        return floor.do(
            lambda session: revoke_first_article(
                session, first_article_id="fai_1", reason="wrong alloy", principal=who, now=NOW
            )
        ).held

    with pytest.raises(UnknownFirstArticle, match="there is no first article fai_1 that you may see"):
        withdraw(BUREAU_KEY)
    assert (before, withdraw(key_of(floor.owner))) == (0, 1)
    ((state, held_from, reason),) = jobs(floor)
    assert (state, held_from) == ("held", "accepted")
    assert str(reason).startswith(
        "the first article was revoked (wrong alloy); PART_NOT_QUALIFIED: no approved first article on N101-A"
    )


def test_a_withdrawn_revision_holds_its_jobs(floor: Floor) -> None:
    floor.accepted()

    def withdraw(who: Principal) -> int:
        return floor.do(
            lambda session: withdraw_revision(
                session, revision_id=floor.owner.revision_id, reason="cracks", principal=who, now=NOW
            )
        ).held

    for stranger in (BUREAU_KEY, RIVAL_KEY):
        with pytest.raises(UnknownRevision, match="of yours"):
            withdraw(stranger)
    assert withdraw(key_of(floor.owner)) == 1
    gate = "FILE_NOT_VALIDATED: the revision is withdrawn and its print file validated"
    assert jobs(floor) == [("held", "accepted", f"the revision was withdrawn (cracks); {gate}")]
    assert floor.table("SELECT state FROM part_revisions") == [("withdrawn",)]


def test_there_is_nothing_to_withdraw_of_a_revision_that_is_not_there(floor: Floor) -> None:
    with pytest.raises(UnknownRevision), unit_of_work(floor.engine) as session:
        withdraw_revision(session, revision_id="rev_none", reason="?", principal=OPERATOR_KEY, now=NOW)
    assert jobs(floor) == []


def test_a_certificate_that_lapses_before_a_late_job_is_made_holds_it_on_that_day(floor: Floor) -> None:
    floor.table("UPDATE certificates SET valid_to = '2026-06-16' RETURNING 1")
    floor.accepted()  # to be made by 16 June

    assert (hold(floor), hold(floor, days_later=1)) == (0, 0)
    assert hold(floor, days_later=2) == 1
    ((state, _, reason),) = jobs(floor)
    assert state == "held"
    assert reason == "CERTIFICATE_EXPIRES: certificate ISO9001 ends 2026-06-16, build ends 2026-06-17"


def test_a_certificate_that_begins_before_the_job_is_made_holds_nothing_now(floor: Floor) -> None:
    floor.accepted()
    floor.table("UPDATE certificates SET valid_from = '2026-06-16' RETURNING 1")

    assert hold(floor) == 0
    with pytest.raises(JobUnqualified, match="begins 2026-06-16, build begins 2026-06-15"):
        floor.token(str(floor.table("SELECT id FROM jobs")[0][0]))


def test_holding_looks_at_the_nodes_it_is_told_to(floor: Floor) -> None:
    floor.accepted()
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")

    with unit_of_work(floor.engine) as session:
        assert hold_unqualified(session, node_ids=["N999"], now=NOW) == 0
        assert hold_unqualified(session, node_ids=[], now=NOW) == 0
        assert hold_unqualified(session, node_ids=["N101"], now=NOW) == 1
    assert jobs(floor) == [("held", "accepted", CLOSED)]


def test_a_job_says_all_that_keeps_it(floor: Floor) -> None:
    floor.accepted()
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")
    floor.table("UPDATE material_lots SET state = 'blocked' RETURNING 1")

    assert hold(floor) == 1
    assert jobs(floor) == [("held", "accepted", f"{CLOSED}; LOT_BLOCKED: lot lot_1 of PA12-MJF is blocked")]


@pytest.mark.parametrize("who", ["owner", "bureau", "operator"])
def test_a_held_job_goes_back_to_where_it_was_once_its_gates_are_open_again(floor: Floor, who: str) -> None:
    accepted = floor.accepted()
    (offer,) = floor.offered()
    revoke(floor)
    given_certificates(floor.engine, a_certificate(certificate_id="crt_new"))
    principal = {"owner": key_of(floor.owner), "bureau": BUREAU_KEY, "operator": OPERATOR_KEY}[who]

    with unit_of_work(floor.engine) as session:
        back = [resume_job(session, principal=principal, job_id=it, now=NOW) for it in (accepted, offer.job_id)]

    assert [(job.state, job.fence, job.held_reason, job.held_at) for job in back] == [
        ("accepted", 3, "", None),
        ("offered", 2, "", None),
    ]
    assert floor.told("job.resumed") == [accepted, offer.job_id]
    assert floor.audited("job.resumed")[0] == (
        principal.key_id,
        accepted,
        {"node_id": "N101", "state": "accepted"},
    )


def test_a_held_job_stays_held_while_a_gate_is_closed(floor: Floor) -> None:
    job_id = floor.accepted()
    revoke(floor)

    with pytest.raises(JobUnqualified, match="can't be resumed: CERTIFICATE_MISSING"):
        floor.do(lambda session: resume_job(session, principal=OPERATOR_KEY, job_id=job_id, now=NOW))
    assert jobs(floor) == [("held", "accepted", WHY)]


def test_only_held_jobs_are_resumed_and_only_by_those_they_concern(floor: Floor) -> None:
    job_id = floor.accepted()

    with pytest.raises(JobStateConflict, match="is accepted, so it can't be resumed: its node is at work on it"):
        floor.do(lambda session: resume_job(session, principal=OPERATOR_KEY, job_id=job_id, now=NOW))
    revoke(floor)
    with pytest.raises(UnknownJob):
        floor.do(lambda session: resume_job(session, principal=RIVAL_KEY, job_id=job_id, now=NOW))
    assert jobs(floor) == [("held", "accepted", WHY)]


def test_a_job_whose_prints_are_all_made_is_neither_held_nor_taken_back(floor: Floor) -> None:
    finished, begun = floor.accepted(), floor.accepted(2)
    for job_id in (finished, begun):
        floor.fetched(job_id)
        floor.printed(job_id, "good")

    held = floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit failed", principal=OPERATOR_KEY, now=NOW
        )
    ).held

    assert held == 1
    assert set(floor.table("SELECT id, state FROM jobs")) == {(finished, "in_production"), (begun, "held")}
    with pytest.raises(JobFinished, match=r"all 1 prints of job .* are made: taken back, they would be made twice"):
        floor.do(
            lambda session: take_back_job(
                session, principal=OPERATOR_KEY, job_id=finished, reason="in a hurry", now=NOW
            )
        )
    assert floor.table("SELECT state FROM order_lines ORDER BY id") == [("routed",), ("routed",)]


def test_superseding_a_revision_leaves_what_was_ordered_of_it(floor: Floor) -> None:
    offered, accepted = floor.offered()[0].job_id, floor.accepted()

    given_revision(floor.engine, part_id=floor.owner.part_id, revision="B")

    assert floor.do(lambda session: hold_unqualified(session, now=NOW)) == 0
    assert set(floor.table("SELECT id, state FROM jobs")) == {(offered, "offered"), (accepted, "accepted")}
    assert floor.fetched(accepted).job_id == accepted
