"""One order: why its node, what else there was, what happened; routed otherwise, sent on its way, cancelled."""

from functools import partial
from typing import Annotated, get_args

from fastapi import Path, Query, Response

from fabroute.api.dependencies import (
    BuyerReader,
    BuyerWriter,
    Identifier,
    JobsWriter,
    Now,
    ReadSession,
    WriteSession,
    decode_cursor,
)
from fabroute.console.forms import Form, FormIn
from fabroute.console.pages.order.page import order_page, stamp_of
from fabroute.console.rendering import ForPeople
from fabroute.console.routes import console_router
from fabroute.console.views.order_facts import Asked, read_facts, whose
from fabroute.orders import service as orders
from fabroute.orders.rules import Objective
from fabroute.production import service as production
from fabroute.production.service.phases import countering
from fabroute.production.service.phases.suspecting import SuspicionDecision, decide_suspicion
from fabroute.production.service.rerouting import attention
from fabroute.production.service.rerouting.objectives import change_objective
from fabroute.routing.service import replays

router = console_router()

Position = Annotated[int, Path(ge=1, le=10_000)]
Line = Annotated[int, Query(ge=1, le=10_000)]
_SUSPICION: tuple[SuspicionDecision, ...] = get_args(SuspicionDecision)
_OBJECTIVES: tuple[Objective, ...] = get_args(Objective)

_STOP_ASKING = 286
"""What htmx takes as the last answer to a question that it repeats."""
_ANSWERS = ("accept", "refuse")


@router.get("/orders/{order_id}")
def show_order(
    console: ForPeople,
    caller: BuyerReader,
    session: ReadSession,
    now: Now,
    order_id: Identifier,
    line: Line = 1,
    story: Annotated[str, Query(max_length=400)] = "",
    replay: Annotated[str, Query(pattern=r"^[A-Za-z0-9_]{0,60}$")] = "",
) -> Response:
    """Show an order of the viewer's organisation, the operator any: one of its lines in full."""
    cursor = decode_cursor(story) if story else None
    asked = Asked(order_id=order_id, position=line, story=cursor, replay_id=replay)
    facts = read_facts(session, caller, asked, now=now)
    return console.made("order/order.html", partial(order_page, facts, console.viewer.formats))


@router.get("/orders/{order_id}/news")
def tell_news(
    console: ForPeople,
    caller: BuyerReader,
    session: ReadSession,
    order_id: Identifier,
    stamp: Annotated[str, Query(max_length=2_000)] = "",
    line: Line = 1,
    waits: bool = False,
) -> Response:
    """Tell an open page whether its order changed: nothing where not, a hint where so.

    A page that ``waits`` for its order to be routed is loaded anew by itself, because nobody is typing there.
    """
    order = orders.get_order(session, organisation_id=whose(caller), order_id=order_id)
    jobs = production.jobs_of_lines(session, line_ids=[it.id for it in order.lines])
    if stamp_of(order, jobs) == stamp:
        return Response(status_code=204)
    if waits:
        return Response(headers={"HX-Refresh": "true"})
    return console.page("order/news.html", status=_STOP_ASKING, path=f"/console/orders/{order.id}?line={line}")


@router.post("/orders/{order_id}/objective")
def route_otherwise(
    console: ForPeople, caller: BuyerWriter, form: FormIn, session: WriteSession, now: Now, order_id: Identifier
) -> Response:
    """Route an order by another objective."""
    objective = form.chosen("objective", _OBJECTIVES, "Choose what counts: price, time, CO₂e, or all three.")
    change_objective(session, principal=caller, order_id=order_id, objective=objective, now=now)
    return console.redirect(_back(order_id, form), told=f"The order is being routed again: {objective} from now on.")


@router.post("/orders/{order_id}/cancel")
def cancel_order(
    console: ForPeople, caller: BuyerWriter, form: FormIn, session: WriteSession, now: Now, order_id: Identifier
) -> Response:
    """Cancel an order; nodes that have started are asked to stop."""
    done = production.cancel_order(
        session,
        organisation_id=caller.organisation_id,
        order_id=order_id,
        actor=caller.key_id,
        now=now,
    )
    told = "The order is cancelled."
    if done.waiting:
        told = "Nodes have started on this order: they are asked to stop, and it is cancelled when they agree."
    return console.redirect(_back(order_id, form), told=told)


