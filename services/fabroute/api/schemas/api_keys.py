"""API keys over the wire. A token stands in the answer that makes it, and nowhere else."""

from datetime import datetime, timedelta
from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Instant, Label, RequestModel, ResponseModel, TrimmedLabel
from fabroute.identity.rules import Scope
from fabroute.identity.service.keys import IssuedKey, KeyRotation, KeyView, NewKey

Scopes = Annotated[
    list[Scope], Field(min_length=1, max_length=100, description="What it opens: nothing that your own key doesn't.")
]
OverlapSeconds = Annotated[
    int,
    Field(
        ge=0,
        le=604_800,
        description="For how long the old one works beside the new one: 0 ends it now, 604800 is seven days.",
    ),
]
Whose = Annotated[
    Label | None, Field(description="Whose it is: your own organisation's, unless the operator names another.")
]


class ApiKeyIn(RequestModel):
    """A key that is wanted."""

    name: TrimmedLabel = Field(description="What it is for.", examples=["ERP, nightly orders"])
    scopes: Scopes
    expires_at: Instant | None = Field(
        default=None, description="When it ends, at most ten years from now; left out: never."
    )
    organisation_id: Whose = None


class KeyRotationIn(RequestModel):
    """How a key is followed by a new one."""

    overlap_seconds: OverlapSeconds = 86_400
    expires_at: Instant | None = Field(
        default=None, description="When the new key ends; left out: it lives as long as the old one was to live."
    )


class ApiKeyOut(ResponseModel):
    """An API key without its secret, of which only a hash is kept."""

    id: str
    organisation_id: str
    name: str
    scopes: list[str]
    state: Literal["live", "expired", "revoked"]
    created_at: AwareDatetime
    created_by: str = Field(description="The key, client or person that made it, or `system:…`.")
    expires_at: AwareDatetime | None
    last_used_at: AwareDatetime | None = Field(description="To the minute; null: never.")
    revoked_at: AwareDatetime | None
    replaced_by: str | None = Field(description="The key that was made when this one was rotated.")


class IssuedApiKeyOut(ApiKeyOut):
    """A new API key, with its token."""

    token: str = Field(description="Shown once: keep it now. Send it as `Authorization: Bearer …`.")


def new_key(asked: ApiKeyIn) -> NewKey:
    """Return a key as the service takes it."""
    return NewKey(
        name=asked.name,
        scopes=frozenset(asked.scopes),
        expires_at=asked.expires_at,
        organisation_id=asked.organisation_id,
    )


def key_rotation(asked: KeyRotationIn) -> KeyRotation:
    """Return a rotation as the service takes it."""
    return KeyRotation(overlap=timedelta(seconds=asked.overlap_seconds), expires_at=asked.expires_at)


def api_key_out(key: KeyView, *, now: datetime) -> ApiKeyOut:
    """Return a key for an answer of ``now``."""
    return ApiKeyOut(
        id=key.key_id,
        organisation_id=key.organisation_id,
        name=key.name,
        scopes=list(key.scopes),
        state=key.state_on(now),
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        last_used_at=key.last_used_at,
        revoked_at=key.revoked_at,
        replaced_by=key.replaced_by,
    )


def issued_key_out(key: KeyView, issued: IssuedKey, *, now: datetime) -> IssuedApiKeyOut:
    """Return a new key for an answer, with its token."""
    return IssuedApiKeyOut(**api_key_out(key, now=now).model_dump(), token=issued.token)
