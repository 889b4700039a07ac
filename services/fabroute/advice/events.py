"""Facts that advice tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent


def screening_told(what: str, *, screening_id: str, organisation_id: str, now: datetime) -> DomainEvent:
    """Return the event ``screening.asked``, ``.paused`` (rows are left for the next worker) or ``.judged``."""
    return DomainEvent(
        name=f"screening.{what}",
        subject_type="screening",
        subject_id=screening_id,
        organisation_id=organisation_id,
        occurred_at=now,
    )
