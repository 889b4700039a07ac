"""Builds over the wire: what a node could make at one go, what it makes, and what that took."""

from collections.abc import Sequence
from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Instant, Label, MoneyOut, Note, RequestModel, ResponseModel, Sentence
from fabroute.kernel.money import Money
from fabroute.orders.rules import CURRENCY
from fabroute.production.service import builds as production
from fabroute.production.service.leases import Lease

BuildState = Literal["planned", "running", "closed", "cancelled"]
_MOST_JOBS = 200
_MOST_PARTS = 100_000
_MOST_MINUTES = 525_600


class BuildJobIn(RequestModel):
    """How many prints of a job a build is to hold."""

    job_id: Label
    parts: int = Field(ge=1, le=_MOST_PARTS, description="No more than are left to be made.")


class BuildIn(RequestModel):
    """A build, as the node's build plan has it or as the node likes it. It is whole: what is left out is not in it."""

    jobs: list[BuildJobIn] = Field(
        min_length=1,
        max_length=_MOST_JOBS,
        description="Of one machine, material, parameter set and lot, that may be made together.",
    )
    planned_start_at: Instant | None = None
    note: Note = ""


class BuildCancellationIn(RequestModel):
    """Why a build is given up."""

    reason: Note = ""


class BuildLeaseIn(RequestModel):
    """By which claim a job is held."""

    job_id: Label
    lease_id: Label
    epoch: int = Field(ge=0, le=1_000_000_000)


class BuildStartIn(RequestModel):
    """That a build runs."""

    started_at: Instant | None = Field(default=None, description="Now, if left out.")
    leases: list[BuildLeaseIn] = Field(
        default_factory=list,
        max_length=_MOST_JOBS,
        description="Of the jobs that your client has claimed; not of those that were accepted by hand.",
    )


class BuildAbortIn(RequestModel):
    """Why a running build ended without its prints, and what it took until then."""

    reason: Sentence
    grams_used: int = Field(default=0, ge=0, le=1_000_000_000, description="What left the lot until then.")
    machine_minutes: int | None = Field(
        default=None, ge=1, le=_MOST_MINUTES, description="Set-up included; from its start until now, if left out."
    )


class BuildResultIn(RequestModel):
    """How the prints of a job in a build came out."""

    job_id: Label
    good: int = Field(ge=0, le=_MOST_PARTS)
    failed: int = Field(ge=0, le=_MOST_PARTS)


class BuildClosingIn(RequestModel):
    """What a build really took."""

    finished_at: Instant = Field(description="When the machine was free again.")
    machine_minutes: int = Field(ge=1, le=_MOST_MINUTES, description="Set-up, warm-up, cool-down, unloading included.")
    grams_used: int = Field(
        ge=0, le=1_000_000_000, description="What really left the lot, supports and waste included."
    )
    started_at: Instant | None = Field(default=None, description="If its start was told wrongly, or too late.")
    height_mm: float | None = Field(
        default=None, gt=0, le=10_000, allow_inf_nan=False, description="Of the build; as it was planned, if left out."
    )
    printed_cm3: float | None = Field(
        default=None,
        gt=0,
        le=10_000_000,
        allow_inf_nan=False,
        description="All that the build exposed, supports included; as it was planned, if left out.",
    )
    results: list[BuildResultIn] = Field(
        default_factory=list,
        max_length=_MOST_JOBS,
        description="How its prints came out, as far as you know; each print is still reported on its own.",
    )
    note: Note = ""


class BuildPartOut(ResponseModel):
    """The prints of a job in a build."""

    job_id: str
    part: str
    parts: int
    produce_by: date
    job_state: str
    volume_cm3: float = Field(description="Which the prints occupy of the bed.")
    share: float = Field(description="Of what all prints of the build occupy, 0 to 1: by this its cost is shared.")
    cost: MoneyOut | None = Field(
        description="Its share of what the build cost its node; the price of the job stays what it was. Null until the "
        "build is closed, and for owners."
    )
    grams: int = Field(description="Its share of what left the lot; 0 until the build is closed.")
    good: int | None
    failed: int | None


class BuildOut(ResponseModel):
    """One run of a machine with the prints of one job or several. An owner sees its own prints only."""

    id: str
    node_id: str
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    state: str = Field(description="`planned`, `running`, `closed` or `cancelled`.")
    build_key: str | None = Field(description="Of the shared build of routing that all of it comes from, if it does.")
    planned_start_at: AwareDatetime | None
    planned_minutes: int = Field(description="From the start of the set-up until the machine is free again.")
    height_mm: float | None
    printed_cm3: float | None
    started_at: AwareDatetime | None
    finished_at: AwareDatetime | None
    machine_minutes: int | None
    grams_used: int | None
    cost: MoneyOut | None = Field(
        description="Machine time, attendance, set-up, consumables and material at the node's own rates: what the "
        "shares of its jobs add up to. Null until it is closed, and for owners."
    )
    note: str
    created_at: AwareDatetime
    updated_at: AwareDatetime
    jobs: list[BuildPartOut]


class ProposedPartOut(ResponseModel):
    """Prints of a job in a build that could come next."""

    job_id: str
    part: str
    parts: int
    produce_by: date
    share: float
    late: bool = Field(description="Whether its last day of production is over when this build is ready.")
    first_article: bool = Field(description="Whether this is the one print that its owner has to approve first.")


