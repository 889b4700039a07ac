"""Tables of parts, revisions and print files."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant, texts


class Part(SQLModel, table=True):
    """A spare part of one owner, known by its part number."""

    __tablename__ = "parts"
    __table_args__ = (UniqueConstraint("organisation_id", "part_no"),)

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id", index=True)
    part_no: str
    name: str
    sector: str
    criticality: str
    """The usual one; an order may say another."""
    hs_code: str
    annual_demand: int
    note: str = ""


class PartRevision(SQLModel, table=True):
    """What is printed, and what a node must be able to prove before it may print it."""

    __tablename__ = "part_revisions"
    __table_args__ = (
        UniqueConstraint("part_id", "revision"),
        Index("uq_part_revisions_one_released", "part_id", unique=True, postgresql_where=text("state = 'released'")),
        CheckConstraint("box_x_mm > 0 AND box_y_mm > 0 AND box_z_mm > 0 AND volume_cm3 > 0", name="positive_size"),
    )

    id: str = Field(primary_key=True)
    part_id: str = Field(foreign_key="parts.id", index=True)
    revision: str
    state: str
    """``draft``, ``validated``, ``released``, ``superseded`` or ``withdrawn``."""
    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float
    process_materials: list[str] = Field(sa_column=texts())
    """Allowed ``PROCESS:MATERIAL`` pairs."""
    required_certificates: list[str] = Field(sa_column=texts())
    part_qualification: bool
    """Whether a node needs a first article of this revision before it may print it."""
    export_class: str
    ip_zone: str
    released_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class PrintFile(SQLModel, table=True):
    """A validated file in object storage, addressed by its SHA-256."""

    __tablename__ = "print_files"

    id: str = Field(primary_key=True)
    revision_id: str = Field(foreign_key="part_revisions.id", unique=True)
    sha256: str = Field(index=True)
    size_bytes: int
    media_type: str
    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float
    triangles: int
    validated_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
