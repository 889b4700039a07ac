"""A node opens a build, plans it anew, or gives it up."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session

from fabroute.database import act_for_everyone, reaches
from fabroute.estimation.mixed_build import MixedBuild
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.network import service as network
from fabroute.production.models import Build, BuildPart, Job
from fabroute.production.repository import builds as rows
from fabroute.production.service.access import UnknownJob, require_state
from fabroute.production.service.build_spans import InvalidBuildTime
from fabroute.production.service.build_telling import tell_build
from fabroute.production.service.builds.jobs import BuildJob, Workbench, Workshop, build_jobs
from fabroute.production.service.builds.problems import (
    BuildChanged,
    BuildMixed,
    BuildOverfull,
    BuildStateConflict,
    EmptyBuild,
    JobNamedTwice,
    PartsKeptApart,
    TooManyParts,
)
from fabroute.production.service.builds.proposing import PlannedPart, key_of, size_of
from fabroute.production.service.builds.reading import lock_at_node_with_jobs, require_node, views_of
from fabroute.production.service.builds.sharing import shares_of
from fabroute.production.service.builds.views import BuildView
from fabroute.production.states import WORKING_STATES

_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class WantedPart:
    """How many prints of which job a build is to hold."""

    job_id: str
    parts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildWish:
    """A build as its node wants it."""

    parts: tuple[WantedPart, ...]
    planned_start_at: datetime | None = None
    note: str = ""

    def __post_init__(self) -> None:
        problems = tuple(_problems(self.parts))
        if problems:
            raise EmptyBuild("; ".join(problem.message for problem in problems), problems=problems)
        if twice := tuple(_named_twice(self.parts)):
            raise JobNamedTwice("; ".join(problem.message for problem in twice), problems=twice)

    @property
    def job_ids(self) -> list[str]:
        """The jobs in it."""
        return [part.job_id for part in self.parts]


def open_build(session: Session, *, principal: Principal, node_id: str, wish: BuildWish, now: datetime) -> BuildView:
    """Plan a build of prints of a node's accepted jobs: from its build plan, or as the node likes it. Audited.

    ``build.opened`` is told to the node and to each owner with parts in it. Raises ``UnknownNode``, ``NotTheNode``,
    ``UnknownJob``, ``JobStateConflict``, ``TooManyParts``, ``BuildMixed``, ``PartsKeptApart``, ``BuildOverfull``,
    ``OfferGone``, ``PartDoesNotFit``, ``InvalidFact``, and ``InvalidBuildTime`` for a start that is over a day ago.
    """
    _require_to_come(wish, now=now)
    node = require_node(session, principal=principal, node_id=node_id)
    if not reaches(session, node.organisation_id):
        raise network.UnknownNode(f"there is no node {node_id} of yours")
    act_for_everyone(session)
    locked = {job.id: job for job in rows.lock_jobs(session, wish.job_ids)}
    planned = _planned(session, node_id, wish, locked, without=None, now=now)
    build = Build(
        id=new_id("bld"),
        node_id=node_id,
        **_columns(planned, wish, now=now),
        created_by=principal.key_id,
        created_at=now,
    )
    rows.add(session, build, planned.rows(build.id))
    tell_build(session, build, "build.opened", jobs=locked.values(), actor=principal.key_id, now=now)
    return views_of(session, [build])[0]


def change_build(
    session: Session,
    *,
    principal: Principal,
    build_id: str,
    wish: BuildWish,
    expected_version: int | None,
    now: datetime,
) -> BuildView:
    """Plan a build anew that has not begun: which jobs, how many prints of each. Audited.

    Raises what ``open_build`` does, ``UnknownBuildOfNode``, ``BuildStateConflict``, and ``BuildChanged`` unless it is
    in ``expected_version`` (``None``: any).
    """
    _require_to_come(wish, now=now)
    found = lock_at_node_with_jobs(session, principal=principal, build_id=build_id, more_jobs=wish.job_ids)
    build = found.build
    require_version(build, expected_version)
    require_build_state(build, "planned", wish="planned anew")
    planned = _planned(session, build.node_id, wish, found.jobs, without=build_id, now=now)
    for name, value in _columns(planned, wish, now=now).items():
        setattr(build, name, value)
    build.version += 1
    rows.add(session, build, planned.rows(build_id))
    tell_build(session, build, "build.changed", jobs=found.jobs.values(), actor=principal.key_id, now=now)
    return views_of(session, [build])[0]


def cancel_build(session: Session, *, principal: Principal, build_id: str, reason: str, now: datetime) -> BuildView:
    """Give up a build that has not begun: its prints can go into others. Audited; again, it stays as it is.

    A running one has used material and time: it is closed with its results. Raises ``UnknownBuildOfNode``,
    ``NotTheNode`` and ``BuildStateConflict``.
    """
    found = lock_at_node_with_jobs(session, principal=principal, build_id=build_id)
    build = found.build
    if build.state != "cancelled":
        require_build_state(build, "planned", wish="cancelled")
        build.state, build.note, build.updated_at = "cancelled", reason or build.note, now
        build.version += 1
        rows.save(session, build)
        tell_build(session, build, "build.cancelled", jobs=found.jobs.values(), actor=principal.key_id, now=now)
    return views_of(session, [build])[0]


def require_version(build: Build, expected: int | None) -> None:
    """Raise ``BuildChanged`` unless the build is in the version that was read."""
    if expected not in (None, build.version):
        raise BuildChanged(f"build {build.id} was changed since: read it again, and send its ETag in If-Match")


def require_build_state(build: Build, *states: str, wish: str) -> None:
    """Raise ``BuildStateConflict`` unless the build is in one of ``states``."""
    if build.state not in states:
        raise BuildStateConflict(f"build {build.id} is {build.state}, so it can't be {wish}: {_ADVICE[build.state]}")


_ADVICE = {
    "planned": "start it first, POST /v1/builds/{id}/start",
    "running": "close it with what it took and how its prints came out, POST /v1/builds/{id}/closing; if it broke off, "
    "or was started by mistake, POST /v1/builds/{id}/abort",
    "closed": "it is over; open another one for what is left",
    "cancelled": "it was given up; open another one",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Planned:
    """What a build is to hold, and what it takes."""

    parts: tuple[PlannedPart, ...]
    size: MixedBuild
    workbench: Workbench

    def rows(self, build_id: str) -> list[BuildPart]:
        """Return the prints in it as they are kept."""
        x_mm, y_mm, z_mm = self.workbench.machine.box_mm
        shares = shares_of(self.size.fills)
        return [
            BuildPart(
                build_id=build_id,
                job_id=part.job.job.id,
                parts=part.parts,
                volume_cm3=float(fill) * x_mm * y_mm * z_mm / 1000,
                share=float(share),
            )
            for part, fill, share in zip(self.parts, self.size.fills, shares, strict=True)
        ]


def _planned(
    session: Session, node_id: str, wish: BuildWish, locked: Mapping[str, Job], *, without: str | None, now: datetime
) -> _Planned:
    """Return what a node wants to build; every reason against it is a refusal."""
    for job_id in wish.job_ids:
        if job_id not in locked or locked[job_id].node_id != node_id or not locked[job_id].known_to_node:
            raise UnknownJob(f"node {node_id} has no job {job_id}")
        require_state(locked[job_id], *WORKING_STATES, wish="put into a build")
    jobs = build_jobs(session, [locked[job_id] for job_id in wish.job_ids], without=without)
    parts = tuple(PlannedPart(job=jobs[each.job_id], parts=each.parts) for each in wish.parts)
    _require_left(parts)
    _require_together([part.job for part in parts])
    workbench = Workshop(session, node_id=node_id, on=now.date()).workbench(parts[0].job.bench)
    size = size_of(parts, workbench)
    if size.fill > 1:
        raise BuildOverfull(
            f"these parts fill {float(size.fill):.2f} of a build on {workbench.machine.model}: take out what is over "
            "1; the build plan of the node says how many fit"
        )
    return _Planned(parts=parts, size=size, workbench=workbench)


def _require_left(parts: Sequence[PlannedPart]) -> None:
    for part in parts:
        left, job = part.job.to_build, part.job.job
        if part.parts > left:
            raise TooManyParts(
                f"of job {job.id} {left} of {job.quantity} parts can go into a build, not {part.parts}: the others are "
                "made, in builds already, or wait for the approval of its first article"
            )


def _require_together(jobs: Sequence[BuildJob]) -> None:
    """Raise ``BuildMixed`` or ``PartsKeptApart`` unless all jobs may be made in one build."""
    first = jobs[0].bench
    for other in (job.bench for job in jobs[1:]):
        for name in ("machine_id", "material", "parameter_set", "lot_id"):
            mine, theirs = getattr(first, name), getattr(other, name)
            if mine != theirs:
                what = name.removesuffix("_id").replace("_", " ")
                raise BuildMixed(
                    f"one build has one {what}, and these jobs have {mine or 'none'} and {theirs or 'none'}"
                )
        if first.company != other.company:
            raise PartsKeptApart(
                "these jobs may not be made in one build: medical, critical, controlled and first parts, and those of "
                "owners who don't share, stay apart; the build plan of the node keeps to it"
            )


def _columns(planned: _Planned, wish: BuildWish, *, now: datetime) -> dict[str, Any]:
    bench = planned.parts[0].job.bench
    return {
        "machine_id": bench.machine_id,
        "material": bench.material,
        "parameter_set": bench.parameter_set,
        "lot_id": bench.lot_id or None,
        "build_key": key_of([part.job for part in planned.parts]),
        "planned_start_at": wish.planned_start_at,
        "planned_minutes": planned.size.machine_minutes,
        "height_mm": planned.size.height_mm,
        "printed_cm3": planned.size.printed_cm3,
        "note": wish.note,
        "updated_at": now,
    }


def _require_to_come(wish: BuildWish, *, now: datetime) -> None:
    if wish.planned_start_at is not None and wish.planned_start_at < now - _DAY:
        advice = "it is over a day ago: plan a start to come, or leave it out"
        raise InvalidBuildTime(advice, problems=(FieldProblem(pointer="/planned_start_at", message=advice),))


def _problems(parts: Sequence[WantedPart]) -> Sequence[FieldProblem]:
    if not parts:
        return [FieldProblem(pointer="/jobs", message="name the jobs that the build holds, one or more")]
    found = []
    for position, part in enumerate(parts):
        if part.parts < 1:
            message = f"a build holds 1 part of a job or more, not {part.parts}"
            found.append(FieldProblem(pointer=f"/jobs/{position}/parts", message=message))
    return found


def _named_twice(parts: Sequence[WantedPart]) -> Sequence[FieldProblem]:
    seen: set[str] = set()
    found = []
    for position, part in enumerate(parts):
        if part.job_id in seen:
            message = f"job {part.job_id} stands here twice: add its parts up"
            found.append(FieldProblem(pointer=f"/jobs/{position}/job_id", message=message))
        seen.add(part.job_id)
    return found
