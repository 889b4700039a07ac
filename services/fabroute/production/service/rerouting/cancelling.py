"""Orders are cancelled: what nobody has started at once, what a node has started when it agrees to stop."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database import act_for_everyone
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.orders import service as orders
from fabroute.orders.service import attention
from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import reroutes as rows
from fabroute.production.service.rerouting.outages import request_cancellations
from fabroute.production.service.rerouting.reroute import Leaving, end_jobs
from fabroute.production.service.telling import tell_all
from fabroute.production.service.views import JobView, job_view

_GONE = frozenset({"shipped", "delivered"})
_REASON = "order cancelled"


class JobStarted(DomainError):
    """A part of the order is made and on its way already: cancelling the order can't undo that."""

    code = "job_started"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderCancelling:
    """What became of an order's jobs: cancelled at once, or waiting for the answer of the node that has started."""

    cancelled: tuple[JobView, ...]
    waiting: tuple[JobView, ...] = ()


def cancel_order(
    session: Session, *, organisation_id: str, order_id: str, actor: str, now: datetime
) -> OrderCancelling:
    """Cancel an order: what nobody has started ends at once, and gives back what was held for it.

    Nodes that fetched the file of a job or have printed are asked to stop. Such a line is cancelled when they agree; if
    one refuses, it goes on and is delivered. Nothing happens to an order that is cancelled already; asked again, the
    same jobs wait. Raises ``UnknownOrder``, and ``JobStarted`` once a job has been shipped.
    """
    lines = attention.lock_order(session, organisation_id=organisation_id, order_id=order_id)
    act_for_everyone(session)
    jobs = job_rows.lock_live_jobs(session, order_id=order_id)
    _require_here(jobs)
    waiting = {job.order_line_id for job in jobs if job_view(job).started}
    free = [line_id for line_id in lines if line_id not in waiting]
    ended = [job.id for job in jobs if job.order_line_id not in waiting]
    cancelled = end_jobs(session, ended, actor=actor, reason=_REASON, now=now)
    started = [job.id for job in jobs if job_view(job).started]
    request_cancellations(session, started, Leaving(cause="owner", reason=_REASON, actor=actor, now=now))
    orders.cancel_lines(session, line_ids=free, now=now)
    if free or waiting:
        _audit(session, organisation_id, order_id, actor, now, jobs=len(cancelled), waiting=len(started))
    asked = [job for job in job_rows.lock_live_jobs(session, order_id=order_id) if job.id in started]
    return OrderCancelling(cancelled=_views(cancelled), waiting=_views(asked))


def end_agreed(session: Session, job: Job, *, reason: str, actor: str, now: datetime) -> Sequence[Job]:
    """Note that the node of a locked job agreed to stop, because the order is cancelled; return the jobs that ended.

    The line is cancelled, with all its shares, once every node that has started one agreed; until then the job waits
    for the others and is returned as it is.
    """
    agreed = rows.agree_to_cancel(session, job_id=job.id, now=now)
    live = job_rows.lock_live_of_lines(session, line_ids=(job.order_line_id,))
    open_still = [each.id for each in live if job_view(each).started and each.cancel_agreed_at is None]
    if open_still:
        leaving = Leaving(cause="owner", reason=_REASON, actor=actor, now=now)
        request_cancellations(session, open_still, leaving)
        return agreed
    ended = end_jobs(session, [each.id for each in live], actor=actor, reason=reason, now=now)
    orders.cancel_lines(session, line_ids=(job.order_line_id,), now=now)
    return ended


def keep_line(session: Session, job: Job, *, actor: str, reason: str, now: datetime) -> None:
    """Let the other shares of a line go on as well, because the node of one refused to stop."""
    live = job_rows.lock_live_of_lines(session, line_ids=(job.order_line_id,))
    others = [each.id for each in live if each.id != job.id and not each.cancel_cause]
    cleared = rows.clear_cancel(session, job_ids=others, now=now)
    if cleared:
        told = [(each.id, each) for each in cleared]
        tell_all(session, told, "job.cancel_withdrawn", actor=actor, now=now, reason=reason)


def _require_here(jobs: Sequence[Job]) -> None:
    gone = [job for job in jobs if job.state in _GONE]
    if gone:
        named = ", ".join(f"{job.id} from {job.node_id}" for job in gone)
        raise JobStarted(f"parts of this order are {gone[0].state} already ({named}): agree on a return with the node")


def _views(jobs: Sequence[Job]) -> tuple[JobView, ...]:
    return tuple(job_view(job) for job in jobs)


def _audit(
    session: Session, organisation_id: str, order_id: str, actor: str, now: datetime, *, jobs: int, waiting: int
) -> None:
    entry = AuditRecord(
        organisation_id=organisation_id,
        occurred_at=now,
        actor=actor,
        action="order.cancel_requested" if waiting else "order.cancelled",
        subject_type="order",
        subject_id=order_id,
        data={"jobs": jobs, "waiting": waiting} if waiting else {"jobs": jobs},
    )
    record_audit(session, entry=entry)
