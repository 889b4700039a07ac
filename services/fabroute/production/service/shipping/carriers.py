"""Keep a carrier and the record in step: tell it of new shipments, take what it says."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.kernel.errors import DomainError
from fabroute.production.ports import Carrier, CarrierMessage, CarrierStatus, Manifest
from fabroute.production.repository import shipments as rows
from fabroute.production.service.shipping.access import ShipmentStateConflict
from fabroute.production.service.shipping.moving import (
    InvalidShipmentEvent,
    NewShipmentEvent,
    lock_for_carrier,
    require_after_handover,
    take_event,
)
from fabroute.production.service.shipping.papers import manifest_of
from fabroute.production.service.shipping.views import shipment_views


class UnknownTracking(DomainError):
    """A carrier speaks of a shipment that it doesn't have."""

    code = "unknown_tracking"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierSync:
    """What one look at a carrier did."""

    carrier: str
    booked: int
    taken: int
    """Messages that were taken."""
    refused: tuple[str, ...]
    """Those that were not: name and reason."""


def sync_carrier(engine: Engine, *, carrier: Carrier, now: datetime) -> CarrierSync:
    """Tell a carrier of what is new, and take what it says, each message in a transaction of its own.

    Safe to repeat, also after a crash in between: what a carrier hears or says twice counts once.
    """
    with unit_of_work(engine) as session:
        manifests = manifests_to_book(session, carrier=carrier)
    for manifest in manifests:
        carrier.book(manifest)
    taken, refused = 0, []
    for message in carrier.read():
        problem = message.problem or _take(engine, carrier.name, message, now)
        carrier.settle(message, refused=problem)
        if problem:
            refused.append(f"{message.name}: {problem}")
        else:
            taken += 1
    return CarrierSync(carrier=carrier.name, booked=len(manifests), taken=taken, refused=tuple(refused))


def _take(engine: Engine, carrier: str, message: CarrierMessage, now: datetime) -> str:
    """Return why a message could not be taken; empty if it was."""
    try:
        with unit_of_work(engine) as session:
            take_message(session, carrier=carrier, message=message, now=now)
    except (UnknownTracking, InvalidShipmentEvent, ShipmentStateConflict) as refusal:
        return refusal.message
    return ""


def manifests_to_book(session: Session, *, carrier: Carrier) -> tuple[Manifest, ...]:
    """Return what a carrier has to be told of: its shipments on the way that it doesn't know."""
    found = rows.read_open_of_carrier(session, carrier=carrier.name)
    unknown = [shipment for shipment in found if not carrier.booked(shipment.id)]
    return tuple(manifest_of(session, view) for view in shipment_views(session, unknown))


def take_message(session: Session, *, carrier: str, message: CarrierMessage, now: datetime) -> None:
    """Note all statuses of a message, or raise: then none of them is kept.

    Raises ``UnknownTracking``, ``InvalidShipmentEvent`` and ``ShipmentStateConflict``.
    """
    meant = [(*_found(session, carrier, status), status) for status in message.statuses]
    for shipment_id, parcel_number, status in sorted(meant, key=lambda it: it[0]):
        event = NewShipmentEvent(
            status=status.status,
            occurred_at=status.occurred_at,
            parcel_number=parcel_number,
            place=status.place,
            note=status.note,
        )
        locked = lock_for_carrier(session, shipment_id)
        require_after_handover(locked[1], event)
        take_event(session, locked, event, source=carrier, now=now)


def _found(session: Session, carrier: str, status: CarrierStatus) -> tuple[str, int]:
    found = rows.find_tracked(session, carrier=carrier, reference=status.reference)
    if len(found) != 1:
        many = "more than one" if found else "no"
        raise UnknownTracking(f"{many} shipment of {carrier} goes by {status.reference!r}")
    return found[0]
