"""When a build can have been on its machine: after its job was accepted and fetched, and beside no other build.

A build that is reported took its machine from ``finished_at - machine_minutes`` to ``finished_at``. Its set-up and
warm-up may have been under way when the file was fetched; its layers can't.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.estimation.facts import MachineModelFacts
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.production.models import Job
from fabroute.production.repository import build_times as rows

CLOCKS_DIFFER = timedelta(minutes=5)
"""How far the clock of a node may be from ours."""
TURNAROUND = timedelta(minutes=15)
"""How long two builds of a machine may overlap: one is unloaded while the next is set up (assumption).

Of builds under half an hour it is half of the shorter one.
"""


class InvalidBuildTime(DomainError):
    """Figures that no build of the job can have; each wrong field is named."""

    code = "invalid_build_time"
    status = 422


class BuildsOverlap(DomainError):
    """The machine was at another build at that time."""

    code = "builds_overlap"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildSpan:
    """The time that a build took its machine."""

    finished_at: datetime
    machine_minutes: int

    @property
    def begun_at(self) -> datetime:
        """When its set-up began."""
        return self.finished_at - timedelta(minutes=self.machine_minutes)


def require_past(job: Job, finished_at: datetime, *, now: datetime) -> None:
    """Raise ``InvalidBuildTime`` for a build that ended before its job's file was fetched, or that has not ended."""
    assert job.file_released_at is not None, "that it was fetched is asked before"
    if not job.file_released_at <= finished_at <= now + CLOCKS_DIFFER:
        raise _pointed(
            f"give a time from {_told(job.file_released_at)}, when the file was fetched, until now, not "
            f"{_told(finished_at)}"
        )


def require_time_enough(job: Job, span: BuildSpan, *, machine: MachineModelFacts) -> None:
    """Raise ``InvalidBuildTime`` unless the build can have begun when it must have.

    At the earliest when its job was accepted, and so long before the file was fetched as set-up and warm-up take.
    """
    assert job.accepted_at is not None, "that it was accepted is asked before"
    assert job.file_released_at is not None, "that it was fetched is asked before"
    prepared = timedelta(hours=machine.setup_hours + machine.warmup_hours)
    earliest = max(job.accepted_at, job.file_released_at - prepared)
    if span.begun_at < earliest - CLOCKS_DIFFER:
        raise _pointed(
            f"a build of {span.machine_minutes:,} minutes that ended at {_told(span.finished_at)} began at "
            f"{_told(span.begun_at)}; this one can have begun at {_told(earliest)} at the earliest: its job was "
            f"accepted at {_told(job.accepted_at)}, its file fetched at {_told(job.file_released_at)}, with "
            f"{prepared / timedelta(minutes=1):g} minutes of set-up and warm-up before that. Check minutes and end"
        )


def require_free_machine(session: Session, job: Job, span: BuildSpan) -> None:
    """Raise ``BuildsOverlap`` if the job's machine was at another build; no other is added until this transaction ends.

    A build that held parts of several jobs is reported for one of them: it happened, and teaches, once.
    """
    rows.lock_machine(session, machine_id=job.machine_id)
    other = rows.find_overlapping(
        session, machine_id=job.machine_id, finished_at=span.finished_at, minutes=span.machine_minutes, most=TURNAROUND
    )
    if other is not None:
        taken = BuildSpan(finished_at=other.finished_at, machine_minutes=other.machine_minutes)
        raise BuildsOverlap(
            f"{job.machine_id} was at build {other.number} of job {other.job_id} from {_told(taken.begun_at)} to "
            f"{_told(taken.finished_at)}: correct the time, or withdraw that build if it is the wrong one; a build "
            "that held parts of both jobs is reported once"
        )


def _pointed(advice: str) -> InvalidBuildTime:
    return InvalidBuildTime(advice, problems=(FieldProblem(pointer="/finished_at", message=advice),))


def _told(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
