"""A node reports what its inspection found; the limits of the part decide, whatever is claimed."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.inventory.service import RevisionView
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.production.models import Inspection, Job, JobEvidence, PrintRecord
from fabroute.production.repository import conformity as conformity_rows
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import prints as print_rows
from fabroute.production.repository import proofs as rows
from fabroute.production.rules import LONGEST_NAME, LONGEST_TEXT
from fabroute.production.service.access import conflict, find_visible
from fabroute.production.service.build_spans import CLOCKS_DIFFER
from fabroute.production.service.evidence import named_evidence
from fabroute.production.service.inspection.finishing import finish_if_inspected, inspected, reopen, revision_of
from fabroute.production.service.inspection.rules import (
    INSPECTION_LEVELS,
    LONGEST_LIST,
    PIECE_BY_PIECE,
    WITH_REPORT,
    InspectionResult,
    Judgement,
    Measurement,
    judge,
    plan_problems,
    still_failed,
)
from fabroute.production.service.inspection.views import InspectionView, inspection_view
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.phases.reviving import revive
from fabroute.production.service.telling import tell
from fabroute.production.service.views import JobView, job_view

_NAMED = 5
_CONTENT = (
    *("through_print", "level", "result", "measurements", "findings"),
    *("evidence_id", "inspector", "note"),
)


class InvalidInspection(DomainError):
    """An inspection that lacks something the part asks for, or that can't be judged."""

    code = "invalid_inspection"
    status = 422


class UnknownPrint(DomainError):
    """The job has no such print."""

    code = "unknown_print"
    status = 404


class PrintMismatch(DomainError):
    """The print has another serial, failed, or was scrapped: the report is about another part."""

    code = "print_mismatch"
    status = 409


class InspectionFailedBefore(DomainError):
    """A print failed an inspection, and a later one, of it or of the whole job, doesn't say what was put right."""

    code = "inspection_failed_before"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class NewInspection:
    """What was found; ``print_number`` None for the job as a whole."""

    level: str
    inspector: str
    """Who looked, as the certificate names them."""
    print_number: int | None = None
    serial: str = ""
    """Of the part, to make sure that it is the one meant; empty: not said."""
    measurements: tuple[Measurement, ...] = field(default=())
    evidence: str | None = None
    """Id or name of evidence of the job."""
    claimed: InspectionResult | None = None
    """What the inspector says: a ``fail`` counts, a ``pass`` only where nothing is out of limits."""
    note: str = ""
    inspected_at: datetime | None = None
    """None: now."""

    def __post_init__(self) -> None:
        problems = []
        if self.level not in INSPECTION_LEVELS:
            problems.append(FieldProblem(pointer="/level", message=f"use {', '.join(INSPECTION_LEVELS)}"))
        if not 0 < len(self.inspector.strip()) <= LONGEST_NAME:
            problems.append(FieldProblem(pointer="/inspector", message=f"say who, in 1 to {LONGEST_NAME} characters"))
        if len(self.note) > LONGEST_TEXT:
            problems.append(FieldProblem(pointer="/note", message=f"use up to {LONGEST_TEXT:,} characters"))
        if len(self.measurements) > LONGEST_LIST:
            problems.append(FieldProblem(pointer="/measurements", message=f"list up to {LONGEST_LIST}"))
        _require_none(problems)


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionDone:
    """An inspection as it was judged, and what became of the job."""

    inspection: InspectionView
    job: JobView


