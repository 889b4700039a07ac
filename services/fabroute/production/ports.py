"""What production asks of the rooms above it: someone who takes parcels along and tells where they are."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class ManifestParcel:
    """One parcel as its carrier has to know it: grams and millimetres."""

    number: int
    weight_grams: int
    length_mm: int | None
    width_mm: int | None
    height_mm: int | None
    tracking_number: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What a carrier needs to fetch and deliver a shipment. It holds no price and nothing about the parts."""

    shipment_id: str
    carrier: str
    service: str
    tracking_number: str
    reference: str
    """The customer's number of the order, or its id."""
    sender: tuple[str, ...]
    recipient: tuple[str, ...]
    recipient_country: str
    parcels: tuple[ManifestParcel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierStatus:
    """Something that a carrier says about a shipment, or one parcel of it."""

    reference: str
    """A shipment's id, or a tracking number."""
    status: str
    occurred_at: datetime
    place: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CarrierMessage:
    """Statuses that came together; they are taken together, or not at all."""

    name: str
    """Of the file or message, for whoever looks into it."""
    statuses: tuple[CarrierStatus, ...]
    problem: str = ""
    """Why it could not be read; then it has no statuses."""


class Carrier(Protocol):
    """Takes parcels along. What it is told and what it tells may come twice, late and in any order."""

    @property
    def name(self) -> str:
        """As shipments name it."""
        ...

    def booked(self, shipment_id: str) -> bool:
        """Return whether the carrier knows of a shipment already."""
        ...

    def book(self, manifest: Manifest) -> None:
        """Tell the carrier of a shipment; the same again changes nothing."""
        ...

    def read(self) -> Iterator[CarrierMessage]:
        """Yield what it has said since, oldest first; the same comes again until it is settled."""
        ...

    def settle(self, message: CarrierMessage, *, refused: str) -> None:
        """Put a message away for good: as taken where ``refused`` is empty, else with that reason."""
        ...
