"""What the owner of a part decides about a job: other terms, reprints, first articles, silent nodes, notes."""

from typing import get_args

from fastapi import Request, Response

from fabroute.api.certifying import certify_if_inspected
from fabroute.api.dependencies import Identifier, JobsWriter, Now, WriteSession
from fabroute.console.forms import FormIn
from fabroute.console.pages.jobs.queue import job_path
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.production import service as production
from fabroute.production.service import ReprintDecision
from fabroute.production.service.inspection import FirstArticleDecision, decide_first_article
from fabroute.production.service.phases import countering, notes, reconciling, suspecting
from fabroute.production.service.phases.suspecting import SuspicionDecision

router = console_router()

_SUSPICION: tuple[SuspicionDecision, ...] = get_args(SuspicionDecision)
_OF_ARTICLES = ("approve", "again", "elsewhere")
_CHOOSE_TERMS = "Choose whether you take these terms or refuse them."


@router.post("/jobs/{job_id}/counter-offers/{counter_id}")
def answer_counter_offer(
    console: ForPeople,
    job_id: Identifier,
    counter_id: Identifier,
    caller: JobsWriter,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Take other terms, or have the line made elsewhere."""
    accept = form.chosen("answer", ("accept", "refuse"), _CHOOSE_TERMS) == "accept"
    countering.decide_counter(
        session, principal=caller, counter_id=counter_id, accept=accept, reason=form.text("reason"), now=now
    )
    told = "Taken: the job is the node's on its terms." if accept else "Refused: the line goes to another node."
    return console.redirect(job_path(job_id), told=told)


@router.post("/jobs/{job_id}/reprints/{request_id}")
def answer_reprint(
    console: ForPeople,
    job_id: Identifier,
    request_id: Identifier,
    caller: JobsWriter,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Grant one more print, or refuse it."""
    granted = form.chosen("answer", ("grant", "refuse"), "Choose whether you grant it or refuse it.") == "grant"
    decision = ReprintDecision(granted=granted, reason=form.text("reason"))
    production.decide_reprint(session, principal=caller, request_id=request_id, decision=decision, now=now)
    return console.redirect(job_path(job_id), told="Granted." if decision.granted else "Refused: the node is told.")


@router.post("/jobs/{job_id}/first-article-decision")
def answer_first_article(
    request: Request,
    console: ForPeople,
    job_id: Identifier,
    caller: JobsWriter,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Approve a first article, or refuse it."""
    answer = form.chosen("answer", _OF_ARTICLES, "Choose whether you approve it, and if not, where another is made.")
    decision = FirstArticleDecision(
        approved=answer == "approve", reason=form.text("reason"), again=answer != "elsewhere"
    )
    decide_first_article(session, principal=caller, job_id=job_id, decision=decision, now=now)
    certify_if_inspected(request, session, job_id=job_id, now=now)
    return console.redirect(job_path(job_id), told="Approved." if decision.approved else "Refused: the node is told.")


@router.post("/jobs/{job_id}/suspicion")
def answer_suspicion(
    console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now, form: FormIn
) -> Response:
    """Wait on for a silent node, or have its line made elsewhere."""
    decision = form.chosen("answer", _SUSPICION, "Choose whether to wait or to have it made elsewhere.")
    reason = form.required("reason", "Say why, in a few words: it goes on the record.")
    suspecting.decide_suspicion(session, principal=caller, job_id=job_id, decision=decision, reason=reason, now=now)
    told = "Its line is routed again, without that node." if decision == "reroute" else "You wait on."
    return console.redirect(job_path(job_id), told=told)


@router.post("/jobs/{job_id}/take-back")
def take_back(
    console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now, form: FormIn
) -> Response:
    """Take a held job from its node: its line is routed again."""
    production.take_back_job(session, principal=caller, job_id=job_id, reason=form.text("reason"), now=now)
    return console.redirect(job_path(job_id), told="Taken back: its line is routed again.")


@router.post("/jobs/{job_id}/notes/{note_id}")
def close_note(
    console: ForPeople,
    job_id: Identifier,
    note_id: Identifier,
    caller: JobsWriter,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Close a node's note with what was done about it."""
    resolution = form.required("resolution", "Say what was done about it.")
    notes.close_note(session, principal=caller, note_id=note_id, resolution=resolution, now=now)
    return console.redirect(job_path(job_id), told="The note is closed.")


@router.post("/jobs/{job_id}/reconciliations/{reconciliation_id}")
def settle_late_report(
    console: ForPeople,
    job_id: Identifier,
    reconciliation_id: Identifier,
    caller: JobsWriter,
    session: WriteSession,
    now: Now,
    form: FormIn,
) -> Response:
    """Say what became of parts that were reported too late."""
    resolution = form.required("resolution", "Say what became of the parts: bought, scrapped, sent back.")
    reconciling.close_reconciliation(
        session, principal=caller, reconciliation_id=reconciliation_id, resolution=resolution, now=now
    )
    return console.redirect(job_path(job_id), told="Settled.")
