"""Facts that logistics tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent


def network_changed(*, table: str, now: datetime) -> DomainEvent:
    """Return the event that ways to the customer take other money, time or carbon than before.

    Lines without a route are worth another look.
    """
    return DomainEvent(
        name="network.changed",
        subject_type=table,
        subject_id="*",
        occurred_at=now,
        data={"reason": f"{table}_imported"},
    )
