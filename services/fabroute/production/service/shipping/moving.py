"""Parcels leave the node, travel and arrive; the job follows them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from sqlmodel import Session

from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.network import service as network
from fabroute.outbox import service as outbox
from fabroute.production.events import ShipmentEventName, shipment_event
from fabroute.production.models import Job, Shipment
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import shipments as rows
from fabroute.production.service.access import conflict
from fabroute.production.service.build_spans import CLOCKS_DIFFER
from fabroute.production.service.conformity.recalled import require_not_recalled
from fabroute.production.service.shipping.access import Desk, ShipmentStateConflict, lock_shipment
from fabroute.production.service.shipping.preparing import note_shipment
from fabroute.production.service.shipping.progress import ON_THE_WAY, STATUSES, Said, progress_of
from fabroute.production.service.shipping.views import ShipmentView, shipment_view
from fabroute.production.service.telling import tell

_LEFT = ON_THE_WAY | {"delivered"}
_TOLD: Mapping[str, ShipmentEventName] = MappingProxyType(
    {"delivered": "shipment.delivered", "exception": "shipment.exception", "lost": "shipment.lost"}
)
_EARLIER = timedelta(days=1)
"""A carrier may have scanned a parcel so long before the node noted that it was handed over."""


class InvalidShipmentEvent(DomainError):
    """Something said about a shipment that can't be: an unknown status, a parcel that it hasn't, a time to come."""

    code = "invalid_shipment_event"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NewShipmentEvent:
    """A status of a shipment, or of one of its parcels."""

    status: str
    """``in_transit``, ``exception``, ``lost`` or ``delivered``."""
    occurred_at: datetime
    parcel_number: int = 0
    """0: all parcels."""
    place: str = ""
    note: str = ""


def hand_over(session: Session, *, shipment_id: str, desk: Desk) -> ShipmentView:
    """Note that the carrier has the parcels; with the last parts of the job, the job is shipped. Again changes nothing.

    Raises ``UnknownShipment``, ``NotTheNode``, ``LeaseLost``, ``LeaseRequired``, ``ShipmentStateConflict`` for a
    cancelled one, ``PartsRecalled``, and ``JobStateConflict`` where the job is not inspected any more.
    """
    job, shipment, others = lock_shipment(session, shipment_id=shipment_id, desk=desk)
    if shipment.state in _LEFT:
        return shipment_view(session, shipment)
    if shipment.state == "cancelled":
        raise ShipmentStateConflict(f"shipment {shipment_id} is cancelled: prepare another")
    if job.state != "inspected":
        raise conflict(job, wish="handed to a carrier")
    require_not_recalled(session, job_id=job.id, wish="handed to a carrier")
    gone = rows.change(session, shipment, {"state": "handed_over", "handed_over_at": desk.now}, now=desk.now)
    note_shipment(session, job, gone, "shipment.handed_over", desk)
    _told(session, gone, "shipment.handed_over", at=desk.now)
    if sum(it.quantity for it in (gone, *others) if it.state in _LEFT) >= job.quantity:
        _ship(session, job, actor=desk.principal.key_id, now=desk.now)
    return shipment_view(session, _follow(session, job, gone, others, actor=desk.principal.key_id, now=desk.now))


def record_event(session: Session, *, shipment_id: str, event: NewShipmentEvent, desk: Desk) -> ShipmentView:
    """Note what the node, or the operator, knows of a shipment: in any order, and twice is once.

    What is said of a shipment that is only prepared counts once it is handed over, but it can't have arrived. Raises
    ``UnknownShipment``, ``NotTheNode``, ``InvalidShipmentEvent`` and ``ShipmentStateConflict`` for a cancelled one.
    """
    job, shipment, others = lock_shipment(session, shipment_id=shipment_id, desk=desk, needs_lease=False)
    actor = desk.principal.key_id
    return shipment_view(session, take_event(session, (job, shipment, others), event, source=actor, now=desk.now))


def take_event(
    session: Session,
    locked: tuple[Job, Shipment, Sequence[Shipment]],
    event: NewShipmentEvent,
    *,
    source: str,
    now: datetime,
) -> Shipment:
    """Note what ``source`` said about a shipment that the caller has locked, and move it and its job accordingly."""
    job, shipment, others = locked
    if shipment.state == "cancelled":
        raise ShipmentStateConflict(f"shipment {shipment.id} was cancelled before it was handed over: nothing travels")
    _require_possible(session, job, shipment, event, now=now)
    if event.status == "delivered" and shipment.handed_over_at is None:
        raise ShipmentStateConflict(
            f"shipment {shipment.id} is not handed over, so it can't have arrived: hand it over first, "
            f"POST /v1/shipments/{shipment.id}/handover"
        )
    values = {
        "shipment_id": shipment.id,
        "parcel_number": event.parcel_number,
        "status": event.status,
        "occurred_at": event.occurred_at,
        "place": event.place,
        "note": event.note,
        "source": source,
        "recorded_at": now,
    }
    if not rows.add_event(session, values) or shipment.state == "prepared":
        return shipment
    return _follow(session, job, shipment, others, actor=source, now=now)


def lock_for_carrier(session: Session, shipment_id: str) -> tuple[Job, Shipment, list[Shipment]]:
    """Return job and shipment, locked, and the job's other shipments: for what a carrier says, not a person."""
    found = rows.find_shipment(session, shipment_id)
    job = None if found is None else job_rows.lock_job(session, found.job_id)
    if job is None:
        raise LookupError(f"shipments are never deleted, but {shipment_id} is gone")
    locked = rows.lock_shipments(session, job_id=job.id)
    return job, next(it for it in locked if it.id == shipment_id), [it for it in locked if it.id != shipment_id]


