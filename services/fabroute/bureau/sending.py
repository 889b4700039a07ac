"""Takes what lies in the jobs' folders into the outbox on disk, and sends it in order until it is answered."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile
from typing import Any

from fabroute.bureau.bench import Bench
from fabroute.bureau.disk import write_whole
from fabroute.bureau.drops import BadDrop, Drop, find_drops, media_type_of
from fabroute.bureau.packets import EVIDENCE_FOLDER, REPORTED_FOLDER
from fabroute.bureau.records import Errand, JobRecord, Stage
from fabroute.bureau.shipping import ship
from fabroute.bureau.wire import LEASE_CODES, JsonObject, Refused

_MOST_REPORTS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What became of the first errands of a job."""

    count: int = 1
    changes: Mapping[str, Any] = field(default_factory=dict)
    """Of the job's record."""
    end: Stage | None = None
    """With it the node's work on the job is over."""


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
        first, *others = record.errands
        if others and first.name == "shipments":
            record = bench.records.change(record.job_id, errands=(*others, first))  # parcels leave last
            continue
        try:
            sent = _send(bench, record, first)
        except Refused as refusal:
            if refusal.code in LEASE_CODES:
                bench.lose(record, refusal.message)
                return
            _put_aside(bench, record, first, refusal.message)
            sent = Sent()
        if sent.end is not None:
            bench.end(record, sent.end)
            bench.say(f"{record.job_id}: {sent.end}")
            return
        record = bench.records.drop_errands(record.job_id, of="placed", count=sent.count, **sent.changes)


def send_late_reports(bench: Bench, record: JobRecord) -> None:
    """Tell fabroute once of prints that were made under a lease that is over: it refuses, and keeps them on record."""
    reports = [_report(record, errand) for errand in record.errands]
    try:
        bench.wire.write(record, "reports", {"reports": reports})
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
        if drop.kind == "printed":
            changes["printed"] = record.printed + sum(it.body.get("result") == "good" for it in drop.errands)
        if drop.kind == "inspected":
            changes["inspected"] = True
        if drop.kind == "cancellation":
            changes["cancel_answered"] = True
        bench.records.add_errands(record.job_id, *drop.errands, **changes)
        bench.say(f"{record.job_id}: {drop.path.name} is taken to be reported")
    if drop.kind != "evidence":
        folder = drop.path.parent / REPORTED_FOLDER
        folder.mkdir(exist_ok=True)
        drop.path.rename(folder / f"{len(record.taken)}-{drop.path.name}")


def _send(bench: Bench, record: JobRecord, errand: Errand) -> Sent:
    """Send the first errand, reports together."""
    if errand.kind == "evidence":
        return _send_evidence(bench, record, errand)
    if errand.kind == "call":
        return _call(bench, record, errand)
    reports = list(takewhile(lambda it: it.kind == "report", record.errands))[:_MOST_REPORTS]
    answer = bench.write(record, "reports", {"reports": [_report(record, it) for it in reports]})
    bench.say(f"{record.job_id}: reported {_counted(reports)}")
    _note_refused(bench, record, reports, answer)
    return Sent(count=len(reports))


def _counted(reports: Sequence[Errand]) -> str:
    """Return what was reported, in its order: ``1 started, 50 printed``."""
    return ", ".join(f"{count} {name}" for name, count in Counter(it.name for it in reports).items())


def _send_evidence(bench: Bench, record: JobRecord, errand: Errand) -> Sent:
    file = bench.folder_of(record.job_id) / EVIDENCE_FOLDER / errand.name
    if not file.exists():
        raise Refused(code="evidence_gone", status=404, message=f"{file} was taken away before it was sent")
    kept = bench.wire.put_evidence(record, name=errand.name, file=file, media_type=media_type_of(errand.name))
    return Sent(changes={"evidence": {**record.evidence, errand.name: kept["id"]}})


def _call(bench: Bench, record: JobRecord, errand: Errand) -> Sent:
    if errand.name == "shipments":
        shipment_id, is_over = ship(bench, record, errand.body)
        bench.say(f"{record.job_id}: shipment {shipment_id} is on its way")
        return Sent(end="done" if is_over else None, changes={"shipments": (*record.shipments, shipment_id)})
    bench.write(record, errand.name, errand.body)
    bench.say(f"{record.job_id}: {errand.name} is sent")
    if errand.name == "cancellation" and errand.body.get("agreed") is True:
        return Sent(end="cancelled")
    return Sent(end="done" if errand.name == "failure" else None)


def _report(record: JobRecord, errand: Errand) -> JsonObject:
    data = dict(errand.body)
    if errand.evidence in record.evidence:
        data["evidence_id"] = record.evidence[errand.evidence]
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
