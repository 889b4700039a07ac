"""What nodes and owners say about jobs on their way, over the wire."""

from datetime import date
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, AwareDatetime, Field, StringConstraints

from fabroute.api.schemas.base import Day, Instant, MoneyIn, MoneyOut, Note, RequestModel, ResponseModel, Sentence
from fabroute.api.schemas.jobs import JobOut, job_out
from fabroute.kernel.money import Money
from fabroute.production.rules import DeclineReason
from fabroute.production.service.phases.beating import Heartbeat
from fabroute.production.service.phases.countering import Countered, CounterOfferView
from fabroute.production.service.phases.declining import Declined
from fabroute.production.service.phases.notes import NoteView
from fabroute.production.service.phases.policies import MOST_DAYS, ProductionPolicyView
from fabroute.production.service.phases.reconciling import ReconciliationView
from fabroute.production.service.phases.suspecting import SuspicionDecision
from fabroute.production.service.reports.inbox import Reported
from fabroute.production.service.reports.rules import HIGHEST_SEQUENCE, KNOWN_REPORTS, MOST_REPORTS

RemarkState = Literal["open", "closed"]
CounterState = Literal["open", "accepted", "refused", "lapsed"]


def _plain_text(text: str) -> str:
    return "".join(each if each.isprintable() or each == "\n" else " " for each in text)


Words = Annotated[str, StringConstraints(strip_whitespace=True, max_length=1_000), AfterValidator(_plain_text)]
"""Some sentences; control characters become spaces, because they come from shop floors and scripts."""


class DeclineIn(RequestModel):
    """Why a node declines a job."""

    reason: DeclineReason = Field(
        description="`capacity`, `machine_down`, `material`, `price` and `date` are honest answers: no score counts"
        " them. `not_manufacturable` opens a note to the owner and needs `text`, as does `other`."
    )
    text: Words = Field(default="", description="For the owner and the operator.")


class CounterOfferIn(RequestModel):
    """On which terms a node would make a job."""

    price: MoneyIn | None = Field(default=None, description="Production only; as offered if left out.")
    produce_by: Day | None = Field(default=None, description="Last day; as offered if left out.")
    reason: Words = ""


class CounterDecisionIn(RequestModel):
    """What an owner says to a counter-offer."""

    decision: Literal["accept", "refuse"]
    reason: Note = ""


class CancellationIn(RequestModel):
    """Whether a node stops a job that it was asked to stop."""

    agreed: bool
    reason: Words = ""


class SuspicionIn(RequestModel):
    """What is done about a node that fell silent."""

    decision: SuspicionDecision = Field(description="`wait` for a sign of life, or `reroute` the line without it.")
    reason: Sentence


class OfflineIn(RequestModel):
    """For how long a node holds a job without a sign of life."""

    hours: float = Field(gt=0, le=720, allow_inf_nan=False)


class ResolutionIn(RequestModel):
    """What was done about it."""

    resolution: Sentence


class ReportIn(RequestModel):
    """One numbered report."""

    sequence: int = Field(ge=1, le=HIGHEST_SEQUENCE, description="Counts from 1 under each lease, without gaps.")
    name: Annotated[str, Field(max_length=60)] = Field(description=f"`{'`, `'.join(KNOWN_REPORTS)}`.")
    occurred_at: Instant = Field(description="By your clock.")
    data: dict[str, Any] = Field(
        default_factory=dict,
        max_length=20,
        description="As the endpoint of the name takes it: of `printed` what POST /v1/jobs/{id}/prints does, of"
        " `inspected` what POST /v1/jobs/{id}/inspection does.",
    )


class ReportsIn(RequestModel):
    """Reports about a job, in any order."""

    reports: list[ReportIn] = Field(min_length=1, max_length=MOST_REPORTS)


class ReportOut(ResponseModel):
    """What became of one report."""

    sequence: int
    state: str = Field(description="`applied`, `waiting` for those before it, or `refused`: received, but not counted.")
    reason: str


class ReportsOut(ResponseModel):
    """What became of the reports, in the order in which they were sent, and the job after them."""

    data: list[ReportOut]
    next_sequence: int = Field(description="The lowest number that has not come yet.")
    job: JobOut


class HeartbeatOut(ResponseModel):
    """Until when you hold the job, and whether you are asked to stop."""

    job_id: str
    state: str
    lease_id: str
    epoch: int
    kind: str = Field(description="`claim`, `hand` or `offline`.")
    until: AwareDatetime = Field(description="By the clock of the database; the lease lapses then.")
    heartbeat_seconds: int = Field(description="How soon the next heartbeat is expected.")
    cancel_requested: bool = Field(description="Answer with POST /v1/jobs/{id}/cancellation.")
    cancel_reason: str


class CounterOfferOut(ResponseModel):
    """A counter-offer and what became of it."""

    id: str
    job_id: str
    node_id: str
    state: str = Field(description="`open`, `accepted`, `refused` or `lapsed`.")
    automatic: bool = Field(description="Whether the owner's band decided, not a person.")
    price: MoneyOut
    offered_price: MoneyOut
    produce_by: date
    offered_produce_by: date
    reason: str = Field(description="The node's.")
    decision_reason: str = Field(description="The owner's; while it is open, why it waits for the owner.")
    proposed_at: AwareDatetime
    decided_at: AwareDatetime | None


class CounteredOut(ResponseModel):
    """A counter-offer, and the job as it is now."""

    counter_offer: CounterOfferOut
    job: JobOut


