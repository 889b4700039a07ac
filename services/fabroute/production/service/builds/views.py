"""Builds as they are shown: whole to their node and the operator, to an owner its own prints and their share."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from fabroute.production.models import Build, BuildPart, Job


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildPartView:
    """The prints of a job in a build."""

    job_id: str
    organisation_id: str
    """The owner's."""
    part_no: str
    parts: int
    produce_by: date
    state: str
    """Of the job."""
    volume_cm3: float
    share: float
    cost_minor: int | None
    """``None`` while the build is open, and to owners, who pay the price of their job whatever a build costs."""
    grams: int
    good: int | None
    failed: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildView:
    """A build. What is ``None`` is not known yet, or not for the one who asks."""

    build_id: str
    node_id: str
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    state: str
    build_key: str | None
    planned_start_at: datetime | None
    planned_minutes: int
    height_mm: float | None
    printed_cm3: float | None
    started_at: datetime | None
    finished_at: datetime | None
    machine_minutes: int | None
    grams_used: int | None
    cost_minor: int | None
    note: str
    created_by: str | None
    created_at: datetime
    updated_at: datetime
    version: int
    whole: bool
    """Whether all its prints are shown; an owner sees its own only."""
    parts: tuple[BuildPartView, ...]


def build_view(build: Build, parts: Sequence[BuildPart], jobs: Mapping[str, Job], *, owner: str | None) -> BuildView:
    """Return a build whole, or as ``owner`` may see it: nothing in it tells of anybody else's parts."""
    shown = [part for part in parts if owner in (None, jobs[part.job_id].organisation_id)]
    columns = build.model_dump(exclude={"id"})
    if owner is not None:
        columns |= dict.fromkeys(_NOT_FOR_OWNERS) | {"note": ""}
    closed = build.state == "closed"
    return BuildView(
        **columns,
        build_id=build.id,
        whole=owner is None,
        parts=tuple(_part_view(part, jobs[part.job_id], priced=closed and owner is None) for part in shown),
    )


_NOT_FOR_OWNERS = ("printed_cm3", "grams_used", "cost_minor", "created_by", "build_key")


def _part_view(part: BuildPart, job: Job, *, priced: bool) -> BuildPartView:
    return BuildPartView(
        job_id=part.job_id,
        organisation_id=job.organisation_id,
        part_no=job.part_no,
        parts=part.parts,
        produce_by=job.produce_by,
        state=job.state,
        volume_cm3=part.volume_cm3,
        share=part.share,
        cost_minor=part.cost_minor if priced else None,
        grams=part.grams,
        good=part.good,
        failed=part.failed,
    )
