"""A carrier lost parcels: a person decides whether the parts are made again."""

from typing import Literal

from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.production.models import Shipment
from fabroute.production.repository import shipments as rows
from fabroute.production.service.access import NotTheOwner, conflict
from fabroute.production.service.rerouting.reroute import lock_for_reroute, reroute_jobs
from fabroute.production.service.shipping.access import Desk, ShipmentStateConflict, find_shipment
from fabroute.production.service.shipping.views import ShipmentView, shipment_view

LossDecision = Literal["wait", "make_again"]


class PartsArrived(DomainError):
    """Some of the job's parts arrived: making the job again would make these twice."""

    code = "parts_arrived"
    status = 409


def decide_loss(session: Session, *, shipment_id: str, decision: LossDecision, reason: str, desk: Desk) -> ShipmentView:
    """Wait for a lost shipment, or have the job fail and its line made again, somewhere: the owner or operator decides.

    Raises ``UnknownShipment``, ``NotTheOwner``, ``ShipmentStateConflict`` unless it is lost, ``PartsArrived``, and
    ``JobStateConflict`` where the job is not shipped.
    """
    shipment = find_shipment(session, principal=desk.principal, shipment_id=shipment_id)
    _require_decider(shipment, desk)
    locked = [job for job in lock_for_reroute(session, (shipment.job_id,)) if job.id == shipment.job_id]
    others = rows.lock_shipments(session, job_id=shipment.job_id)
    shipment = next(it for it in others if it.id == shipment_id)
    if shipment.state != "lost":
        raise ShipmentStateConflict(f"shipment {shipment_id} is {shipment.state}, not lost: there is nothing to decide")
    if decision == "wait":
        return shipment_view(session, shipment)
    if any(it.state == "delivered" for it in others):
        raise PartsArrived(
            f"other shipments of job {shipment.job_id} arrived: place an order for the {shipment.quantity} lost parts"
        )
    for job in locked:
        if job.state != "shipped":
            raise conflict(job, wish="made again")
    reroute_jobs(
        session,
        job_ids=[job.id for job in locked],
        cause="operator" if desk.principal.kind == "operator" else "owner",
        reason=f"{shipment.carrier} lost shipment {shipment.id}: {reason}",
        actor=desk.principal.key_id,
        now=desk.now,
        state="failed",
    )
    return shipment_view(session, shipment)


def _require_decider(shipment: Shipment, desk: Desk) -> None:
    if desk.principal.kind != "operator" and desk.principal.organisation_id != shipment.organisation_id:
        raise NotTheOwner(f"shipment {shipment.id} carries parts of another organisation: its owner decides")
