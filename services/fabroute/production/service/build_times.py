"""How long builds really take: reported by their nodes, beside what they were estimated at before anything was learnt.

The estimate is worked out when a build is reported, for its height and for the volume that it exposed, and never with
what was learnt before: otherwise evidence would teach about itself.
"""

import math
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, number_in, page_of
from fabroute.estimation.build_time import build_time
from fabroute.estimation.calibration import LARGEST_RATIO
from fabroute.estimation.facts import MachineModelFacts, MaterialFacts
from fabroute.estimation.plan import BuildPlan, plan_build
from fabroute.estimation.powder import melted_cm3
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.network import service as network
from fabroute.production.models import BuildTime, Job
from fabroute.production.repository import build_times as rows
from fabroute.production.service.access import find_visible, lock_at_node, require_state
from fabroute.production.service.build_spans import (
    BuildSpan,
    InvalidBuildTime,
    require_free_machine,
    require_past,
    require_time_enough,
)
from fabroute.production.service.geometry import part_geometry
from fabroute.production.service.prints import FileNotFetched
from fabroute.production.service.telling import tell
from fabroute.production.states import WORKING_STATES


class BuildTimeImplausible(DomainError):
    """The time is over ten times the estimate, or under a tenth of it."""

    code = "build_time_implausible"
    status = 422


class BuildTimeConflict(DomainError):
    """This build was reported with other facts, or another one comes next."""

    code = "build_time_conflict"
    status = 409


class NoPartsLeft(DomainError):
    """The builds that were reported hold all parts of the job already."""

    code = "no_parts_left"
    status = 409


