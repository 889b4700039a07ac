"""After acceptance a cancellation is a request: the node agrees to stop, or goes on."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.production.models import Job
from fabroute.production.repository import phases as rows
from fabroute.production.rules import REROUTE_CAUSES, RerouteCause
from fabroute.production.service.access import conflict, find_to_change
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.rerouting import lock_for_reroute, reroute_jobs
from fabroute.production.service.rerouting.cancelling import end_agreed, keep_line
from fabroute.production.service.telling import tell, tell_all
from fabroute.production.service.views import JobView, job_view


@dataclass(frozen=True, slots=True, kw_only=True)
class CancellationAnswer:
    """What a node says to the request to stop, and why."""

    agreed: bool
    reason: str = ""


def request_cancel(
    session: Session, *, job_ids: Collection[str], reason: str, actor: str, now: datetime, cause: str = ""
) -> Sequence[Job]:
    """Ask the nodes of jobs, which the caller has locked, to stop; return those that were not asked before. Audited.

    They see it in the answers to their heartbeats. ``cause``: of the re-route that follows if they agree; empty if the
    order is to be cancelled. ``job.cancel_requested``.
    """
    asked = rows.request_cancel(session, job_ids=job_ids, reason=reason, cause=cause, now=now)
    if asked:
        tell_all(session, [(job.id, job) for job in asked], "job.cancel_requested", actor=actor, now=now, reason=reason)
    return asked


def answer_cancellation(
    session: Session,
    *,
    principal: Principal,
    job_id: str,
    answer: CancellationAnswer,
    lease: Lease | None,
    now: datetime,
) -> JobView:
    """Say for a node whether it stops a job that it was asked to stop. Audited.

    If it agrees, the job ends: its line is cancelled, or routed again where that was what the request was for. If not,
    the request is over and the node goes on. Raises ``UnknownJob``, ``NotTheNode``, ``LeaseRequired``, ``LeaseLost``,
    and ``JobStateConflict`` where nobody has asked, or the job has ended since.
    """
    find_to_change(session, principal=principal, job_id=job_id)
    lock_for_reroute(session, (job_id,))
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    if job.cancel_requested_at is None:
        raise conflict(job, wish="stopped, because nobody has asked for that")
    if job.ended_at is not None:
        raise conflict(job, wish="stopped any more")
    actor, said, of_order = principal.key_id, answer.reason.strip(), _cause(job) is None
    if not answer.agreed:
        refused = rows.refuse_cancel(session, job_id=job_id, now=now)
        tell(session, refused, "job.cancel_refused", actor=actor, now=now, reason=said)
        if of_order:
            keep_line(session, refused, actor=actor, reason="another node makes its share of the line", now=now)
        return job_view(refused)
    reason = f"{job.cancel_reason}; its node agreed{': ' + said if said else ''}"
    ended = _end(session, job, reason=reason, actor=actor, now=now)
    return job_view(next(each for each in ended if each.id == job_id))


def _end(session: Session, job: Job, *, reason: str, actor: str, now: datetime) -> Sequence[Job]:
    cause = _cause(job)
    if cause is not None:
        return reroute_jobs(session, job_ids=(job.id,), cause=cause, reason=reason, actor=actor, now=now)
    return end_agreed(session, job, reason=reason, actor=actor, now=now)


def _cause(job: Job) -> RerouteCause | None:
    """Return the cause of the re-route that waited for the answer; None: the order is cancelled."""
    if not job.cancel_cause:
        return None
    return next((cause for cause in REROUTE_CAUSES if cause == job.cancel_cause), "cancel_acknowledged")
