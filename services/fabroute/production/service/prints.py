"""What a node prints: good and failed prints of a job, and the wish to print again after a failed one."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, number_in, page_of
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditedRefusal
from fabroute.inventory import service as inventory
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.production.models import Job, PrintRecord
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import prints as rows
from fabroute.production.repository import proofs as proof_rows
from fabroute.production.rules import LONGEST_NAME, LONGEST_TEXT, PRINT_RESULTS
from fabroute.production.service.access import find_visible, require_state
from fabroute.production.service.evidence import require_evidence
from fabroute.production.service.inspection.finishing import awaits_first_article, finish_if_inspected
from fabroute.production.service.inspection.first_articles import hold_first_article
from fabroute.production.service.inspection.serials import issue_passport, require_free_serial, serial_for
from fabroute.production.service.leases import Lease, Physical, lock_for_report
from fabroute.production.service.phases.reviving import revive
from fabroute.production.service.recheck import require_qualified
from fabroute.production.service.telling import audit_entry, tell
from fabroute.production.service.views import PrintView, job_view, print_view
from fabroute.production.states import WORKING_STATES
from fabroute.qualification import service as qualification

_MADE_STATES = ("inspected", "shipped", "delivered")
"""States in which all prints are made: one more is refused for the audit log."""


class InvalidPrint(DomainError):
    """A print with another result than good or failed, or with words that are too long."""

    code = "invalid_print"
    status = 422


class FileNotFetched(DomainError):
    """Nobody can have printed a file that was never fetched."""

    code = "file_not_fetched"
    status = 409


class PrintConflict(DomainError):
    """This print was reported with other facts, or another one comes next."""

    code = "print_conflict"
    status = 409


class NotInThatBuild(DomainError):
    """The build doesn't hold the job."""

    code = "not_in_that_build"
    status = 409


class NoPrintsLeft(AuditedRefusal):
    """The job's quantity and its granted reprints are used up."""

    code = "no_prints_left"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class PrintReport:
    """How a print came out. ``number`` makes it safe to repeat: the same report under the same number counts once."""

    result: str
    """``good`` or ``failed``."""
    serial: str = ""
    note: str = ""
    evidence_id: str | None = None
    build_id: str | None = None
    """The build that it was made in; None: the one that runs now, if the job is in one alone."""
    number: int | None = None
    """1 for the first print of the job; the next one where it is None."""

    def __post_init__(self) -> None:
        problems = []
        if self.result not in PRINT_RESULTS:
            problems.append(FieldProblem(pointer="/result", message=f"use {' or '.join(PRINT_RESULTS)}"))
        if len(self.serial) > LONGEST_NAME:
            problems.append(FieldProblem(pointer="/serial", message=f"use up to {LONGEST_NAME} characters"))
        if len(self.note) > LONGEST_TEXT:
            problems.append(FieldProblem(pointer="/note", message=f"use up to {LONGEST_TEXT:,} characters"))
        if problems:
            raise InvalidPrint("; ".join(problem.message for problem in problems), problems=tuple(problems))


def report_print(
    session: Session,
    *,
    principal: Principal,
    job_id: str,
    report: PrintReport,
    now: datetime,
    lease: Lease | None = None,
) -> PrintView:
    """Count a print of a job, for its node's organisation or the operator. Audited, ``job.print_reported``.

    The first print starts an accepted job. A good print takes one from the job's licence lease, and gets a serial and a
    passport; the gates are asked again. A first article holds the job until the owner has approved it; the last good
    print finishes a job that needs no more inspection. Raises ``UnknownJob``, ``NotTheNode``, ``LeaseLost``,
    ``LeaseRequired``, ``JobStateConflict``, ``FileNotFetched``, ``UnknownEvidence``, ``PrintConflict``,
    ``SerialTaken``, ``NotInThatBuild``, and on the audit log ``NoPrintsLeft``, ``JobUnqualified``, and the inventory's
    ``LicenceExhausted`` and ``LicenceFrozen``.
    """
    job = lock_for_report(session, principal=principal, job_id=job_id, lease=lease, physical=_physical(report, now=now))
    job = revive(session, job, actor=principal.key_id, now=now)
    number = job.good_prints + job.failed_prints + 1
    if report.number is not None and report.number != number:
        return _repeated(session, job, report, following=number)
    require_evidence(session, job_id=job_id, evidence_id=report.evidence_id)
    _require_printable(job, actor=principal.key_id, now=now)
    require_free_serial(session, job_id=job_id, serial=report.serial)
    if report.result == "good":
        require_qualified(session, job=job, wish="printed", actor=principal.key_id, now=now)
        _count_good(session, job, actor=principal.key_id, now=now)
    build_id = _build_of(session, job_id, report.build_id)
    record = _record(job, report, number=number, build_id=build_id, actor=principal.key_id, now=now)
    rows.add(session, record)
    rows.count_print(session, job_id=job_id, result=report.result, now=now)
    _start_if_accepted(session, job, actor=principal.key_id, now=now)
    tell(session, job, "job.print_reported", actor=principal.key_id, now=now, number=number, result=report.result)
    if report.result == "good":
        issue_passport(session, job, number=number, serial=record.serial, now=now)
        _go_on(session, job_id, number=number, actor=principal.key_id, now=now)
    return print_view(record)