class OfferGone(DomainError):
    """The machine or material of the job is not in the network any more, so there is no estimate to compare with."""

    code = "offer_gone"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildReport:
    """How long a build of a job took. ``number`` makes it safe to repeat; what is ``None`` is worked out."""

    parts: int
    """Of the job, in this build."""
    machine_minutes: int
    """From the start of the set-up until the machine was free again."""
    height_mm: float | None = None
    """Of the build; for a build of its own, that of the part as it stands."""
    printed_cm3: float | None = None
    """All that the build exposed, supports and other orders' parts included; else this job's parts alone."""
    finished_at: datetime | None = None
    """When the machine was free again; else now."""
    number: int | None = None
    """1 for the first build of the job; the next one where it is ``None``."""

    def __post_init__(self) -> None:
        wrong = [
            name
            for name in ("parts", "machine_minutes", "height_mm", "printed_cm3")
            if (value := getattr(self, name)) is not None and not (math.isfinite(value) and value > 0)
        ]
        if wrong:
            problems = tuple(FieldProblem(pointer=f"/{name}", message="give a number above 0") for name in wrong)
            raise InvalidBuildTime(f"{', '.join(wrong)}: give numbers above 0", problems=problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildTimeView:
    """A build of a job: how long it took, and what it was estimated at."""

    job_id: str
    number: int
    node_id: str
    machine_id: str
    parameter_set: str
    parts: int
    height_mm: float
    printed_cm3: float
    machine_minutes: int
    estimated_minutes: int
    finished_at: datetime
    reported_by: str
    reported_at: datetime
    withdrawn_at: datetime | None
    withdrawn_by: str | None
    withdrawal_reason: str

    @property
    def ratio(self) -> float:
        """Real over estimated: 1.3 took 30 % longer."""
        return self.machine_minutes / self.estimated_minutes


@dataclass(frozen=True, slots=True, kw_only=True)
class TaughtBuild:
    """What a build that was closed teaches: given once, for one of its jobs."""

    parts: int
    """Of that job."""
    height_mm: float
    printed_cm3: float
    """Both of the whole build."""
    machine_minutes: int
    estimated_minutes: int
    """Before anything was learnt."""
    finished_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class _Build:
    """A build as it is kept: nothing is left open."""

    machine: MachineModelFacts
    height_mm: float
    printed_cm3: float
    estimated_minutes: int


def report_build(
    session: Session, *, principal: Principal, job_id: str, report: BuildReport, now: datetime
) -> BuildTimeView:
    """Keep how long a build of an accepted job took, for its node's organisation or the operator. Audited.

    The operator reports on behalf of the node, under its own key. ``build.timed`` makes the machine's estimates learn
    from it. Raises ``UnknownJob``, ``NotTheNode``, ``BuildTimeConflict``, ``JobStateConflict``, ``FileNotFetched``,
    ``NoPartsLeft``, ``InvalidBuildTime``, ``BuildTimeImplausible``, ``BuildsOverlap`` and ``OfferGone``.
    """
    job = lock_at_node(session, principal=principal, job_id=job_id)
    builds, parts = rows.count_builds(session, job_id=job_id)
    if report.number is not None and report.number != builds + 1:
        return _repeated(session, job, report, following=builds + 1)
    _require_possible(job, report, parts_before=parts)
    span = BuildSpan(finished_at=report.finished_at or now, machine_minutes=report.machine_minutes)
    require_past(job, span.finished_at, now=now)
    build = _estimated(session, job, report)
    _require_plausible(report.machine_minutes, build.estimated_minutes)
    require_time_enough(job, span, machine=build.machine)
    require_free_machine(session, job, span)
    taught = TaughtBuild(
        parts=report.parts,
        height_mm=build.height_mm,
        printed_cm3=build.printed_cm3,
        machine_minutes=report.machine_minutes,
        estimated_minutes=build.estimated_minutes,
        finished_at=span.finished_at,
    )
    return _kept(session, job, taught, number=builds + 1, actor=principal.key_id, now=now)


def teach_build(session: Session, job: Job, taught: TaughtBuild, *, actor: str, now: datetime) -> BuildTimeView:
    """Keep how long a closed build took as evidence of its machine, for one of its jobs, which the caller has locked.

    Audited as ``build.timed``. Raises ``BuildTimeImplausible``; when it can have been, the caller has asked.
    """
    _require_plausible(taught.machine_minutes, taught.estimated_minutes)
    builds, _ = rows.count_builds(session, job_id=job.id)
    return _kept(session, job, taught, number=builds + 1, actor=actor, now=now)


def _kept(session: Session, job: Job, taught: TaughtBuild, *, number: int, actor: str, now: datetime) -> BuildTimeView:
    record = BuildTime(
        **asdict(taught),
        job_id=job.id,
        number=number,
        node_id=job.node_id,
        machine_id=job.machine_id,
        parameter_set=job.parameter_set,
        reported_by=actor,
        reported_at=now,
    )
    rows.add(session, record)
    minutes = {"machine_minutes": record.machine_minutes, "estimated_minutes": record.estimated_minutes}
    tell(session, job, "build.timed", actor=actor, now=now, number=record.number, **minutes)
    return build_view(record)


def list_builds(
    session: Session, *, principal: Principal, job_id: str, cursor: str | None, limit: int
) -> Page[BuildTimeView]:
    """Return a page of a job's builds, first one first, to whoever may see the job. Raises ``UnknownJob``."""
    find_visible(session, principal=principal, job_id=job_id)
    after = number_in(cursor) or 0
    found = rows.read_builds(session, job_id=job_id, after=after, limit=limit + 1)
    return page_of([build_view(row) for row in found], limit=limit, cursor_of=lambda view: str(view.number))


def _repeated(session: Session, job: Job, report: BuildReport, *, following: int) -> BuildTimeView:
    """Return the build that was reported under this number before; what a report leaves out is not compared."""
    assert report.number is not None
    known = rows.find_build(session, job_id=job.id, number=report.number)
    if known is None:
        raise BuildTimeConflict(f"build {report.number} of job {job.id} can't be reported yet: {following} comes next")
    if known.withdrawn_at is not None:
        raise BuildTimeConflict(
            f"build {report.number} of job {job.id} was withdrawn, and its number is not given again: {following} "
            "comes next"
        )
    names = ("parts", "machine_minutes", "height_mm", "printed_cm3", "finished_at")
    other = [name for name in names if getattr(report, name) not in (None, getattr(known, name))]
    if other:
        raise BuildTimeConflict(
            f"build {report.number} of job {job.id} was reported with another {', '.join(other)}: a report never "
            f"changes, {following} comes next; withdraw it if it is wrong"
        )
    return build_view(known)


def _require_possible(job: Job, report: BuildReport, *, parts_before: int) -> None:
    require_state(job, *WORKING_STATES, wish="timed")
    if job.file_released_at is None:
        raise FileNotFetched(
            f"the file of job {job.id} was never fetched, so nothing can have been built of it: "
            f"ask for a ticket with POST /v1/jobs/{job.id}/file-tickets"
        )
    left = job.quantity + job.granted_reprints - parts_before
    if report.parts > left:
        raise NoPartsLeft(
            f"job {job.id} is for {job.quantity} parts and {job.granted_reprints} reprints, {parts_before} of them are "
            f"in builds that were reported: {left} are left, not {report.parts}"
        )


def _require_plausible(machine_minutes: int, estimated_minutes: int) -> None:
    ratio = machine_minutes / estimated_minutes
    if not 1 / LARGEST_RATIO <= ratio <= LARGEST_RATIO:
        advice = (
            f"{machine_minutes:,} minutes against an estimate of {estimated_minutes:,}: nothing under a tenth "
            f"or over {LARGEST_RATIO:g} times of it is taken. Check that it is minutes, and of one build; that height "
            "and volume are the whole build's; and with the operator that the machine's data sheet is the right one"
        )
        raise BuildTimeImplausible(advice, problems=(FieldProblem(pointer="/machine_minutes", message=advice),))


def _estimated(session: Session, job: Job, report: BuildReport) -> _Build:
    machine, material = _machine_and_material(session, job)
    revision = inventory.read_revisions(session, revision_ids=[job.revision_id])[job.revision_id]
    part = part_geometry(revision)
    plan = plan_build(part, machine, material)
    _require_described(machine, plan, report)
    height = plan.standing_mm[2] if report.height_mm is None else report.height_mm
    exposed = report.parts * melted_cm3(part, material) if report.printed_cm3 is None else report.printed_cm3
    if height > machine.box_mm[2]:
        advice = f"{machine.model} builds up to {machine.box_mm[2]:g} mm, not {height:g}"
        raise InvalidBuildTime(advice, problems=(FieldProblem(pointer="/height_mm", message=advice),))
    hours = build_time(machine, height_mm=height, melted_cm3=exposed).machine_hours
    minutes = max(1, math.floor(hours * 60 + 0.5))
    return _Build(machine=machine, height_mm=height, printed_cm3=exposed, estimated_minutes=minutes)


def _require_described(machine: MachineModelFacts, plan: BuildPlan, report: BuildReport) -> None:
    """Raise ``InvalidBuildTime`` unless a build that holds other orders, too, says how high and how full it was."""
    if not plan.shared:
        return
    open_fields = ["height_mm"] if report.height_mm is None else []
    if machine.rate_cm3_per_hour and report.printed_cm3 is None:
        open_fields.append("printed_cm3")
    if open_fields:
        advice = f"{machine.process} builds hold other orders, too: give that of the whole build"
        problems = tuple(FieldProblem(pointer=f"/{name}", message=advice) for name in open_fields)
        raise InvalidBuildTime(f"{' and '.join(open_fields)} missing: {advice}", problems=problems)


def _machine_and_material(session: Session, job: Job) -> tuple[MachineModelFacts, MaterialFacts]:
    node = network.get_node(session, node_id=job.node_id)
    for offer in node.offers:
        if (offer.machine_id, offer.material.code) == (job.machine_id, job.material):
            return network.machine_facts(offer.model), network.material_facts(offer.material)
    raise OfferGone(f"{job.node_id} does not print {job.material} on {job.machine_id} any more: ask the operator")


def build_view(record: BuildTime) -> BuildTimeView:
    """Return a build as it is shown."""
    return BuildTimeView(**record.model_dump())
