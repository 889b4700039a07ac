"""Facts that identity tells."""

from datetime import datetime
from typing import Final

from fabroute.kernel.events import DomainEvent

PERSON_INVITED: Final = "person.invited"
"""Somebody got a link to join; neither it nor their address is in the event: whoever asked for it has the link."""


def person_invited(*, person_id: str, organisation_id: str, role: str, now: datetime) -> DomainEvent:
    """Return the event that somebody was invited into an organisation."""
    return DomainEvent(
        name=PERSON_INVITED,
        subject_type="person",
        subject_id=person_id,
        organisation_id=organisation_id,
        occurred_at=now,
        data={"role": role},
    )
