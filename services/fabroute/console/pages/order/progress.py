"""Where a line stands: the steps from order to delivery, and what waits for a person."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

from fabroute.console.formats import Formats
from fabroute.console.pages.order.facts import OrderFacts, Proposal
from fabroute.orders.service import LineView
from fabroute.production.service import JobOfLine

StepState = Literal["done", "now", "next", "failed"]
_STEPS = ("Placed", "Routed", "Offered", "Accepted", "Printing", "Inspected", "Shipped", "Delivered")
_AT: Mapping[str, int] = {
    "planned": 1,
    "offered": 2,
    "countered": 2,
    "accepted": 3,
    "in_production": 4,
    "inspected": 5,
    "shipped": 6,
    "delivered": 7,
    "held": 2,
    "suspect": 3,
}
_OPEN = frozenset({"pending", "routing"})
_TROUBLED = ("held", "suspect", "countered")


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A step of a line's way."""

    label: str
    state: StepState
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class LineTab:
    """A line of an order with several."""

    position: int
    part: str
    revision: str
    quantity: int
    state: str
    where: str
    path: str
    is_chosen: bool
    needs_somebody: bool
    """Whether a person has to decide about it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposalRow:
    """Other terms on which a node would make the line."""

    counter_id: str
    job_id: str
    node_id: str
    city: str
    price_minor: int
    more_minor: int
    produce_by: date
    offered_produce_by: date
    arrives_at: datetime
    is_later: bool
    """Whether it would be there later than was promised."""
    reason: str
    until: datetime | None
    may_answer: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job of the line."""

    job_id: str
    path: str
    node_id: str
    city: str
    machine_id: str
    quantity: int
    price_minor: int
    state: str
    held_reason: str
    may_decide: bool
    """Whether its node fell silent and the viewer may say what is done about it."""
    may_take_back: bool


def steps_of(facts: OrderFacts, fmt: Formats) -> tuple[Step, ...]:
    """Return the steps of the line that is looked at; of several jobs the one that is farthest behind counts."""
    line, jobs = facts.line, facts.line_jobs
    if line.state == "cancelled":
        return (_placed(facts, fmt), Step(label="Cancelled", state="failed"))
    if line.state in ("no_route", "parked"):
        label = "No node can make it" if line.state == "no_route" else "Waits for a person"
        return (_placed(facts, fmt), Step(label=label, state="failed"), *_coming(2))
    if line.state in _OPEN:
        return (_placed(facts, fmt), Step(label="Being routed", state="now"), *_coming(2))
    at = min((_AT.get(job.state, 1) for job in jobs), default=1)
    done = [Step(label=label, state="done") for label in _STEPS[1:at]]
    now = Step(label=_STEPS[at], state="done" if at == len(_STEPS) - 1 else "now", detail=_where(jobs, fmt))
    return (_placed(facts, fmt), *done, now, *_coming(at + 1))


def tabs_of(facts: OrderFacts) -> tuple[LineTab, ...]:
    """Return the lines of the order; none where there is but one."""
    if len(facts.order.lines) == 1:
        return ()
    return tuple(_tab(line, facts) for line in facts.order.lines)


def job_rows(facts: OrderFacts) -> tuple[JobRow, ...]:
    """Return the jobs of the line."""
    return tuple(_job(job, facts) for job in facts.line_jobs)


def proposal_rows(facts: OrderFacts) -> tuple[ProposalRow, ...]:
    """Return the terms that nodes propose and that wait for an answer."""
    return tuple(_proposal(it, facts) for it in facts.proposals)


def _proposal(it: Proposal, facts: OrderFacts) -> ProposalRow:
    counter, promised = it.counter, facts.line.promised_at
    cities = {job.job_id: job.city for job in facts.line_jobs}
    return ProposalRow(
        counter_id=counter.counter_id,
        job_id=counter.job_id,
        node_id=counter.node_id,
        city=cities.get(counter.job_id, counter.node_id),
        price_minor=counter.price_minor,
        more_minor=counter.price_minor - counter.offered_price_minor,
        produce_by=counter.produce_by,
        offered_produce_by=counter.offered_produce_by,
        arrives_at=it.arrives_at,
        is_later=promised is not None and it.arrives_at > promised,
        reason=counter.reason,
        until=it.until,
        may_answer=facts.rights.jobs,
    )


def _placed(facts: OrderFacts, fmt: Formats) -> Step:
    return Step(label="Placed", state="done", detail=fmt.instant(facts.order.placed_at))


def _coming(first: int) -> Sequence[Step]:
    return [Step(label=label, state="next") for label in _STEPS[first:]]


def _where(jobs: Sequence[JobOfLine], fmt: Formats) -> str:
    cities = ", ".join(dict.fromkeys(job.city for job in jobs))
    troubled = next((job for job in jobs if job.state in _TROUBLED), None)
    words = {"held": "on hold", "suspect": "the node fell silent", "countered": "other terms proposed"}
    return f"{cities}: {words[troubled.state]}" if troubled is not None else cities


def _tab(line: LineView, facts: OrderFacts) -> LineTab:
    summary = facts.summaries.get(line.decision_id or "")
    return LineTab(
        position=line.position,
        part=line.part,
        revision=line.revision,
        quantity=line.quantity,
        state=line.state,
        where="" if summary is None or summary.city is None else summary.city,
        path=f"/console/orders/{facts.order.id}?line={line.position}",
        is_chosen=line.id == facts.line.id,
        needs_somebody=line.state == "parked" or any(job.state in _TROUBLED for job in facts.jobs.get(line.id, ())),
    )


def _job(job: JobOfLine, facts: OrderFacts) -> JobRow:
    return JobRow(
        job_id=job.job_id,
        path=f"/console/jobs/{job.job_id}",
        node_id=job.node_id,
        city=job.city,
        machine_id=job.machine_id,
        quantity=job.quantity,
        price_minor=job.price_minor,
        state=job.state,
        held_reason=job.held_reason,
        may_decide=facts.rights.jobs and job.state == "suspect",
        may_take_back=facts.rights.jobs and job.state == "held",
    )
