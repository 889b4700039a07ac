"""Facts that the network tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent


def network_changed(*, subject: tuple[str, str], reason: str, now: datetime) -> DomainEvent:
    """Return the event that what can be printed where has changed: lines without a route are worth another look."""
    return DomainEvent(
        name="network.changed",
        subject_type=subject[0],
        subject_id=subject[1],
        occurred_at=now,
        data={"reason": reason},
    )
