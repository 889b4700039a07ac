"""Jobs that end without a part: their order is cancelled, or they are taken back and their line goes elsewhere.

Locks are taken in one order: lines, jobs, builds, licences, allocations, lots, slots, nodes, orders. A cancelled order
is locked with all its lines before its jobs: nobody can wait for it who does not wait for one of its lines first.
"""

from collections import defaultdict
from collections.abc import Collection
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.orders import service as orders
from fabroute.production.repository import jobs as job_rows
from fabroute.production.rules import RerouteCause
from fabroute.production.service.access import conflict, find_to_change, lock_of_owner
from fabroute.production.service.rerouting import reroute_jobs
from fabroute.production.service.rerouting.cancelling import JobStarted, cancel_order
from fabroute.production.service.rerouting.reroute import is_held_unstarted
from fabroute.production.service.views import JobView, job_view

__all__ = ["JobFinished", "JobStarted", "cancel_order", "held_jobs_wait", "take_back_held", "take_back_job"]

_ACTOR = "system:production"
TAKE_BACK_BATCH = 200
_MAY_TAKE_BACK = (
    frozenset({"planned", "held"}),
    frozenset({"planned", "countered", "held", "accepted", "in_production", "suspect"}),
)
"""States from which a job may be taken back: by its owner, by the operator."""


class JobFinished(DomainError):
    """All prints of the job are made: making them again elsewhere would make the part twice."""

    code = "job_finished"
    status = 409


def held_jobs_wait(session: Session) -> bool:
    """Return whether there are held jobs that nobody has started: ``take_back_held`` takes them from their nodes."""
    return bool(job_rows.read_held_unstarted(session, limit=1))


def take_back_held(session: Session, *, now: datetime, limit: int = TAKE_BACK_BATCH) -> int:
    """Take up to ``limit`` held jobs that nobody has started from their nodes; return how many.

    Their lines are pending again and get another node; material, machine time and licensed prints go back whole.
    Any number of workers may do this at once. Jobs whose file was released, or that have prints, wait for a person.
    """
    found = dict(job_rows.read_held_unstarted(session, limit=limit))
    standing = orders.lock_routed_lines(session, line_ids=set(found.values()))
    jobs = job_rows.lock_live_of_lines(session, line_ids=standing)
    by_reason: defaultdict[str, list[str]] = defaultdict(list)
    for job in jobs:
        if job.id in found and is_held_unstarted(job):
            by_reason[job.held_reason].append(job.id)
    return sum(_take_back_held(session, job_ids, reason=reason, now=now) for reason, job_ids in by_reason.items())


def take_back_job(session: Session, *, principal: Principal, job_id: str, reason: str, now: datetime) -> JobView:
    """Take a job from its node, started or not: its line is pending again and gets another node. Audited.

    The owner or the operator may take back a planned or held job, the operator also an accepted one, having asked: what
    was printed is not undone, and what was released is known there. Prints that were made stay counted on the licence.
    Raises ``UnknownJob``, ``NotTheOwner``, ``JobStateConflict``, ``JobFinished`` once all prints are made, and
    ``ReasonMissing`` without a reason.
    """
    _require_reason(reason)
    line_id = find_to_change(session, principal=principal, job_id=job_id).order_line_id
    orders.lock_routed_lines(session, line_ids={line_id})
    job_rows.lock_live_of_lines(session, line_ids={line_id})
    job = lock_of_owner(session, principal=principal, job_id=job_id)
    if job.state not in _MAY_TAKE_BACK[principal.kind == "operator"]:
        raise conflict(job, wish="taken back")
    if job.good_prints >= job.quantity:
        raise JobFinished(
            f"all {job.quantity} prints of job {job_id} are made: taken back, they would be made twice; order again "
            "if they are no good"
        )
    cause: RerouteCause = "operator" if principal.kind == "operator" else "owner"
    taken = reroute_jobs(session, job_ids=[job_id], cause=cause, reason=reason, actor=principal.key_id, now=now)
    return job_view(next(each for each in taken if each.id == job_id))


def _take_back_held(session: Session, job_ids: Collection[str], *, reason: str, now: datetime) -> int:
    because = f"held before it was started: {reason}" if reason else "held before it was started"
    cause: RerouteCause = "lot_blocked" if "LOT_BLOCKED" in reason else "gate_closed"
    taken = reroute_jobs(session, job_ids=job_ids, cause=cause, reason=because, actor=_ACTOR, now=now)
    return len(taken)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        message = "say why, in a few words: it goes on the audit log"
        raise inventory.ReasonMissing(message, problems=(FieldProblem(pointer="/reason", message=message),))
