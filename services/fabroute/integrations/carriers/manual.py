"""A carrier of whom people say what it does: nothing is told to it, and it tells nothing by itself."""

from collections.abc import Iterator
from dataclasses import dataclass

from fabroute.production.ports import CarrierMessage, Manifest


@dataclass(frozen=True, slots=True, kw_only=True)
class ManualCarrier:
    """A courier, a pallet on somebody's lorry: its statuses come by POST /v1/shipments/{id}/events."""

    name: str

    def booked(self, shipment_id: str) -> bool:
        """Return True: whoever hands the parcels over has told it."""
        return bool(shipment_id)

    def book(self, manifest: Manifest) -> None:
        """Do nothing."""

    def read(self) -> Iterator[CarrierMessage]:
        """Yield nothing."""
        yield from ()

    def settle(self, message: CarrierMessage, *, refused: str) -> None:
        """Do nothing."""
