"""A bureau gets a file through a job that it accepted, by a ticket for one download, while every gate is open."""

import hashlib
import time
from datetime import datetime

import pytest

from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditedRefusal
from fabroute.production.service import (
    TICKET_SECONDS,
    FileRefused,
    FileRelease,
    IssuedTicket,
    JobUnqualified,
    NotTheNode,
    TicketExpired,
    TicketUsed,
    TicketVoid,
    UnknownJob,
    UnknownTicket,
    get_job,
    hold_unqualified,
    issue_ticket,
    note_failed_release,
    redeem_ticket,
    resume_job,
    revoke_certificate,
    take_back_job,
)
from tests.factories.organisations import BUREAU, NOW
from tests.factories.production import (
    BUREAU_KEY,
    CERTIFICATE,
    OPERATOR_KEY,
    RIVAL_KEY,
    Floor,
    a_certificate,
    a_principal,
    given_certificates,
    key_of,
)


def issue(floor: Floor, job_id: str, who: Principal = BUREAU_KEY) -> IssuedTicket:
    return floor.do(lambda session: issue_ticket(session, principal=who, job_id=job_id, now=NOW))


def redeem(floor: Floor, token: str, who: Principal = BUREAU_KEY) -> FileRelease:
    return floor.do(lambda session: redeem_ticket(session, principal=who, token=token, now=NOW))


def refused(floor: Floor, token: str, who: Principal = BUREAU_KEY) -> AuditedRefusal:
    """The refusal to redeem a ticket; nothing may have been released by it."""
    before = released(floor)
    with pytest.raises(AuditedRefusal) as refusal:
        redeem(floor, token, who)
    assert released(floor) == before
    return refusal.value


def released(floor: Floor) -> tuple[int, list[tuple[object, ...]], list[tuple[object, ...]]]:
    used = floor.table("SELECT id, used_at, used_by FROM file_tickets WHERE used_at IS NOT NULL ORDER BY id")
    return len(floor.audited("print_file.released")), used, floor.table("SELECT file_released_at FROM jobs ORDER BY id")


def file_sha256(floor: Floor) -> str:
    return hashlib.sha256(floor.owner.revision_id.encode()).hexdigest()


def test_a_ticket_names_the_file_and_what_was_signed_and_keeps_no_token(floor: Floor) -> None:
    job_id = floor.accepted()

    ticket = issue(floor, job_id)

    assert (ticket.job_id, ticket.file.sha256, ticket.file.media_type) == (job_id, file_sha256(floor), "model/3mf")
    assert (ticket.file.file_name, ticket.file.size_bytes) == ("RL-0001-A.3mf", len(floor.owner.revision_id))
    assert f'"sha256":"{ticket.file.sha256}"' in ticket.file.statement
    assert (ticket.file.public_key, len(ticket.file.signature)) == ("ZmFrZQ==", 44)
    assert len(ticket.token) == 43  # 32 bytes in URL-safe base64
    stored = floor.table("SELECT token_sha256, job_id, organisation_id, fence, issued_by, used_at FROM file_tickets")
    assert stored == [(hashlib.sha256(ticket.token.encode()).hexdigest(), job_id, BUREAU, 1, "key_bureau", None)]
    assert floor.audited("file_ticket.issued") == [
        ("key_bureau", job_id, {"node_id": "N101", "ticket": ticket.ticket_id})
    ]


def test_a_ticket_lives_five_minutes_of_the_databases_clock(floor: Floor) -> None:
    ticket = issue(floor, floor.accepted())

    ((lifetime, ahead),) = floor.table(
        "SELECT extract(epoch FROM expires_at - issued_at)::int, expires_at > clock_timestamp() FROM file_tickets"
    )
    assert (TICKET_SECONDS, lifetime, ahead) == (300, 300, True)
    assert floor.table("SELECT expires_at FROM file_tickets") == [(ticket.expires_at,)]


def test_every_token_is_another_one(floor: Floor) -> None:
    job_id = floor.accepted()

    tokens = {issue(floor, job_id).token for _ in range(20)}

    assert len(tokens) == 20
    assert floor.table("SELECT count(*), count(DISTINCT token_sha256) FROM file_tickets") == [(20, 20)]


def test_a_redeemed_ticket_releases_the_file_for_the_audit_log(floor: Floor) -> None:
    job_id = floor.accepted()
    ticket = issue(floor, job_id)

    release = redeem(floor, ticket.token)

    assert (release.job_id, release.ticket_id, release.file) == (job_id, ticket.ticket_id, ticket.file)
    assert release.organisation_id == floor.owner.organisation_id
    data = {"node_id": "N101", "ticket": ticket.ticket_id, "sha256": file_sha256(floor)}
    assert floor.audited("print_file.released") == [("key_bureau", job_id, data)]
    assert floor.told("job.file_released") == [job_id]
    job = floor.do(lambda session: get_job(session, principal=BUREAU_KEY, job_id=job_id))
    assert (job.file_released_at, job.started, job.file_available) == (NOW, True, True)
    assert floor.table("SELECT used_by FROM file_tickets") == [("key_bureau",)]


