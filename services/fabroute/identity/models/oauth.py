"""The tables of OAuth2 clients and of the access tokens that they get."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant, texts


class OAuthClient(SQLModel, table=True):
    """A program of an organisation that fetches its access tokens itself; of its secrets only the SHA-256 is kept."""

    __tablename__ = "oauth_clients"

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
    name: str
    scopes: list[str] = Field(sa_column=texts())
    """The most that its tokens may open."""
    secret_sha256: str
    previous_sha256: str | None = None
    """Of the secret before the last rotation: it opens as well until ``previous_until``."""
    previous_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    created_at: datetime = Field(sa_column=instant())
    created_by: str
    last_used_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When one of its tokens was, to the minute."""
    revoked_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class AccessToken(SQLModel, table=True):
    """What a client sends for an hour in the place of an API key; only the SHA-256 is kept."""

    __tablename__ = "access_tokens"

    id: str = Field(primary_key=True)
    client_id: str = Field(foreign_key="oauth_clients.id", index=True)
    organisation_id: str = Field(index=True)
    secret_sha256: str
    scopes: list[str] = Field(sa_column=texts())
    created_at: datetime = Field(sa_column=instant())
    expires_at: datetime = Field(sa_column=instant(index=True))
    revoked_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
