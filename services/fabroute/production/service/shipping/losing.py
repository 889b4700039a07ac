"""A carrier lost parcels: a person decides whether the parts are made again, or the job is over without them."""

from collections.abc import Sequence
from typing import Literal

from sqlmodel import Session

from fabroute.database import act_for_everyone, reaches
from fabroute.identity.service import record_audit
from fabroute.kernel.errors import DomainError
from fabroute.production.models import Job, Shipment
from fabroute.production.repository import shipments as rows
from fabroute.production.service.access import NotTheOwner, conflict
from fabroute.production.service.rerouting.reroute import lock_for_reroute, reroute_jobs
from fabroute.production.service.shipping.access import Desk, ShipmentStateConflict, find_shipment
from fabroute.production.service.shipping.progress import Said, states_of_parcels
from fabroute.production.service.shipping.views import ShipmentView, shipment_view
from fabroute.production.service.telling import audit_entry, tell

LossDecision = Literal["wait", "make_again", "accept_loss"]


class PartsArrived(DomainError):
    """Some of the job's parts arrived: making the job again would make these twice."""

    code = "parts_arrived"
    status = 409


class PartsUnderWay(DomainError):
    """Other parts of the job are still on their way: nobody knows yet how many arrive."""

    code = "parts_under_way"
    status = 409


class NothingArrived(DomainError):
    """All parts of the job were lost: there is nothing that was delivered."""

    code = "nothing_arrived"
    status = 409


def decide_loss(session: Session, *, shipment_id: str, decision: LossDecision, reason: str, desk: Desk) -> ShipmentView:
    """Wait for a lost shipment, have its job made again somewhere, or be content with what arrived, as its owner.

    ``make_again``: the job fails, and its line is routed again; where parts arrived, ``PartsArrived``. ``accept_loss``:
    the job is delivered with what arrived, whatever of it was lost; ``PartsUnderWay`` while more may arrive, and
    ``NothingArrived`` where all was lost. Again, it changes nothing. Raises ``UnknownShipment``, ``NotTheOwner``,
    ``ShipmentStateConflict`` unless it is lost, and ``JobStateConflict`` where the job is not shipped.
    """
    shipment = find_shipment(session, principal=desk.principal, shipment_id=shipment_id)
    _require_decider(session, shipment, desk)
    act_for_everyone(session)
    locked = [job for job in lock_for_reroute(session, (shipment.job_id,)) if job.id == shipment.job_id]
    others = rows.lock_shipments(session, job_id=shipment.job_id)
    shipment = next(it for it in others if it.id == shipment_id)
    if shipment.state != "lost":
        raise ShipmentStateConflict(f"shipment {shipment_id} is {shipment.state}, not lost: there is nothing to decide")
    if decision == "wait":
        _note(session, shipment, decision, reason=reason, desk=desk)
        return shipment_view(session, shipment)
    parts = _parts_by_state(session, others)
    why = f"{shipment.carrier} lost shipment {shipment.id}: {reason}"
    for job in locked:
        if job.state == "shipped":
            _note(session, shipment, decision, reason=reason, desk=desk)
        if decision == "accept_loss":
            _accept_loss(session, job, parts, reason=why, desk=desk)
        else:
            _make_again(session, job, parts, reason=why, desk=desk)
    return shipment_view(session, shipment)


def _note(session: Session, shipment: Shipment, decision: LossDecision, *, reason: str, desk: Desk) -> None:
    """Write the decision on the audit log of the job; a refusal takes it back."""
    entry = audit_entry(
        shipment.job_id,
        shipment.organisation_id,
        "shipment.loss_decided",
        actor=desk.principal.key_id,
        now=desk.now,
        shipment_id=shipment.id,
        decision=decision,
        reason=reason,
    )
    record_audit(session, entry=entry)


def _make_again(session: Session, job: Job, parts: dict[str, int], *, reason: str, desk: Desk) -> None:
    if job.state != "shipped":
        raise conflict(job, wish="made again")
    arrived = parts.get("delivered", 0)
    if arrived:
        raise PartsArrived(
            f"{arrived} of {job.quantity} parts of job {job.id} arrived: decide accept_loss, and place an order for "
            f"the {parts.get('lost', 0)} lost parts"
        )
    reroute_jobs(
        session,
        job_ids=[job.id],
        cause="operator" if desk.principal.kind == "operator" else "owner",
        reason=reason,
        actor=desk.principal.key_id,
        now=desk.now,
        state="failed",
    )


def _accept_loss(session: Session, job: Job, parts: dict[str, int], *, reason: str, desk: Desk) -> None:
    if job.state == "delivered":
        return
    if job.state != "shipped":
        raise conflict(job, wish="closed with what arrived")
    arrived, lost = parts.get("delivered", 0), parts.get("lost", 0)
    if arrived + lost < job.quantity:
        raise PartsUnderWay(
            f"{job.quantity - arrived - lost} parts of job {job.id} are on their way: decide once they arrived or are "
            "lost"
        )
    if not arrived:
        raise NothingArrived(f"no part of job {job.id} arrived: decide make_again, or wait")
    delivered = rows.move_job(
        session, job_id=job.id, state="delivered", values={"delivered_at": desk.now}, now=desk.now
    )
    if delivered is None:
        raise conflict(job, wish="closed with what arrived")
    tell(
        session,
        delivered,
        "job.delivered",
        actor=desk.principal.key_id,
        now=desk.now,
        order_id=job.order_id,
        quantity=arrived,
        lost_quantity=lost,
        reason=f"{arrived} of {job.quantity} parts arrived, the loss of {lost} is accepted; {reason}",
    )


def _parts_by_state(session: Session, shipments: Sequence[Shipment]) -> dict[str, int]:
    """Return how many parts are in parcels of each state, of shipments that were handed over."""
    gone = [it.id for it in shipments if it.state not in ("prepared", "cancelled")]
    parcels, events = rows.read_parcels(session, shipment_ids=gone), rows.read_events(session, shipment_ids=gone)
    found: dict[str, int] = {}
    for shipment_id in gone:
        own = [it for it in parcels if it.shipment_id == shipment_id]
        said = [
            Said(parcel_number=it.parcel_number, status=it.status, occurred_at=it.occurred_at)
            for it in events
            if it.shipment_id == shipment_id
        ]
        for parcel, state in zip(own, states_of_parcels(said, parcels=len(own)), strict=True):
            found[state] = found.get(state, 0) + parcel.quantity
    return found


def _require_decider(session: Session, shipment: Shipment, desk: Desk) -> None:
    owner = shipment.organisation_id
    is_owner = desk.principal.organisation_id == owner and reaches(session, owner)
    if desk.principal.kind != "operator" and not is_owner:
        raise NotTheOwner(f"shipment {shipment.id} carries parts of another organisation: its owner decides")