def test_a_second_file_of_a_job_keeps_the_time_of_the_first(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    version = floor.table("SELECT version FROM jobs")

    floor.fetched(job_id)

    assert floor.table("SELECT version FROM jobs") == version
    assert len(floor.audited("print_file.released")) == 2


def test_a_used_ticket_is_refused_and_told_apart(floor: Floor) -> None:
    job_id = floor.accepted()
    token = floor.token(job_id)
    redeem(floor, token)

    refusal = refused(floor, token)

    assert (type(refusal), refusal.code, refusal.status) == (TicketUsed, "file_ticket_used", 409)
    assert (refusal.entry.action, refusal.entry.subject_id) == ("print_file.refused", job_id)
    assert refusal.entry.data["reason"] == "used before"


def test_a_stolen_ticket_opens_nothing_and_the_theft_goes_on_the_owners_audit_log(floor: Floor) -> None:
    job_id = floor.accepted()
    token = floor.token(job_id)

    for thief in (RIVAL_KEY, OPERATOR_KEY, key_of(floor.owner)):
        refusal = refused(floor, token, thief)
        assert (type(refusal), refusal.code, refusal.status) == (UnknownTicket, "unknown_file_ticket", 404)
        assert (refusal.entry.organisation_id, refusal.entry.subject_id) == (floor.owner.organisation_id, job_id)
        assert (refusal.entry.actor, refusal.entry.data["by"]) == (thief.key_id, thief.organisation_id)
    assert redeem(floor, token).job_id == job_id


def test_a_made_up_ticket_and_a_stolen_one_look_the_same(floor: Floor) -> None:
    stolen = refused(floor, floor.token(floor.accepted()), RIVAL_KEY)
    made_up = refused(floor, "A" * 43, RIVAL_KEY)

    assert (made_up.code, made_up.status, made_up.message) == (stolen.code, stolen.status, stolen.message)
    assert (made_up.entry.organisation_id, made_up.entry.subject_type) == (None, "file_ticket")
    assert made_up.entry.data == {"reason": "not this organisation's ticket", "by": "org_rival"}


def test_another_key_of_the_bureau_may_use_its_ticket(floor: Floor) -> None:
    token = floor.token(floor.accepted())

    redeem(floor, token, a_principal(key_id="key_of_the_night_shift"))

    assert floor.table("SELECT issued_by, used_by FROM file_tickets") == [("key_bureau", "key_of_the_night_shift")]
    assert floor.audited("print_file.released")[0][0] == "key_of_the_night_shift"


def test_an_expired_ticket_is_refused_whatever_the_callers_clock_says(floor: Floor) -> None:
    token = floor.token(floor.accepted())
    floor.table("UPDATE file_tickets SET expires_at = clock_timestamp() + interval '50 ms' RETURNING 1")
    time.sleep(0.06)

    refusal = refused(floor, token)

    assert (type(refusal), refusal.code, refusal.status) == (TicketExpired, "file_ticket_expired", 410)
    assert refusal.entry.data["reason"] == "expired"
    assert redeem(floor, floor.token(str(refusal.entry.subject_id))).job_id == refusal.entry.subject_id


def test_a_held_jobs_tickets_are_void_also_after_it_is_resumed(floor: Floor) -> None:
    job_id = floor.accepted()
    token = floor.token(job_id)
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")
    assert floor.do(lambda session: hold_unqualified(session, now=NOW)) == 1

    held = refused(floor, token)
    floor.table("UPDATE certificates SET revoked_at = NULL RETURNING 1")
    floor.do(lambda session: resume_job(session, principal=OPERATOR_KEY, job_id=job_id, now=NOW))
    resumed = refused(floor, token)

    assert (type(held), held.code, held.status) == (TicketVoid, "file_ticket_void", 409)
    assert (held.entry.data["reason"], resumed.entry.data["reason"]) == (
        "job is held, fence 2",
        "job is accepted, fence 3",
    )
    assert type(resumed) is TicketVoid
    assert redeem(floor, floor.token(job_id)).job_id == job_id


def test_a_reassigned_jobs_tickets_are_void(floor: Floor) -> None:
    job_id = floor.accepted()
    token = floor.token(job_id)
    floor.do(
        lambda session: take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="bureau closed", now=NOW)
    )

    refusal = refused(floor, token)

    assert (type(refusal), refusal.entry.data["reason"]) == (TicketVoid, "job is cancelled, fence 2")
    assert "is cancelled and has changed" in refusal.message


