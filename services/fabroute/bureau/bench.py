"""What all parts of a connector share, and how a job leaves the bench."""

import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fabroute.bureau.disk import move_folder, write_whole
from fabroute.bureau.packets import LOST_NOTE, lost_note
from fabroute.bureau.records import OPEN_STAGES, JobRecord, Records, Stage
from fabroute.bureau.settings import BureauSettings
from fabroute.bureau.wire import FabrouteWire, JsonObject, Refused
from fabroute.integrations.printers import Printer, PrinterRefusal

HOME, JOBS = ".fabroute", "jobs"
_STOPPABLE = ("printing", "paused")


@dataclass(frozen=True, slots=True, kw_only=True)
class Bench:
    """A bureau's folder and its two neighbours: fabroute, and perhaps a printer."""

    settings: BureauSettings
    records: Records
    wire: FabrouteWire
    say: Callable[[str], None]
    """Takes one line for the operator."""
    printer: Printer | None = None
    scripts: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    """Those that were started and may still run, by job."""
    settle_seconds: float = field(default=1.0)
    """Files younger than this are still being written."""

    def folder_of(self, job_id: str) -> Path:
        """Return where a job's packet lies while it is worked on."""
        return self.settings.folder / JOBS / job_id

    @property
    def drafts(self) -> Path:
        """Where packets are put together; nobody else looks there."""
        return self.settings.folder / HOME / "drafts"

    def trouble(self, record: JobRecord, words: str) -> None:
        """Note what a person should look at, and say it once."""
        if record.trouble != words:
            self.records.change(record.job_id, trouble=words)
            self.say(f"{record.job_id}: {words}" if words else f"{record.job_id}: goes on")

    def write(self, record: JobRecord, step: str, body: Mapping[str, Any] | None = None) -> JsonObject:
        """Do one step of a job under its lease, if it is not lost or ended meanwhile. ``Refused``, ``Unavailable``."""
        with self.records.turn_of(record.job_id):
            self.require_held(record)
            return self.wire.write(record, step, body)

    def require_held(self, record: JobRecord) -> None:
        """Raise ``Refused`` if the heartbeat heard meanwhile that the job is not ours any more."""
        known = self.records.get(record.job_id)
        if known is None or known.stage not in OPEN_STAGES or known.lease_id != record.lease_id:
            raise Refused(code="lease_lost", status=409, message=f"{record.job_id} was lost meanwhile")

    def lose(self, record: JobRecord, reason: str) -> None:
        """Stop all work on a job that is somebody else's now: its folder goes to ``lost``, with a note.

        Prints that were made before stay in the outbox: fabroute records that a part may exist twice.
        """
        known = self.records.get(record.job_id) or record
        if known.stage not in OPEN_STAGES or known.lease_id != record.lease_id:
            return
        late = tuple(errand for errand in known.errands if errand.kind == "report" and errand.name == "printed")
        self.end(record, "lost", trouble=reason)
        self.records.change(record.job_id, errands=late)
        folder = self.settings.folder / "lost" / record.job_id
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(folder / LOST_NOTE, lost_note(record, reason).encode())
        self.say(f"{record.job_id}: LOST, do not print it: {reason}")
        self.stop_printer(record)

    def end(self, record: JobRecord, stage: Stage, *, trouble: str = "") -> None:
        """Put a job away, into the folder that is named like its end."""
        self.records.change(record.job_id, stage=stage, errands=(), trouble=trouble)
        move_folder(self.folder_of(record.job_id), self.settings.folder / stage / record.job_id)

    def stop_printer(self, record: JobRecord) -> None:
        """Stop the printer if it is this very job that it prints."""
        if self.printer is None or not record.remote:
            return
        try:
            status = self.printer.status()
            if status.state in _STOPPABLE and status.file == record.remote:
                self.printer.cancel()
                self.say(f"{record.job_id}: the printer was stopped")
        except PrinterRefusal as refusal:
            self.say(f"{record.job_id}: stop the printer by hand: {refusal.message}")
