"""Tables of certificates and first articles."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant


class Certificate(SQLModel, table=True):
    """A node's certificate for its site or for one process and material, from a day to a day (both included)."""

    __tablename__ = "certificates"
    __table_args__ = (CheckConstraint("valid_from <= valid_to", name="dates_in_order"),)

    id: str = Field(primary_key=True)
    node_id: str = Field(foreign_key="nodes.id", index=True)
    scheme: str
    scope_kind: str
    scope: str
    """``*`` (the whole site) or ``PROCESS:MATERIAL``."""
    valid_from: date
    valid_to: date
    revoked_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class FirstArticle(SQLModel, table=True):
    """The proof that one machine made one part revision well, with this material and parameter set."""

    __tablename__ = "first_articles"
    __table_args__ = (UniqueConstraint("revision_id", "machine_id", "material", "parameter_set"),)

    id: str = Field(primary_key=True)
    revision_id: str = Field(foreign_key="part_revisions.id", index=True)
    node_id: str = Field(foreign_key="nodes.id")
    machine_id: str = Field(foreign_key="machines.id")
    material: str
    parameter_set: str
    approved_on: date
    last_production_on: date
    revoked_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
