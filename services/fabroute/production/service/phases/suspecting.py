"""A node fell silent with a job that it had accepted: nobody makes it again until a person, or the node, says so."""

from datetime import datetime
from typing import Literal

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.production.service.access import find_to_change, lock_of_owner, require_state
from fabroute.production.service.rerouting import lock_for_reroute, reroute_jobs
from fabroute.production.service.telling import tell
from fabroute.production.service.views import JobView, job_view

SuspicionDecision = Literal["wait", "reroute"]


def decide_suspicion(
    session: Session, *, principal: Principal, job_id: str, decision: SuspicionDecision, reason: str, now: datetime
) -> JobView:
    """Wait on for a silent node, or take its job from it and route the line without it. Audited.

    The owner of the part or the operator decides. While they wait, a sign of life of the node under its lease brings
    the job back. Raises ``UnknownJob``, ``NotTheOwner``, and ``JobStateConflict`` unless it is suspect.
    """
    find_to_change(session, principal=principal, job_id=job_id)
    if decision == "reroute":
        lock_for_reroute(session, (job_id,))
    job = lock_of_owner(session, principal=principal, job_id=job_id)
    require_state(job, "suspect", wish="decided about")
    actor = principal.key_id
    tell(session, job, "job.suspicion_decided", actor=actor, now=now, decision=decision, reason=reason)
    if decision == "wait":
        return job_view(job)
    ended = reroute_jobs(
        session,
        job_ids=(job_id,),
        cause="suspect",
        reason=f"its node fell silent: {reason}",
        actor=actor,
        now=now,
        state="failed",
        exclude=True,
    )
    return job_view(next(each for each in ended if each.id == job_id))
