"""Tables of parts, revisions, their files and documents, and the licences to print them."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, large_integer, numbers, texts


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
    conventional_unit_minor: int | None = None
    """What one piece costs by the conventional way (moulded, cast, machined), in EUR cents; None where unknown."""
    conventional_tooling_minor: int | None = None
    """For one variant: a mould, a pattern, a fixture."""
    conventional_minimum_quantity: int | None = None
    """The smallest order (MOQ) of the conventional way."""
    conventional_lead_days: int | None = None
    version: int = 1


class PartAlias(SQLModel, table=True):
    """Another number under which an owner's part is known: its old one, a supplier's, a GTIN."""

    __tablename__ = "part_aliases"
    __table_args__ = (UniqueConstraint("organisation_id", "number"),)

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    part_id: str = Field(foreign_key="parts.id", index=True)
    kind: str
    """``old``, ``supplier``, ``manufacturer`` or ``gtin``."""
    number: str


class AssetPosition(SQLModel, table=True):
    """Where a part is installed: "pump P-17", position "4"."""

    __tablename__ = "asset_positions"
    __table_args__ = (UniqueConstraint("organisation_id", "asset", "position", "part_id"),)

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    asset: str
    position: str
    part_id: str = Field(foreign_key="parts.id", index=True)
    quantity: int = 1
    note: str = ""


class PartRevision(SQLModel, table=True):
    """What is printed, and what a node must be able to prove before it may print it."""

    __tablename__ = "part_revisions"
    __table_args__ = (
        UniqueConstraint("part_id", "revision"),
        Index("uq_part_revisions_one_released", "part_id", unique=True, postgresql_where=text("state = 'released'")),
        Index("ix_part_revisions_validated", "part_id", postgresql_where=text("state = 'validated'")),
        CheckConstraint("box_x_mm > 0 AND box_y_mm > 0 AND box_z_mm > 0 AND volume_cm3 > 0", name="positive_size"),
        CheckConstraint(
            "state IN ('draft', 'withdrawn') OR box_x_mm IS NOT NULL AND box_y_mm IS NOT NULL"
            " AND box_z_mm IS NOT NULL AND volume_cm3 IS NOT NULL",
            name="measured_once_validated",
        ),
        CheckConstraint("ip_share_cap > 0 AND ip_share_cap <= 1", name="share_cap_is_a_share"),
        CheckConstraint(
            "state <> 'released' OR approved_at IS NOT NULL AND release_signature IS NOT NULL",
            name="released_is_approved",
        ),
    )

    id: str = Field(primary_key=True)
    part_id: str = Field(foreign_key="parts.id", index=True)
    revision: str
    state: str
    """``draft``, ``validated``, ``released``, ``superseded`` or ``withdrawn``."""
    box_x_mm: float | None = None
    """As stated, else as its print file was measured; None while neither is known."""
    box_y_mm: float | None = None
    box_z_mm: float | None = None
    volume_cm3: float | None = None
    size_is_stated: bool = True
    """False where box and volume are its print file's: another file then brings its own."""
    process_materials: list[str] = Field(sa_column=texts())
    """Allowed ``PROCESS:MATERIAL`` pairs."""
    required_certificates: list[str] = Field(sa_column=texts())
    part_qualification: bool
    """Whether a node needs a first article of this revision before it may print it."""
    export_class: str
    ip_zone: str
    parameter_sets: list[str] = Field(default_factory=list, sa_column=texts())
    """The only parameter sets that may be used; any qualified one where it is empty."""
    qualified_orientation: str | None = None
    """Which axis of the file points up in the machine: ``x``, ``y`` or ``z``; None where any will do."""
    inspection_level: str = "visual"
    """``none``, ``visual``, ``dimensional``, ``ct`` or ``test_report``."""
    inspection_plan: list[Any] = Field(default_factory=list, sa_column=document())
    """Characteristics to be measured, with their limits."""
    packaging: str = "plain"
    """What the part needs; an order may ask for more than ``plain``."""
    ip_countries: list[str] = Field(default_factory=list, sa_column=texts())
    """Countries in which it may be made; every one where it is empty. So are the next two."""
    ip_nodes: list[str] = Field(default_factory=list, sa_column=texts())
    ip_kinds: list[str] = Field(default_factory=list, sa_column=texts())
    ip_share_cap: float | None = None
    """The largest share of the revision's prints that one node may make."""
    licence_required: bool = False
    """Whether each good print takes one from a print licence."""
    created_by: str = ""
    created_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    approved_by: str | None = None
    approved_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    approval_reason: str = ""
    approved_sha256: str | None = None
    """The print file that was approved: with another one, the approval is void."""
    released_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    released_by: str | None = None
    release_statement: str | None = None
    """What was signed at release: canonical JSON of file, facts and requirements."""
    release_signature: str | None = None
    """Ed25519 over the statement, base64."""
    release_public_key: str | None = None
    on_hold_since: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Since when nobody may print it, because somebody found a fault; None where it is in use."""
    on_hold_reason: str = ""
    version: int = 1


class PrintFile(SQLModel, table=True):
    """The validated file of a revision in object storage, addressed by its SHA-256: the canonical form of an upload."""

    __tablename__ = "print_files"

    id: str = Field(primary_key=True)
    revision_id: str = Field(foreign_key="part_revisions.id", unique=True)
    sha256: str = Field(index=True)
    size_bytes: int = Field(sa_column=large_integer())
    media_type: str
    box_x_mm: float
    box_y_mm: float
    box_z_mm: float
    volume_cm3: float
    triangles: int
    validated_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    submission_id: str | None = None
    source_sha256: str | None = Field(default=None, index=True)
    """Of the file as it was uploaded."""
    area_cm2: float | None = None
    bodies: int | None = None
    thinnest_wall_mm: float | None = None
    shape: list[float] = Field(default_factory=list, sa_column=numbers())
    """Lengths in mm that moving and turning don't change: like parts have like numbers."""
    preview_sha256: str | None = None
    """A PNG."""
    model_sha256: str | None = None
    """A GLB."""