def require_after_handover(shipment: Shipment, event: NewShipmentEvent) -> None:
    """Raise ``InvalidShipmentEvent`` for what a carrier says to have happened before it had the parcels."""
    earlier = CLOCKS_DIFFER if event.status == "delivered" else _EARLIER
    if shipment.handed_over_at is not None and event.occurred_at < shipment.handed_over_at - earlier:
        message = (
            f"{event.status} at {event.occurred_at.isoformat(timespec='seconds')}, but shipment {shipment.id} was "
            f"handed over at {shipment.handed_over_at.isoformat(timespec='seconds')}: correct the time"
        )
        raise InvalidShipmentEvent(message, problems=(FieldProblem(pointer="/occurred_at", message=message),))


def _require_possible(
    session: Session, job: Job, shipment: Shipment, event: NewShipmentEvent, *, now: datetime
) -> None:
    parcels = len(rows.read_parcels(session, shipment_ids=(shipment.id,)))
    problems = []
    if event.status not in STATUSES:
        problems.append(FieldProblem(pointer="/status", message=f"use {', '.join(STATUSES)}"))
    if not 0 <= event.parcel_number <= parcels:
        message = f"the shipment has {parcels} parcels: use 1 to {parcels}, or leave it out for all"
        problems.append(FieldProblem(pointer="/parcel", message=message))
    if event.occurred_at > now + CLOCKS_DIFFER:
        problems.append(FieldProblem(pointer="/occurred_at", message="must not be in the future"))
    if event.occurred_at < (job.accepted_at or job.offered_at) - CLOCKS_DIFFER:
        problems.append(FieldProblem(pointer="/occurred_at", message="must not be before the job was accepted"))
    if problems:
        raise InvalidShipmentEvent("; ".join(it.message for it in problems), problems=tuple(problems))


def _follow(
    session: Session, job: Job, shipment: Shipment, others: Sequence[Shipment], *, actor: str, now: datetime
) -> Shipment:
    """Bring a shipment into the state that all said about it gives, and its job, once all of its parts arrived."""
    progress = progress_of(_said(session, shipment), parcels=_parcels(session, shipment))
    if (progress.state, progress.delivered_at) == (shipment.state, shipment.delivered_at):
        return shipment
    values = {"state": progress.state, "delivered_at": progress.delivered_at}
    state_before = shipment.state
    moved = rows.change(session, shipment, values, now=now)
    if progress.state in _TOLD and progress.state != state_before:
        _told(session, moved, _TOLD[progress.state], at=now)
    arrived = [it for it in (moved, *others) if it.state == "delivered"]
    if moved.state == "delivered" and sum(it.quantity for it in arrived) >= job.quantity:
        _deliver(session, job, arrived, actor=actor, now=now)
    return moved


def _ship(session: Session, job: Job, *, actor: str, now: datetime) -> None:
    values = {"shipped_at": now, "lease_until": None}
    shipped = rows.move_job(session, job_id=job.id, state="shipped", values=values, now=now)
    if shipped is None:
        raise conflict(job, wish="shipped")
    network.settle_use(session, job_ids=[job.id], actor=actor, now=now)
    tell(session, shipped, "job.shipped", actor=actor, now=now, order_id=job.order_id, quantity=job.quantity)


def _deliver(session: Session, job: Job, arrived: Iterable[Shipment], *, actor: str, now: datetime) -> None:
    at = max(it.delivered_at for it in arrived if it.delivered_at is not None)
    delivered = rows.move_job(session, job_id=job.id, state="delivered", values={"delivered_at": at}, now=now)
    if delivered is None:
        rows.correct_delivery(session, job_id=job.id, delivered_at=at, now=now)
    else:
        tell(session, delivered, "job.delivered", actor=actor, now=now, order_id=job.order_id, quantity=job.quantity)


def _said(session: Session, shipment: Shipment) -> list[Said]:
    return [
        Said(parcel_number=it.parcel_number, status=it.status, occurred_at=it.occurred_at)
        for it in rows.read_events(session, shipment_ids=(shipment.id,))
    ]


def _parcels(session: Session, shipment: Shipment) -> int:
    return len(rows.read_parcels(session, shipment_ids=(shipment.id,)))


def _told(session: Session, shipment: Shipment, name: ShipmentEventName, *, at: datetime) -> None:
    event = shipment_event(
        name,
        shipment_id=shipment.id,
        organisation_id=shipment.organisation_id,
        job_id=shipment.job_id,
        order_id=shipment.order_id,
        occurred_at=at,
    )
    outbox.record(session, event)