def report_inspection(
    session: Session,
    *,
    principal: Principal,
    job_id: str,
    inspection: NewInspection,
    now: datetime,
    lease: Lease | None = None,
) -> InspectionDone:
    """Keep an inspection and judge it by the part's plan, for the node or the operator. Audited, told; twice is once.

    The job is inspected once nothing is missing; a failed inspection stops its shipping until the print is scrapped, or
    was put right: then a later one, of the print or the whole job, says so in its note, with evidence. Raises
    ``UnknownJob``, ``NotTheNode``, ``LeaseLost``, ``LeaseRequired``, ``JobStateConflict``, ``UnknownPrint``,
    ``PrintMismatch``, ``UnknownEvidence``, ``InspectionFailedBefore``, and ``InvalidInspection``, which names all that
    is missing.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    job = revive(session, job, actor=principal.key_id, now=now)
    evidence = None
    if inspection.evidence is not None:
        evidence = named_evidence(session, job_id=job_id, name_or_id=inspection.evidence)
    judgement = _judged(revision_of(session, job), inspection, evidence)
    row = _row(job, inspection, judgement, evidence=evidence, actor=principal.key_id, now=now)
    before = _latest_of_the_piece(session, row)
    if before is not None and _says_the_same(before, row, stated=inspection.inspected_at):
        return InspectionDone(inspection=inspection_view(before), job=job_view(job))
    _require_open(job)
    _require_its_time(job, row.inspected_at, now=now)
    _require_its_print(session, job, inspection)
    _require_put_right(session, job, row)
    print_rows.add(session, row)
    return _told(session, job, row, actor=principal.key_id, now=now)


def list_inspections(
    session: Session, *, principal: Principal, job_id: str, cursor: str | None, limit: int
) -> Page[InspectionView]:
    """Return a page of a job's inspections, oldest first, to whoever may see the job. Raises ``UnknownJob``."""
    find_visible(session, principal=principal, job_id=job_id)
    found = rows.read_page(session, job_id=job_id, cursor=cursor, limit=limit + 1)
    return page_of([inspection_view(row) for row in found], limit=limit, cursor_of=lambda view: view.inspection_id)


def _told(session: Session, job: Job, row: Inspection, *, actor: str, now: datetime) -> InspectionDone:
    data = {"inspection": row.id, "level": row.level, "result": row.result, "print": row.print_number}
    tell(session, job, "job.inspection_reported", actor=actor, now=now, **data)
    if row.result == "fail":
        job = reopen(session, job, actor=actor, reason="; ".join(row.findings), now=now)
    else:
        job = finish_if_inspected(session, job, actor=actor, now=now)
    current = job_rows.find_job(session, job.id)
    assert current is not None, "jobs are never deleted"
    return InspectionDone(inspection=inspection_view(row), job=job_view(current))


def _latest_of_the_piece(session: Session, row: Inspection) -> Inspection | None:
    found = conformity_rows.read_inspections(session, job_id=row.job_id)
    return next((before for before in reversed(found) if before.print_number == row.print_number), None)


def _says_the_same(before: Inspection, row: Inspection, *, stated: datetime | None) -> bool:
    """Return whether an inspection repeats the latest one of the same prints."""
    same = all(getattr(before, name) == getattr(row, name) for name in _CONTENT)
    return same and stated in (None, before.inspected_at)


def _require_open(job: Job) -> None:
    held_for_first = job.state == "held" and job.held_kind == "first_article"
    if job.state not in ("in_production", "inspected") and not held_for_first:
        raise conflict(job, wish="inspected")


def _require_its_time(job: Job, inspected_at: datetime, *, now: datetime) -> None:
    earliest = job.accepted_at or job.offered_at
    if not earliest - CLOCKS_DIFFER <= inspected_at <= now + CLOCKS_DIFFER:
        message = f"give a time from {earliest.isoformat(timespec='seconds')}, when the job was accepted, until now"
        _require_none([FieldProblem(pointer="/inspected_at", message=message)])


def _require_its_print(session: Session, job: Job, inspection: NewInspection) -> None:
    number = inspection.print_number
    if number is None:
        if job.good_prints == 0:
            raise conflict(job, wish="inspected before a print of it is reported good")
        return
    found = print_rows.find_print(session, job_id=job.id, number=number)
    if found is None:
        raise UnknownPrint(f"job {job.id} has no print {number}: is the inspection of another job's part?")
    _require_same_part(job, found, inspection.serial)


