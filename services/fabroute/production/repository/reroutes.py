"""Statements on jobs that leave their nodes, and on what became of their lines."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, text, update
from sqlmodel import Session, col

from fabroute.production.models import CounterOffer, Job, Reroute
from fabroute.production.states import JobState, states_before


def end_jobs(
    session: Session, *, job_ids: Collection[str], state: JobState, reason: str, now: datetime
) -> Sequence[Job]:
    """End those of ``job_ids`` that may end in ``state``; the caller has locked them. Return them as they are now."""
    statement = (
        update(Job)
        .where(col(Job.id).in_(job_ids), col(Job.state).in_(states_before(state)))
        .values(
            state=state,
            ended_at=now,
            end_reason=reason,
            updated_at=now,
            version=Job.version + 1,
            fence=Job.fence + 1,
        )
        .returning(Job)
        .execution_options(populate_existing=True)
    )
    return sorted(session.scalars(statement).all(), key=lambda job: job.id)


def lapse_counter_offers(session: Session, *, job_ids: Collection[str], reason: str, now: datetime) -> None:
    """Let the open counter-offers of jobs that ended lapse."""
    statement = (
        update(CounterOffer)
        .where(col(CounterOffer.job_id).in_(job_ids), CounterOffer.state == "open")
        .values(state="lapsed", decided_at=now, decision_reason=reason)
    )
    session.exec(statement)


def insert_reroutes(session: Session, rows: Sequence[Reroute]) -> None:
    """Add re-routes in one round trip."""
    session.exec(insert(Reroute), params=[row.model_dump() for row in rows])


def line_ids_of(session: Session, *, job_ids: Collection[str]) -> frozenset[str]:
    """Return the order lines of these jobs."""
    return frozenset(session.connection().execute(_LINES, {"job_ids": list(job_ids)}).scalars())


def read_promises(session: Session, *, job_ids: Collection[str]) -> Mapping[str, tuple[datetime | None, int | None]]:
    """Return what the customer may count on of each job's line: the day, and the landed price where it is his to pay.

    The first promise, or the present one where it is later or dearer already. There is no price of a line that is made
    in shares, nor of an order with an agreed one: the owner pays that, wherever the parts are made.
    """
    rows = session.connection().execute(_PROMISES, {"job_ids": list(job_ids)})
    return {row.job_id: (row.promised_at, row.promised_minor) for row in rows}


_LINES = text("SELECT DISTINCT order_line_id FROM jobs WHERE id = ANY(:job_ids)")

_PROMISES = text("""
SELECT job.id AS job_id, greatest(line.promised_at, job.promised_at) AS promised_at,
    CASE WHEN placed.agreed_price_minor IS NULL AND line.kept_quantity = 0 AND job.quantity = line.quantity
    THEN greatest(line.promised_minor, decision.landed_minor) END AS promised_minor
FROM jobs job LEFT JOIN order_lines line ON line.id = job.order_line_id
LEFT JOIN orders placed ON placed.id = line.order_id
LEFT JOIN routing_decisions decision ON decision.id = line.decision_id
WHERE job.id = ANY(:job_ids)
""")
