"""Signs of life: a client's heartbeat, and a lease that needs none because its place has no link."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.network import service as network
from fabroute.production.models import Job
from fabroute.production.repository import phases as rows
from fabroute.production.service.access import conflict, require_state
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.phases.reviving import revive
from fabroute.production.service.telling import tell
from fabroute.production.service.views import JobView, job_view
from fabroute.settings import get_settings

HOUR = 3_600


class OfflineNotAllowed(DomainError):
    """The node may not hold a lease without a sign of life, or not for so long."""

    code = "offline_not_allowed"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Heartbeat:
    """What a node's client has to know now: until when it holds the job, and whether it is asked to stop."""

    job_id: str
    state: str
    lease_id: str
    epoch: int
    kind: str
    until: datetime
    heartbeat_seconds: int
    cancel_requested_at: datetime | None
    cancel_reason: str


def heartbeat(session: Session, *, principal: Principal, job_id: str, lease: Lease | None, now: datetime) -> Heartbeat:
    """Prolong the lease of a job by the time that leases last, by the clock of the database; never shorten it.

    A suspect job comes back. An offer that was claimed is answered by its deadline, whatever heartbeats come: those
    change nothing. Raises ``UnknownJob``, ``NotTheNode``, ``LeaseRequired``, ``LeaseLost``, and ``JobStateConflict``
    for a job that nobody holds.
    """
    beaten = None if lease is None else _beat(session, principal, job_id, lease)
    if beaten is not None:
        return beaten
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    if job.state == "suspect":
        return _of_job(revive(session, job, actor=principal.key_id, now=now))
    if job.lease_id is None or job.state in ("shipped", "delivered"):
        raise conflict(job, wish="held any longer")
    held = Lease(lease_id=job.lease_id, epoch=job.lease_epoch)
    return _beat(session, principal, job_id, held) or _of_job(job)


def go_offline(
    session: Session, *, principal: Principal, job_id: str, lease: Lease | None, hours: float, now: datetime
) -> JobView:
    """Let the lease of a job that is accepted or printed go on for hours without a sign of life. Audited.

    Its node must be one that may: ``OfflineNotAllowed`` else, and for longer than it may. What it reports later, it
    reports under the same lease. Raises ``UnknownJob``, ``NotTheNode``, ``LeaseRequired``, ``LeaseLost`` and
    ``JobStateConflict``.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    job = revive(session, job, actor=principal.key_id, now=now)
    require_state(job, "accepted", "in_production", wish="worked on offline")
    _require_allowed(session, job, hours)
    offline = rows.go_offline(session, job_id=job_id, seconds=round(hours * HOUR), now=now)
    tell(session, offline, "job.went_offline", actor=principal.key_id, now=now, hours=hours)
    return job_view(offline)


def _beat(session: Session, principal: Principal, job_id: str, lease: Lease) -> Heartbeat | None:
    own = None if principal.kind == "operator" else principal.organisation_id
    found = rows.beat(
        session,
        job_id=job_id,
        lease_id=lease.lease_id,
        epoch=lease.epoch,
        organisation_id=own,
        seconds=get_settings().lease_seconds,
    )
    return None if found is None else _of_row(found)


def _of_row(row: Mapping[str, Any]) -> Heartbeat:
    return Heartbeat(
        job_id=row["job_id"],
        state=row["state"],
        lease_id=row["lease_id"],
        epoch=row["lease_epoch"],
        kind=row["lease_kind"],
        until=row["lease_until"],
        heartbeat_seconds=get_settings().heartbeat_seconds,
        cancel_requested_at=row["cancel_requested_at"],
        cancel_reason=row["cancel_reason"],
    )


def _of_job(job: Job) -> Heartbeat:
    return _of_row({**job.model_dump(), "job_id": job.id})


def _require_allowed(session: Session, job: Job, hours: float) -> None:
    longest = network.find_node(session, node_id=job.node_id).offline_seconds
    if hours * HOUR > longest:
        message = (
            f"node {job.node_id} may hold a job without a sign of life for {longest / HOUR:g} hours at most"
            if longest
            else f"node {job.node_id} has to give signs of life: PATCH /v1/nodes/{job.node_id} with offline_seconds "
            "lets it work offline"
        )
        raise OfflineNotAllowed(message, problems=(FieldProblem(pointer="/hours", message=message),))
