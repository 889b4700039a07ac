"""Making the parts of a job: its file, its prints, its inspections, its photos."""

from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlmodel import Session

from fabroute.api.certifying import certify_if_inspected
from fabroute.api.dependencies import (
    Identifier,
    JobsReader,
    JobsWriter,
    Now,
    ReadSession,
    WriteSession,
    work_of,
)
from fabroute.api.routers.job_files import fetch_print_file, get_job_evidence
from fabroute.console.forms import FormIn, field_refused
from fabroute.console.job_records import read_job_page
from fabroute.console.pages.jobs.inspecting import new_inspection
from fabroute.console.pages.jobs.queue import job_path
from fabroute.console.photos import SentFile, keep_files
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.identity.rules import Principal
from fabroute.production import service as production
from fabroute.production.service import EvidenceView, JobView, NewEvidence, NewReprint, PrintReport
from fabroute.production.service.inspection import Submission, report_inspection, submit_first_article

router = console_router()

SentFiles = Annotated[tuple[SentFile, ...], Depends(keep_files)]
MOST_AT_ONCE = 200
"""Good prints that are reported in one go."""
_WITH_REPORT = frozenset({"ct", "test_report"})


@router.post("/jobs/{job_id}/file")
def fetch_file(request: Request, job_id: Identifier, caller: JobsWriter, now: Now) -> Response:
    """Send a job's print file: one ticket, used at once. Nothing leaves before its SHA-256 was found right."""
    with work_of(request, caller) as session:
        ticket = production.issue_ticket(session, principal=caller, job_id=job_id, now=now)
    return fetch_print_file(request, token=ticket.token, caller=caller, now=now)


@router.get("/jobs/{job_id}/prints")
def show_prints(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: ReadSession) -> Response:
    """Show the form for what came out of the machine."""
    return console.page("jobs/prints.html", it=read_job_page(session, caller=caller, job_id=job_id))


@router.post("/jobs/{job_id}/prints")
def report_prints(
    request: Request,
    console: ForPeople,
    job_id: Identifier,
    caller: JobsWriter,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Count good prints, or one that failed."""
    first = form.whole_number("number", least=1)
    good = form.whole_number("good", least=1, most=MOST_AT_ONCE) if form.text("result") != "failed" else 0
    serial, note = form.text("serial") if good == 1 else "", form.text("note")
    if not good and not note:
        raise field_refused("note", "Say in a few words what went wrong.")
    _require_wanted(good, first, production.get_job(session, principal=caller, job_id=job_id))
    for number in range(first, first + max(good, 1)):
        report = PrintReport(result="good" if good else "failed", serial=serial, note=note, number=number)
        production.report_print(session, principal=caller, job_id=job_id, report=report, now=now)
    certify_if_inspected(request, session, job_id=job_id, now=now)
    told = f"Counted: {good} good {'print' if good == 1 else 'prints'}." if good else "Noted: the print failed."
    return console.redirect(job_path(job_id), told=told)


def _require_wanted(good: int, first: int, job: JobView) -> None:
    left, is_new = job.prints_left, first > job.good_prints + job.failed_prints
    if is_new and 0 < left < good:
        raise field_refused("good", f"Only {left} more {'is' if left == 1 else 'are'} wanted: enter {left} or fewer.")


@router.get("/jobs/{job_id}/reprint")
def show_reprint(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: ReadSession) -> Response:
    """Show the form for one more print."""
    return console.page("jobs/reprint.html", it=read_job_page(session, caller=caller, job_id=job_id))


@router.post("/jobs/{job_id}/reprint")
def ask_for_reprint(
    console: ForPeople,
    job_id: Identifier,
    caller: JobsWriter,
    files: SentFiles,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Ask the owner for one more print after one that failed, with a photo."""
    if not files:
        raise field_refused("photo", "Add a photo of what went wrong.")
    photo = _kept(session, caller, job_id, files[0], now=now)
    wanted = NewReprint(
        print_number=form.whole_number("print_number", least=1),
        reason=form.text("reason"),
        evidence_id=photo.evidence_id,
    )
    production.request_reprint(session, principal=caller, job_id=job_id, request=wanted, now=now)
    return console.redirect(job_path(job_id), told="The owner is asked for a reprint.")


@router.get("/jobs/{job_id}/inspection")
def show_inspection(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: ReadSession) -> Response:
    """Show the form for an inspection."""
    return console.page("jobs/inspection.html", it=read_job_page(session, caller=caller, job_id=job_id))


@router.post("/jobs/{job_id}/inspection")
def take_inspection(
    request: Request,
    console: ForPeople,
    job_id: Identifier,
    caller: JobsWriter,
    files: SentFiles,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Keep an inspection with its photo; the part's limits decide."""
    page = read_job_page(session, caller=caller, job_id=job_id)
    level = page.records.revision.inspection_level
    kept = [_kept(session, caller, job_id, file, now=now, is_report=level in _WITH_REPORT) for file in files]
    inspection = new_inspection(form, page, evidence_id=kept[0].evidence_id if kept else None)
    done = report_inspection(session, principal=caller, job_id=job_id, inspection=inspection, now=now)
    certify_if_inspected(request, session, job_id=job_id, now=now)
    if done.inspection.result == "fail":
        findings = "; ".join(done.inspection.findings)
        return console.redirect(job_path(job_id), told=f"It did not pass: {findings}.", kind="problem")
    return console.redirect(job_path(job_id), told="Passed.")


@router.get("/jobs/{job_id}/first-article")
def show_first_article(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: ReadSession) -> Response:
    """Show the form for a first article."""
    return console.page("jobs/first_article.html", it=read_job_page(session, caller=caller, job_id=job_id))


@router.post("/jobs/{job_id}/first-article")
def send_first_article(
    console: ForPeople,
    job_id: Identifier,
    caller: JobsWriter,
    files: SentFiles,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Send a first article to the owner, with its photo or report."""
    if not files:
        raise field_refused("photo", "Add a photo or a report: the owner decides by it.")
    photo = _kept(session, caller, job_id, files[0], now=now)
    sent = Submission(evidence=(photo.evidence_id,), note=form.text("note"))
    submit_first_article(session, principal=caller, job_id=job_id, submission=sent, now=now)
    return console.redirect(job_path(job_id), told="The first article is with the owner.")


@router.post("/jobs/{job_id}/evidence")
def add_photo(
    console: ForPeople, job_id: Identifier, caller: JobsWriter, files: SentFiles, session: WriteSession, now: Now
) -> Response:
    """Add photos or reports to a job."""
    if not files:
        raise field_refused("photo", "Choose a file.")
    for file in files:
        _kept(session, caller, job_id, file, now=now)
    return console.redirect(job_path(job_id), told="Added.")


@router.get("/jobs/{job_id}/evidence/{name}")
def show_evidence(request: Request, job_id: Identifier, name: str, caller: JobsReader) -> Response:
    """Send a photo or report of a job."""
    return get_job_evidence(request, job_id, name, caller)


def _kept(
    session: Session, caller: Principal, job_id: str, file: SentFile, *, now: datetime, is_report: bool = False
) -> EvidenceView:
    """Return a file as evidence of a job; the same file again is the one that is there."""
    evidence = NewEvidence(
        kind="report" if is_report else file.kind,
        name=file.name,
        media_type=file.media_type,
        size_bytes=file.size_bytes,
        sha256=file.sha256,
        head=file.head,
    )
    return production.add_evidence(session, principal=caller, job_id=job_id, evidence=evidence, now=now)
