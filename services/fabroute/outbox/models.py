"""The outbox table."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, sequence_number


class OutboxEvent(SQLModel, table=True):
    """A fact waiting to be told; ``published_at`` is empty until the broker has it."""

    __tablename__ = "outbox_events"
    __table_args__ = (
        Index("ix_outbox_events_unpublished", "id", postgresql_where=text("published_at IS NULL")),
        Index("ix_outbox_events_unsequenced", "id", postgresql_where=text("sequenced_at IS NULL")),
    )

    id: int | None = Field(default=None, sa_column=sequence_number())
    event_id: str = Field(unique=True)
    name: str
    organisation_id: str | None = None
    subject_type: str
    subject_id: str
    data: dict[str, Any] = Field(sa_column=document())
    occurred_at: datetime = Field(sa_column=instant())
    published_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    sequenced_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When it came into the feeds of those whom it concerns, if there are any."""
