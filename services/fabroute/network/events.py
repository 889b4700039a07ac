"""Facts that the network tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent, JsonScalar


def network_changed(*, subject: tuple[str, str], reason: str, now: datetime) -> DomainEvent:
    """Return the event that what can be printed where has changed: lines without a route are worth another look."""
    return DomainEvent(
        name="network.changed",
        subject_type=subject[0],
        subject_id=subject[1],
        occurred_at=now,
        data={"reason": reason},
    )


def lot_event(kind: str, *, lot_id: str, now: datetime, **data: JsonScalar) -> DomainEvent:
    """Return the event of a lot's movement of a ``kind``: ``lot.blocked``, ``lot.corrected`` …"""
    return DomainEvent(
        name=f"lot.{kind}", subject_type="material_lot", subject_id=lot_id, occurred_at=now, data=dict(data)
    )
