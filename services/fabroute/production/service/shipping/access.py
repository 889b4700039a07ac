"""Who may see a shipment, and who may act on it: those who may see its job, and its node."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError
from fabroute.orders import service as orders
from fabroute.production.models import Job, Shipment
from fabroute.production.repository import shipments as rows
from fabroute.production.service.access import UnknownJob, find_visible, lock_at_node
from fabroute.production.service.leases import Lease, require_lease
from fabroute.production.service.shipping.views import ShipmentView, shipment_view, shipment_views


class UnknownShipment(DomainError):
    """No such shipment, or not one that the asking organisation may see."""

    code = "unknown_shipment"
    status = 404


class ShipmentStateConflict(DomainError):
    """The shipment is in a state in which this can't be done."""

    code = "shipment_state_conflict"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """Who acts on a shipment, under which lease, and when."""

    principal: Principal
    now: datetime
    lease: Lease | None = None


def find_shipment(session: Session, *, principal: Principal, shipment_id: str) -> Shipment:
    """Return a shipment to its owner, its node or the operator; ``UnknownShipment`` to everyone else."""
    shipment = rows.find_shipment(session, shipment_id)
    if shipment is None or not _may_see(session, principal=principal, job_id=shipment.job_id):
        raise UnknownShipment(f"there is no shipment {shipment_id} that you may see")
    return shipment


def get_shipment(session: Session, *, principal: Principal, shipment_id: str) -> ShipmentView:
    """Return a shipment with its parcels and what was said about it. Raises ``UnknownShipment``."""
    return shipment_view(session, find_shipment(session, principal=principal, shipment_id=shipment_id))


def list_of_job(session: Session, *, principal: Principal, job_id: str) -> tuple[ShipmentView, ...]:
    """Return a job's shipments, oldest first, to whoever may see the job. Raises ``UnknownJob``."""
    find_visible(session, principal=principal, job_id=job_id)
    return shipment_views(session, rows.read_of_job(session, job_id=job_id))


def list_of_order(session: Session, *, principal: Principal, order_id: str) -> tuple[ShipmentView, ...]:
    """Return the shipments of one's own order, oldest first. Raises ``UnknownOrder``."""
    owner = principal.organisation_id
    orders.get_order(session, organisation_id=owner, order_id=order_id)
    return shipment_views(session, rows.read_of_order(session, order_id=order_id, organisation_id=owner))


def lock_shipment(
    session: Session, *, shipment_id: str, desk: Desk, needs_lease: bool = True
) -> tuple[Job, Shipment, list[Shipment]]:
    """Return job and shipment, locked, to the job's node and the operator, and the job's other shipments.

    Raises ``UnknownShipment``, ``NotTheNode`` to the owner, and what ``require_lease`` raises.
    """
    found = find_shipment(session, principal=desk.principal, shipment_id=shipment_id)
    job = lock_at_node(session, principal=desk.principal, job_id=found.job_id)
    if needs_lease and job.state == "inspected":
        require_lease(job, desk.lease)
    locked = rows.lock_shipments(session, job_id=job.id)
    shipment = next(it for it in locked if it.id == shipment_id)
    return job, shipment, [it for it in locked if it.id != shipment_id]


def _may_see(session: Session, *, principal: Principal, job_id: str) -> bool:
    try:
        find_visible(session, principal=principal, job_id=job_id)
    except UnknownJob:
        return False
    return True
