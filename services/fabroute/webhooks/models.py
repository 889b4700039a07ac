"""Tables of the event feed, webhook endpoints, their secrets, deliveries and attempts."""

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, Column, ForeignKey, Identity, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, sequence_number, texts


class FeedEvent(SQLModel, table=True):
    """An event as one organisation sees it. Positions are given in the order of commits: a cursor misses nothing."""

    __tablename__ = "events"
    __table_args__ = (
        UniqueConstraint("event_id", "organisation_id"),
        Index("ix_events_feed", "organisation_id", "position"),
        Index("ix_events_subject", "organisation_id", "subject_id", "position"),
    )

    position: int | None = Field(default=None, sa_column=sequence_number())
    event_id: str
    """The outbox's: the same in every organisation's feed, and in ``webhook-id``."""
    organisation_id: str
    """In whose feed it is."""
    type: str
    version: int
    subject_type: str
    subject_id: str
    data: dict[str, Any] = Field(sa_column=document())
    occurred_at: datetime = Field(sa_column=instant())
    told_at: datetime = Field(sa_column=instant(index=True))
    """When it came into the feed."""


class FeedBreak(SQLModel, table=True):
    """Where a restore broke the feeds: positions between these two were told once and are gone."""

    __tablename__ = "feed_breaks"

    next_position: int = Field(sa_column=Column(BigInteger, primary_key=True, autoincrement=False))
    """No position from here on was given out before the restore."""
    last_position: int = Field(sa_type=BigInteger)
    """Of the last event that the restored backup holds."""
    snapshot_at: datetime = Field(sa_column=instant())
    """What the backup holds is of then."""
    restored_at: datetime = Field(sa_column=instant())


class WebhookEndpoint(SQLModel, table=True):
    """Where an organisation wants to be told of events."""

    __tablename__ = "webhook_endpoints"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
    url: str
    description: str
    types: list[str] = Field(sa_column=texts())
    """Event types, ``job.*`` for all of a kind, ``*`` for all."""
    state: str
    """``enabled`` or ``disabled``."""
    disabled_cause: str = ""
    """``owner``, ``gone`` (it answered 410) or ``failing``; empty while it is enabled."""
    disabled_reason: str = ""
    disabled_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    created_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())
    version: int = 1
    failures_in_a_row: int = 0
    failing_since: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    rest_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """After several failures in a row nothing is sent until then."""
    last_success_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    last_failure_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class WebhookSecret(SQLModel, table=True):
    """What the messages to an endpoint are signed with; sealed, so that a dump of the database opens nothing."""

    __tablename__ = "webhook_secrets"

    id: str = Field(primary_key=True)
    endpoint_id: str = Field(
        sa_column=Column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False, index=True)
    )
    organisation_id: str
    kind: str
    """``v1`` (HMAC-SHA256) or ``v1a`` (Ed25519)."""
    sealed: str
    public_key: str = ""
    """``whpk_…`` of an Ed25519 pair; empty otherwise."""
    created_at: datetime = Field(sa_column=instant())
    expires_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Until when the one before the newest still signs, too."""


class WebhookDelivery(SQLModel, table=True):
    """An event on its way to an endpoint."""

    __tablename__ = "webhook_deliveries"
    __table_args__ = (
        Index(
            "uq_webhook_deliveries_once",
            "endpoint_id",
            "position",
            unique=True,
            postgresql_where=text("replay_of IS NULL"),
        ),
        Index(
            "ix_webhook_deliveries_due",
            "endpoint_id",
            "next_attempt_at",
            "number",
            postgresql_where=text("state = 'pending'"),
        ),
        Index(
            "ix_webhook_deliveries_order",
            "endpoint_id",
            "subject_type",
            "subject_id",
            "number",
            postgresql_where=text("state = 'pending'"),
        ),
        Index("ix_webhook_deliveries_listed", "endpoint_id", "number"),
    )

    number: int | None = Field(default=None, sa_column=Column(BigInteger, Identity(always=True), primary_key=True))
    """Deliveries of one subject to one endpoint are made in this order."""
    id: str = Field(unique=True)
    organisation_id: str
    endpoint_id: str = Field(sa_column=Column(ForeignKey("webhook_endpoints.id", ondelete="CASCADE"), nullable=False))
    position: int = Field(
        sa_column=Column(BigInteger, ForeignKey("events.position", ondelete="CASCADE"), nullable=False, index=True)
    )
    subject_type: str
    subject_id: str
    replay_of: str | None = None
    """The delivery or the request that it repeats; empty the first time."""
    state: str = "pending"
    """``pending``, ``delivered``, or ``given_up``."""
    attempts: int = 0
    fence: int = 0
    """Counts up with each claim: what a deliverer says under an older one is void."""
    next_attempt_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """While it is being sent: when somebody else may take it."""
    created_at: datetime = Field(sa_column=instant())
    finished_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    reason: str = ""
    """Why it was given up, or what the last attempt failed with."""


class WebhookAttempt(SQLModel, table=True):
    """One try to deliver, and what was answered."""

    __tablename__ = "webhook_attempts"

    delivery_number: int = Field(
        sa_column=Column(BigInteger, ForeignKey("webhook_deliveries.number", ondelete="CASCADE"), primary_key=True)
    )
    number: int = Field(primary_key=True)
    organisation_id: str
    at: datetime = Field(sa_column=instant())
    duration_ms: int
    status: int | None = None
    """The HTTP status; empty where nobody answered."""
    failure: str = ""
    """A code: ``timeout``, ``refused``, ``forbidden_address`` …; empty where it was taken."""
    detail: str = ""
    answer: str = ""
    """The beginning of the answer's body."""
