"""Starts what a bureau wants started for each packet, once: a script, and a printer for what the script sliced."""

import os
import subprocess
import time
from datetime import UTC, datetime
from pathlib import Path

from fabroute.bureau.bench import Bench
from fabroute.bureau.records import Errand, JobRecord
from fabroute.integrations.printers import PrinterRefusal

_SLICED = (".gcode", ".gco", ".g", ".bgcode", ".bgc", ".ufp", ".nc", ".sl1", ".sl1s")
LOG = "script.log"
_UNSURE = (
    "the connector stopped while it started the {what}: look whether that runs; if it does not, delete the job's "
    "packet folder and run fabroute bureau again with a new job, or print by hand and report as usual"
)


def hand_over(bench: Bench, record: JobRecord) -> None:
    """Start the script for a packet that is there, then send what it sliced to the printer; each at most once.

    A start is written down before it is made. After a crash in between nobody knows whether it took place, and nothing
    is printed twice: a person is asked.
    """
    record = bench.records.get(record.job_id) or record
    if _may_be_cancelled(record) or (record.started and record.printer == "launched"):
        return
    for what, state in (("script", record.script), ("printer", record.printer)):
        if state == "launching":
            bench.trouble(record, _UNSURE.format(what=what))
            return
    if bench.settings.script and record.script == "":
        _start_script(bench, record)
    elif bench.printer is not None and record.printer == "":
        _start_printer(bench, record)


def _may_be_cancelled(record: JobRecord) -> bool:
    """Return whether a wish to cancel is open, or its answer on the way; refused, the job goes on."""
    answering = any(errand.name == "cancellation" for errand in record.errands)
    return record.cancel_requested and (answering or not record.cancel_answered)


def look_after_scripts(bench: Bench) -> None:
    """Take leave of scripts that ended, and tell of those that failed."""
    for job_id, process in list(bench.scripts.items()):
        code = process.poll()
        if code is None:
            continue
        del bench.scripts[job_id]
        record = bench.records.get(job_id)
        if code and record is not None:
            bench.trouble(record, f"the script ended with {code}: see {LOG} in the job's folder")


def _start_script(bench: Bench, record: JobRecord) -> None:
    folder = bench.folder_of(record.job_id)
    bench.records.change(record.job_id, script="launching")
    facts = {"FABROUTE_JOB_ID": record.job_id, "FABROUTE_JOB_FOLDER": str(folder)}
    kept = {name: value for name, value in os.environ.items() if name != "FABROUTE_API_KEY"}
    try:
        with (folder / LOG).open("ab") as log:
            process = bench.scripts[record.job_id] = subprocess.Popen(
                [*bench.settings.script, str(folder)],
                cwd=folder,
                env=kept | facts,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
    except OSError as error:
        bench.records.change(record.job_id, script="launched")
        bench.trouble(record, f"the script could not be started ({error.strerror}): start it by hand for {folder}")
        return
    bench.records.change(record.job_id, script="launched")
    bench.say(f"{record.job_id}: script started (process {process.pid}, its words are in {LOG})")


def _start_printer(bench: Bench, record: JobRecord) -> None:
    assert bench.printer is not None
    sliced = _sliced_file(bench, record)
    if sliced is None:
        return
    try:
        remote = bench.printer.upload(sliced, name=f"{record.job_id}{sliced.suffix.lower()}")
        bench.records.change(record.job_id, printer="launching", remote=remote)
        bench.printer.start(remote)
    except PrinterRefusal as refusal:
        # A printer that refuses has not started: the next look tries again.
        bench.records.change(record.job_id, printer="")
        bench.trouble(record, f"the printer does not start: {refusal.message}")
        return
    at = datetime.now(UTC).isoformat(timespec="milliseconds")
    started = Errand(kind="report", name="started", occurred_at=at)
    bench.records.add_errands(record.job_id, started, printer="launched", started=True, trouble="")
    bench.say(f"{record.job_id}: printing {remote}")


def _sliced_file(bench: Bench, record: JobRecord) -> Path | None:
    folder = bench.folder_of(record.job_id)
    found = sorted(path for path in folder.glob("[!.]*") if path.suffix.lower() in _SLICED)
    settled = [path for path in found if time.time() - path.stat().st_mtime >= bench.settle_seconds]
    return settled[0] if settled else None
