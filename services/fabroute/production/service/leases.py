"""Leases: who holds a job now. Every write of a node's client names its lease; a stale one changes nothing."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.production.models import Job
from fabroute.production.service.access import lock_at_node


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


def require_lease(job: Job, lease: Lease | None) -> None:
    """Raise unless ``lease`` holds the job, or none is given for a job that no client holds."""
    if lease is None:
        if job.lease_kind in ("claim", "offline"):
            raise LeaseRequired(
                f"job {job.id} is held by a client's claim: send the header Fabroute-Lease with its lease and epoch, "
                "such as Fabroute-Lease: lse_…;epoch=3"
            )
        return
    if (lease.lease_id, lease.epoch) != (job.lease_id, job.lease_epoch):
        raise LeaseLost(
            f"job {job.id} is not held by lease {lease.lease_id} at epoch {lease.epoch} any more: it is {job.state}, "
            f"its epoch is {job.lease_epoch}; stop working on it, and see GET /v1/jobs/{job.id}"
        )


def lease_is_over(job: Job, *, now: datetime) -> bool:
    """Return whether the job's lease has lapsed by ``now``."""
    return job.lease_until is not None and job.lease_until <= now
