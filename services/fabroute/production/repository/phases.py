"""Statements on jobs that nodes hold: signs of life, offline leases, requests to stop."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import text, update
from sqlmodel import Session, col

from fabroute.production.models import Job

_BEATING = "('countered', 'accepted', 'in_production', 'inspected', 'held')"


def beat(
    session: Session, *, job_id: str, lease_id: str, epoch: int, organisation_id: str | None, seconds: int
) -> Mapping[str, Any] | None:
    """Prolong the lease that holds a job, by the database's clock; None where it doesn't hold it (any more).

    The job has to be at a node of the organisation, where one is given. Nothing else changes, no version either.
    """
    parameters = {
        "job_id": job_id,
        "lease_id": lease_id,
        "epoch": epoch,
        "organisation_id": organisation_id,
        "seconds": seconds,
    }
    found = session.connection().execute(_BEAT, parameters).mappings().one_or_none()
    return None if found is None else dict(found)


def go_offline(session: Session, *, job_id: str, seconds: int, now: datetime) -> Job:
    """Let the lease of a job, which the caller has locked, go on without a sign of life."""
    parameters = {"job_id": job_id, "seconds": seconds, "now": now}
    session.connection().execute(_GO_OFFLINE, parameters)
    return session.get_one(Job, job_id, populate_existing=True)


def request_cancel(
    session: Session, *, job_ids: Collection[str], reason: str, cause: str, now: datetime
) -> Sequence[Job]:
    """Ask the nodes of jobs, which the caller has locked, to stop; those that were asked already are left out."""
    statement = (
        update(Job)
        .where(col(Job.id).in_(job_ids), col(Job.cancel_requested_at).is_(None))
        .values(
            cancel_requested_at=now, cancel_reason=reason, cancel_cause=cause, updated_at=now, version=Job.version + 1
        )
        .returning(Job)
        .execution_options(populate_existing=True)
    )
    return sorted(session.scalars(statement).all(), key=lambda job: job.id)


def refuse_cancel(session: Session, *, job_id: str, now: datetime) -> Job:
    """Forget that the node of a job, which the caller has locked, was asked to stop."""
    session.connection().execute(_REFUSE_CANCEL, {"job_id": job_id, "now": now})
    return session.get_one(Job, job_id, populate_existing=True)


_BEAT = text(f"""
UPDATE jobs SET lease_until = greatest(lease_until, clock_timestamp() + make_interval(secs => :seconds))
WHERE id = :job_id AND lease_id = :lease_id AND lease_epoch = :epoch AND state IN {_BEATING}
    AND (CAST(:organisation_id AS text) IS NULL
        OR node_id IN (SELECT id FROM nodes WHERE organisation_id = :organisation_id))
RETURNING id AS job_id, state, lease_id, lease_epoch, lease_kind, lease_until, cancel_requested_at, cancel_reason
""")

_GO_OFFLINE = text("""
UPDATE jobs SET lease_kind = 'offline', lease_until = clock_timestamp() + make_interval(secs => :seconds),
    updated_at = :now, version = version + 1
WHERE id = :job_id
""")

_REFUSE_CANCEL = text("""
UPDATE jobs SET cancel_requested_at = NULL, cancel_reason = '', cancel_cause = '', updated_at = :now,
    version = version + 1
WHERE id = :job_id
""")
