"""Jobs: the queue of a node, a job, and the answers to what it asks: accept, propose, decline, stop."""

from typing import Annotated

from fastapi import Depends, Query, Response

from fabroute.api.dependencies import Identifier, JobsReader, JobsWriter, Now, ReadSession, WriteSession
from fabroute.console.amounts import day_in, money_in
from fabroute.console.forms import FormIn
from fabroute.console.job_queue import AskedQueue, is_news, read_queue_page
from fabroute.console.job_records import read_job_page
from fabroute.console.pages.jobs.queue import job_path, queue_path
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.production import service as production
from fabroute.production.service.claims import Stage
from fabroute.production.service.phases import beating, cancelling, countering, declining, starting

router = console_router()

NodeId = Annotated[str, Query(max_length=100, pattern=r"^[A-Za-z0-9_.:-]*$")]
Seen = Annotated[int, Query(ge=-1)]
"""How far the page had come that asks whether there is news; -1: nothing was seen."""
_NO_NEWS = 204
_HELD = frozenset({"accepted", "in_production", "inspected", "held"})
"""States in which whoever looks at a job that a person holds shows that they are still there."""


async def _asked(
    node: NodeId = "", stage: Stage | None = None, first: Annotated[int, Query(ge=0, le=4000)] = 0, seen: Seen = -1
) -> AskedQueue:
    return AskedQueue(node_id=node, stage=stage, first=0 if stage is None else first, seen=seen)


@router.get("/jobs")
def list_jobs(
    console: ForPeople,
    caller: JobsReader,
    session: ReadSession,
    now: Now,
    asked: Annotated[AskedQueue, Depends(_asked)],
) -> Response:
    """Show the queue of a node, or a stage of it; nothing to whom asks for news and there are none."""
    if console.is_partial and not is_news(session, caller=caller, asked=asked):
        return Response(status_code=_NO_NEWS)
    return console.page("jobs/queue.html", it=read_queue_page(session, caller=caller, asked=asked, now=now))


@router.get("/jobs/{job_id}")
def show_job(
    console: ForPeople, job_id: Identifier, caller: JobsReader, session: ReadSession, seen: Seen = -1
) -> Response:
    """Show a job with what is to be done now; nothing to whom asks for news and there are none."""
    if console.is_partial and production.get_job(session, principal=caller, job_id=job_id).version == seen:
        return Response(status_code=_NO_NEWS)
    page = read_job_page(session, caller=caller, job_id=job_id)
    return console.page("jobs/job.html", it=page, changed=console.is_partial and seen >= 0)


@router.post("/jobs/{job_id}/heartbeat")
def give_sign_of_life(job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now) -> Response:
    """Prolong the time that a person holds a job, while its page is open."""
    job = production.get_job(session, principal=caller, job_id=job_id)
    if job.lease_kind == "hand" and job.state in _HELD:
        beating.heartbeat(session, principal=caller, job_id=job_id, lease=None, now=now)
    return Response(status_code=_NO_NEWS)


@router.post("/jobs/{job_id}/accept")
def accept_job(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now) -> Response:
    """Accept an offered job."""
    production.accept_job(session, principal=caller, job_id=job_id, now=now)
    return console.redirect(job_path(job_id), told="Accepted: the job is yours. Fetch its file next.")


@router.get("/jobs/{job_id}/propose")
def show_proposal(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: ReadSession) -> Response:
    """Show the form for other terms."""
    return console.page("jobs/propose.html", it=read_job_page(session, caller=caller, job_id=job_id))


@router.post("/jobs/{job_id}/propose")
def propose_terms(
    console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now, form: FormIn
) -> Response:
    """Offer to make a job at another price or by another day."""
    wanted = countering.NewCounterOffer(
        price_minor=money_in(form, "price"), produce_by=day_in(form, "produce_by"), reason=form.text("reason")
    )
    done = countering.counter_job(session, principal=caller, job_id=job_id, wanted=wanted, lease=None, now=now)
    is_ours = done.job.state == "accepted"
    told = "Your terms were taken at once: the job is yours." if is_ours else "Your terms are with the owner now."
    return console.redirect(job_path(job_id), told=told)


@router.get("/jobs/{job_id}/decline")
def show_decline(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: ReadSession) -> Response:
    """Show the form for a refusal."""
    return console.page("jobs/decline.html", it=read_job_page(session, caller=caller, job_id=job_id))


@router.post("/jobs/{job_id}/decline")
def decline_job(
    console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now, form: FormIn
) -> Response:
    """Decline a job with a reason: its line goes to another node at once."""
    reason = form.required("reason", "Choose why: the routing learns from it.")
    decline = declining.Decline(reason=reason, text=form.text("text"))
    done = declining.decline_job(session, principal=caller, job_id=job_id, decline=decline, lease=None, now=now)
    return console.redirect(queue_path(done.job.node_id), told="Declined. Its line goes to another node.")


@router.post("/jobs/{job_id}/start")
def start_job(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now) -> Response:
    """Say that a job is being printed."""
    starting.start_job(session, principal=caller, job_id=job_id, now=now)
    return console.redirect(job_path(job_id), told="Noted: it is being printed.")


@router.post("/jobs/{job_id}/still-here")
def say_still_here(
    console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now
) -> Response:
    """Say that a node is at work on a job, after it was silent."""
    beating.heartbeat(session, principal=caller, job_id=job_id, lease=None, now=now)
    return console.redirect(job_path(job_id), told="Good: the job is still yours.")


@router.post("/jobs/{job_id}/stop")
def answer_request_to_stop(
    console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now, form: FormIn
) -> Response:
    """Say whether a node stops a job that nobody needs any more."""
    agreed = form.chosen("answer", ("stop", "go_on"), "Choose whether you stop or go on.") == "stop"
    answer = cancelling.CancellationAnswer(agreed=agreed, reason=form.text("reason"))
    cancelling.answer_cancellation(session, principal=caller, job_id=job_id, answer=answer, lease=None, now=now)
    told = "You stop: make nothing more of it." if answer.agreed else "You go on: the owner is told."
    return console.redirect(job_path(job_id), told=told)


@router.post("/jobs/{job_id}/resume")
def resume_job(console: ForPeople, job_id: Identifier, caller: JobsWriter, session: WriteSession, now: Now) -> Response:
    """Go on with a held job, once every proof is there again."""
    production.resume_job(session, principal=caller, job_id=job_id, now=now)
    return console.redirect(job_path(job_id), told="Every proof is there again: go on.")
