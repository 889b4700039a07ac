"""Facts that the inventory tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent


def network_changed(*, revision_id: str, reason: str, now: datetime) -> DomainEvent:
    """Return the event that what can be printed has changed: lines without a route are worth another look."""
    return DomainEvent(
        name="network.changed",
        subject_type="part_revision",
        subject_id=revision_id,
        occurred_at=now,
        data={"reason": reason},
    )