def _physical(report: PrintReport, *, now: datetime) -> Physical:
    return Physical(what="print", at=now, quantity=int(report.result == "good"), facts=asdict(report))


def list_prints(
    session: Session, *, principal: Principal, job_id: str, cursor: str | None, limit: int
) -> Page[PrintView]:
    """Return a page of a job's prints, first one first, to whoever may see the job. Raises ``UnknownJob``."""
    find_visible(session, principal=principal, job_id=job_id)
    after = number_in(cursor) or 0
    found = rows.read_prints(session, job_id=job_id, after=after, limit=limit + 1)
    return page_of([print_view(row) for row in found], limit=limit, cursor_of=lambda view: str(view.number))


def _build_of(session: Session, job_id: str, named: str | None) -> str | None:
    build = proof_rows.build_that_holds(session, job_id=job_id, build_id=named)
    if build is None and named is not None:
        raise NotInThatBuild(f"build {named} doesn't hold job {job_id}: GET /v1/nodes/{{id}}/builds lists builds")
    return None if build is None else build.id


def _record(
    job: Job, report: PrintReport, *, number: int, build_id: str | None, actor: str, now: datetime
) -> PrintRecord:
    return PrintRecord(
        job_id=job.id,
        number=number,
        result=report.result,
        serial=_serial(job, report, number=number),
        note=report.note,
        evidence_id=report.evidence_id,
        reported_by=actor,
        reported_at=now,
        build_id=build_id,
    )


def _serial(job: Job, report: PrintReport, *, number: int) -> str:
    return serial_for(job, number=number, given=report.serial) if report.result == "good" else report.serial


def _start_if_accepted(session: Session, job: Job, *, actor: str, now: datetime) -> None:
    started = proof_rows.start(session, job_id=job.id, now=now) if job.state == "accepted" else None
    if started is not None:
        tell(session, started, "job.started", actor=actor, now=now)


def _go_on(session: Session, job_id: str, *, number: int, actor: str, now: datetime) -> None:
    """Hold a job whose first article was just printed; finish one of which nothing is missing."""
    job = job_rows.lock_job(session, job_id)
    assert job is not None, f"jobs are never deleted, but {job_id} is gone"
    if awaits_first_article(job):
        hold_first_article(session, job, number=number, actor=actor, now=now)
    else:
        finish_if_inspected(session, job, actor=actor, now=now)


def _count_good(session: Session, job: Job, *, actor: str, now: datetime) -> None:
    """Take a good print from the job's licence, and let the machine's first article count two years from today."""
    inventory.count_good_print(session, job_id=job.id, actor=actor, now=now)
    produced = (job.revision_id, job.machine_id, job.material, job.parameter_set)
    qualification.note_production(session, produced=produced, day=now.date())


def _require_printable(job: Job, *, actor: str, now: datetime) -> None:
    require_state(job, *WORKING_STATES, *_MADE_STATES, wish="printed")
    if job.file_released_at is None:
        raise FileNotFetched(
            f"the file of job {job.id} was never fetched, so nothing can be printed of it: "
            f"ask for a ticket with POST /v1/jobs/{job.id}/file-tickets"
        )
    if job_view(job).prints_left == 0:
        figures = {"quantity": job.quantity, "good": job.good_prints, "failed": job.failed_prints}
        figures["granted_reprints"] = job.granted_reprints
        entry = audit_entry(job.id, job.organisation_id, "print.refused", actor=actor, now=now, **figures)
        raise NoPrintsLeft(
            f"job {job.id} is for {job.quantity} good prints; {job.good_prints} good and {job.failed_prints} failed "
            f"ones are reported, {job.granted_reprints} reprints granted: ask for a reprint of a failed one",
            entry=entry,
        )


def _repeated(session: Session, job: Job, report: PrintReport, *, following: int) -> PrintView:
    assert report.number is not None
    known = rows.find_print(session, job_id=job.id, number=report.number)
    if known is None:
        raise PrintConflict(f"print {report.number} of job {job.id} can't be reported yet: {following} comes next")
    told = (known.result, known.serial, known.note, known.evidence_id)
    serial = _serial(job, report, number=report.number)
    another_build = report.build_id not in (None, known.build_id)
    if another_build or told != (report.result, serial, report.note, report.evidence_id):
        raise PrintConflict(
            f"print {report.number} of job {job.id} was reported as {known.result} with other facts: "
            f"a report never changes, {following} comes next"
        )
    return print_view(known)
