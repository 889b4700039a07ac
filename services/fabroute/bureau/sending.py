"""Takes what lies in the jobs' folders into the outbox on disk, and sends it in order until it is answered."""

from collections.abc import Sequence
from itertools import takewhile
from typing import Any

from fabroute.bureau.bench import Bench
from fabroute.bureau.disk import write_whole
from fabroute.bureau.drops import BadDrop, Drop, find_drops, media_type_of
from fabroute.bureau.packets import EVIDENCE_FOLDER, REPORTED_FOLDER
from fabroute.bureau.records import Errand, JobRecord
from fabroute.bureau.wire import LEASE_CODES, JsonObject, Refused

_MOST_REPORTS = 50
_LAST_CALLS = ("shipments", "failure")
"""With these a node's work on a job is over."""


def take_drops(bench: Bench, record: JobRecord) -> None:
    """Write down what operators and scripts left in a job's folder; each file counts once, whatever crashes."""
    folder = bench.folder_of(record.job_id)
    for drop in find_drops(folder, record, settle_seconds=bench.settle_seconds):
        present = bench.records.get(record.job_id) or record
        problem = drop.reason if isinstance(drop, BadDrop) else _missing_evidence(present, drop)
        if problem:
            bench.trouble(present, problem)
        elif isinstance(drop, Drop):
            _take(bench, present, drop)


def send_errands(bench: Bench, record: JobRecord) -> None:
    """Send what waits for a job, oldest first; what is refused is put aside with a note. Raises ``Unavailable``."""
    while record.errands and record.stage == "placed":
        first = record.errands[0]
        try:
            done, changes = _send(bench, record, first)
        except Refused as refusal:
            if refusal.code in LEASE_CODES:
                bench.lose(record, refusal.message)
                return
            _put_aside(bench, record, first, refusal.message)
            done, changes = 1, {}
        record = bench.records.drop_errands(record.job_id, of="placed", count=done, **changes)
        _end_if_over(bench, record, first)
        record = bench.records.get(record.job_id) or record


def send_late_reports(bench: Bench, record: JobRecord) -> None:
    """Tell fabroute once of prints that were made under a lease that is over: it refuses, and keeps them on record."""
    try:
        _send(bench, record, record.errands[0])
    except Refused as refusal:
        bench.say(f"{record.job_id}: told of prints that were made before it was lost: {refusal.message}")
    bench.records.drop_errands(record.job_id, of="lost", count=len(record.errands))


def answer_cancel(bench: Bench, record: JobRecord) -> None:
    """Agree to a cancellation where nothing was started and the bureau said that this needs no person."""
    if record.cancel_requested and not record.cancel_answered and _agrees(bench, record):
        body = {"agreed": True, "reason": "nothing was started"}
        errand = Errand(kind="call", name="cancellation", body=body)
        bench.records.add_errands(record.job_id, errand, cancel_answered=True)


def _agrees(bench: Bench, record: JobRecord) -> bool:
    untouched = not record.started and not record.script and not record.printer
    return untouched and bench.settings.cancellations == "agree_unstarted"


def _missing_evidence(record: JobRecord, drop: Drop) -> str:
    waiting = {errand.name for errand in record.errands if errand.kind == "evidence"}
    missing = {it.evidence for it in drop.errands if it.evidence} - waiting - set(record.evidence)
    if not missing:
        return ""
    return f"{drop.path.name} names {', '.join(sorted(missing))}: put that into {EVIDENCE_FOLDER}/ of the job's folder"


def _take(bench: Bench, record: JobRecord, drop: Drop) -> None:
    if drop.mark not in record.taken:
        changes: dict[str, Any] = {"taken": (*record.taken, drop.mark), "trouble": ""}
        if drop.kind in ("started", "printed"):
            changes["started"] = True
        if drop.kind == "cancellation":
            changes["cancel_answered"] = True
        bench.records.add_errands(record.job_id, *drop.errands, **changes)
        bench.say(f"{record.job_id}: {drop.path.name} is taken to be reported")
    if drop.kind != "evidence":
        folder = drop.path.parent / REPORTED_FOLDER
        folder.mkdir(exist_ok=True)
        drop.path.rename(folder / f"{len(record.taken)}-{drop.path.name}")


def _send(bench: Bench, record: JobRecord, errand: Errand) -> tuple[int, JsonObject]:
    """Send the first errand, reports together; return how many are done, and what is known from now on."""
    if errand.kind == "evidence":
        file = bench.folder_of(record.job_id) / EVIDENCE_FOLDER / errand.name
        if not file.exists():
            raise Refused(code="evidence_gone", status=404, message=f"{file} was taken away before it was sent")
        kept = bench.wire.put_evidence(record, name=errand.name, file=file, media_type=media_type_of(errand.name))
        return 1, {"evidence": {**record.evidence, errand.name: kept["id"]}}
    if errand.kind == "call":
        bench.wire.write(record, errand.name, errand.body)
        bench.say(f"{record.job_id}: {errand.name} is sent")
        return 1, {}
    reports = list(takewhile(lambda it: it.kind == "report", record.errands))[:_MOST_REPORTS]
    answer = bench.wire.write(record, "reports", {"reports": [_report(record, it) for it in reports]})
    _note_refused(bench, record, reports, answer)
    bench.say(f"{record.job_id}: reported {', '.join(f'{it.sequence} {it.name}' for it in reports)}")
    return len(reports), {}


def _report(record: JobRecord, errand: Errand) -> JsonObject:
    data = dict(errand.body)
    if errand.evidence:
        data["evidence_id"] = record.evidence.get(errand.evidence)
    return {"sequence": errand.sequence, "name": errand.name, "occurred_at": errand.occurred_at, "data": data}


def _note_refused(bench: Bench, record: JobRecord, reports: Sequence[Errand], answer: JsonObject) -> None:
    """Tell an operator of reports that were received and can't count."""
    by_number = {errand.sequence: errand for errand in reports}
    for told in answer.get("data", []):
        errand = by_number.get(told.get("sequence"))
        if errand is not None and told.get("state") == "refused":
            _put_aside(bench, record, errand, str(told.get("reason") or "no reason was given"))


def _put_aside(bench: Bench, record: JobRecord, errand: Errand, reason: str) -> None:
    folder = bench.folder_of(record.job_id)
    name = f"{errand.sequence or errand.kind}-{errand.name.replace('/', '_')}.refused.txt"
    if folder.exists():
        write_whole(folder / name, f"fabroute refused {errand.name} {dict(errand.body)}:\n{reason}\n".encode())
    bench.trouble(bench.records.get(record.job_id) or record, f"{errand.name} was refused: {reason}")


def _end_if_over(bench: Bench, record: JobRecord, errand: Errand) -> None:
    if errand.kind != "call" or record.trouble:
        return
    if errand.name == "cancellation" and errand.body.get("agreed") is True:
        bench.end(record, "cancelled")
        bench.say(f"{record.job_id}: cancelled, as you agreed; do not print it")
    elif errand.name in _LAST_CALLS and not record.errands:
        bench.end(record, "done")
        bench.say(f"{record.job_id}: done")
