"""Work orders that a maintenance system sends: JSON with ``X-Signature-256: sha256=…``, HMAC of the raw body."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fabroute.bridges.journal import Heard
from fabroute.bridges.payloads import objects_of, text_of
from fabroute.bridges.receiving import NotGenuine, json_object, require_hex_signature, required_id

ORDERED = frozenset({"APPR", "WMATL"})
"""Approved, waiting for material: in these states parts are ordered."""
CANCELLED = frozenset({"CAN"})


@dataclass(frozen=True, slots=True, kw_only=True)
class MaintenanceInbox:
    """Opens the messages of one site."""

    site: str
    secret: str

    def open(self, headers: Mapping[str, str], body: bytes) -> Heard | None:
        """Return the work order that a message tells of; ``None`` where it asks for nothing yet."""
        require_hex_signature(body, secret=self.secret, signature=headers.get("x-signature-256", ""))
        told = json_object(body)
        if text_of(told, "siteid") != self.site:
            raise NotGenuine(f"the message is not of {self.site}")
        return heard_of(told, site=self.site)


def heard_of(told: Mapping[str, Any], *, site: str) -> Heard | None:
    """Return what a work order tells; ``None`` where it asks for no material, or is in another state."""
    status = text_of(told, "status")
    if status not in CANCELLED and (status not in ORDERED or not objects_of(told, "wpmaterial")):
        return None
    number = required_id(told, "wonum")
    cancelled = status in CANCELLED
    return Heard(account=site, foreign_id=number, number=number, payload=told, cancelled=cancelled)
