"""The table of the audit log."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, sequence_number


class AuditEntry(SQLModel, table=True):
    """Who did what to which thing; rows are added, never changed."""

    __tablename__ = "audit_entries"
    __table_args__ = (
        Index("ix_audit_entries_subject", "subject_type", "subject_id"),
        Index(
            "ix_audit_entries_overrides",
            "organisation_id",
            "id",
            postgresql_where=text(
                "action IN ('order.line_retried', 'order.exclusion_lifted', 'routing_policy.stated')"
            ),
        ),
    )

    id: int | None = Field(default=None, sa_column=sequence_number())
    organisation_id: str | None = None
    occurred_at: datetime = Field(sa_column=instant())
    actor: str
    """An API key's id, or ``system:<what>``."""
    action: str
    subject_type: str
    subject_id: str
    data: dict[str, Any] = Field(sa_column=document())
