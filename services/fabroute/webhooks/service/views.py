"""Endpoints, deliveries and events as their organisation sees them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from fabroute.webhooks.models import FeedEvent, WebhookAttempt, WebhookEndpoint, WebhookSecret
from fabroute.webhooks.rules.messages import envelope


@dataclass(frozen=True, slots=True, kw_only=True)
class EventView:
    """An event of an organisation's feed."""

    position: int
    event_id: str
    organisation_id: str
    """Whose feed it is in."""
    type: str
    version: int
    subject_type: str
    subject_id: str
    occurred_at: datetime
    data: Mapping[str, Any]

    @property
    def told(self) -> dict[str, object]:
        """The event as JSON knows it, in the feed and in messages alike."""
        return envelope(
            event_id=self.event_id,
            organisation_id=self.organisation_id,
            type=self.type,
            version=self.version,
            subject_type=self.subject_type,
            subject_id=self.subject_id,
            occurred_at=self.occurred_at,
            data=self.data,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretView:
    """A secret that signs now; never its text."""

    secret_id: str
    kind: str
    public_key: str
    created_at: datetime
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointView:
    """An endpoint, and how it does."""

    endpoint_id: str
    url: str
    description: str
    types: tuple[str, ...]
    state: str
    disabled_cause: str
    disabled_reason: str
    disabled_at: datetime | None
    created_at: datetime
    updated_at: datetime
    version: int
    failures_in_a_row: int
    failing_since: datetime | None
    last_success_at: datetime | None
    last_failure_at: datetime | None
    pending: int
    secrets: tuple[SecretView, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptView:
    """One try to deliver."""

    number: int
    at: datetime
    duration_ms: int
    status: int | None
    failure: str
    detail: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryView:
    """An event on its way to an endpoint; ``attempts`` only where one delivery is asked for."""

    delivery_id: str
    endpoint_id: str
    event_id: str
    type: str
    subject_type: str
    subject_id: str
    replay_of: str | None
    state: str
    attempt_count: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    reason: str
    number: int
    attempts: tuple[AttemptView, ...] = ()


def event_view(row: FeedEvent) -> EventView:
    """Return the view of an event."""
    assert row.position is not None, "it was read"
    return EventView(
        position=row.position,
        event_id=row.event_id,
        organisation_id=row.organisation_id,
        type=row.type,
        version=row.version,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        occurred_at=row.occurred_at,
        data=row.data,
    )


def endpoint_view(row: WebhookEndpoint, *, secrets: Sequence[WebhookSecret], pending: int) -> EndpointView:
    """Return the view of an endpoint."""
    return EndpointView(
        endpoint_id=row.id,
        url=row.url,
        description=row.description,
        types=tuple(row.types),
        state=row.state,
        disabled_cause=row.disabled_cause,
        disabled_reason=row.disabled_reason,
        disabled_at=row.disabled_at,
        created_at=row.created_at,
        updated_at=row.updated_at,
        version=row.version,
        failures_in_a_row=row.failures_in_a_row,
        failing_since=row.failing_since,
        last_success_at=row.last_success_at,
        last_failure_at=row.last_failure_at,
        pending=pending,
        secrets=tuple(_secret_view(secret) for secret in secrets if secret.endpoint_id == row.id),
    )


def delivery_view(row: RowMapping, attempts: Sequence[WebhookAttempt] = ()) -> DeliveryView:
    """Return the view of a delivery, with its attempts."""
    columns = {name: value for name, value in row.items() if name not in ("attempts", "position")}
    return DeliveryView(
        **columns, attempt_count=row["attempts"], attempts=tuple(_attempt_view(attempt) for attempt in attempts)
    )


def _secret_view(row: WebhookSecret) -> SecretView:
    return SecretView(
        secret_id=row.id,
        kind=row.kind,
        public_key=row.public_key,
        created_at=row.created_at,
        expires_at=row.expires_at,
    )


def _attempt_view(row: WebhookAttempt) -> AttemptView:
    columns = row.model_dump()
    del columns["delivery_number"], columns["organisation_id"]
    return AttemptView(**columns)
