"""Statements on the jobs table."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from fabroute.production.models import Job


def insert_jobs(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add jobs in one round trip."""
    session.exec(insert(Job), params=[dict(row) for row in rows])


def cancel_jobs(session: Session, *, order_id: str, states: Collection[str], now: datetime) -> Sequence[Job]:
    """Cancel the jobs of an order that are in one of ``states``; return them as they are now."""
    statement = (
        update(Job)
        .where(col(Job.order_id) == order_id, col(Job.state).in_(states))
        .values(state="cancelled", updated_at=now, version=Job.version + 1)
        .returning(Job)
    )
    return session.scalars(statement).all()


def find_job(session: Session, job_id: str) -> Job | None:
    """Return a job by its id."""
    return session.get(Job, job_id)


def read_jobs(
    session: Session,
    *,
    node_id: str,
    organisation_id: str | None,
    state: str | None,
    cursor: str | None,
    limit: int,
) -> Sequence[Job]:
    """Return jobs of a node after ``cursor`` in the order of their ids, of one owner only if it is given."""
    statement = select(Job).where(Job.node_id == node_id).order_by(col(Job.id)).limit(limit)
    if organisation_id is not None:
        statement = statement.where(Job.organisation_id == organisation_id)
    if state is not None:
        statement = statement.where(Job.state == state)
    if cursor is not None:
        statement = statement.where(col(Job.id) > cursor)
    return session.exec(statement).all()
