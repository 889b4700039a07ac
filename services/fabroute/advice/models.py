"""Tables of screenings: whole lists of spare parts, judged one by one."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, large_integer


class Screening(SQLModel, table=True):
    """A list of spare parts that is looked through for those that are worth a digital twin."""

    __tablename__ = "screenings"
    __table_args__ = (
        Index("ix_screenings_owner", "organisation_id", "id"),
        Index("ix_screenings_open", "id", postgresql_where="state IN ('queued', 'running')"),
    )

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    name: str
    terms: dict[str, Any] = Field(sa_column=document())
    """Horizon, holding cost and whatever else the caller set."""
    state: str
    """``queued``, ``running`` or ``done``."""
    rows: int
    judged: int = 0
    summary: dict[str, Any] = Field(default_factory=dict, sa_column=document())
    fence: int = 0
    """Counts up with every claim: only the latest may write."""
    attempts: int = 0
    """Claims since the last chunk that was judged."""
    lease_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    created_by: str
    created_at: datetime = Field(sa_column=instant())
    started_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    finished_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class ScreeningRow(SQLModel, table=True):
    """One part of the list: what was given and what became of it."""

    __tablename__ = "screening_rows"
    __table_args__ = (Index("ix_screening_rows_ranked", "screening_id", "yearly_saving_minor", "position"),)

    screening_id: str = Field(primary_key=True, foreign_key="screenings.id")
    position: int = Field(primary_key=True)
    """The row in the file, from 1 without the header."""
    part_no: str
    given: dict[str, Any] = Field(sa_column=document())
    verdict: str | None = None
    """``digital_twin``, ``no`` or ``unclear``; None until it is judged."""
    yearly_saving_minor: int | None = Field(default=None, sa_column=large_integer(nullable=True))
    judgement: dict[str, Any] = Field(default_factory=dict, sa_column=document())