class ProposedBuildOut(ResponseModel):
    """A build that could come next; POST /v1/nodes/{node_id}/builds with its jobs opens it."""

    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None
    build_key: str | None
    parts: int
    fill: float = Field(description="Of the bed, 0 to 1.")
    height_mm: float
    grams: int = Field(description="That it is expected to draw from the lot.")
    planned_minutes: int
    produce_by: date = Field(description="The first day by which one of its jobs has to be made.")
    start_at: AwareDatetime = Field(description="When the machine is free for it, if it works day and night.")
    ready_at: AwareDatetime
    jobs: list[ProposedPartOut]


class UnplacedOut(ResponseModel):
    """A job that can be in no build."""

    job_id: str
    reason: str


class BuildPlanOut(ResponseModel):
    """The builds in which a node could make what is left of its accepted jobs, those due first in front."""

    node_id: str
    made_at: AwareDatetime
    open_builds: list[str] = Field(description="Builds that are planned or running already: not proposed again.")
    builds: list[ProposedBuildOut]
    unplaced: list[UnplacedOut]


def build_wish(told: BuildIn) -> production.BuildWish:
    """Return a build as production takes it."""
    return production.BuildWish(
        parts=tuple(production.WantedPart(job_id=it.job_id, parts=it.parts) for it in told.jobs),
        planned_start_at=told.planned_start_at,
        note=told.note,
    )


def leases_of(told: BuildStartIn) -> dict[str, Lease]:
    """Return the claims by job."""
    return {it.job_id: Lease(lease_id=it.lease_id, epoch=it.epoch) for it in told.leases}


def build_closing(told: BuildClosingIn) -> production.BuildClosing:
    """Return what a build took as production takes it."""
    return production.BuildClosing(
        finished_at=told.finished_at,
        machine_minutes=told.machine_minutes,
        grams_used=told.grams_used,
        started_at=told.started_at,
        height_mm=told.height_mm,
        printed_cm3=told.printed_cm3,
        results=tuple(production.PartResult(job_id=it.job_id, good=it.good, failed=it.failed) for it in told.results),
        note=told.note,
    )


def build_out(build: production.BuildView) -> BuildOut:
    """Return a build for an answer."""
    return BuildOut(
        id=build.build_id,
        node_id=build.node_id,
        machine_id=build.machine_id,
        material=build.material,
        parameter_set=build.parameter_set,
        lot_id=build.lot_id,
        state=build.state,
        build_key=build.build_key,
        planned_start_at=build.planned_start_at,
        planned_minutes=build.planned_minutes,
        height_mm=build.height_mm,
        printed_cm3=build.printed_cm3,
        started_at=build.started_at,
        finished_at=build.finished_at,
        machine_minutes=build.machine_minutes,
        grams_used=build.grams_used,
        cost=_money(build.cost_minor),
        note=build.note,
        created_at=build.created_at,
        updated_at=build.updated_at,
        jobs=[_part_out(part) for part in build.parts],
    )


def build_plan_out(plan: production.BuildPlanView) -> BuildPlanOut:
    """Return a plan for an answer."""
    return BuildPlanOut(
        node_id=plan.node_id,
        made_at=plan.made_at,
        open_builds=list(plan.open_builds),
        builds=[_proposed_out(build) for build in plan.proposals.builds],
        unplaced=[UnplacedOut(job_id=it.job_id, reason=it.reason) for it in plan.proposals.unplaced],
    )


def _part_out(part: production.BuildPartView) -> BuildPartOut:
    return BuildPartOut(
        job_id=part.job_id,
        part=part.part_no,
        parts=part.parts,
        produce_by=part.produce_by,
        job_state=part.state,
        volume_cm3=part.volume_cm3,
        share=part.share,
        cost=_money(part.cost_minor),
        grams=part.grams,
        good=part.good,
        failed=part.failed,
    )


def _proposed_out(build: production.ProposedBuild) -> ProposedBuildOut:
    return ProposedBuildOut(
        machine_id=build.bench.machine_id,
        material=build.bench.material,
        parameter_set=build.bench.parameter_set,
        lot_id=build.bench.lot_id or None,
        build_key=build.build_key,
        parts=sum(part.parts for part in build.parts),
        fill=round(float(build.size.fill), 6),
        height_mm=build.size.height_mm,
        grams=sum(build.size.grams),
        planned_minutes=build.size.machine_minutes,
        produce_by=build.produce_by,
        start_at=build.start_at,
        ready_at=build.ready_at,
        jobs=_proposed_parts(build),
    )


def _proposed_parts(build: production.ProposedBuild) -> list[ProposedPartOut]:
    shares: Sequence[float] = [float(fill / build.size.fill) for fill in build.size.fills]
    return [
        ProposedPartOut(
            job_id=part.job.job.id,
            part=part.job.job.part_no,
            parts=part.parts,
            produce_by=part.job.job.produce_by,
            share=share,
            late=part.job.job.id in build.late,
            first_article=part.job.waits_for_first_article,
        )
        for part, share in zip(build.parts, shares, strict=True)
    ]


def _money(amount_minor: int | None) -> MoneyOut | None:
    return None if amount_minor is None else MoneyOut.of(Money(amount_minor=amount_minor, currency=CURRENCY))
