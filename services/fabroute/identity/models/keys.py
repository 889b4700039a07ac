"""The table of API keys."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant, texts


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
    created_by: str = Field(default="system:keys", sa_column_kwargs={"server_default": "system:keys"})
    last_used_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """To the minute."""
    replaced_by: str | None = None
    """The key that took this one's place when it was rotated."""
