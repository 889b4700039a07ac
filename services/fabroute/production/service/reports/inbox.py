"""The inbox of numbered reports: each is kept once, and applied when all before it were."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditedRefusal, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.production.models import Job, JobReport
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import reports as rows
from fabroute.production.service.access import conflict
from fabroute.production.service.leases import Lease, Physical, lock_for_report
from fabroute.production.service.phases.reviving import revive
from fabroute.production.service.reports.applying import apply_report
from fabroute.production.service.reports.rules import NewReport, in_turn, prints_of, require_known
from fabroute.production.service.views import JobView, job_view


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportAnswer:
    """What became of one report."""

    sequence: int
    state: str
    """``waiting`` for those before it, ``applied``, or ``refused``: it was received, and can't count."""
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """What became of the reports of one request, and the job after all that were applied."""

    answers: tuple[ReportAnswer, ...]
    job: JobView
    next_sequence: int
    """The number that is waited for."""


def take_reports(
    session: Session,
    *,
    principal: Principal,
    job_id: str,
    reports: tuple[NewReport, ...],
    lease: Lease | None,
    now: datetime,
) -> Reported:
    """Take reports about a job under its lease, in any order: they count by their numbers, each once.

    One that came before its turn waits; the same again is answered as before; another one under a known number is
    refused, as is what its own endpoint would refuse: a refused report is done and the next ones go on. Raises
    ``UnknownReport``, ``UnknownJob``, ``NotTheNode``, ``LeaseRequired``, ``ReportedLate`` and ``JobStateConflict``.
    """
    require_known(reports)
    physical = Physical(what="reports", at=now, quantity=prints_of(reports), facts={"reports": _plain(reports)})
    job = lock_for_report(session, principal=principal, job_id=job_id, lease=lease, physical=physical)
    if job.lease_id is None:
        raise conflict(job, wish="reported about")
    held = Lease(lease_id=job.lease_id, epoch=job.lease_epoch)
    revive(session, job, actor=principal.key_id, now=now)
    known = {row.sequence: row for row in rows.read_reports(session, job_id=job_id, lease_id=held.lease_id)}
    refused = _keep(session, job, reports, known, now=now)
    _apply_all(session, known, principal=principal, lease=held, now=now)
    after = job_rows.find_job(session, job_id)
    assert after is not None, "jobs are never deleted"
    return Reported(
        answers=tuple(refused.get(number) or _answer(known[it.sequence]) for number, it in enumerate(reports)),
        job=job_view(after),
        next_sequence=_next(known),
    )


def _keep(
    session: Session, job: Job, reports: Sequence[NewReport], known: dict[int, JobReport], *, now: datetime
) -> dict[int, ReportAnswer]:
    """Keep the reports that are new; return, by their place in the request, the answers to those that contradict."""
    refused: dict[int, ReportAnswer] = {}
    for place, report in enumerate(reports):
        before = known.get(report.sequence)
        if before is None:
            known[report.sequence] = _row(job, report, now=now)
            rows.add(session, known[report.sequence])
        elif before.sha256 != report.sha256:
            reason = f"report {report.sequence} was received as {before.name} with other content: it never changes"
            refused[place] = ReportAnswer(sequence=report.sequence, state="refused", reason=reason)
    return refused


def _apply_all(
    session: Session, known: dict[int, JobReport], *, principal: Principal, lease: Lease, now: datetime
) -> None:
    while (turn := in_turn({number: row.state for number, row in known.items()})) is not None:
        row = known[turn]
        row.state, row.reason = _applied(session, row, principal=principal, lease=lease, now=now)
        session.flush()


def _applied(session: Session, row: JobReport, *, principal: Principal, lease: Lease, now: datetime) -> tuple[str, str]:
    """Apply a report, or nothing of it; return what became of it and why. Refusals go on the audit log, too."""
    try:
        with session.begin_nested():
            apply_report(session, row, principal=principal, lease=lease, now=now)
    except AuditedRefusal as refusal:
        record_audit(session, entry=refusal.entry)
        return "refused", f"{refusal.code}: {refusal.message}"
    except DomainError as refusal:
        return "refused", f"{refusal.code}: {refusal.message}"
    return "applied", ""


def _row(job: Job, report: NewReport, *, now: datetime) -> JobReport:
    return JobReport(
        job_id=job.id,
        lease_id=job.lease_id or "",
        sequence=report.sequence,
        name=report.name,
        occurred_at=report.occurred_at,
        data=dict(report.data),
        sha256=report.sha256,
        state="waiting",
        received_at=now,
    )


def _answer(row: JobReport) -> ReportAnswer:
    return ReportAnswer(sequence=row.sequence, state=row.state, reason=row.reason)


def _next(known: dict[int, JobReport]) -> int:
    return next(number for number in range(1, len(known) + 2) if number not in known)


def _plain(reports: Sequence[NewReport]) -> list[dict[str, object]]:
    return [
        {
            "sequence": report.sequence,
            "name": report.name,
            "occurred_at": report.occurred_at.isoformat(),
            "data": dict(report.data),
        }
        for report in reports
    ]
