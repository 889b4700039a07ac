"""Routing decisions over the wire: what was chosen, what else could have been, and why every other node could not."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.agreed import JobOfLineOut, RoutingOut
from fabroute.api.schemas.base import MoneyOut, ResponseModel
from fabroute.api.schemas.explanations import ExplanationOut
from fabroute.kernel.money import Money
from fabroute.production.service import JobOfLine
from fabroute.routing.service import DecisionSummary, DecisionView


class CostOut(ResponseModel):
    """One item of a landed cost."""

    code: str
    amount_minor: int = Field(description="Cents.")


class ShareOut(ResponseModel):
    """What one machine makes of a split line; money in cents."""

    share_no: int
    node_id: str
    city: str
    machine_id: str
    parameter_set: str
    lot_id: str
    service: str
    quantity: int
    produce_by: str = Field(description="The day by which it is printed (ISO 8601).")
    promised_at: str = Field(description="Nine in ten are there by then (RFC 3339).")
    landed_minor: int = Field(description="Freight and duty are with the first share of each node: it has one parcel.")
    production_minor: int
    freight_minor: int
    duty_minor: int
    machine_minutes: int
    grams: int


class CandidateOut(ResponseModel):
    """The best way through one node, or through those that share the line."""

    node_id: str
    kind: str
    city: str
    country: str
    machine_id: str
    process: str
    material: str
    parameter_set: str
    lot_id: str | None = Field(description="The material lot that it would draw from.")
    service: str = Field(description="The shipping service.")
    produce_by: str = Field(description="The day by which it is printed (ISO 8601).")
    carrier: str | None = Field(default=None, description="Who carries it; null in older decisions.")
    earliest_at: str | None = Field(default=None, description="One delivery in ten is there by then (RFC 3339).")
    expected_at: str | None = Field(default=None, description="Half of them are there by then (RFC 3339).")
    promised_at: str = Field(description="Nine in ten are there by then: the date that counts (RFC 3339).")
    hours: float = Field(description="Hours from the decision to the arrival.")
    landed_minor: int = Field(description="Cents: production, freight and duty.")
    production_minor: int
    freight_minor: int
    duty_minor: int
    breakdown: list[CostOut] = Field(description="The items that the landed cost is the sum of.")
    co2e_g: int
    machine_minutes: int
    grams: int
    cost_millis: int = Field(description="Generalised cost under the order's objective, in 1/1000 cent.")
    shares: list[ShareOut] = Field(
        default_factory=list,
        description="Of a split, the largest first; empty where one machine makes all. Node, machine and lot above are "
        "those of the first share, money, time and material those of all.",
    )


class DifferenceOut(ResponseModel):
    """What taking an alternative would change: positive is more money, time or carbon."""

    landed_minor: int
    hours: float
    co2e_g: int


class AlternativeOut(ResponseModel):
    """Another way, and what it would cost or save."""

    label: str = Field(description="`cheapest`, `fastest`, `greenest` or `next_best`.")
    candidate: CandidateOut
    difference: DifferenceOut


class ReasonOut(ResponseModel):
    """Why a node can not, with the figures behind it."""

    code: str
    message: str
    figures: dict[str, Any]
    machine_id: str | None = Field(default=None, description="The machine it is about; null for the whole node.")


class ExclusionOut(ResponseModel):
    """A node that is ruled out, with all its reasons."""

    node_id: str
    city: str
    country: str
    binding: str | None = Field(
        default=None, description="The hardest of what would have to change; null in older decisions."
    )
    fix: str | None = Field(
        default=None, description="What would have to change, in words; null where the process is not offered."
    )
    reasons: list[ReasonOut]


class SolverOut(ResponseModel):
    """How the joint run that decided this came to its plan."""

    run_id: str
    engine: str
    status: str = Field(description="`optimal` where the plan is proven best, else `feasible`.")
    cost_millis: int = Field(description="Generalised cost of the whole plan, in 1/1000 cent.")
    bound_millis: int = Field(description="No plan can cost less than this.")
    gap: float = Field(description="How far the plan may be from the best, as a fraction of its cost.")
    seed: int
    lines: int = Field(description="Lines decided together.")
    options: int
    snapshot_sha256: str = Field(description="Of everything the run knew: the same again gives the same plan.")
    multiplier: float = Field(description="An unrouted line counts this many times its cheapest option.")


class BuildShareOut(ResponseModel):
    """What a line has of a build that it shares with others; whose they are is not told."""

    key: str = Field(description="Names the build; that of the line's job is the same.")
    lines: int = Field(description="How many lines share it.")
    volume_share: float = Field(description="Of what all its lines occupy, 0 to 1: by this the opening is paid.")
    fill: float = Field(description="Of the whole build, 0 to 1.")
    saved_minor: int = Field(description="Off the price that the line would have alone.")


class SavingOut(ResponseModel):
    """What a move saves; negative where it takes more."""

    landed_minor: int
    hours: float
    co2e_g: int
    cost_millis: int = Field(description="Generalised cost, in 1/1000 cent.")


class MovedFromOut(ResponseModel):
    """The place that a line left for a better one, before its node accepted the job."""

    decision_id: str
    job_id: str
    job_state: str = Field(description="`planned` or `offered`.")
    node_id: str
    city: str
    machine_id: str
    landed_minor: int
    promised_at: AwareDatetime
    saves: SavingOut
    stability_millis: int = Field(description="What the move had to gain at least, in 1/1000 cent.")


class DecisionOut(ResponseModel):
    """The decision about one line."""

    id: str
    line_id: str
    outcome: Literal["routed", "no_route"]
    decided_at: AwareDatetime
    objective: str
    why: str
    chosen: CandidateOut | None
    alternatives: list[AlternativeOut]
    candidates: list[CandidateOut] = Field(
        description="The best of each node that could, cheapest first. A split counts for every node in its `shares`: "
        "each node of the network is in a candidate or among the exclusions."
    )
    exclusions: list[ExclusionOut]
    reasons: dict[str, int] = Field(description="Number of nodes by reason code.")
    solver: SolverOut
    kind: str = Field(
        description="`first`, `online` for a promise at once, `improved` where a promised line moved to a better place."
    )
    moved_from: MovedFromOut | None = Field(default=None, description="Null where the line did not move.")
    build: BuildShareOut | None = Field(default=None, description="Null where the line is made in builds of its own.")
    explanation: ExplanationOut | None = Field(
        default=None, description="Null in older decisions, and where a line was decided by itself."
    )


class DecisionRecordOut(DecisionOut):
    """A decision with all that is known of it."""

    order_id: str
    organisation_id: str
    run_id: str
    fence: int = Field(description="Which claim of the line it was made under.")


class OrderDecisionsOut(ResponseModel):
    """All decisions about an order, oldest first; the last one of a line is the one that holds."""

    order_id: str
    decisions: list[DecisionOut]


def decisions_out(order_id: str, decisions: tuple[DecisionView, ...]) -> OrderDecisionsOut:
    """Return the decisions about an order for an answer."""
    return OrderDecisionsOut(order_id=order_id, decisions=[_decision_out(decision) for decision in decisions])


def decision_record_out(decision: DecisionView) -> DecisionRecordOut:
    """Return one decision whole for an answer."""
    return DecisionRecordOut.model_validate(
        {
            **_decision_fields(decision),
            "order_id": decision.order_id,
            "organisation_id": decision.organisation_id,
            "run_id": decision.run_id,
            "fence": decision.fence,
        }
    )


def routings_out(
    decided: Mapping[str, str], summaries: Mapping[str, DecisionSummary], jobs: Mapping[str, Sequence[JobOfLine]]
) -> dict[str, RoutingOut]:
    """Return what was decided for lines in short, with their jobs, by line; ``decided`` is each line's decision."""
    return {
        line_id: _routing_out(decision_id, summaries[decision_id], jobs.get(line_id, ()))
        for line_id, decision_id in decided.items()
        if decision_id in summaries
    }


