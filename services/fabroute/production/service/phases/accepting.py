"""A node takes a job that it was offered: by hand, or by the claim of its client."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.production.models import Job
from fabroute.production.repository import jobs as job_rows
from fabroute.production.service.access import require_state
from fabroute.production.service.leases import Lease, LeaseLost, hand_lease_until, lease_is_over, lock_for_work
from fabroute.production.service.recheck import require_qualified
from fabroute.production.service.telling import tell
from fabroute.production.service.views import JobView, job_view
from fabroute.settings import get_settings


class OfferLapsed(DomainError):
    """The time to answer the offer is over."""

    code = "offer_lapsed"
    status = 409


def accept_job(
    session: Session, *, principal: Principal, job_id: str, now: datetime, lease: Lease | None = None
) -> JobView:
    """Take an offered job for its node: the node's organisation or the operator may. Of two keys at once one wins.

    Who claimed it keeps the lease, which heartbeats prolong from now on; a person gets one until the day after the last
    day of production. The key that has accepted it already gets the job as it is. Raises ``UnknownJob``,
    ``NotTheNode``, ``LeaseRequired``, ``LeaseLost``, ``OfferLapsed``, ``JobStateConflict`` unless it is offered, and
    ``JobUnqualified``, which goes on the audit log, where a gate has closed since it was offered.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    if job.state == "accepted" and job.accepted_by == principal.key_id:
        return job_view(job)
    require_answerable(job, wish="accepted", now=now)
    accepted = take(session, job, by=principal.key_id, now=now)
    require_qualified(session, job=accepted, wish="accepted", actor=principal.key_id, now=now)
    tell(session, accepted, "job.accepted", actor=principal.key_id, now=now)
    return job_view(accepted)


def require_answerable(job: Job, *, wish: str, now: datetime) -> None:
    """Raise unless the job is offered, and its node's time to answer is not over."""
    require_state(job, "offered", wish=wish)
    if job.lease_id is not None and lease_is_over(job, now=now):
        raise LeaseLost(f"the claim of job {job.id} lapsed {job.lease_until:%Y-%m-%d %H:%M:%S} UTC: claim it again")
    if is_offer_over(job, now=now):
        raise offer_lapsed(job)


def is_offer_over(job: Job, *, now: datetime) -> bool:
    """Return whether the time to answer an offer that nobody has claimed is over."""
    return job.lease_id is None and job.offer_until is not None and job.offer_until <= now


def offer_lapsed(job: Job) -> OfferLapsed:
    """Return the refusal to take a job whose time to answer is over."""
    return OfferLapsed(
        f"job {job.id} was to be answered by {job.offer_until:%Y-%m-%d %H:%M:%S} UTC: its line goes to another node"
    )


def take(session: Session, job: Job, *, by: str, now: datetime, terms: Mapping[str, object] | None = None) -> Job:
    """Give a locked job that is offered or countered to its node, with a lease; on other ``terms`` where they changed.

    A claim's lease goes on; the database's clock tells until when.
    """
    changed = {**_lease(job, now=now), "accepted_at": now, "accepted_by": by, **(terms or {})}
    accepted = job_rows.move_job(session, job.id, to="accepted", values=changed, now=now)
    assert accepted is not None, "the job is locked, and offered or countered"
    return accepted


def _lease(job: Job, *, now: datetime) -> dict[str, object]:
    if job.lease_id is not None:
        settings = get_settings()
        seconds = settings.lease_seconds if job.state == "offered" else settings.offer_seconds
        return {"lease_until": func.clock_timestamp() + timedelta(seconds=seconds)}
    return {
        "lease_id": new_id("lse"),
        "lease_kind": "hand",
        "lease_epoch": job.fence + 1,
        "lease_until": hand_lease_until(job.produce_by, now=now),
    }
