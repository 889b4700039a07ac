"""What a node prints: good and failed prints of a job, and the wish to print again after a failed one."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditedRefusal
from fabroute.inventory import service as inventory
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.production.models import Job, PrintRecord
from fabroute.production.repository import prints as rows
from fabroute.production.rules import LONGEST_NAME, LONGEST_TEXT, PRINT_RESULTS
from fabroute.production.service.access import find_visible, lock_at_node, require_state
from fabroute.production.service.evidence import UnknownEvidence
from fabroute.production.service.recheck import require_qualified
from fabroute.production.service.telling import audit_entry, tell
from fabroute.production.service.views import PrintView, job_view, print_view
from fabroute.production.states import WORKING_STATES
from fabroute.qualification import service as qualification


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
    session: Session, *, principal: Principal, job_id: str, report: PrintReport, now: datetime
) -> PrintView:
    """Count a print of an accepted job, for its node's organisation or the operator. Audited, ``job.print_reported``.

    A good print takes one from the job's licence lease; the gates are asked again. Raises ``UnknownJob``,
    ``NotTheNode``, ``JobStateConflict``, ``FileNotFetched``, ``UnknownEvidence``, ``PrintConflict``, and on the audit
    log ``NoPrintsLeft``, ``JobUnqualified``, and the inventory's ``LicenceExhausted`` and ``LicenceFrozen``.
    """
    job = lock_at_node(session, principal=principal, job_id=job_id)
    number = job.good_prints + job.failed_prints + 1
    if report.number is not None and report.number != number:
        return _repeated(session, job, report, following=number)
    require_evidence(session, job_id=job_id, evidence_id=report.evidence_id)
    _require_printable(job, actor=principal.key_id, now=now)
    if report.result == "good":
        require_qualified(session, job=job, wish="printed", actor=principal.key_id, now=now)
        _count_good(session, job, actor=principal.key_id, now=now)
    record = PrintRecord(
        job_id=job_id,
        number=number,
        result=report.result,
        serial=report.serial,
        note=report.note,
        evidence_id=report.evidence_id,
        reported_by=principal.key_id,
        reported_at=now,
    )
    rows.add(session, record)
    rows.count_print(session, job_id=job_id, result=report.result, now=now)
    tell(session, job, "job.print_reported", actor=principal.key_id, now=now, number=number, result=report.result)
    return print_view(record)


def list_prints(
    session: Session, *, principal: Principal, job_id: str, cursor: str | None, limit: int
) -> Page[PrintView]:
    """Return a page of a job's prints, first one first, to whoever may see the job. Raises ``UnknownJob``."""
    find_visible(session, principal=principal, job_id=job_id)
    after = int(cursor) if cursor is not None and cursor.isdecimal() else 0
    found = rows.read_prints(session, job_id=job_id, after=after, limit=limit + 1)
    return page_of([print_view(row) for row in found], limit=limit, cursor_of=lambda view: str(view.number))


def require_evidence(session: Session, *, job_id: str, evidence_id: str | None) -> None:
    """Raise ``UnknownEvidence`` unless the job has this evidence; none is asked for where it is None."""
    if evidence_id is not None and rows.find_evidence(session, job_id=job_id, evidence_id=evidence_id) is None:
        raise UnknownEvidence(
            f"job {job_id} has no evidence {evidence_id}: add it with PUT /v1/jobs/{job_id}/evidence/…"
        )


def _count_good(session: Session, job: Job, *, actor: str, now: datetime) -> None:
    """Take a good print from the job's licence, and let the machine's first article count two years from today."""
    inventory.count_good_print(session, job_id=job.id, actor=actor, now=now)
    produced = (job.revision_id, job.machine_id, job.material, job.parameter_set)
    qualification.note_production(session, produced=produced, day=now.date())


def _require_printable(job: Job, *, actor: str, now: datetime) -> None:
    require_state(job, *WORKING_STATES, wish="printed")
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
    if told != (report.result, report.serial, report.note, report.evidence_id):
        raise PrintConflict(
            f"print {report.number} of job {job.id} was reported as {known.result} with other facts: "
            f"a report never changes, {following} comes next"
        )
    return print_view(known)
