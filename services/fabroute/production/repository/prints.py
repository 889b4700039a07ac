"""Statements on prints, evidence and reprint requests."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import exists, or_, update
from sqlmodel import Session, SQLModel, col, select

from fabroute.production.models import Job, JobEvidence, PrintRecord, ReprintRequest


def add(session: Session, row: SQLModel) -> None:
    """Add a row."""
    session.add(row)
    session.flush()


def find_evidence(session: Session, *, job_id: str, evidence_id: str) -> JobEvidence | None:
    """Return a piece of evidence of a job by its id."""
    return session.exec(select(JobEvidence).where(JobEvidence.job_id == job_id, JobEvidence.id == evidence_id)).first()


def find_evidence_named(session: Session, *, job_id: str, name: str) -> JobEvidence | None:
    """Return a piece of evidence of a job by its name."""
    return session.exec(select(JobEvidence).where(JobEvidence.job_id == job_id, JobEvidence.name == name)).first()


def read_evidence(session: Session, *, job_id: str, cursor: str | None, limit: int) -> Sequence[JobEvidence]:
    """Return evidence of a job, oldest first, after the id ``cursor``."""
    statement = select(JobEvidence).where(JobEvidence.job_id == job_id, col(JobEvidence.id) > (cursor or ""))
    return session.exec(statement.order_by(col(JobEvidence.id)).limit(limit)).all()


def find_print(session: Session, *, job_id: str, number: int) -> PrintRecord | None:
    """Return one print of a job."""
    return session.get(PrintRecord, (job_id, number))


def read_prints(session: Session, *, job_id: str, after: int, limit: int) -> Sequence[PrintRecord]:
    """Return prints of a job by number, after the number ``after``."""
    statement = select(PrintRecord).where(PrintRecord.job_id == job_id, col(PrintRecord.number) > after)
    return session.exec(statement.order_by(col(PrintRecord.number)).limit(limit)).all()


def count_print(session: Session, *, job_id: str, result: str, now: datetime) -> None:
    """Count a print of a job that the caller has locked."""
    counter = Job.good_prints if result == "good" else Job.failed_prints
    _count(session, job_id, {counter: counter + 1}, now=now)


def grant_reprint(session: Session, *, job_id: str, now: datetime) -> None:
    """Allow one more print of a job that the caller has locked."""
    _count(session, job_id, {Job.granted_reprints: Job.granted_reprints + 1}, now=now)


def requests_of_job(session: Session, *, job_id: str, limit: int) -> Sequence[ReprintRequest]:
    """Return the reprint requests of a job, oldest first."""
    statement = select(ReprintRequest).where(ReprintRequest.job_id == job_id)
    return session.exec(statement.order_by(col(ReprintRequest.id)).limit(limit)).all()


def find_request(session: Session, request_id: str) -> ReprintRequest | None:
    """Return a reprint request."""
    return session.get(ReprintRequest, request_id, populate_existing=True)


def find_request_for(session: Session, *, job_id: str, print_number: int) -> ReprintRequest | None:
    """Return the reprint request for a failed print."""
    wanted = (ReprintRequest.job_id == job_id, ReprintRequest.print_number == print_number)
    return session.exec(select(ReprintRequest).where(*wanted)).first()


def decide_request(
    session: Session, *, request_id: str, state: str, reason: str, decided_by: str, now: datetime
) -> ReprintRequest | None:
    """Decide an open request; None if it is decided already."""
    statement = (
        update(ReprintRequest)
        .where(col(ReprintRequest.id) == request_id, col(ReprintRequest.state) == "requested")
        .values(state=state, decision_reason=reason, decided_by=decided_by, decided_at=now)
        .returning(ReprintRequest)
        .execution_options(populate_existing=True)
    )
    return session.scalars(statement).one_or_none()


def read_requests(
    session: Session,
    *,
    organisation_id: str | None,
    node_ids: Sequence[str],
    state: str | None,
    cursor: str | None,
    limit: int,
) -> Sequence[ReprintRequest]:
    """Return requests, oldest first: of an owner's parts or from these nodes; of everybody where there is no owner."""
    statement = select(ReprintRequest).where(col(ReprintRequest.id) > (cursor or ""))
    if organisation_id is not None:
        at_nodes = exists().where(col(Job.id) == col(ReprintRequest.job_id), col(Job.node_id).in_(node_ids))
        statement = statement.where(or_(col(ReprintRequest.organisation_id) == organisation_id, at_nodes))
    if state is not None:
        statement = statement.where(ReprintRequest.state == state)
    return session.exec(statement.order_by(col(ReprintRequest.id)).limit(limit)).all()


def _count(session: Session, job_id: str, values: dict[object, object], *, now: datetime) -> None:
    counted = {Job.updated_at: now, Job.version: Job.version + 1}
    session.exec(update(Job).where(col(Job.id) == job_id).values({**values, **counted}))
