"""Statements that find jobs whose nodes are silent, by the clock of the database. Any number of workers may run them.

Rows that another worker is at are skipped, never waited for.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from fabroute.production.models import Job
from fabroute.production.repository.deadlines import answer_by


def any_due(session: Session) -> bool:
    """Return whether some node has to be reminded, or some offer, claim or lease is over."""
    return bool(session.connection().execute(_ANY_DUE).scalar())


def nudge(session: Session, *, limit: int, now: datetime) -> Sequence[Job]:
    """Note that nodes are reminded of unclaimed offers half of whose time is over, once each; return the jobs."""
    return _jobs(session, session.connection().execute(_NUDGE, {"limit": limit, "now": now}).scalars().all())


def return_claims(session: Session, *, limit: int, seconds: int, now: datetime) -> Sequence[Job]:
    """Put jobs whose claim lapsed unanswered for the first time back into their queues; return them.

    That their nodes are told of this is their reminder.
    """
    parameters = {"limit": limit, "seconds": seconds, "now": now}
    return _jobs(session, session.connection().execute(_RETURN, parameters).scalars().all())


def suspect(session: Session, *, limit: int, now: datetime) -> Sequence[Job]:
    """Suspect jobs whose lease is over; return them."""
    return _jobs(session, session.connection().execute(_SUSPECT, {"limit": limit, "now": now}).scalars().all())


def lock_lines_of_lapsed(session: Session, *, limit: int) -> list[str]:
    """Lock the lines of offers and counter-offers whose time is over; return the ids of these jobs."""
    return list(session.connection().execute(_LAPSED, {"limit": limit}).scalars())


def still_lapsed(session: Session, job_ids: Sequence[str]) -> list[Any]:
    """Return id, state and the kind of lapse of those jobs, locked by the caller, whose time is over (still)."""
    return list(session.connection().execute(_STILL_LAPSED, {"ids": list(job_ids)}))


def _jobs(session: Session, job_ids: Sequence[str]) -> Sequence[Job]:
    if not job_ids:
        return ()
    statement = select(Job).where(col(Job.id).in_(job_ids)).order_by(col(Job.id))
    return session.exec(statement.execution_options(populate_existing=True)).all()


_NUDGED = """
job.state = 'offered' AND job.lease_id IS NULL AND job.nudged_at IS NULL
AND job.offer_until - (job.offer_until - job.offered_at) / 2 <= clock_timestamp()
AND job.offer_until > clock_timestamp()
"""

_CLAIM_OVER = "job.state = 'offered' AND job.lease_id IS NOT NULL AND job.lease_until <= clock_timestamp()"

_OFFER_OVER = f"""(
    job.state = 'countered' AND job.offer_until <= clock_timestamp()
    OR job.state = 'offered' AND job.lease_id IS NULL AND job.offer_until <= clock_timestamp()
    OR {_CLAIM_OVER} AND job.offer_rounds > 0
)"""

_SILENT = "job.state IN ('accepted', 'in_production', 'inspected') AND job.lease_until <= clock_timestamp()"

_ANY_DUE = text(f"""
SELECT EXISTS (SELECT FROM jobs job WHERE {_NUDGED}) OR EXISTS (SELECT FROM jobs job WHERE {_CLAIM_OVER})
    OR EXISTS (SELECT FROM jobs job WHERE {_OFFER_OVER}) OR EXISTS (SELECT FROM jobs job WHERE {_SILENT})
""")


def _due(condition: str, order: str) -> str:
    """Return the start of a statement that changes due jobs and skips those that another worker is at."""
    return f"""
WITH due AS (
    SELECT job.id FROM jobs job WHERE {condition}
    ORDER BY job.{order}, job.id LIMIT :limit FOR NO KEY UPDATE SKIP LOCKED
)
UPDATE jobs job SET updated_at = :now, version = job.version + 1,"""


_NUDGE = text(f"""{_due(_NUDGED, "offer_until")} nudged_at = :now
FROM due WHERE job.id = due.id RETURNING job.id""")

_RETURN = text(f"""{_due(f"{_CLAIM_OVER} AND job.offer_rounds = 0", "lease_until")}
    fence = job.fence + 1, offer_rounds = 1, lease_id = NULL, lease_kind = '', lease_until = NULL, claimed_by = NULL,
    claimed_at = NULL, nudged_at = :now,
    offer_until = {answer_by("clock_timestamp()", seconds="coalesce(node.offer_seconds, :seconds)")}
FROM due, nodes node WHERE job.id = due.id AND node.id = job.node_id RETURNING job.id""")

_SUSPECT = text(f"""{_due(_SILENT, "lease_until")}
    state = 'suspect', suspect_from = job.state, suspect_since = :now
FROM due WHERE job.id = due.id RETURNING job.id""")

_LAPSED = text(f"""
SELECT job.id FROM jobs job JOIN order_lines line ON line.id = job.order_line_id
WHERE {_OFFER_OVER} AND line.state IN ('routed', 'pending', 'routing')
ORDER BY line.id LIMIT :limit FOR UPDATE OF line SKIP LOCKED
""")

_STILL_LAPSED = text(f"""
SELECT job.id, job.state, job.lease_id IS NOT NULL AS claimed FROM jobs job
WHERE job.id = ANY(:ids) AND {_OFFER_OVER} ORDER BY job.id
""")
