"""Leases: who holds a job now. Every write of a node's client names its lease; a stale one changes nothing."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.production.models import Job
from fabroute.production.service.access import lock_at_node
from fabroute.production.states import ENDED_STATES


class LeaseLost(DomainError):
    """The job changed hands since this lease was given: whatever is done under it counts no longer."""

    code = "lease_lost"
    status = 409


class LeaseRequired(DomainError):
    """The job was claimed by a client: a write has to say by which claim it is made."""

    code = "lease_required"
    status = 428


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """What a claim or an acceptance gave out; ``epoch`` is the job's fence at that moment, and stays with the lease."""

    lease_id: str
    epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Physical:
    """Something in the world that a node reports: it stays true, whoever holds the job now."""

    what: str
    """``start``, ``print``, ``shipment`` or ``reports``."""
    at: datetime
    quantity: int = 0
    """Parts that exist because of it."""
    facts: Mapping[str, object] = field(default_factory=dict)
    """As they were reported, as JSON knows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Something physical that came under a lease that was over, by whom, about which job."""

    job_id: str
    actor: str
    lease: Lease | None
    physical: Physical


class ReportedLate(LeaseLost):
    """The job changed hands since this lease was given: what was reported counts no longer, but a person looks at it.

    Whoever turns it into an answer keeps ``late`` in a transaction of its own (``keep_late``).
    """

    def __init__(self, message: str, *, late: Late) -> None:
        super().__init__(message)
        self.late = late


def lock_for_work(
    session: Session, *, principal: Principal, job_id: str, lease: Lease | None, operator_too: bool = True
) -> Job:
    """Return a job, locked, to its node (and the operator), if ``lease`` is the one that holds it now.

    Without a lease only what is worked on by hand may be changed. Raises ``UnknownJob``, ``NotTheNode``, ``LeaseLost``
    and ``LeaseRequired``.
    """
    job = lock_at_node(session, principal=principal, job_id=job_id, operator_too=operator_too)
    require_lease(job, lease)
    return job


def lock_for_report(
    session: Session, *, principal: Principal, job_id: str, lease: Lease | None, physical: Physical
) -> Job:
    """Return a job, locked, to its node or the operator, as ``lock_for_work``, for something that happened already.

    A stale lease is refused with ``ReportedLate``, and so is what is reported about a job that was accepted once and
    taken from its node since: the request changes nothing, but the report is kept for a person.
    """
    job = lock_at_node(session, principal=principal, job_id=job_id)
    try:
        require_lease(job, lease)
        if job.state in ENDED_STATES and job.accepted_at is not None:
            raise _lost(job, lease)
    except LeaseLost as lost:
        late = Late(job_id=job_id, actor=principal.key_id, lease=lease, physical=physical)
        raise ReportedLate(lost.message, late=late) from lost
    return job


def require_lease(job: Job, lease: Lease | None) -> None:
    """Raise unless ``lease`` holds the job, or none is given for a job that no client holds."""
    if lease is not None:
        if job.state in ENDED_STATES or (lease.lease_id, lease.epoch) != (job.lease_id, job.lease_epoch):
            raise _lost(job, lease)
    elif job.lease_kind in ("claim", "offline") and job.state not in ENDED_STATES:
        raise LeaseRequired(
            f"job {job.id} is held by a client's claim: send the header Fabroute-Lease with its lease and epoch, "
            "such as Fabroute-Lease: lse_…;epoch=3"
        )


def lease_is_over(job: Job, *, now: datetime) -> bool:
    """Return whether the job's lease has lapsed by ``now``."""
    return job.lease_until is not None and job.lease_until <= now


def hand_lease_until(produce_by: date, *, now: datetime) -> datetime:
    """Return until when a person holds a job that was accepted by hand: a day after the last day of production."""
    last_day = max(produce_by, now.date())
    return datetime.combine(last_day + timedelta(days=2), time.min, tzinfo=UTC)


def _lost(job: Job, lease: Lease | None) -> LeaseLost:
    held_by = "you" if lease is None else f"lease {lease.lease_id} at epoch {lease.epoch}"
    return LeaseLost(
        f"job {job.id} is not held by {held_by} any more: it is {job.state}, its epoch is {job.lease_epoch}; stop "
        f"working on it, and see GET /v1/jobs/{job.id}"
    )
