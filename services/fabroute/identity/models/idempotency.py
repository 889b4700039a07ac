"""The table of answers that are given again."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant


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
