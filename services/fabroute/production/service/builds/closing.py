"""A build is over: what it took, what it cost, who bears what of that, and what the machine learns from it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.estimation.build_time import build_time
from fabroute.estimation.facts import MachineModelFacts
from fabroute.estimation.mixed_build import MixedBuild, cost_of_build
from fabroute.identity.rules import Principal
from fabroute.kernel.errors import FieldProblem
from fabroute.network import service as network
from fabroute.production.models import Build, BuildPart
from fabroute.production.repository import builds as rows
from fabroute.production.service.build_spans import (
    CLOCKS_DIFFER,
    TURNAROUND,
    BuildsOverlap,
    BuildSpan,
    InvalidBuildTime,
    require_free_machine,
    require_past,
    require_time_enough,
)
from fabroute.production.service.build_telling import tell_build
from fabroute.production.service.build_times import TaughtBuild, teach_build
from fabroute.production.service.builds.jobs import BuildJob, Workbench, Workshop, build_jobs, prints_missing
from fabroute.production.service.builds.planning import require_build_state
from fabroute.production.service.builds.problems import BuildClosedOtherwise, InvalidResult
from fabroute.production.service.builds.proposing import PlannedPart, size_of
from fabroute.production.service.builds.reading import LockedBuild, lock_at_node_with_jobs, views_of
from fabroute.production.service.builds.sharing import shares_of, split_cost, split_grams
from fabroute.production.service.builds.views import BuildView


@dataclass(frozen=True, slots=True, kw_only=True)
class PartResult:
    """How the prints of a job in a build came out."""

    job_id: str
    good: int
    failed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildClosing:
    """What a build really took. What is ``None`` is as it was planned, or as its start was told."""

    finished_at: datetime
    """When the machine was free again."""
    machine_minutes: int
    """From the start of the set-up until then."""
    grams_used: int
    """What left the lot."""
    started_at: datetime | None = None
    height_mm: float | None = None
    printed_cm3: float | None = None
    results: tuple[PartResult, ...] = ()
    note: str = ""

    def __post_init__(self) -> None:
        wrong = [
            name for name in ("machine_minutes", "height_mm", "printed_cm3") if not _is_positive(getattr(self, name))
        ]
        if self.grams_used < 0:
            wrong.append("grams_used")
        if wrong:
            problems = tuple(FieldProblem(pointer=f"/{name}", message="give a number above 0") for name in wrong)
            raise InvalidBuildTime(f"{', '.join(wrong)}: give numbers above 0", problems=problems)


def close_build(
    session: Session, *, principal: Principal, build_id: str, closing: BuildClosing, now: datetime
) -> BuildView:
    """Close a running build with what it really took, for its node or the operator. Audited; again, it stays as it is.

    Its cost is shared by what the prints occupy, exact to the cent; no job's price changes by it. The grams are booked
    against each job's reservation. The machine's estimates learn from it once, unless every print failed. Raises
    ``UnknownBuildOfNode``, ``NotTheNode``, ``BuildStateConflict`` before it was started, ``BuildClosedOtherwise``,
    ``InvalidResult``, ``InvalidBuildTime``, ``BuildTimeImplausible``, ``BuildsOverlap``, ``OfferGone`` and the
    network's ``LotShort``.
    """
    found = lock_at_node_with_jobs(session, principal=principal, build_id=build_id)
    if found.build.state == "closed":
        return _closed_before(session, found, closing)
    require_build_state(found.build, "running", wish="closed")
    _note_results(found.parts, closing.results)
    over = _over(session, found, closing, now=now)
    _require_possible(session, over, closing, now=now)
    _note_times(over, closing, now=now)
    _note_shares(over)
    rows.save(session, found.build, found.parts)
    _book_material(session, over, actor=principal.key_id, now=now)
    _teach(session, over, actor=principal.key_id, now=now)
    tell_build(session, found.build, "build.closed", jobs=found.jobs.values(), actor=principal.key_id, now=now)
    return views_of(session, [found.build])[0]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Over:
    """A build that is being closed; parts, jobs and sizes in one order."""

    build: Build
    parts: Sequence[BuildPart]
    jobs: Sequence[BuildJob]
    size: MixedBuild
    workbench: Workbench


def _over(session: Session, found: LockedBuild, closing: BuildClosing, *, now: datetime) -> _Over:
    known = build_jobs(session, list(found.jobs.values()), without=found.build.id)
    jobs = [known[part.job_id] for part in found.parts]
    workshop = Workshop(session, node_id=found.build.node_id, on=min(closing.finished_at, now).date())
    workbench = workshop.workbench(jobs[0].bench)
    planned = [PlannedPart(job=job, parts=part.parts) for job, part in zip(jobs, found.parts, strict=True)]
    size = size_of(planned, workbench)
    return _Over(build=found.build, parts=found.parts, jobs=jobs, size=size, workbench=workbench)


def _closed_before(session: Session, found: LockedBuild, closing: BuildClosing) -> BuildView:
    """Return a build that is closed already, if with the same facts; what is left out now is not compared."""
    build, parts = found.build, {part.job_id: part for part in found.parts}
    names = ("finished_at", "machine_minutes", "grams_used", "started_at", "height_mm", "printed_cm3")
    other = [name for name in names if getattr(closing, name) not in (None, getattr(build, name))]
    for result in closing.results:
        part = parts.get(result.job_id)
        if part is None or (part.good, part.failed) != (result.good, result.failed):
            other.append(f"result of job {result.job_id}")
    if other:
        raise BuildClosedOtherwise(f"build {build.id} was closed with another {', '.join(other)}: that never changes")
    return views_of(session, [build])[0]


def _note_results(parts: Sequence[BuildPart], results: Sequence[PartResult]) -> None:
    held = {part.job_id: part for part in parts}
    for position, result in enumerate(results):
        part = held.get(result.job_id)
        if part is None or min(result.good, result.failed) < 0 or result.good + result.failed > part.parts:
            holds = "nothing" if part is None else f"{part.parts} parts"
            advice = (
                f"the build holds {holds} of job {result.job_id}, not {result.good} good and {result.failed} failed"
            )
            raise InvalidResult(advice, problems=(FieldProblem(pointer=f"/results/{position}", message=advice),))
        part.good, part.failed = result.good, result.failed


def _require_possible(session: Session, over: _Over, closing: BuildClosing, *, now: datetime) -> None:
    """Raise unless the build can have been on its machine when it is said to have been."""
    machine, build = over.workbench.machine, over.build
    begun_at = closing.started_at or build.started_at or now
    _require_span(closing, begun_at, machine)
    if closing.height_mm is not None and closing.height_mm > machine.box_mm[2]:
        raise _pointed("height_mm", f"{machine.model} builds up to {machine.box_mm[2]:g} mm, not {closing.height_mm:g}")
    span = BuildSpan(finished_at=closing.finished_at, machine_minutes=closing.machine_minutes)
    for job in over.jobs:
        require_past(job.job, closing.finished_at, now=now)
        require_time_enough(job.job, span, machine=machine)
    require_free_machine(session, over.jobs[0].job, span)
    other = rows.find_overlapping(
        session, build, finished_at=closing.finished_at, minutes=closing.machine_minutes, most=TURNAROUND
    )
    if other is not None:
        raise BuildsOverlap(
            f"{build.machine_id} was at build {other['build_id']} for {other['machine_minutes']:,} minutes until "
            f"{other['finished_at']:%Y-%m-%d %H:%M} UTC: correct the time"
        )


def _require_span(closing: BuildClosing, begun_at: datetime, machine: MachineModelFacts) -> None:
    if closing.finished_at <= begun_at:
        raise _pointed(
            "finished_at" if closing.started_at is None else "started_at",
            f"the build began at {begun_at.isoformat(timespec='seconds')}: it ended after that, not at "
            f"{closing.finished_at.isoformat(timespec='seconds')}",
        )
    prepared = timedelta(hours=machine.setup_hours + machine.warmup_hours)
    if timedelta(minutes=closing.machine_minutes) > closing.finished_at - begun_at + prepared + CLOCKS_DIFFER:
        raise _pointed(
            "machine_minutes",
            f"{closing.machine_minutes:,} minutes are more than there were from its start until its end, set-up and "
            "warm-up before included: correct minutes, started_at or finished_at",
        )


def _note_times(over: _Over, closing: BuildClosing, *, now: datetime) -> None:
    build = over.build
    build.state, build.updated_at = "closed", now
    build.version += 1
    build.started_at = closing.started_at or build.started_at
    build.finished_at, build.machine_minutes = closing.finished_at, closing.machine_minutes
    build.grams_used = closing.grams_used
    build.height_mm = over.size.height_mm if closing.height_mm is None else closing.height_mm
    build.printed_cm3 = over.size.printed_cm3 if closing.printed_cm3 is None else closing.printed_cm3
    build.note = closing.note or build.note


def _note_shares(over: _Over) -> None:
    build, bench = over.build, over.workbench
    minutes, grams = build.machine_minutes or 0, build.grams_used or 0
    rows_of_cost = cost_of_build(bench.machine, bench.material, bench.rates, machine_minutes=minutes, grams=grams)
    build.cost_minor = sum(row.amount_minor for row in rows_of_cost)
    costs, used = split_cost(build.cost_minor, over.size.fills), split_grams(grams, over.size.grams)
    for part, share, cost, drawn in zip(over.parts, shares_of(over.size.fills), costs, used, strict=True):
        part.share, part.cost_minor, part.grams = float(share), cost, drawn


def _book_material(session: Session, over: _Over, *, actor: str, now: datetime) -> None:
    """Book what each job used of the lot, in the order of jobs; it keeps what its coming builds still need."""
    if over.build.lot_id is not None:
        for part, job, expected in zip(over.parts, over.jobs, over.size.grams, strict=True):
            network.consume_lot(
                session,
                lot_id=over.build.lot_id,
                job_id=part.job_id,
                build_id=over.build.id,
                grams=part.grams,
                actor=actor,
                now=now,
                still_needed_grams=math.ceil(_left(part, job) * expected / part.parts),
            )
    rows.add_used_grams(session, {part.job_id: part.grams for part in over.parts}, now=now)


def _left(part: BuildPart, job: BuildJob) -> int:
    """Return how many prints of a job are still to be made after this build, those that failed in it too."""
    return prints_missing(job.job, in_closed=job.in_closed + part.parts) + (part.failed or 0)


def _teach(session: Session, over: _Over, *, actor: str, now: datetime) -> None:
    """Give the build's time as evidence, once, for the job that occupies most of it; a lost build teaches nothing."""
    if all(part.good == 0 for part in over.parts):
        return
    build, machine = over.build, over.workbench.machine
    part = max(over.parts, key=lambda it: (it.share, it.job_id))
    (job,) = (each.job for each in over.jobs if each.job.id == part.job_id)
    taught = TaughtBuild(
        parts=part.parts,
        height_mm=build.height_mm or over.size.height_mm,
        printed_cm3=build.printed_cm3 or over.size.printed_cm3,
        machine_minutes=build.machine_minutes or 0,
        estimated_minutes=_estimated_minutes(build, machine),
        finished_at=build.finished_at or now,
    )
    teach_build(session, job, taught, actor=actor, now=now)


def _estimated_minutes(build: Build, machine: MachineModelFacts) -> int:
    """Return what the build would have been estimated at before anything was learnt."""
    hours = build_time(machine, height_mm=build.height_mm or 0, melted_cm3=build.printed_cm3 or 0).machine_hours
    return max(1, math.floor(hours * 60 + 0.5))


def _pointed(name: str, advice: str) -> InvalidBuildTime:
    return InvalidBuildTime(advice, problems=(FieldProblem(pointer=f"/{name}", message=advice),))


def _is_positive(value: float | None) -> bool:
    return value is None or (math.isfinite(value) and value > 0)
