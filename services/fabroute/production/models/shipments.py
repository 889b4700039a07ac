"""The tables of shipments: parcels, what carriers say about them, and the brand on their papers."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, sequence_number


class Shipment(SQLModel, table=True):
    """Parcels of one job on their way to the customer."""

    __tablename__ = "shipments"
    __table_args__ = (
        Index("ix_shipments_owner", "organisation_id", "id"),
        Index("ix_shipments_tracking", "carrier", "tracking_number"),
    )

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", index=True)
    organisation_id: str
    """The owner's."""
    order_id: str = Field(index=True)
    node_id: str
    carrier: str
    service: str
    tracking_number: str = ""
    state: str = "prepared"
    """``prepared``, ``handed_over``, ``in_transit``, ``delivered``, ``exception``, ``lost`` or ``cancelled``."""
    quantity: int
    created_by: str
    created_at: datetime = Field(sa_column=instant())
    handed_over_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    delivered_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    updated_at: datetime = Field(sa_column=instant())
    version: int = 1


class Parcel(SQLModel, table=True):
    """One parcel of a shipment."""

    __tablename__ = "parcels"

    shipment_id: str = Field(primary_key=True, foreign_key="shipments.id")
    number: int = Field(primary_key=True)
    quantity: int
    weight_grams: int
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None
    tracking_number: str = ""


class ShipmentEvent(SQLModel, table=True):
    """What a carrier, or a person, said about a shipment; the same again counts once."""

    __tablename__ = "shipment_events"
    __table_args__ = (
        UniqueConstraint(
            "shipment_id", "parcel_number", "status", "occurred_at", "source", name="uq_shipment_events_once"
        ),
    )

    id: int | None = Field(default=None, sa_column=sequence_number())
    shipment_id: str = Field(foreign_key="shipments.id")
    parcel_number: int = 0
    """0: all parcels of the shipment."""
    status: str
    occurred_at: datetime = Field(sa_column=instant())
    place: str = ""
    note: str = ""
    source: str
    """The carrier's name, or an API key's id."""
    recorded_at: datetime = Field(sa_column=instant())


class Brand(SQLModel, table=True):
    """How an owner's papers look: name, colour, logo, sender."""

    __tablename__ = "brands"

    organisation_id: str = Field(primary_key=True, foreign_key="organisations.id")
    name: str
    accent_colour: str = "#1f2937"
    logo_sha256: str | None = None
    """In object storage; a PNG or JPEG."""
    logo_media_type: str = ""
    sender: list[Any] = Field(default_factory=list, sa_column=document())
    """Lines of the address that parcels come from, and go back to."""
    slip_text: str = ""
    """A few words on the packing slip."""
    contact: str = ""
    version: int = 1
    updated_by: str
    updated_at: datetime = Field(sa_column=instant())


class Recall(SQLModel, table=True):
    """Lots that were blocked after parts had been made of them: what was found, as it was told."""

    __tablename__ = "recalls"

    id: str = Field(primary_key=True)
    supplier_lot: str
    material: str
    lot_ids: list[Any] = Field(sa_column=document())
    reason: str
    actor: str
    recalled_at: datetime = Field(sa_column=instant())
    document: dict[str, Any] = Field(sa_column=document())
