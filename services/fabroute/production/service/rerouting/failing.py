"""A node says that it can't finish a job: it ends there, and its line goes to another node."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.production.service.access import conflict, find_to_change
from fabroute.production.service.ending import JobFinished
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.rerouting.reroute import lock_for_reroute, reroute_jobs
from fabroute.production.service.views import JobView, job_view

FailureReason = Literal["machine_broke", "print_failed", "material", "not_manufacturable", "other"]
_MAY_FAIL = frozenset({"accepted", "in_production", "inspected", "held", "suspect"})


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFailure:
    """Why a node can't finish a job, as a word and in its own words."""

    reason: FailureReason
    text: str = ""


def report_failure(
    session: Session, *, principal: Principal, job_id: str, failure: JobFailure, lease: Lease | None, now: datetime
) -> JobView:
    """End a job that its node can't finish, and route its line again without that node. Audited.

    For its node, and the operator. Good prints that were made stay counted on the licence; the next node makes all
    pieces. Raises ``UnknownJob``, ``NotTheNode``, ``LeaseRequired``, ``LeaseLost``, ``JobStateConflict`` (an offer is
    declined instead), and ``JobFinished`` once all prints are made.
    """
    find_to_change(session, principal=principal, job_id=job_id)
    lock_for_reroute(session, (job_id,))
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    if job.state not in _MAY_FAIL:
        raise conflict(job, wish="reported as failed")
    if job.good_prints >= job.quantity:
        raise JobFinished(f"all {job.quantity} prints of job {job_id} are made: scrap those that are no good instead")
    words = failure.reason.replace("_", " ") + (f": {failure.text.strip()}" if failure.text.strip() else "")
    ended = reroute_jobs(
        session,
        job_ids=(job_id,),
        cause="print_failed",
        reason=words,
        actor=principal.key_id,
        now=now,
        state="failed",
        exclude=True,
    )
    return job_view(next(each for each in ended if each.id == job_id))
