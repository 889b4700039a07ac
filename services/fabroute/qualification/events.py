"""Facts that qualification tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent


def network_changed(*, subject_type: str, reason: str, now: datetime, subject_id: str = "*") -> DomainEvent:
    """Return the event that nodes may print other things than before.

    Lines without a route are worth another look, and so are jobs that may have lost what they stood on.
    """
    return DomainEvent(
        name="network.changed",
        subject_type=subject_type,
        subject_id=subject_id,
        occurred_at=now,
        data={"reason": reason},
    )
