"""Facts that webhooks tell."""

from datetime import datetime
from typing import Literal

from fabroute.kernel.events import DomainEvent, JsonScalar

EndpointEventName = Literal["webhook_endpoint.disabled", "webhook_endpoint.tested"]
InstallationEventName = Literal["installation.restored"]
"""Written by the restore itself, for every organisation."""


def endpoint_event(
    name: EndpointEventName, *, endpoint_id: str, organisation_id: str, now: datetime, **data: JsonScalar
) -> DomainEvent:
    """Return the event that an endpoint was disabled, or that somebody pressed its test button."""
    return DomainEvent(
        name=name,
        subject_type="webhook_endpoint",
        subject_id=endpoint_id,
        organisation_id=organisation_id,
        occurred_at=now,
        data=dict(data),
    )
