"""Tables of the audit log's hash chains."""

from datetime import datetime

from sqlalchemy import BigInteger, CheckConstraint
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant, large_integer


class AuditSeal(SQLModel, table=True):
    """An entry's place in the chain of its organisation; rows are added, never changed."""

    __tablename__ = "audit_seals"

    organisation_id: str = Field(primary_key=True)
    """The chain: an organisation's id, or ``installation`` for entries of nobody."""
    position: int = Field(primary_key=True, sa_type=BigInteger)
    """From 1, without gaps."""
    entry_id: int = Field(sa_type=BigInteger, unique=True)
    hash: str
    """SHA-256, in hexadecimal, of the entry with its position, the hash before, and the time."""
    previous_hash: str
    sealed_at: datetime = Field(sa_column=instant())


class AuditRoot(SQLModel, table=True):
    """A signed statement of how far a chain was at a time; rows are added, never changed."""

    __tablename__ = "audit_roots"

    organisation_id: str = Field(primary_key=True)
    position: int = Field(primary_key=True, sa_type=BigInteger)
    hash: str
    made_at: datetime = Field(sa_column=instant())
    statement: str
    """What is signed, byte for byte."""
    signature: str
    public_key: str


class AuditWatermark(SQLModel, table=True):
    """From which entry on the sealer has to look: one row, which it moves itself."""

    __tablename__ = "audit_watermark"
    __table_args__ = (CheckConstraint("id = 1", name="only_one"),)

    id: int = Field(primary_key=True, sa_column_kwargs={"autoincrement": False})
    sealed_through: int = Field(sa_column=large_integer())
    """No entry up to this one will ever become visible that isn't sealed."""
    next_through: int = Field(sa_column=large_integer())
    """The last entry that a pass saw: it becomes ``sealed_through`` when no transaction of then is left."""
    next_horizon: int = Field(sa_column=large_integer())
    """The first transaction that had not begun to write then."""
    next_at: datetime = Field(sa_column=instant())