def _require_same_part(job: Job, found: PrintRecord, serial: str) -> None:
    if serial and serial != found.serial:
        raise PrintMismatch(
            f"print {found.number} of job {job.id} has serial {found.serial!r}, not {serial!r}: the inspection is of "
            "another part; GET /v1/jobs/{id}/prints lists the serials"
        )
    if found.result != "good" or found.scrapped_at is not None:
        what = "was scrapped" if found.scrapped_at else "failed"
        raise PrintMismatch(f"print {found.number} of job {job.id} {what}: it is no part that could be shipped")


def _require_put_right(session: Session, job: Job, row: Inspection) -> None:
    if row.result == "fail" or (row.note.strip() and row.evidence_id):
        return
    found = conformity_rows.read_inspections(session, job_id=job.id)
    prints = rows.standing_good_prints(session, job_id=job.id)
    failed = still_failed(prints=prints, inspections=inspected(found), by=inspected([row])[0])
    if failed:
        why = [it for it in found if it.result == "fail" and it.print_number in (None, *failed)][-1]
        named = ", ".join(str(number) for number in failed[:_NAMED]) + (", …" if len(failed) > _NAMED else "")
        raise InspectionFailedBefore(
            f"print {named} of job {job.id} failed inspection {why.id} ({'; '.join(why.findings)}): scrap it, or say "
            "in the note what was put right, with evidence"
        )


def _judged(revision: RevisionView, inspection: NewInspection, evidence: JobEvidence | None) -> Judgement:
    has_report = evidence is not None and evidence.kind == "report"
    whole_plan = inspection.level == revision.inspection_level
    plan = revision.inspection_plan
    problems = [
        *plan_problems(plan, inspection.measurements, whole_plan=whole_plan, has_report=has_report),
        *_level_problems(inspection, has_report=has_report),
    ]
    if inspection.level == "dimensional" and not inspection.measurements:
        problems.append(FieldProblem(pointer="/measurements", message="say what was measured"))
    _require_none(problems)
    failed = (inspection.note or "the inspector failed it") if inspection.claimed == "fail" else ""
    return judge(plan, inspection.measurements, claimed_fail=failed)


def _level_problems(inspection: NewInspection, *, has_report: bool) -> list[FieldProblem]:
    problems = []
    if inspection.level in WITH_REPORT and not has_report:
        message = f"a {inspection.level} inspection needs its report: evidence of the kind report"
        problems.append(FieldProblem(pointer="/evidence", message=message))
    if inspection.level in PIECE_BY_PIECE and inspection.print_number is None:
        message = f"a {inspection.level} inspection is of one print: say which"
        problems.append(FieldProblem(pointer="/print_number", message=message))
    return problems


def _require_none(problems: Sequence[FieldProblem]) -> None:
    if problems:
        words = "; ".join(problem.message for problem in problems)
        raise InvalidInspection(f"this inspection can't be taken: {words}", problems=tuple(problems))


def _row(
    job: Job,
    inspection: NewInspection,
    judgement: Judgement,
    *,
    evidence: JobEvidence | None,
    actor: str,
    now: datetime,
) -> Inspection:
    return Inspection(
        id=new_id("ins"),
        job_id=job.id,
        print_number=inspection.print_number,
        through_print=_through(job, inspection),
        level=inspection.level,
        result=judgement.result,
        measurements=[dict(measured) for measured in judgement.measurements],
        findings=list(judgement.findings),
        evidence_id=None if evidence is None else evidence.id,
        inspector=inspection.inspector,
        note=inspection.note,
        inspected_at=inspection.inspected_at or now,
        reported_by=actor,
        reported_at=now,
    )


def _through(job: Job, inspection: NewInspection) -> int:
    if inspection.print_number is not None:
        return inspection.print_number
    return job.good_prints + job.failed_prints