class PrintFileSubmission(SQLModel, table=True):
    """An uploaded file on its way through validation; due ones are claimed with a lease, as order lines are."""

    __tablename__ = "print_file_submissions"
    __table_args__ = (
        Index(
            "ix_print_file_submissions_due",
            "next_attempt_at",
            postgresql_where=text("state IN ('queued', 'validating')"),
        ),
        Index("ix_print_file_submissions_revision", "revision_id", "submitted_at"),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    revision_id: str = Field(foreign_key="part_revisions.id")
    file_name: str
    media_type: str
    size_bytes: int = Field(sa_column=large_integer())
    sha256: str
    state: str = "queued"
    """``queued``, ``validating``, ``valid``, ``invalid``, ``replaced`` or ``failed``."""
    reason: str = ""
    attempts: int = 0
    fence: int = 0
    lease_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    next_attempt_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    report: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    canonical_sha256: str | None = None
    submitted_by: str
    submitted_at: datetime = Field(sa_column=instant())
    finished_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class RevisionDocument(SQLModel, table=True):
    """A drawing, bill of materials or finish instruction that travels with a revision."""

    __tablename__ = "revision_documents"
    __table_args__ = (UniqueConstraint("revision_id", "name"),)

    id: str = Field(primary_key=True)
    revision_id: str = Field(foreign_key="part_revisions.id")
    kind: str
    """``drawing``, ``bom``, ``finish`` or ``other``."""
    name: str
    media_type: str
    size_bytes: int = Field(sa_column=large_integer())
    sha256: str
    added_by: str
    added_at: datetime = Field(sa_column=instant())


class PrintLicence(SQLModel, table=True):
    """The right to so many good prints of a revision, at some nodes, in some countries."""

    __tablename__ = "print_licences"
    __table_args__ = (
        CheckConstraint("granted_prints > 0", name="grants_something"),
        CheckConstraint(
            "good_prints >= 0 AND leased_prints >= 0 AND good_prints + leased_prints <= granted_prints",
            name="never_over_granted",
        ),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    revision_id: str = Field(foreign_key="part_revisions.id", index=True)
    granted_prints: int
    good_prints: int = 0
    leased_prints: int = 0
    """Held for jobs and not printed yet."""
    node_ids: list[str] = Field(default_factory=list, sa_column=texts())
    """The nodes that may use it; every one where it is empty."""
    countries: list[str] = Field(default_factory=list, sa_column=texts())
    """Where it may be used; everywhere where it is empty."""
    valid_to: date | None = None
    state: str = "active"
    """``active``, ``frozen`` or ``revoked``."""
    state_reason: str = ""
    note: str = ""
    granted_by: str
    granted_at: datetime = Field(sa_column=instant())
    version: int = 1


class PrintLicenceLease(SQLModel, table=True):
    """Prints of a licence held for a job until they are made or given back."""

    __tablename__ = "print_licence_leases"
    __table_args__ = (
        CheckConstraint("prints > 0", name="holds_something"),
        CheckConstraint("good_prints >= 0 AND good_prints <= prints", name="never_over_leased"),
    )

    job_id: str = Field(primary_key=True)
    licence_id: str = Field(foreign_key="print_licences.id", index=True)
    prints: int
    good_prints: int = 0
    leased_at: datetime = Field(sa_column=instant())
    released_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Set when the job ended or was taken back: what was not printed went back to the licence."""
