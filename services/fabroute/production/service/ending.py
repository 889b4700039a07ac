"""Jobs that end without a part: their order is cancelled, or they are taken back and their line goes elsewhere.

Locks are taken in one order: lines, jobs, licences, allocations, lots, slots, nodes, orders. A cancelled order is
locked with all its lines before its jobs: nobody can wait for it who does not wait for one of its lines first.
"""

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.inventory import service as inventory
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.network import service as network
from fabroute.orders import service as orders
from fabroute.orders.service import KeptShares
from fabroute.outbox import service as outbox
from fabroute.production import events
from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.service.access import conflict, find_visible, lock_of_owner
from fabroute.production.service.telling import tell_all
from fabroute.production.service.views import JobView, job_view

_ACTOR = "system:production"
TAKE_BACK_BATCH = 200
_MAY_TAKE_BACK = (frozenset({"planned", "held"}), frozenset({"planned", "held", "accepted"}))
"""States from which a job may be taken back: by its owner, by the operator."""


class JobStarted(DomainError):
    """The node has the file of a job, or has printed: a part can't be unprinted by cancelling its order."""

    code = "job_started"
    status = 409


class JobFinished(DomainError):
    """All prints of the job are made: making them again elsewhere would make the part twice."""

    code = "job_finished"
    status = 409


def cancel_order(
    session: Session, *, organisation_id: str, order_id: str, actor: str, now: datetime
) -> tuple[JobView, ...]:
    """Cancel an order with its lines and jobs, give back what was held for them, and return the cancelled jobs.

    Jobs that are offered, accepted or held go, as long as nobody fetched their file or printed; ``JobStarted`` refuses
    all of it where somebody did. Nothing happens to an order that is cancelled already. Raises ``UnknownOrder``.
    """
    if not orders.mark_cancelled(session, organisation_id=organisation_id, order_id=order_id, now=now):
        return ()
    jobs = job_rows.lock_live_jobs(session, order_id=order_id)
    _require_unstarted(jobs)
    cancelled = end_jobs(session, [job.id for job in jobs], actor=actor, reason="order cancelled", now=now)
    entry = AuditRecord(
        organisation_id=organisation_id,
        occurred_at=now,
        actor=actor,
        action="order.cancelled",
        subject_type="order",
        subject_id=order_id,
        data={"jobs": len(cancelled)},
    )
    record_audit(session, entry=entry)
    return tuple(job_view(job) for job in cancelled)


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
    job_ids = [job.id for job in jobs if job.id in found and _is_held_unstarted(job)]
    return len(_take_back(session, job_ids, actor=_ACTOR, reason="held before it was started", now=now))


def take_back_job(session: Session, *, principal: Principal, job_id: str, reason: str, now: datetime) -> JobView:
    """Take a job from its node, started or not: its line is pending again and gets another node. Audited.

    The owner or the operator may take back a planned or held job, the operator also an accepted one, having asked: what
    was printed is not undone, and what was released is known there. Prints that were made stay counted on the licence.
    Raises ``UnknownJob``, ``NotTheOwner``, ``JobStateConflict``, ``JobFinished`` once all prints are made, and
    ``ReasonMissing`` without a reason.
    """
    _require_reason(reason)
    line_id = find_visible(session, principal=principal, job_id=job_id).order_line_id
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
    taken = _take_back(session, [job_id], actor=principal.key_id, reason=reason, now=now)
    return job_view(next(each for each in taken if each.id == job_id))


def take_back_all(session: Session, *, job_ids: Collection[str], actor: str, reason: str, now: datetime) -> None:
    """Take jobs from their nodes and send their lines back to routing; the caller holds the locks on lines and jobs."""
    _take_back(session, job_ids, actor=actor, reason=reason, now=now)


def _require_reason(reason: str) -> None:
    if not reason.strip():
        message = "say why, in a few words: it goes on the audit log"
        raise inventory.ReasonMissing(message, problems=(FieldProblem(pointer="/reason", message=message),))


def _require_unstarted(jobs: Sequence[Job]) -> None:
    started = [job for job in jobs if job_view(job).started]
    if started:
        named = ", ".join(f"{job.id} at {job.node_id}" for job in started)
        raise JobStarted(
            f"the node has the file or has printed already ({named}), and a cancelled order can't undo that: "
            "agree with the node; once the job is taken back (POST /v1/jobs/{id}/take-back), the order can be cancelled"
        )


def _take_back(session: Session, job_ids: Collection[str], *, actor: str, reason: str, now: datetime) -> Sequence[Job]:
    """End jobs and send their lines back to routing; the caller holds the locks on lines and all of their jobs.

    With a share of a split line all others that no node has accepted are ended too, so that the whole rest is planned
    anew; what nodes have accepted, they go on making.
    """
    if not job_ids:
        return ()
    live = [*job_rows.read_live_of_jobs(session, job_ids=job_ids)]
    leaving = [job.id for job in live if job.id in job_ids or _is_free(job)]
    taken = end_jobs(session, leaving, actor=actor, reason=reason, now=now)
    kept = _kept([job for job in live if job.id not in leaving])
    line_ids = sorted({job.order_line_id for job in taken})
    orders.requeue_lines(session, line_ids=line_ids, reason=reason, now=now, kept=kept)
    return taken


def _is_held_unstarted(job: Job) -> bool:
    return job.state == "held" and not job_view(job).started


def _is_free(job: Job) -> bool:
    """Return whether no node counts on a job: it is planned or offered, or held before it was started."""
    return job.state in ("planned", "offered") or _is_held_unstarted(job)


def _kept(jobs: Sequence[Job]) -> dict[str, KeptShares]:
    """Return, by line, what these jobs go on making of it."""
    shares: defaultdict[str, list[Job]] = defaultdict(list)
    for job in jobs:
        shares[job.order_line_id].append(job)
    return {
        line_id: KeptShares(
            quantity=sum(job.quantity for job in of_line),
            nodes=",".join(sorted({job.node_id for job in of_line})),
            next_share_no=max(job.share_no for job in of_line) + 1,
        )
        for line_id, of_line in shares.items()
    }


def end_jobs(session: Session, job_ids: Collection[str], *, actor: str, reason: str, now: datetime) -> Sequence[Job]:
    """Cancel locked jobs and give back what they hold: material, machine time, licensed prints that were not made."""
    if not job_ids:
        return ()
    jobs = job_rows.cancel_jobs(session, job_ids=job_ids, now=now)
    ended = [job.id for job in jobs]
    inventory.return_leases(session, job_ids=ended, now=now)
    network.release(session, job_ids=ended, now=now)
    tell_all(session, [(job.id, job) for job in jobs], "job.cancelled", actor=actor, now=now, reason=reason)
    outbox.record(session, events.capacity_released(order_id=jobs[0].order_id, occurred_at=now))
    return jobs
