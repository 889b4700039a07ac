"""Shipments over the wire."""

from collections.abc import Sequence
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field, StringConstraints

from fabroute.api.schemas.base import Instant, Note, RequestModel, ResponseModel, Sentence, TrimmedLabel
from fabroute.production.service.shipping.losing import LossDecision
from fabroute.production.service.shipping.moving import NewShipmentEvent
from fabroute.production.service.shipping.preparing import MOST_PARCELS, NewParcel, NewShipment
from fabroute.production.service.shipping.progress import ShipmentState
from fabroute.production.service.shipping.views import ParcelView, ShipmentEventView, ShipmentView

TrackingNumber = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=35, pattern=r"^[A-Za-z0-9][\x21-\x7e]*$")
]
"""Visible ASCII characters without spaces: what a Code 128 on a label can hold."""
CarrierName = Annotated[
    str, StringConstraints(strip_whitespace=True, to_lower=True, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,39}$")
]
Side = Annotated[int, Field(ge=1, le=20_000)]


class ParcelIn(RequestModel):
    """One parcel."""

    quantity: int = Field(ge=1, le=100_000, description="Pieces of the job in it.")
    weight_grams: int = Field(ge=1, le=10_000_000, description="With its packaging.")
    length_mm: Side | None = None
    width_mm: Side | None = None
    height_mm: Side | None = None
    tracking_number: TrackingNumber | None = Field(default=None, description="Where each parcel has one of its own.")


class ShipmentIn(RequestModel):
    """Parcels of a job, and who takes them."""

    carrier: CarrierName = Field(
        description="Who takes the parcels, such as `dhl` or `courier`; kept in lower case.", examples=["dhl"]
    )
    service: TrimmedLabel | None = Field(default=None, description="Of the carrier's, such as `express`.")
    tracking_number: TrackingNumber | None = None
    parcels: list[ParcelIn] = Field(min_length=1, max_length=MOST_PARCELS)


class ShipmentEventIn(RequestModel):
    """What you know of a shipment, or of one of its parcels. In any order; the same twice is once."""

    status: Literal["in_transit", "exception", "lost", "delivered"] = Field(
        description="Of two that happened in one instant, the later in this list counts; `delivered` is final."
    )
    occurred_at: Instant
    parcel: int | None = Field(default=None, ge=1, le=MOST_PARCELS, description="Its number; without it, all of them.")
    place: Note = ""
    note: Note = ""


class LossIn(RequestModel):
    """What to do about a lost shipment."""

    decision: LossDecision = Field(
        description="`wait`: nothing changes; `make_again`: the job has failed, and its line is routed again, if no "
        "part of it arrived; `accept_loss`: the job is delivered with the parts that arrived."
    )
    reason: Sentence


class ParcelOut(ResponseModel):
    """One parcel."""

    number: int
    quantity: int
    weight_grams: int
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    tracking_number: str | None


class ShipmentEventOut(ResponseModel):
    """What a carrier, or a person, said about a shipment."""

    status: str
    occurred_at: AwareDatetime
    parcel: int | None = Field(description="Null: all of them.")
    place: str
    note: str
    source: str = Field(description="The carrier's name, or the id of an API key.")
    recorded_at: AwareDatetime


class ShipmentOut(ResponseModel):
    """Parcels of one job on their way to the customer."""

    id: str
    job_id: str
    order_id: str
    node_id: str
    state: ShipmentState = Field(
        description="`prepared` → `handed_over` → `in_transit`, `exception` or `lost` → `delivered`; or `cancelled` "
        "before it was handed over. While some parcels are on their way, the worst of them counts."
    )
    carrier: str
    service: str | None
    tracking_number: str | None
    quantity: int = Field(description="Pieces in all of its parcels.")
    parcels: list[ParcelOut]
    events: list[ShipmentEventOut] = Field(description="In the order in which they happened.")
    created_at: AwareDatetime
    handed_over_at: AwareDatetime | None
    delivered_at: AwareDatetime | None = Field(description="When the last of its parcels arrived.")
    warnings: list[str] = Field(default=[], description="When it is prepared: what its labels lack, such as a street.")


class ShipmentList(ResponseModel):
    """Shipments, oldest first: all there are."""

    data: list[ShipmentOut]


def new_shipment(asked: ShipmentIn) -> NewShipment:
    """Return a shipment as the service takes it."""
    return NewShipment(
        carrier=asked.carrier,
        service=asked.service or "",
        tracking_number=asked.tracking_number or "",
        parcels=tuple(
            NewParcel(**parcel.model_dump(exclude={"tracking_number"}), tracking_number=parcel.tracking_number or "")
            for parcel in asked.parcels
        ),
    )


def new_event(asked: ShipmentEventIn) -> NewShipmentEvent:
    """Return a status as the service takes it."""
    return NewShipmentEvent(
        status=asked.status,
        occurred_at=asked.occurred_at,
        parcel_number=asked.parcel or 0,
        place=asked.place,
        note=asked.note,
    )


def shipment_out(shipment: ShipmentView, *, warnings: Sequence[str] = ()) -> ShipmentOut:
    """Return a shipment for an answer."""
    return ShipmentOut.model_validate(
        {
            "id": shipment.shipment_id,
            "job_id": shipment.job_id,
            "order_id": shipment.order_id,
            "node_id": shipment.node_id,
            "state": shipment.state,
            "carrier": shipment.carrier,
            "service": shipment.service or None,
            "tracking_number": shipment.tracking_number or None,
            "quantity": shipment.quantity,
            "parcels": [_parcel_out(parcel) for parcel in shipment.parcels],
            "events": [_event_out(event) for event in shipment.events],
            "created_at": shipment.created_at,
            "handed_over_at": shipment.handed_over_at,
            "delivered_at": shipment.delivered_at,
            "warnings": list(warnings),
        }
    )


def _parcel_out(parcel: ParcelView) -> ParcelOut:
    return ParcelOut(
        number=parcel.number,
        quantity=parcel.quantity,
        weight_grams=parcel.weight_grams,
        length_mm=parcel.length_mm,
        width_mm=parcel.width_mm,
        height_mm=parcel.height_mm,
        tracking_number=parcel.tracking_number or None,
    )


def _event_out(event: ShipmentEventView) -> ShipmentEventOut:
    return ShipmentEventOut(
        status=event.status,
        occurred_at=event.occurred_at,
        parcel=event.parcel_number or None,
        place=event.place,
        note=event.note,
        source=event.source,
        recorded_at=event.recorded_at,
    )
