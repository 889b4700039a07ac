"""The tables of builds: what a machine makes at one go, and how long it really took."""

from datetime import datetime

from sqlalchemy import CheckConstraint, Index, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import instant


class Build(SQLModel, table=True):
    """One run of a machine with the prints of one job or several, of several owners perhaps."""

    __tablename__ = "builds"
    __table_args__ = (
        Index("ix_builds_node", "node_id", "state", "id"),
        Index("ix_builds_lot", "lot_id"),
        Index("uq_builds_one_running", "machine_id", unique=True, postgresql_where=text("state = 'running'")),
    )

    id: str = Field(primary_key=True)
    node_id: str = Field(foreign_key="nodes.id")
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None = None
    state: str = "planned"
    """``planned``, ``running``, ``closed`` or ``cancelled``."""
    build_key: str | None = None
    """The shared build of routing that it came from."""
    planned_start_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    planned_minutes: int
    """From the start of the set-up until the machine is free again."""
    height_mm: float | None = None
    printed_cm3: float | None = None
    started_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    machine_minutes: int | None = None
    """What it really took."""
    grams_used: int | None = None
    """What really left the lot."""
    cost_minor: int | None = None
    """What it cost its node, once it is closed: the shares of its parts add up to it."""
    note: str = ""
    created_by: str
    created_at: datetime = Field(sa_column=instant())
    updated_at: datetime = Field(sa_column=instant())
    version: int = 1


class BuildPart(SQLModel, table=True):
    """How many prints of which job a build holds, and what share of its cost they bear."""

    __tablename__ = "build_parts"
    __table_args__ = (CheckConstraint("parts > 0", name="parts_over_zero"),)

    build_id: str = Field(primary_key=True, foreign_key="builds.id")
    job_id: str = Field(primary_key=True, foreign_key="jobs.id", index=True)
    parts: int
    volume_cm3: float
    """Which the prints occupy: by this the cost of the build is shared."""
    share: float
    """Of the build, 0 to 1."""
    cost_minor: int = 0
    """This share of what the build costs its node."""
    grams: int = 0
    """This share of the grams that it uses."""
    good: int | None = None
    """How many of the prints came out well, where its node says so at the end; each is reported on its own, too."""
    failed: int | None = None


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
