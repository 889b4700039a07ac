"""Shipments as their owner, their node and the operator see them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.production.models import Shipment
from fabroute.production.repository import shipments as rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ParcelView:
    """One parcel: pieces, grams, millimetres."""

    number: int
    """From 1."""
    quantity: int
    weight_grams: int
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    tracking_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentEventView:
    """What a carrier, or a person, said about a shipment, or about one parcel of it."""

    parcel_number: int
    """0: all of its parcels."""
    status: str
    occurred_at: datetime
    place: str
    note: str
    source: str
    """The carrier's name, or an API key's id."""
    recorded_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ShipmentView:
    """Parcels of one job on their way to the customer, with what was said about them, oldest first."""

    shipment_id: str
    job_id: str
    organisation_id: str
    """The owner's."""
    order_id: str
    node_id: str
    carrier: str
    service: str
    tracking_number: str
    state: str
    quantity: int
    created_by: str
    created_at: datetime
    handed_over_at: datetime | None
    delivered_at: datetime | None
    updated_at: datetime
    version: int
    parcels: tuple[ParcelView, ...]
    events: tuple[ShipmentEventView, ...]


def shipment_views(session: Session, shipments: Sequence[Shipment]) -> tuple[ShipmentView, ...]:
    """Return the views of shipments, in their order."""
    ids = [shipment.id for shipment in shipments]
    parcels = rows.read_parcels(session, shipment_ids=ids)
    events = rows.read_events(session, shipment_ids=ids)
    return tuple(
        ShipmentView(
            **{("shipment_id" if name == "id" else name): value for name, value in shipment.model_dump().items()},
            parcels=tuple(
                ParcelView(**it.model_dump(exclude={"shipment_id"})) for it in parcels if it.shipment_id == shipment.id
            ),
            events=tuple(
                ShipmentEventView(**it.model_dump(exclude={"id", "shipment_id"}))
                for it in events
                if it.shipment_id == shipment.id
            ),
        )
        for shipment in shipments
    )


def shipment_view(session: Session, shipment: Shipment) -> ShipmentView:
    """Return the view of one shipment."""
    return shipment_views(session, (shipment,))[0]