@router.post("/orders/{order_id}/lines/{position}/retry")
def retry_line(
    console: ForPeople,
    caller: BuyerWriter,
    form: FormIn,
    session: WriteSession,
    now: Now,
    order_id: Identifier,
    position: Position,
) -> Response:
    """Send a line that waits or has no route on its way again; nodes that are ticked stay ruled out."""
    attention.retry_line(
        session,
        principal=caller,
        order_id=order_id,
        position=position,
        still_excluded=form.several("still_excluded"),
        now=now,
    )
    return console.redirect(_back(order_id, form), told="The line is being routed again.")


@router.post("/orders/{order_id}/lines/{position}/exclusions/{node_id}/lift")
def lift_exclusion(
    console: ForPeople,
    caller: BuyerWriter,
    form: FormIn,
    session: WriteSession,
    now: Now,
    order_id: Identifier,
    position: Position,
    node_id: Identifier,
) -> Response:
    """Let a node have a line again that it declined, let lapse or failed at."""
    attention.lift_exclusion(session, principal=caller, order_id=order_id, position=position, node_id=node_id, now=now)
    return console.redirect(_back(order_id, form), told=f"{node_id} may have the line again.")


@router.post("/orders/{order_id}/jobs/{job_id}/suspicion")
def decide_about_silence(
    console: ForPeople,
    caller: JobsWriter,
    form: FormIn,
    session: WriteSession,
    now: Now,
    order_id: Identifier,
    job_id: Identifier,
) -> Response:
    """Wait on for a silent node, or take its job from it."""
    decision = form.chosen("decision", _SUSPICION, "Choose whether to wait or to have it made elsewhere.")
    reason = form.required("reason", "Say in a few words what you know: it stands in the record.")
    decide_suspicion(session, principal=caller, job_id=job_id, decision=decision, reason=reason, now=now)
    told = "Noted: you wait on for the node." if decision == "wait" else "The line goes to another node."
    return console.redirect(_back(order_id, form), told=told)


@router.post("/orders/{order_id}/jobs/{job_id}/take-back")
def take_back_job(
    console: ForPeople,
    caller: JobsWriter,
    form: FormIn,
    session: WriteSession,
    now: Now,
    order_id: Identifier,
    job_id: Identifier,
) -> Response:
    """Take a job that is on hold from its node: its line is routed again."""
    reason = form.required("reason", "Say why, in a few words: it stands in the record.")
    production.take_back_job(session, principal=caller, job_id=job_id, reason=reason, now=now)
    return console.redirect(_back(order_id, form), told="The job was taken back; its line is being routed again.")


@router.post("/orders/{order_id}/counter-offers/{counter_id}")
def answer_proposal(
    console: ForPeople,
    caller: JobsWriter,
    form: FormIn,
    session: WriteSession,
    now: Now,
    order_id: Identifier,
    counter_id: Identifier,
) -> Response:
    """Take a node's other price or day, or have the line made elsewhere."""
    accept = form.chosen("answer", _ANSWERS, "Choose whether you take these terms or refuse them.") == "accept"
    countering.decide_counter(
        session, principal=caller, counter_id=counter_id, accept=accept, reason=form.text("reason"), now=now
    )
    told = "Taken: the node makes it on its terms." if accept else "Refused: the line goes to another node."
    return console.redirect(_back(order_id, form), told=told)


@router.post("/orders/{order_id}/decisions/{decision_id}/replay")
def replay_decision(
    console: ForPeople,
    caller: BuyerWriter,
    form: FormIn,
    session: WriteSession,
    now: Now,
    order_id: Identifier,
    decision_id: Identifier,
) -> Response:
    """Have a decision made again from its archive, and compared."""
    asked = replays.ask_replay(
        session,
        organisation_id=caller.organisation_id,
        decision_id=decision_id,
        whole=caller.kind == "operator",
        actor=caller.key_id,
        now=now,
    )
    return console.redirect(f"{_back(order_id, form)}&replay={asked.id}#replay")


def _back(order_id: str, form: Form) -> str:
    """Return the page of the line that a form stood on."""
    line = form.text("line", "1")
    return f"/console/orders/{order_id}?line={line if line.isascii() and line.isdecimal() else '1'}"
