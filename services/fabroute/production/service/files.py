"""Print files go out through jobs only: a ticket for one download, used up by one statement, every gate asked again."""

import hashlib
import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database import act_for_everyone
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditedRefusal, AuditRecord, record_audit
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PrintFileView, RevisionView
from fabroute.kernel.events import DomainEvent
from fabroute.kernel.ids import new_id
from fabroute.outbox import service as outbox
from fabroute.production.events import job_event
from fabroute.production.models import Job
from fabroute.production.repository import files as ticket_rows
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository.files import NewTicket, TicketState
from fabroute.production.rules import file_name_of
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.recheck import require_qualified
from fabroute.production.service.telling import audit_entry
from fabroute.production.service.views import job_view
from fabroute.production.states import WORKING_STATES

TICKET_SECONDS = 300
_TOKEN_BYTES = 32
_REFUSED = "print_file.refused"


class FileRefused(AuditedRefusal):
    """The job is in no state in which its node may have the file."""

    code = "print_file_refused"
    status = 409


class UnknownTicket(AuditedRefusal):
    """No such ticket, or another organisation's."""

    code = "unknown_file_ticket"
    status = 404


class TicketUsed(AuditedRefusal):
    """The ticket was used: each is for one download."""

    code = "file_ticket_used"
    status = 409


class TicketExpired(AuditedRefusal):
    """The ticket is too old."""

    code = "file_ticket_expired"
    status = 410


class TicketVoid(AuditedRefusal):
    """The job was held, resumed or taken back since the ticket was issued."""

    code = "file_ticket_void"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedTicket:
    """The right to one download of a job's print file. The token is shown once: only its SHA-256 is kept."""

    ticket_id: str
    job_id: str
    token: str
    expires_at: datetime
    file: "ReleasedFile"


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleasedFile:
    """A print file with what was signed when its revision was released."""

    sha256: str
    size_bytes: int
    media_type: str
    file_name: str
    statement: str
    """Canonical JSON of file, facts and requirements; the two below are empty for files released before signing."""
    signature: str
    """Ed25519 over the statement, base64."""
    public_key: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FileRelease:
    """A download that was granted: send this file from the store, once its SHA-256 was found right."""

    ticket_id: str
    job_id: str
    organisation_id: str
    """The owner's, whose audit log it is on."""
    file: ReleasedFile


