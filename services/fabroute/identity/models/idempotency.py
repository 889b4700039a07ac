"""The table of answers that are given again."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant


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
    headers: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    """What the answer said beside its body; empty for orders and claims, which know it themselves."""
    is_sealed: bool = False
    """Whether the body holds a secret, and is therefore encrypted under the caller's own credential."""
