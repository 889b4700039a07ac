"""What a connector must not forget: its claim under way, and each job with its lease and what is still to be sent."""

import json
import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from typing import Any, Literal

from fabroute.bureau.disk import write_json

Stage = Literal["claimed", "accepted", "placed", "done", "lost", "cancelled", "declined"]
"""``claimed``: not answered yet; ``placed``: its packet lies in the folder; the others are ends."""
OPEN_STAGES: tuple[Stage, ...] = ("claimed", "accepted", "placed")
Launch = Literal["", "launching", "launched"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Errand:
    """Something that has to be sent, in its turn, until it is answered."""

    kind: Literal["evidence", "report", "call"]
    name: str
    """Of the file, of the report, or of the endpoint below the job."""
    body: Mapping[str, Any] = field(default_factory=dict)
    sequence: int = 0
    """Of reports: 1, 2, 3 … under one lease."""
    occurred_at: str = ""
    evidence: str = ""
    """The file whose id the body is sent with, as ``evidence_id``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRecord:
    """A job that this connector holds or held."""

    job_id: str
    lease_id: str
    epoch: int
    stage: Stage = "claimed"
    lease_kind: str = "claim"
    heartbeat_seconds: float = 100.0
    job: Mapping[str, Any] = field(default_factory=dict)
    """The packet as it was claimed."""
    errands: tuple[Errand, ...] = ()
    last_sequence: int = 0
    taken: tuple[str, ...] = ()
    """SHA-256 of the operator's files that were taken: the same file counts once."""
    evidence: Mapping[str, str] = field(default_factory=dict)
    """Ids of evidence by file name."""
    shipments: tuple[str, ...] = ()
    """Ids of those that are through."""
    started: bool = False
    """Whether printing may have begun."""
    printed: int = 0
    """Good prints whose results were taken."""
    inspected: bool = False
    """Whether an inspection's result was taken."""
    script: Launch = ""
    printer: Launch = ""
    remote: str = ""
    """What was sent to the printer."""
    cancel_requested: bool = False
    cancel_answered: bool = False
    trouble: str = ""
    """What a person should look at; empty: nothing."""


class Records:
    """The folder ``.fabroute`` of a bureau: safe for threads, and every change is on disk before it is used."""

    def __init__(self, folder: Path) -> None:
        self._claim = folder / "claim.json"
        self._pause = folder / "pause.json"
        self._jobs = folder / "jobs"
        self._jobs.mkdir(parents=True, exist_ok=True)
        self._lock = threading.RLock()
        self._turns: dict[str, threading.RLock] = {}
        self._known = {record.job_id: record for record in map(_read, sorted(self._jobs.glob("*.json")))}

    def all(self) -> tuple[JobRecord, ...]:
        """Return every job, oldest claim first."""
        with self._lock:
            return tuple(self._known.values())

    def open(self) -> tuple[JobRecord, ...]:
        """Return the jobs that are still worked on."""
        return tuple(record for record in self.all() if record.stage in OPEN_STAGES)

    def get(self, job_id: str) -> JobRecord | None:
        """Return a job, ``None`` if it was never claimed here."""
        with self._lock:
            return self._known.get(job_id)

    def turn_of(self, job_id: str) -> threading.RLock:
        """Return what is held while something is asked about a job: what one thread hears, the next one knows."""
        with self._lock:
            return self._turns.setdefault(job_id, threading.RLock())

    def keep(self, record: JobRecord) -> None:
        """Write a job down."""
        with self._lock:
            write_json(self._jobs / f"{record.job_id}.json", asdict(record))
            self._known[record.job_id] = record

    def change(self, job_id: str, **changes: Any) -> JobRecord:
        """Change some facts of a job and return it."""
        with self._lock:
            record = replace(self._known[job_id], **changes)
            if record != self._known[job_id]:
                self.keep(record)
            return record

    def advance(self, job_id: str, *, of: Stage, **changes: Any) -> JobRecord | None:
        """Change a job if it is still in a stage; ``None`` if it was lost or ended meanwhile."""
        with self._lock:
            record = self._known[job_id]
            return self.change(job_id, **changes) if record.stage == of else None

    def add_errands(self, job_id: str, *errands: Errand, **changes: Any) -> JobRecord:
        """Put errands behind those that wait; reports get the next numbers. One write: all of it or nothing."""
        with self._lock:
            record = self._known[job_id]
            number, numbered = record.last_sequence, []
            for errand in errands:
                number += errand.kind == "report"
                numbered.append(replace(errand, sequence=number) if errand.kind == "report" else errand)
            return self.change(job_id, errands=(*record.errands, *numbered), last_sequence=number, **changes)

    def drop_errands(self, job_id: str, *, of: Stage, count: int, **changes: Any) -> JobRecord:
        """Take away the first errands, which were answered, unless the job has left its stage meanwhile."""
        with self._lock:
            rest = self._known[job_id].errands[count:]
            return self.advance(job_id, of=of, errands=rest, **changes) or self._known[job_id]

    def claim_under_way(self) -> Mapping[str, Any] | None:
        """Return key and body of a claim that may have been answered without us hearing it."""
        return json.loads(self._claim.read_text(encoding="utf8")) if self._claim.exists() else None

    def begin_claim(self, claim: Mapping[str, Any]) -> None:
        """Write a claim down before it is sent."""
        write_json(self._claim, claim)

    def end_claim(self) -> None:
        """Forget a claim, after its jobs were written down."""
        self._claim.unlink(missing_ok=True)

    def rest(self, *, until: float) -> None:
        """Write down until when (seconds since 1970) fabroute wants no claim, so that a restart keeps to it."""
        write_json(self._pause, {"until": until})

    def rests_until(self) -> float:
        """Return until when fabroute wants no claim; 0 where it said nothing."""
        return float(json.loads(self._pause.read_text(encoding="utf8"))["until"]) if self._pause.exists() else 0.0


def _read(path: Path) -> JobRecord:
    told = json.loads(path.read_text(encoding="utf-8"))
    told["errands"] = tuple(Errand(**errand) for errand in told.get("errands", ()))
    told["taken"], told["shipments"] = tuple(told.get("taken", ())), tuple(told.get("shipments", ()))
    known = {item.name for item in fields(JobRecord)}
    return JobRecord(**{name: value for name, value in told.items() if name in known})
