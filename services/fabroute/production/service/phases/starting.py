"""A node says that it prints."""

from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.service.access import require_state
from fabroute.production.service.leases import Lease, Physical, lock_for_report
from fabroute.production.service.phases.reviving import revive
from fabroute.production.service.prints import FileNotFetched
from fabroute.production.service.recheck import require_qualified
from fabroute.production.service.telling import tell
from fabroute.production.service.views import JobView, job_view


def start_job(
    session: Session, *, principal: Principal, job_id: str, now: datetime, lease: Lease | None = None
) -> JobView:
    """Note that a node prints an accepted job, for its organisation or the operator; again it changes nothing.

    Every gate is asked again. Audited, ``job.started``. Raises ``UnknownJob``, ``NotTheNode``, ``LeaseRequired``,
    ``ReportedLate`` under a stale lease, ``JobStateConflict``, ``FileNotFetched``, and on the audit log
    ``JobUnqualified``.
    """
    physical = Physical(what="start", at=now)
    job = lock_for_report(session, principal=principal, job_id=job_id, lease=lease, physical=physical)
    job = revive(session, job, actor=principal.key_id, now=now)
    if job.state == "in_production":
        return job_view(job)
    require_state(job, "accepted", wish="started")
    require_fetched(job)
    require_qualified(session, job=job, wish="started", actor=principal.key_id, now=now)
    return job_view(begin(session, job, actor=principal.key_id, now=now))


def begin(session: Session, job: Job, *, actor: str, now: datetime) -> Job:
    """Bring a locked job that is accepted into production; any other is returned as it is. Audited, ``job.started``."""
    if job.state != "accepted":
        return job
    started = job_rows.move_job(
        session, job.id, to="in_production", values={"started_at": now}, now=now, same_hands=True
    )
    assert started is not None, "the job is locked and accepted"
    tell(session, started, "job.started", actor=actor, now=now)
    return started


def require_fetched(job: Job) -> None:
    """Raise ``FileNotFetched`` unless the node has the job's file."""
    if job.file_released_at is None:
        raise FileNotFetched(
            f"the file of job {job.id} was never fetched, so nothing can be printed of it: "
            f"ask for a ticket with POST /v1/jobs/{job.id}/file-tickets"
        )
