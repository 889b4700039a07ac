"""Statements on planned jobs: those whose wait is over, and the builds that they share."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import text, update
from sqlmodel import Session, col, select

from fabroute.production.models import Job

_FRESH = {"populate_existing": True}


def any_due(session: Session) -> bool:
    """Return whether the wait of some planned job is over, by the clock of the database."""
    return bool(session.connection().execute(_ANY_DUE).scalar())


def read_due(session: Session, *, now: datetime, limit: int) -> list[tuple[str, str]]:
    """Return planned jobs whose wait is over with their order lines, and all others of their builds."""
    rows = session.connection().execute(_DUE, {"now": now, "limit": limit})
    return [(row.id, row.order_line_id) for row in rows]


def lock_planned(session: Session, job_ids: Collection[str]) -> Sequence[Job]:
    """Lock those of ``job_ids`` that are planned, by id, and return them."""
    statement = select(Job).where(col(Job.id).in_(job_ids), Job.state == "planned").order_by(col(Job.id))
    return session.exec(statement.with_for_update(key_share=True).execution_options(**_FRESH)).all()


def incomplete_builds(session: Session, build_keys: Collection[str]) -> frozenset[str]:
    """Return those of the builds of which a line has no job any more that would be made now.

    A key names all lines of its build: those that ever had a job under it.
    """
    rows = session.connection().execute(_INCOMPLETE, {"keys": sorted(build_keys)})
    return frozenset(rows.scalars())


def offer(session: Session, job_ids: Collection[str], *, now: datetime) -> Sequence[Job]:
    """Offer those of ``job_ids`` that are planned to their nodes; return them by id."""
    statement = (
        update(Job)
        .where(col(Job.id).in_(job_ids), col(Job.state) == "planned")
        .values(state="offered", offered_at=now, updated_at=now, version=Job.version + 1)
        .returning(Job)
        .execution_options(**_FRESH)
    )
    return sorted(session.scalars(statement).all(), key=lambda job: job.id)


_ANY_DUE = text("SELECT EXISTS (SELECT FROM jobs WHERE state = 'planned' AND dispatch_at <= clock_timestamp())")

_DUE = text("""
WITH due AS (
    SELECT id, order_line_id, build_key FROM jobs
    WHERE state = 'planned' AND dispatch_at <= :now ORDER BY dispatch_at, id LIMIT :limit
)
SELECT id, order_line_id FROM due
UNION
SELECT job.id, job.order_line_id FROM jobs job JOIN due ON job.build_key = due.build_key
WHERE job.state = 'planned'
ORDER BY id
""")

_INCOMPLETE = text("""
SELECT build_key FROM jobs WHERE build_key = ANY(:keys)
GROUP BY build_key
HAVING count(DISTINCT order_line_id)
    > count(DISTINCT order_line_id) FILTER (WHERE state IN ('planned', 'offered', 'accepted'))
""")