def issue_ticket(
    session: Session, *, principal: Principal, job_id: str, now: datetime, lease: Lease | None = None
) -> IssuedTicket:
    """Issue a ticket for one download of a job's file within five minutes, to the node's own organisation. Audited.

    Raises ``UnknownJob``, ``NotTheNode`` (also to the operator), ``LeaseLost``, ``LeaseRequired``, and, on the audit
    log, ``FileRefused`` unless the job is accepted and has prints left to make, and ``JobUnqualified`` where a gate is
    closed.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease, operator_too=False)
    file = _releasable(session, job, actor=principal.key_id, now=now)
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    ticket = NewTicket(
        ticket_id=new_id("tkt"),
        token_sha256=_sha256(token),
        job_id=job_id,
        organisation_id=principal.organisation_id,
        fence=job.fence,
        sha256=file.sha256,
        issued_by=principal.key_id,
        lifetime_seconds=TICKET_SECONDS,
    )
    expires_at = ticket_rows.insert_ticket(session, ticket)
    _note(session, job, "file_ticket.issued", actor=principal.key_id, now=now, ticket=ticket.ticket_id)
    return IssuedTicket(ticket_id=ticket.ticket_id, job_id=job_id, token=token, expires_at=expires_at, file=file)


def redeem_ticket(session: Session, *, principal: Principal, token: str, now: datetime) -> FileRelease:
    """Use a ticket up and return which file to send; the gates are asked again. Audited, ``job.file_released``.

    Commit before a byte is sent. Raises, all on the audit log, ``UnknownTicket`` (also for another organisation's),
    ``TicketUsed``, ``TicketExpired``, ``TicketVoid``, ``FileRefused`` and ``JobUnqualified``.
    """
    hashed, actor = _sha256(token), principal.key_id
    used = ticket_rows.redeem(session, token_sha256=hashed, organisation_id=principal.organisation_id, used_by=actor)
    act_for_everyone(session)  # a stranger's ticket goes on its owner's audit log
    if used is None:
        raise _refusal(ticket_rows.find_ticket(session, token_sha256=hashed), principal=principal, now=now)
    job = job_rows.find_job(session, used.job_id)
    assert job is not None, f"ticket {used.ticket_id} names a job that is gone"
    file = _releasable(session, job, actor=actor, now=now)
    if file.sha256 != used.sha256:
        raise TicketVoid("the file is another one now: ask for a new ticket", entry=_entry(job, actor, now, "file"))
    ticket_rows.note_release(session, job_id=job.id, now=now)
    _note(session, job, "print_file.released", actor=actor, now=now, ticket=used.ticket_id, sha256=file.sha256)
    outbox.record(session, _told(job, now))
    return FileRelease(ticket_id=used.ticket_id, job_id=job.id, organisation_id=job.organisation_id, file=file)


def note_failed_release(session: Session, *, release: FileRelease, actor: str, reason: str, now: datetime) -> None:
    """Put on the audit log that a granted download was not sent (file damaged or missing); its ticket stays used."""
    act_for_everyone(session)  # the release was granted: its owner's audit log says what became of it
    data = {"ticket": release.ticket_id, "sha256": release.file.sha256, "reason": reason}
    entry = audit_entry(release.job_id, release.organisation_id, "print_file.not_sent", actor=actor, now=now, **data)
    record_audit(session, entry=entry)


def _releasable(session: Session, job: Job, *, actor: str, now: datetime) -> ReleasedFile:
    """Return the file of a locked job if its node may have it now."""
    if job.state not in WORKING_STATES:
        message = f"job {job.id} is {job.state}: a node gets the file of a job that it accepted"
        raise FileRefused(message, entry=_entry(job, actor, now, f"job is {job.state}"))
    if job_view(job).prints_left == 0:
        message = f"all prints of job {job.id} are made: ask for a reprint if one of them failed"
        raise FileRefused(message, entry=_entry(job, actor, now, "no prints left"))
    require_qualified(session, job=job, wish="given its file", actor=actor, now=now)
    revision = inventory.read_revisions(session, revision_ids={job.revision_id})[job.revision_id]
    assert revision.file is not None, "file_validated is one of the gates"
    if revision.approved_sha256 not in (None, revision.file.sha256):
        message = f"the file of {revision.part_no} {revision.revision} is not the one that was approved"
        raise FileRefused(message, entry=_entry(job, actor, now, "file is not the approved one"))
    return _released(revision, revision.file)


def _released(revision: RevisionView, file: PrintFileView) -> ReleasedFile:
    return ReleasedFile(
        sha256=file.sha256,
        size_bytes=file.size_bytes,
        media_type=file.media_type,
        file_name=file_name_of(revision.part_no, revision.revision),
        statement=revision.release_statement or "",
        signature=revision.release_signature or "",
        public_key=revision.release_public_key or "",
    )


def _refusal(ticket: TicketState | None, *, principal: Principal, now: datetime) -> AuditedRefusal:
    if ticket is None or ticket.organisation_id != principal.organisation_id:
        message = "there is no such file ticket: ask for one with POST /v1/jobs/{id}/file-tickets"
        return UnknownTicket(message, entry=_ticket_entry(ticket, principal, now, "not this organisation's ticket"))
    again = "ask for a new one with POST /v1/jobs/{id}/file-tickets"
    if ticket.used_at is not None:
        entry = _ticket_entry(ticket, principal, now, "used before")
        return TicketUsed(f"this file ticket was used, each is for one download: {again}", entry=entry)
    if ticket.expired:
        entry = _ticket_entry(ticket, principal, now, "expired")
        return TicketExpired(
            f"this file ticket has expired, it lives {TICKET_SECONDS // 60} minutes: {again}", entry=entry
        )
    entry = _ticket_entry(ticket, principal, now, f"job is {ticket.job_state}, fence {ticket.job_fence}")
    return TicketVoid(
        f"job {ticket.job_id} is {ticket.job_state} and has changed since this ticket was issued: see the job",
        entry=entry,
    )


def _ticket_entry(ticket: TicketState | None, principal: Principal, now: datetime, reason: str) -> AuditRecord:
    return AuditRecord(
        organisation_id=None if ticket is None else ticket.owner_id,
        occurred_at=now,
        actor=principal.key_id,
        action=_REFUSED,
        subject_type="file_ticket" if ticket is None else "job",
        subject_id="unknown" if ticket is None else ticket.job_id,
        data={"reason": reason, "by": principal.organisation_id}
        | ({} if ticket is None else {"ticket": ticket.ticket_id}),
    )


def _entry(job: Job, actor: str, now: datetime, reason: str) -> AuditRecord:
    return audit_entry(job.id, job.organisation_id, _REFUSED, actor=actor, now=now, reason=reason, node_id=job.node_id)


def _note(session: Session, job: Job, action: str, *, actor: str, now: datetime, **data: str) -> None:
    entry = audit_entry(job.id, job.organisation_id, action, actor=actor, now=now, node_id=job.node_id, **data)
    record_audit(session, entry=entry)


def _told(job: Job, now: datetime) -> DomainEvent:
    return job_event(
        "job.file_released",
        job_id=job.id,
        organisation_id=job.organisation_id,
        node_id=job.node_id,
        order_line_id=job.order_line_id,
        occurred_at=now,
    )


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