class NoteOut(ResponseModel):
    """What a node told the owner of a part."""

    id: str
    job_id: str
    node_id: str
    revision_id: str
    part: str
    kind: str = Field(description="`not_manufacturable`.")
    text: str
    revision_held: bool = Field(description="Whether the revision was put on hold because of it.")
    state: str = Field(description="`open` or `closed`.")
    opened_at: AwareDatetime
    closed_at: AwareDatetime | None
    resolution: str


class DeclinedOut(ResponseModel):
    """A job that was declined, and the note that its owner got, if any."""

    job: JobOut
    note: NoteOut | None


class ReconciliationOut(ResponseModel):
    """Something physical that was reported under a lease that was over: it was refused, but a part may exist."""

    id: str
    job_id: str
    order_id: str
    order_line_id: str
    node_id: str
    kind: str = Field(description="`physical_duplicate` where it is made elsewhere meanwhile, else `late_report`.")
    what: str = Field(description="`start`, `print`, `shipment` or `reports`.")
    quantity: int = Field(description="Parts that exist because of it, as far as was reported.")
    epoch: int = Field(description="Of the lease that it was reported under.")
    current_epoch: int
    reported: dict[str, Any] = Field(description="What was reported, as it came.")
    reported_at: AwareDatetime
    state: str = Field(description="`open` or `closed`.")
    closed_at: AwareDatetime | None
    resolution: str


class ProductionPolicyIn(RequestModel):
    """What you let happen without being asked. What is left out stays as it is; at first, nothing is."""

    counter_price_fraction: float | None = Field(
        default=None,
        ge=0,
        le=1,
        allow_inf_nan=False,
        description="Counter-offers up to this share over the offered price are accepted at once; 0.1 for 10 %.",
    )
    counter_days: int | None = Field(default=None, ge=0, le=MOST_DAYS, description="And up to so many days later.")
    hold_not_manufacturable: bool | None = Field(
        default=None, description="Whether a revision is put on hold when a node says that it can't be made."
    )


class ProductionPolicyOut(ResponseModel):
    """What an owner lets happen without being asked."""

    counter_price_fraction: float
    counter_days: int
    hold_not_manufacturable: bool
    version: int = Field(description="1 while none was stated.")
    updated_at: AwareDatetime | None


def heartbeat_out(beat: Heartbeat) -> HeartbeatOut:
    """Return the answer to a heartbeat."""
    return HeartbeatOut(
        job_id=beat.job_id,
        state=beat.state,
        lease_id=beat.lease_id,
        epoch=beat.epoch,
        kind=beat.kind,
        until=beat.until,
        heartbeat_seconds=beat.heartbeat_seconds,
        cancel_requested=beat.cancel_requested_at is not None,
        cancel_reason=beat.cancel_reason,
    )


def counter_out(counter: CounterOfferView) -> CounterOfferOut:
    """Return a counter-offer for an answer."""
    return CounterOfferOut(
        id=counter.counter_id,
        job_id=counter.job_id,
        node_id=counter.node_id,
        state=counter.state,
        automatic=counter.automatic,
        price=_money(counter.price_minor),
        offered_price=_money(counter.offered_price_minor),
        produce_by=counter.produce_by,
        offered_produce_by=counter.offered_produce_by,
        reason=counter.reason,
        decision_reason=counter.decision_reason,
        proposed_at=counter.proposed_at,
        decided_at=counter.decided_at,
    )


def countered_out(done: Countered, *, to_holder: bool = False) -> CounteredOut:
    """Return a counter-offer with its job for an answer."""
    return CounteredOut(counter_offer=counter_out(done.counter), job=job_out(done.job, to_holder=to_holder))


def note_out(note: NoteView) -> NoteOut:
    """Return a note for an answer."""
    return NoteOut(
        id=note.note_id,
        job_id=note.job_id,
        node_id=note.node_id,
        revision_id=note.revision_id,
        part=note.part_no,
        kind=note.kind,
        text=note.text,
        revision_held=note.revision_held,
        state=note.state,
        opened_at=note.opened_at,
        closed_at=note.closed_at,
        resolution=note.resolution,
    )


def declined_out(done: Declined) -> DeclinedOut:
    """Return a declined job for an answer."""
    return DeclinedOut(job=job_out(done.job), note=None if done.note is None else note_out(done.note))


def reconciliation_out(found: ReconciliationView) -> ReconciliationOut:
    """Return a reconciliation for an answer."""
    return ReconciliationOut(
        id=found.reconciliation_id,
        job_id=found.job_id,
        order_id=found.order_id,
        order_line_id=found.order_line_id,
        node_id=found.node_id,
        kind=found.kind,
        what=found.what,
        quantity=found.quantity,
        epoch=found.epoch,
        current_epoch=found.current_epoch,
        reported=found.reported,
        reported_at=found.reported_at,
        state=found.state,
        closed_at=found.closed_at,
        resolution=found.resolution,
    )


def reports_out(done: Reported) -> ReportsOut:
    """Return what became of reports for an answer."""
    told = [ReportOut(sequence=it.sequence, state=it.state, reason=it.reason) for it in done.answers]
    return ReportsOut(data=told, next_sequence=done.next_sequence, job=job_out(done.job))


def production_policy_out(policy: ProductionPolicyView) -> ProductionPolicyOut:
    """Return an owner's policy for an answer."""
    return ProductionPolicyOut(
        counter_price_fraction=policy.counter_price_fraction,
        counter_days=policy.counter_days,
        hold_not_manufacturable=policy.hold_not_manufacturable,
        version=policy.version,
        updated_at=policy.updated_at,
    )


def _money(minor: int) -> MoneyOut:
    return MoneyOut.of(Money(amount_minor=minor))
