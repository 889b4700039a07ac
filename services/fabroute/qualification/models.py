"""Tables of certificates and first articles."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, UniqueConstraint
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant


class Certificate(SQLModel, table=True):
    """A node's certificate for its site, or for less than that, from a day to a day (both included)."""

    __tablename__ = "certificates"
    __table_args__ = (CheckConstraint("valid_from <= valid_to", name="dates_in_order"),)

    id: str = Field(primary_key=True)
    node_id: str = Field(foreign_key="nodes.id", index=True)
    scheme: str
    scope_kind: str
    """``site``, ``process``, ``process_material``, ``machine`` or ``parameter_set``: the narrowest thing it names."""
    scope: str
    """``*`` (the whole site), ``PROCESS`` or ``PROCESS:MATERIAL``."""
    machine_id: str | None = Field(default=None, foreign_key="machines.id")
    """Where it is for one machine only."""
    parameter_set: str | None = None
    """Where it is for one parameter set only."""
    number: str = ""
    issuer: str = ""
    valid_from: date
    valid_to: date
    evidence_sha256: str | None = None
    evidence_name: str = ""
    evidence_media_type: str = ""
    submitted_by: str = ""
    submitted_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    verified_by: str | None = None
    verified_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """A certificate counts once the operator has looked at it."""
    revoked_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    revoked_by: str | None = None
    revocation_reason: str = ""


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
    approved_by: str = ""
    evidence_sha256: str | None = None
    evidence_name: str = ""
    evidence_media_type: str = ""
    note: str = ""
    revoked_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    revoked_by: str | None = None
    revocation_reason: str = ""
