"""Tables of production jobs: their files, prints and evidence."""

from datetime import date, datetime

from sqlalchemy import CheckConstraint, Index, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant, large_integer


class Job(SQLModel, table=True):
    """Work for one node: print this revision so many times, from this lot, by this day. Never a Celery job."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("ix_jobs_queue", "node_id", "state", "id"),
        Index(
            "uq_jobs_one_live_dispatch",
            "order_line_id",
            "share_no",
            unique=True,
            postgresql_where=text("state NOT IN ('cancelled', 'declined', 'failed')"),
        ),
        Index("ix_jobs_held", "id", postgresql_where=text("state = 'held'")),
        Index("ix_jobs_planned", "dispatch_at", postgresql_where=text("state = 'planned'")),
        Index("ix_jobs_learnt_from", "machine_id", "parameter_set"),
    )

    id: str = Field(primary_key=True)
    organisation_id: str
    """The owner whose part it is."""
    node_id: str = Field(foreign_key="nodes.id")
    order_id: str = Field(index=True)
    order_line_id: str
    share_no: int = 0
    """Which part of a split line; 0 where the line is not split."""
    decision_id: str
    revision_id: str
    part_no: str
    quantity: int
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None = None
    grams: int
    machine_minutes: int
    price_minor: int
    """What the node is paid: production only, without freight and duty."""
    produce_by: date
    shipping_service: str
    packaging: str
    ship_to_city: str
    ship_to_country: str
    promised_at: datetime = Field(sa_column=instant())
    state: str
    """``planned``, ``offered``, ``accepted``, ``held`` or ``cancelled`` in this version."""
    dispatch_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Until when a planned job waits for others that share its build; its node sees it from then on."""
    build_key: str | None = None
    """Names the shared build that it is planned in: equal keys, one build."""
    offered_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())
    version: int = 1
    fence: int = 0
    """Counts up when the job changes hands or is held: what was given out under an older one is void."""
    accepted_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    accepted_by: str | None = None
    held_from: str | None = None
    """The state that it was in when it was held."""
    held_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    held_reason: str = ""
    file_released_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """When its node first fetched the print file."""
    good_prints: int = 0
    failed_prints: int = 0
    granted_reprints: int = 0

    @property
    def known_to_node(self) -> bool:
        """Whether its node was told of it: not while it is planned, nor if it ended before it was offered."""
        return self.dispatch_at is None or self.offered_at >= self.dispatch_at


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


class ReprintRequest(SQLModel, table=True):
    """A node asks to print once more after a failed print, with evidence; the owner decides."""

    __tablename__ = "reprint_requests"
    __table_args__ = (UniqueConstraint("job_id", "print_number"),)

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


class BuildTime(SQLModel, table=True):
    """How long a build of a job really took, beside what it was estimated at before anything was learnt."""

    __tablename__ = "build_times"
    __table_args__ = (
        CheckConstraint("machine_minutes > 0 AND estimated_minutes > 0 AND parts > 0", name="positive"),
        Index("ix_build_times_learnt_from", "machine_id", "parameter_set"),
    )

    job_id: str = Field(primary_key=True, foreign_key="jobs.id")
    number: int = Field(primary_key=True)
    """1 for the first build of the job."""
    node_id: str
    machine_id: str
    parameter_set: str
    parts: int
    """Of the job, in this build."""
    height_mm: float
    """Of the build."""
    printed_cm3: float
    """Everything that the build exposed, supports and other orders' parts included."""
    machine_minutes: int
    """From the start of the set-up until the machine was free again."""
    estimated_minutes: int
    finished_at: datetime = Field(sa_column=instant())
    reported_by: str
    reported_at: datetime = Field(sa_column=instant())
    withdrawn_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """Since when it counts no longer, because it was reported wrongly."""
    withdrawn_by: str | None = None
    withdrawal_reason: str = ""
