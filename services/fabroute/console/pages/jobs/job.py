"""A job as its page shows it: what is to be done now, its facts, its file, and what was recorded."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from fabroute.console.pages.jobs.queue import job_path, queue_path
from fabroute.console.pages.jobs.stages import OVER, WORDS, Stage, StageWords, stage_of
from fabroute.inventory.service import Characteristic, RevisionView
from fabroute.inventory.service.approval import canonical_json
from fabroute.production.rules import file_name_of
from fabroute.production.service import EvidenceView, JobView, PrintView
from fabroute.production.service.whole_jobs import WholeJob

StepState = Literal["done", "now", "next", "failed"]
_PRINTING, _STEPS = 2, 6
"""The place of printing on the way of a job, and how many steps that has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One step of the way of a job."""

    label: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The machine settings, and one hash over them: equal settings, equal hashes."""

    parameter_set: str
    machine_id: str
    material: str
    orientation: str
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class JobFile:
    """The print file and how it is told from any other."""

    sha256: str
    size_bytes: int
    name: str
    can_fetch: bool
    fetched_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class JobPage:
    """A job for one who looks at it, as its node or as the owner of the part."""

    records: WholeJob
    stage: Stage
    words: StageWords
    steps: tuple[Step, ...]
    settings: Settings
    file: JobFile | None
    as_owner: bool
    """Whether the part is theirs."""
    may_act: bool
    """Whether they may do more than look."""

    @property
    def job(self) -> JobView:
        """The job."""
        return self.records.job

    @property
    def as_node(self) -> bool:
        """Whether they work for the node, or are the operator."""
        return self.records.as_node

    @property
    def title(self) -> str:
        """The part's name."""
        return self.records.revision.name

    @property
    def sub(self) -> str:
        """Number, revision and pieces."""
        job = self.job
        return f"{job.part_no} rev {self.records.revision.revision} × {job.quantity}"

    @property
    def path(self) -> str:
        """Where it is."""
        return job_path(self.job.job_id)

    @property
    def queue_path(self) -> str:
        """Where the queue is that it lies in."""
        return queue_path(self.job.node_id)

    @property
    def needs_file(self) -> bool:
        """Whether file and settings are looked at next, before what was recorded."""
        return self.stage in ("offer", "fetch", "start")

    @property
    def is_over(self) -> bool:
        """Whether nothing of it is to be made any more."""
        return self.stage in OVER

    @property
    def left_to_ship(self) -> int:
        """How many parts are in no shipment yet."""
        packed = sum(it.quantity for it in self.records.shipments if it.state != "cancelled")
        return max(0, self.job.quantity - packed)

    @property
    def open_requests(self) -> tuple[str, ...]:
        """Ids of the reprint requests that the owner has not answered."""
        return tuple(it.request_id for it in self.records.remarks.reprints if it.state == "requested")

    @property
    def failed_print(self) -> int:
        """The last print that failed and of which no reprint was asked; 0 where there is none."""
        asked = {it.print_number for it in self.records.remarks.reprints}
        failed = [it.number for it in self.records.prints if _is_failed(it) and it.number not in asked]
        return max(failed, default=0)

    @property
    def characteristics(self) -> tuple[Characteristic, ...]:
        """What the inspection has to look at."""
        return self.records.revision.inspection_plan

    @property
    def inspects_pieces(self) -> bool:
        """Whether each good print is inspected by itself."""
        return self.records.revision.inspection_level == "dimensional"

    @property
    def print_choices(self) -> tuple[tuple[str, str], ...]:
        """What an inspection may be about: prints that lack one; all at once where that is enough."""
        pieces = tuple((str(number), f"Print {number}") for number in self.records.remarks.uninspected)
        return pieces if self.inspects_pieces else (("", "All good prints"), *pieces)

    def evidence_named(self, evidence_id: str | None) -> EvidenceView | None:
        """Return a piece of evidence by its id."""
        return next((it for it in self.records.evidence if it.evidence_id == evidence_id), None)


def job_page(records: WholeJob, *, as_owner: bool, may_act: bool, now: datetime) -> JobPage:
    """Return the page of a job."""
    asked = any(it.state == "requested" for it in records.remarks.reprints)
    stage = stage_of(records.job, shipments=records.shipments, is_reprint_asked=asked, now=now)
    return JobPage(
        records=records,
        stage=stage,
        words=WORDS[stage],
        steps=steps_of(records.job),
        settings=settings_of(records.job, records.revision),
        file=_file(records),
        as_owner=as_owner,
        may_act=may_act,
    )


def settings_of(job: JobView, revision: RevisionView) -> Settings:
    """Return the settings of a job with their hash: over the canonical JSON of what stands here."""
    facts = {
        "parameter_set": job.parameter_set,
        "machine_id": job.machine_id,
        "material": job.material,
        "orientation": revision.qualified_orientation or "",
    }
    return Settings(**facts, sha256=hashlib.sha256(canonical_json(facts).encode()).hexdigest())


def steps_of(job: JobView) -> tuple[Step, ...]:
    """Return the way of a job: what is done, where it is, what comes."""
    here, is_over = _here(job), job.ended_at is not None
    named = (
        "Offered",
        "Accepted",
        "Printing" if here == _PRINTING and job.good_prints < job.quantity else "Printed",
        "Released",
        "Shipped",
        "Delivered",
    )
    made = f"{job.good_prints} of {job.quantity}" if job.good_prints or job.failed_prints else ""
    return tuple(
        Step(label=label, state=_step_state(place, here, is_over=is_over), detail=made if place == _PRINTING else "")
        for place, label in enumerate(named)
    )


def _here(job: JobView) -> int:
    """Return the step at which a job is; past the last one once it has arrived."""
    if job.delivered_at is not None:
        return _STEPS
    reached = (job.shipped_at, job.inspected_at, job.started_at, job.accepted_at)
    return next((4 - place for place, instant in enumerate(reached) if instant is not None), 0)


def _step_state(place: int, here: int, *, is_over: bool) -> StepState:
    if place < here:
        return "done"
    if place > here:
        return "next"
    return "failed" if is_over else "now"


def _file(records: WholeJob) -> JobFile | None:
    job, revision = records.job, records.revision
    if revision.file is None:
        return None
    return JobFile(
        sha256=revision.file.sha256,
        size_bytes=revision.file.size_bytes,
        name=file_name_of(job.part_no, revision.revision),
        can_fetch=job.file_available and job.lease_kind not in ("claim", "offline"),
        fetched_at=job.file_released_at,
    )


def _is_failed(record: PrintView) -> bool:
    return record.result == "failed" or record.scrapped_at is not None
