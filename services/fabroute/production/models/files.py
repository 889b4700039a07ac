"""The tables of what a job's node fetches and sends: tickets, prints, evidence, inspections, certificates."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, large_integer


class FileTicket(SQLModel, table=True):
    """The right to fetch a job's print file once, within minutes; only the SHA-256 of the token is kept."""

    __tablename__ = "file_tickets"

    id: str = Field(primary_key=True)
    token_sha256: str = Field(unique=True)
    job_id: str = Field(foreign_key="jobs.id", index=True)
    organisation_id: str
    """The node's: nobody else may use it."""
    fence: int
    sha256: str
    """Of the file."""
    issued_by: str
    issued_at: datetime = Field(sa_column=instant())
    expires_at: datetime = Field(sa_column=instant())
    used_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    used_by: str | None = None


class JobEvidence(SQLModel, table=True):
    """A photo, measurement or report about a job, in object storage."""

    __tablename__ = "job_evidence"

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", index=True)
    kind: str
    """``photo``, ``measurement``, ``report`` or ``other``."""
    name: str
    media_type: str
    size_bytes: int = Field(sa_column=large_integer())
    sha256: str
    added_by: str
    added_at: datetime = Field(sa_column=instant())


class PrintRecord(SQLModel, table=True):
    """One print of a job: good or failed."""

    __tablename__ = "print_records"

    job_id: str = Field(primary_key=True, foreign_key="jobs.id")
    number: int = Field(primary_key=True)
    """1 for the first print of the job."""
    result: str
    """``good`` or ``failed``."""
    serial: str = ""
    note: str = ""
    evidence_id: str | None = Field(default=None, foreign_key="job_evidence.id")
    reported_by: str
    reported_at: datetime = Field(sa_column=instant())
    build_id: str | None = Field(default=None, foreign_key="builds.id", index=True)
    """The build that it was made in, where its node says."""
    scrapped_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Since when a print that was reported good counts as failed."""
    scrapped_by: str | None = None
    scrap_reason: str = ""


class ReprintRequest(SQLModel, table=True):
    """A node asks to print once more after a failed print, with evidence; the owner decides."""

    __tablename__ = "reprint_requests"
    __table_args__ = (
        UniqueConstraint("job_id", "print_number"),
        Index("ix_reprint_requests_open", "organisation_id", "id", postgresql_where=text("state = 'requested'")),
    )

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", index=True)
    organisation_id: str
    """The owner's, who decides."""
    print_number: int
    """The failed print that it is for."""
    reason: str
    evidence_id: str = Field(foreign_key="job_evidence.id")
    state: str = "requested"
    """``requested``, ``granted`` or ``refused``."""
    requested_by: str
    requested_at: datetime = Field(sa_column=instant())
    decided_by: str | None = None
    decided_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    decision_reason: str = ""


class Inspection(SQLModel, table=True):
    """What was found when prints of a job were inspected; it never changes, a later one of the same piece counts."""

    __tablename__ = "inspections"

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", index=True)
    print_number: int | None = None
    """Which print of the job; None for the job as a whole."""
    through_print: int = 0
    """The last print that had been reported then: one of the job as a whole says nothing of later prints."""
    level: str
    """``visual``, ``dimensional``, ``ct`` or ``test_report``."""
    result: str
    """``pass`` or ``fail``: by the limits where something was measured, whatever was claimed."""
    measurements: list[Any] = Field(default_factory=list, sa_column=document())
    """Each with name, value_mm or text, and whether it is within its limits."""
    findings: list[Any] = Field(default_factory=list, sa_column=document())
    """What is wrong, one sentence each."""
    evidence_id: str | None = Field(default=None, foreign_key="job_evidence.id")
    inspector: str = ""
    note: str = ""
    inspected_at: datetime = Field(sa_column=instant())
    reported_by: str
    reported_at: datetime = Field(sa_column=instant())


class Passport(SQLModel, table=True):
    """A part's own page: a token that nobody guesses, for one good print of a job."""

    __tablename__ = "passports"
    __table_args__ = (
        UniqueConstraint("job_id", "print_number"),
        Index("ix_passports_serial", "organisation_id", "serial"),
    )

    token: str = Field(primary_key=True)
    organisation_id: str
    """The owner's."""
    job_id: str = Field(foreign_key="jobs.id")
    print_number: int
    serial: str
    issued_at: datetime = Field(sa_column=instant())


class ConformityCertificate(SQLModel, table=True):
    """A certificate of conformity, generated from the record and signed; it never changes, but may be withdrawn."""

    __tablename__ = "conformity_certificates"

    id: str = Field(primary_key=True)
    job_id: str = Field(foreign_key="jobs.id", index=True)
    organisation_id: str
    number: int
    """1 for the first certificate of the job."""
    statement: str
    """Canonical JSON: this is what is signed."""
    sha256: str
    signature: str
    """Ed25519 over the statement, base64."""
    public_key: str
    issued_by: str
    issued_at: datetime = Field(sa_column=instant())
    withdrawn_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    withdrawal_reason: str = ""