def _decision_out(decision: DecisionView) -> DecisionOut:
    return DecisionOut.model_validate(_decision_fields(decision))


def _decision_fields(decision: DecisionView) -> dict[str, Any]:
    return {
        **decision.document,
        "id": decision.id,
        "line_id": decision.order_line_id,
        "outcome": decision.outcome,
        "kind": decision.kind,
        "decided_at": decision.decided_at,
    }


def _routing_out(decision_id: str, summary: DecisionSummary, jobs: Sequence[JobOfLine]) -> RoutingOut:
    agreed = [job for job in jobs if job.decision_id == decision_id and job.agreed_more_minor is not None]
    landed = summary.landed_minor
    if landed is not None:
        landed += sum(job.agreed_more_minor or 0 for job in agreed)
    promised = [job.promised_at for job in agreed]
    if summary.promised_at is not None:
        promised.append(summary.promised_at)
    job = min(jobs, key=lambda job: (job.state != "held", job.share_no), default=None)
    return RoutingOut(
        node_id=summary.node_id,
        city=summary.city,
        country=summary.country,
        landed=None if landed is None else MoneyOut.of(Money(amount_minor=landed)),
        promised_at=max(promised, default=None),
        co2e_g=summary.co2e_g,
        candidates=summary.candidates,
        excluded=summary.excluded,
        why=summary.why,
        jobs=[_job_of_line_out(each) for each in jobs],
        job_id=None if job is None else job.job_id,
        job_state=None if job is None else job.state,
        held_reason="" if job is None else job.held_reason,
    )


def _job_of_line_out(job: JobOfLine) -> JobOfLineOut:
    return JobOfLineOut(
        job_id=job.job_id,
        share_no=job.share_no,
        node_id=job.node_id,
        city=job.city,
        machine_id=job.machine_id,
        quantity=job.quantity,
        price=MoneyOut.of(Money(amount_minor=job.price_minor)),
        produce_by=job.produce_by,
        promised_at=job.promised_at,
        state=job.state,
        held_reason=job.held_reason,
    )
