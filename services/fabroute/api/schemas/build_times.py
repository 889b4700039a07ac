"""How long builds took, over the wire."""

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import RequestModel, ResponseModel, Sentence
from fabroute.production.service import BuildReport, BuildTimeView

_MOST_MINUTES = 525_600


class BuildTimeIn(RequestModel):
    """How long a build of the job took, from the start of the set-up until the machine was free again."""

    number: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="1 for the first build of the job; counts up without gaps. With it, a report is safe to repeat.",
    )
    parts: int = Field(ge=1, le=1_000_000, description="Parts of this job in the build.")
    machine_minutes: int = Field(ge=1, le=_MOST_MINUTES, description="Set-up, warm-up, cool-down, unloading included.")
    height_mm: float | None = Field(
        default=None,
        gt=0,
        le=10_000,
        allow_inf_nan=False,
        description="Of the build. Needed where builds hold other orders, too (SLS, MJF, binder jetting); else that of "
        "the part as it stands.",
    )
    printed_cm3: float | None = Field(
        default=None,
        gt=0,
        le=10_000_000,
        allow_inf_nan=False,
        description="All that the build exposed, supports and other orders' parts included. Needed for SLS; else this "
        "job's parts alone.",
    )
    finished_at: AwareDatetime | None = Field(
        default=None,
        description="When the machine was free again; else now. The build began so many minutes before: not before the "
        "job was accepted, nor sooner before its file was fetched than set-up and warm-up take, nor while the machine "
        "was at another build. A build that held parts of several jobs is reported for one of them.",
    )


class BuildWithdrawalIn(RequestModel):
    """Why a build that was reported is withdrawn."""

    reason: Sentence = Field(description="What was wrong with the report.", examples=["hours were given as minutes"])


class BuildTimeOut(ResponseModel):
    """A build of a job: how long it took, and what it was estimated at before anything was learnt."""

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
    ratio: float = Field(description="Real over estimated: 1.3 took 30 % longer.")
    finished_at: AwareDatetime
    reported_at: AwareDatetime
    withdrawn_at: AwareDatetime | None = Field(description="Since when it counts no longer; null while it counts.")
    withdrawal_reason: str | None = Field(description="Null while it counts.")


def build_report(told: BuildTimeIn) -> BuildReport:
    """Return a report as production takes it."""
    return BuildReport(
        parts=told.parts,
        machine_minutes=told.machine_minutes,
        height_mm=told.height_mm,
        printed_cm3=told.printed_cm3,
        finished_at=told.finished_at,
        number=told.number,
    )


def build_time_out(build: BuildTimeView) -> BuildTimeOut:
    """Return a build for an answer."""
    return BuildTimeOut(
        job_id=build.job_id,
        number=build.number,
        node_id=build.node_id,
        machine_id=build.machine_id,
        parameter_set=build.parameter_set,
        parts=build.parts,
        height_mm=build.height_mm,
        printed_cm3=build.printed_cm3,
        machine_minutes=build.machine_minutes,
        estimated_minutes=build.estimated_minutes,
        ratio=round(build.ratio, 4),
        finished_at=build.finished_at,
        reported_at=build.reported_at,
        withdrawn_at=build.withdrawn_at,
        withdrawal_reason=build.withdrawal_reason or None,
    )
