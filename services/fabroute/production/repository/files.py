"""Statements on file tickets."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class NewTicket:
    """A ticket to be written; of its token only the SHA-256."""

    ticket_id: str
    token_sha256: str
    job_id: str
    organisation_id: str
    fence: int
    sha256: str
    issued_by: str
    lifetime_seconds: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RedeemedTicket:
    """A ticket that was used just now."""

    ticket_id: str
    job_id: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TicketState:
    """A ticket that was not taken, and its job: what there is to say about why."""

    ticket_id: str
    job_id: str
    organisation_id: str
    owner_id: str
    used_at: datetime | None
    expired: bool
    fence: int
    job_fence: int
    job_state: str


def insert_ticket(session: Session, ticket: NewTicket) -> datetime:
    """Add a ticket that lives so many seconds of the database's clock; return when it ends."""
    parameters = {field: getattr(ticket, field) for field in NewTicket.__dataclass_fields__}
    expires_at: datetime = session.connection().execute(_INSERT, parameters).scalar_one()
    return expires_at


def redeem(session: Session, *, token_sha256: str, organisation_id: str, used_by: str) -> RedeemedTicket | None:
    """Use a ticket up by one statement, and lock its job; None if anything about it is not as it must be.

    It must be this organisation's, unused, not expired by the database's clock, of a job that is accepted, and of the
    job's present fence. The job is locked first: what was held or taken back meanwhile is seen, and from here on
    nobody can hold it before this transaction ends.
    """
    parameters = {"token_sha256": token_sha256, "organisation_id": organisation_id, "used_by": used_by}
    row = session.connection().execute(_REDEEM, parameters).mappings().one_or_none()
    return None if row is None else RedeemedTicket(**row)


def find_ticket(session: Session, *, token_sha256: str) -> TicketState | None:
    """Return what there is to know about a ticket and its job."""
    row = session.connection().execute(_FIND, {"token_sha256": token_sha256}).mappings().one_or_none()
    return None if row is None else TicketState(**row)


def note_release(session: Session, *, job_id: str, now: datetime) -> None:
    """Note on the job, at the first time, that its node has the file."""
    session.connection().execute(_NOTE_RELEASE, {"job_id": job_id, "now": now})


_INSERT = text("""
INSERT INTO file_tickets
    (id, token_sha256, job_id, organisation_id, fence, sha256, issued_by, issued_at, expires_at)
VALUES
    (:ticket_id, :token_sha256, :job_id, :organisation_id, :fence, :sha256, :issued_by, clock_timestamp(),
     clock_timestamp() + make_interval(secs => :lifetime_seconds))
RETURNING expires_at
""")

_REDEEM = text("""
WITH job AS MATERIALIZED (
    SELECT jobs.id, jobs.fence FROM jobs JOIN file_tickets asked ON asked.job_id = jobs.id
    WHERE asked.token_sha256 = :token_sha256 AND asked.organisation_id = :organisation_id
        AND jobs.state IN ('accepted', 'in_production')
    FOR NO KEY UPDATE OF jobs
)
UPDATE file_tickets ticket SET used_at = clock_timestamp(), used_by = :used_by
FROM job
WHERE ticket.token_sha256 = :token_sha256 AND ticket.organisation_id = :organisation_id
    AND ticket.job_id = job.id AND ticket.fence = job.fence
    AND ticket.used_at IS NULL AND ticket.expires_at > clock_timestamp()
RETURNING ticket.id AS ticket_id, ticket.job_id, ticket.sha256
""")

_FIND = text("""
SELECT ticket.id AS ticket_id, ticket.job_id, ticket.organisation_id, jobs.organisation_id AS owner_id,
    ticket.used_at, ticket.expires_at <= clock_timestamp() AS expired, ticket.fence, jobs.fence AS job_fence,
    jobs.state AS job_state
FROM file_tickets ticket JOIN jobs ON jobs.id = ticket.job_id WHERE ticket.token_sha256 = :token_sha256
""")

_NOTE_RELEASE = text(
    "UPDATE jobs SET file_released_at = :now, updated_at = :now, version = version + 1"
    " WHERE id = :job_id AND file_released_at IS NULL"
)