def test_a_certificate_revoked_between_ticket_and_download_stops_the_download(floor: Floor) -> None:
    job_id = floor.accepted()
    token = floor.token(job_id)
    floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit failed", principal=OPERATOR_KEY, now=NOW
        )
    )

    assert type(refused(floor, token)) is TicketVoid
    assert floor.table("SELECT state, held_from FROM jobs") == [("held", "accepted")]


def test_a_gate_that_closed_without_a_hold_stops_the_download_too_and_the_ticket_stays_good(floor: Floor) -> None:
    job_id = floor.accepted()
    token = floor.token(job_id)
    floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")

    refusal = refused(floor, token)
    given_certificates(floor.engine, a_certificate(certificate_id="crt_new"))

    assert (type(refusal), refusal.entry.data["wish"]) == (JobUnqualified, "given its file")
    assert refusal.entry.data["codes"] == "CERTIFICATE_MISSING"
    assert redeem(floor, token).job_id == job_id


def test_a_file_that_was_exchanged_is_not_released(floor: Floor) -> None:
    job_id = floor.accepted()
    token = floor.token(job_id)
    floor.table("UPDATE print_files SET sha256 = repeat('f', 64) RETURNING 1")

    unapproved = refused(floor, token)
    floor.table("UPDATE part_revisions SET approved_sha256 = repeat('f', 64) RETURNING 1")
    other = refused(floor, token)

    assert (type(unapproved), type(other)) == (FileRefused, TicketVoid)
    assert unapproved.entry.data["reason"] == "file is not the approved one"
    assert "the file is another one now" in other.message


@pytest.mark.parametrize("state", ["offered", "held", "cancelled"])
def test_there_is_no_ticket_unless_the_job_is_accepted(floor: Floor, state: str) -> None:
    (offer,) = floor.offered()
    floor.table(f"UPDATE jobs SET state = '{state}' RETURNING 1")

    with pytest.raises(FileRefused, match=f"is {state}: a node gets the file of a job that it accepted") as refusal:
        issue(floor, offer.job_id)
    assert (refusal.value.code, refusal.value.status) == ("print_file_refused", 409)
    assert refusal.value.entry.data == {"reason": f"job is {state}", "node_id": "N101"}
    assert floor.table("SELECT id FROM file_tickets") == []


def test_there_is_no_ticket_once_all_prints_are_made(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    late = floor.token(job_id)
    floor.printed(job_id, "failed")

    with pytest.raises(FileRefused, match="ask for a reprint") as refusal:
        issue(floor, job_id)
    assert refusal.value.entry.data["reason"] == "no prints left"
    assert type(refused(floor, late)) is FileRefused


def test_only_the_nodes_own_organisation_gets_a_ticket(floor: Floor) -> None:
    job_id = floor.accepted()

    for who in (OPERATOR_KEY, key_of(floor.owner)):
        with pytest.raises(NotTheNode):
            issue(floor, job_id, who)
    with pytest.raises(UnknownJob):
        issue(floor, job_id, RIVAL_KEY)
    assert floor.table("SELECT id FROM file_tickets") == []


def test_there_is_no_ticket_while_a_gate_is_closed(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.table("UPDATE part_revisions SET export_class = 'itar' RETURNING 1")

    with pytest.raises(JobUnqualified, match="EXPORT_CONTROL: itar files may not go to a node in DE") as refusal:
        issue(floor, job_id)
    assert refusal.value.entry.data == {"wish": "given its file", "codes": "EXPORT_CONTROL"}
    assert floor.table("SELECT id FROM file_tickets") == []


def test_a_download_that_could_not_be_sent_is_noted_and_its_ticket_stays_used(floor: Floor) -> None:
    job_id = floor.accepted()
    token = floor.token(job_id)
    release = redeem(floor, token)

    floor.do(
        lambda session: note_failed_release(
            session, release=release, actor="key_bureau", reason="print_file_damaged", now=NOW
        )
    )

    ((actor, subject, data),) = floor.audited("print_file.not_sent")
    assert (actor, subject) == ("key_bureau", job_id)
    assert data == {"ticket": release.ticket_id, "sha256": file_sha256(floor), "reason": "print_file_damaged"}
    assert type(refused(floor, token)) is TicketUsed


def test_times_of_tickets_are_the_databases(floor: Floor) -> None:
    floor.fetched(floor.accepted())

    ((issued, used),) = floor.table("SELECT issued_at, used_at FROM file_tickets")
    assert isinstance(issued, datetime)
    assert isinstance(used, datetime)
    assert issued <= used
    assert issued.date() != NOW.date()
