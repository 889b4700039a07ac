"""Facts that qualification tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent


def network_changed(*, subject_type: str, reason: str, now: datetime) -> DomainEvent:
    """Return the event that nodes may print other things than before: lines without a route are worth another look."""
    return DomainEvent(
        name="network.changed",
        subject_type=subject_type,
        subject_id="*",
        occurred_at=now,
        data={"reason": reason},
    )
