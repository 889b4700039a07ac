"""Tables of organisations, keys, audit entries and idempotent answers."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, sequence_number, texts


class Organisation(SQLModel, table=True):
    """An owner of parts, a bureau that prints, or the operator of this installation."""

    __tablename__ = "organisations"

    id: str = Field(primary_key=True)
    name: str
    kind: str
    """``owner``, ``bureau`` or ``operator``."""
    created_at: datetime = Field(sa_column=instant())


class ApiKey(SQLModel, table=True):
    """A credential of an organisation; only the SHA-256 of its secret is kept."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
    name: str
    secret_sha256: str
    scopes: list[str] = Field(sa_column=texts())
    created_at: datetime = Field(sa_column=instant())
    expires_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    revoked_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class AuditEntry(SQLModel, table=True):
    """Who did what to which thing; rows are added, never changed."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_subject", "subject_type", "subject_id"),)

    id: int | None = Field(default=None, sa_column=sequence_number())
    organisation_id: str | None = None
    occurred_at: datetime = Field(sa_column=instant())
    actor: str
    """An API key's id, or ``system:<what>``."""
    action: str
    subject_type: str
    subject_id: str
    data: dict[str, Any] = Field(sa_column=document())


class IdempotencyKey(SQLModel, table=True):
    """The first answer to a request, replayed byte for byte when the same key comes again."""

    __tablename__ = "idempotency_keys"

    organisation_id: str = Field(primary_key=True)
    key: str = Field(primary_key=True, max_length=255)
    request_sha256: str
    status: int
    body: bytes
    location: str
    subject_id: str
    """The order (or other object) that the request made."""
    created_at: datetime = Field(sa_column=instant(index=True))
