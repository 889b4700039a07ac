"""Re-routes, timelines, exclusions and outages over the wire."""

from datetime import date
from typing import Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Day, Label, RequestModel, ResponseModel, Sentence
from fabroute.api.schemas.nodes import NodeDetailOut, NodeStatus
from fabroute.kernel.events import JsonScalar
from fabroute.network.service.outages import CapacityCut
from fabroute.orders.rules import Objective
from fabroute.production.rules import RerouteCause
from fabroute.production.service.rerouting.attention import LineAttention
from fabroute.production.service.rerouting.cancelling import OrderCancelling
from fabroute.production.service.rerouting.failing import JobFailure
from fabroute.production.service.rerouting.outages import Outage
from fabroute.production.service.rerouting.settling import RerouteView
from fabroute.production.service.rerouting.timeline import TimelineEntry
from fabroute.production.service.views import JobView


class RerouteOut(ResponseModel):
    """A job that left its node, why, and what became of the promise."""

    id: str
    order_id: str
    order_line_id: str
    share_no: int
    job_id: str
    node_id: str = Field(description="The node that it left.")
    quantity: int
    cause: RerouteCause
    detail: str
    rerouted_at: AwareDatetime
    promised_at: AwareDatetime | None = Field(description="What the customer could count on before.")
    promised_minor: int | None = Field(
        description="The landed price that went with it, in cents; null where the owner pays an agreed price, or where"
        " other shares of the line stay where they are."
    )
    settled_at: AwareDatetime | None = Field(description="When the line was decided again; null: it is still open.")
    outcome: str = Field(
        description="`kept`, `late`, `dearer`, `late_and_dearer`, `no_route`, `parked` or `cancelled`; empty: open."
    )
    decision_id: str | None
    arrives_at: AwareDatetime | None
    landed_minor: int | None


class TimelineEntryOut(ResponseModel):
    """Something that happened to an order."""

    at: AwareDatetime
    what: str = Field(
        description="`order.placed`, `line.decided`, `job.offered`, `job.accepted`, `job.declined`, `line.rerouted`, "
        "`line.promise_settled`, `job.shipped` …: a name of the audit log, or of a line."
    )
    position: int | None = Field(description="Which line of the order; null: all of it.")
    job_id: str | None
    by: Literal["system", "person"]
    figures: dict[str, JsonScalar] = Field(description="What there is to know: node, cause, reason, dates and prices.")


class LineExclusionOut(ResponseModel):
    """A node that doesn't get a line again."""

    node_id: str
    cause: RerouteCause
    reason: str
    job_id: str
    excluded_at: AwareDatetime


class LineAttentionOut(ResponseModel):
    """A line, and the nodes that are ruled out for it."""

    order_id: str
    position: int
    state: str
    state_reason: str
    exclusions: list[LineExclusionOut]


class RetryIn(RequestModel):
    """Which nodes stay ruled out."""

    still_excluded: list[Label] = Field(default_factory=list, max_length=200, description="Ids of nodes.")


class ObjectiveIn(RequestModel):
    """What an order is routed by from now on."""

    objective: Objective


class JobFailureIn(RequestModel):
    """Why a job can't be finished."""

    reason: Literal["machine_broke", "print_failed", "material", "not_manufacturable", "other"]
    text: Sentence | None = Field(default=None, description="In your own words, for the owner of the part.")


class MachineStatusIn(RequestModel):
    """Whether a machine gets jobs."""

    status: NodeStatus
    reason: Sentence = Field(description="For the people who will ask why.")


class CapacityCutIn(RequestModel):
    """What is left of a machine's days: minutes a day, or a share of what was planned."""

    first_day: Day
    last_day: Day = Field(description="Included.")
    minutes_per_day: int | None = Field(default=None, ge=0, le=1_440, description="What is left of each day.")
    fraction: float | None = Field(default=None, ge=0, le=1, description="Or this share of each day's plan.")
    reason: Sentence = Field(description="For the owners whose jobs leave.")


class ClosureIn(RequestModel):
    """Why a node closes for good."""

    reason: Sentence = Field(description="For the owners whose jobs leave.", examples=["insolvency"])


class DayOverOut(ResponseModel):
    """A day of which started jobs hold more than is left."""

    day: date
    over_minutes: int


