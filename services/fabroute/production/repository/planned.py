"""Statements on planned jobs: those whose wait is over, and the builds that they share."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import text, update
from sqlmodel import Session, col, select

from fabroute.production.models import Job
from fabroute.routing.ports import StandingJob

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
    """Return those of the builds that lost a line, where none of the others was promised less than it costs alone.

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


def read_planned(session: Session, *, scope: str, limit: int) -> list[StandingJob]:
    """Return up to ``limit`` planned jobs of a planning scope, those to be dispatched first in front.

    Of a build all jobs are returned or none.
    """
    rows = session.connection().execute(_PLANNED, {"scope": scope, "limit": limit}).mappings()
    found = [dict(row) for row in rows]
    present = Counter(row["build_key"] for row in found)
    mates = [row.pop("mates") for row in found]
    return [
        StandingJob(**row)
        for row, count in zip(found, mates, strict=True)
        if row["build_key"] is None or present[row["build_key"]] == count
    ]


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

_PLANNED = text("""
SELECT job.id AS job_id, job.order_line_id, job.version, job.state, job.node_id, job.machine_id, job.material,
    job.parameter_set, job.lot_id, job.quantity, job.shipping_service, job.produce_by, job.dispatch_at, job.build_key,
    (SELECT count(*) FROM jobs mate WHERE mate.build_key = job.build_key
        AND mate.state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')) AS mates
FROM jobs job JOIN order_lines line ON line.id = job.order_line_id
WHERE job.state = 'planned' AND job.share_no = 0 AND line.state = 'routed' AND line.planning_scope = :scope
    AND line.kept_quantity = 0 AND job.quantity = line.quantity
ORDER BY job.dispatch_at, job.build_key, job.id LIMIT :limit
""")

_INCOMPLETE = text("""
SELECT job.build_key FROM jobs job
JOIN order_lines line ON line.id = job.order_line_id
LEFT JOIN routing_decisions decided ON decided.id = job.decision_id
WHERE job.build_key = ANY(:keys)
GROUP BY job.build_key
HAVING count(DISTINCT line.id)
    > count(DISTINCT line.id) FILTER (WHERE job.state NOT IN ('held', 'cancelled', 'declined', 'lapsed', 'failed'))
    AND bool_and(job.state <> 'planned' OR coalesce(decided.landed_minor
        + CAST(decided.document #>> '{build,saved_minor}' AS int) <= line.promised_minor, true))
""")