class OutageOut(ResponseModel):
    """What an outage did to the jobs there. Their ids only: whose they are is their owners' business."""

    rerouted: list[str] = Field(description="Jobs that nobody had started: their lines are routed again.")
    asked: list[str] = Field(description="Started jobs whose node is asked to stop.")
    suspect: list[str] = Field(description="Started jobs of which a person has to find out what became of them.")
    over: list[DayOverOut] = Field(description="Of a cut: days of which started jobs hold more than is left.")


class NodeChangedOut(NodeDetailOut):
    """A node as it is now, and what the change did to the jobs there."""

    outage: OutageOut


class WaitingJobOut(ResponseModel):
    """A job whose node is asked to stop."""

    id: str
    order_line_id: str
    node_id: str
    state: str
    asked_at: AwareDatetime | None


class OrderCancellingOut(ResponseModel):
    """An order that is cancelled when the nodes agree that have started on it."""

    order_id: str
    cancelled: list[str] = Field(description="Jobs that nobody had started: they ended at once.")
    waiting: list[WaitingJobOut]


def reroute_out(found: RerouteView) -> RerouteOut:
    """Return a re-route for an answer."""
    return RerouteOut(
        id=found.reroute_id,
        order_id=found.order_id,
        order_line_id=found.order_line_id,
        share_no=found.share_no,
        job_id=found.job_id,
        node_id=found.node_id,
        quantity=found.quantity,
        cause=found.cause,
        detail=found.detail,
        rerouted_at=found.rerouted_at,
        promised_at=found.promised_at,
        promised_minor=found.promised_minor,
        settled_at=found.settled_at,
        outcome=found.outcome,
        decision_id=found.decision_id,
        arrives_at=found.arrives_at,
        landed_minor=found.landed_minor,
    )


def timeline_entry_out(entry: TimelineEntry) -> TimelineEntryOut:
    """Return an entry of a timeline for an answer."""
    return TimelineEntryOut(
        at=entry.at,
        what=entry.what,
        position=entry.position,
        job_id=entry.job_id,
        by=entry.by,
        figures=dict(entry.figures),
    )


def attention_out(line: LineAttention) -> LineAttentionOut:
    """Return a line with its exclusions for an answer."""
    return LineAttentionOut(
        order_id=line.order_id,
        position=line.position,
        state=line.state,
        state_reason=line.state_reason,
        exclusions=[
            LineExclusionOut(
                node_id=each.node_id,
                cause=each.cause,
                reason=each.reason,
                job_id=each.job_id,
                excluded_at=each.excluded_at,
            )
            for each in line.exclusions
        ],
    )


def job_failure(asked: JobFailureIn) -> JobFailure:
    """Return a failure as the service takes it."""
    return JobFailure(reason=asked.reason, text=asked.text or "")


def capacity_cut(asked: CapacityCutIn) -> CapacityCut:
    """Return a cut as the network takes it. Raises ``InvalidCut``."""
    return CapacityCut(
        first_day=asked.first_day,
        last_day=asked.last_day,
        minutes_per_day=asked.minutes_per_day,
        fraction=asked.fraction,
        reason=asked.reason,
    )


def outage_out(found: Outage) -> OutageOut:
    """Return what an outage did for an answer."""
    return OutageOut(
        rerouted=list(found.rerouted),
        asked=list(found.asked),
        suspect=list(found.suspect),
        over=[DayOverOut(day=day, over_minutes=minutes) for day, minutes in found.over_minutes],
    )


def node_changed_out(node: NodeDetailOut, found: Outage) -> NodeChangedOut:
    """Return a node and what its change did for an answer."""
    return NodeChangedOut(**dict(node), outage=outage_out(found))


def cancelling_out(order_id: str, found: OrderCancelling) -> OrderCancellingOut:
    """Return what of an order waits for the answer of nodes."""
    return OrderCancellingOut(
        order_id=order_id,
        cancelled=[job.job_id for job in found.cancelled],
        waiting=[_waiting(job) for job in found.waiting],
    )


def _waiting(job: JobView) -> WaitingJobOut:
    return WaitingJobOut(
        id=job.job_id,
        order_line_id=job.order_line_id,
        node_id=job.node_id,
        state=job.state,
        asked_at=job.cancel_requested_at,
    )
