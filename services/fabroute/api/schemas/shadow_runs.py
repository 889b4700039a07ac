"""Shadow runs and replays over the wire."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Instant, Label, MoneyOut, RequestModel, ResponseModel
from fabroute.api.schemas.policies import PolicyIn, new_policy
from fabroute.identity.rules import Principal
from fabroute.kernel.money import Money
from fabroute.routing.service.replays import ReplayView
from fabroute.routing.service.shadow_lines import ComparedLine, LineFigures
from fabroute.routing.service.shadow_runs import ShadowQuestion, ShadowRunView, lines_of

_MOST_NODES = 500
ShadowState = Literal["waiting", "running", "done", "failed"]


class NetworkChangeIn(RequestModel):
    """A network that never was."""

    without_nodes: list[Label] = Field(default_factory=list, max_length=_MOST_NODES)
    capacity_factor: dict[Label, float] = Field(
        default_factory=dict,
        max_length=_MOST_NODES,
        description="By node: what the free time of its machines is multiplied by, 0 to 10.",
    )


class ShadowRunIn(RequestModel):
    """What is to be supposed of a past time."""

    since: Instant
    until: Instant | None = Field(default=None, description="Now, if left out.")
    policy: PolicyIn | None = None
    policy_version: int | None = Field(default=None, ge=1, description="Instead of `policy`: one that was stated.")
    organisation_id: Label | None = Field(
        default=None, description="Whose policy it is. For the operator; without it, the policy is every owner's."
    )
    network: NetworkChangeIn | None = Field(default=None, description="For the operator.")


class PlanFiguresOut(ResponseModel):
    """What plans meant, or would have meant, for the lines that you may see."""

    lines: int = Field(description="That one node or more could make: those that there was something to decide of.")
    unrouted: int = Field(description="Of them, those without a place.")
    without_options: int = Field(
        default=0, description="Beside them: lines that no node could make, as it was and as it would be."
    )
    landed: MoneyOut = Field(description="Of the lines with a place both ways: the same lines in both.")
    co2e_g: int = Field(description="Of the same lines.")
    delivery_minutes: int = Field(
        default=0, description="Of the same lines together: from the run to the promised hand-over."
    )
    late_lines: int
    late_minutes: int
    cost_millis: int = Field(description="Generalised cost in 1/1000 cent, by the weights of then.")


class ComparedOut(ResponseModel):
    """As it was, and as it would have been."""

    as_was: PlanFiguresOut
    as_would_be: PlanFiguresOut
    moved: int = Field(description="Lines that would have gone another way.")
    proven: bool = Field(description="Whether no plan could have been better.")


class ComparedRunOut(ComparedOut):
    """One joint run."""

    run_id: str
    at: AwareDatetime


class NodeShareOut(ResponseModel):
    """How many of the lines a node had, and would have had."""

    node_id: str
    as_was_lines: int
    as_would_be_lines: int
    as_was_share: float = Field(description="Of all lines with a place.")
    as_would_be_share: float


class SkippedRunOut(ResponseModel):
    """A run that could not be decided again."""

    run_id: str
    reason: str


class ShadowRunOut(ResponseModel):
    """A past time, decided again as supposed. Nothing of it was done."""

    id: str
    state: ShadowState
    runs_done: int
    runs_total: int
    since: AwareDatetime
    until: AwareDatetime
    supposed: dict[str, Any] = Field(description="The policy and the network that were supposed.")
    total: ComparedOut | None = Field(description="Over the runs that are done.")
    nodes: list[NodeShareOut]
    skipped: list[SkippedRunOut]
    created_by: str
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


class LineFiguresOut(ResponseModel):
    """Where a line was made, or would have been, and what that meant."""

    node_ids: list[str]
    landed: MoneyOut
    promised_at: AwareDatetime
    co2e_g: int


class ComparedLineOut(ResponseModel):
    """A line that would have gone another way; `null`: without a place."""

    line_id: str
    order_id: str
    revision_id: str
    quantity: int
    at: AwareDatetime = Field(description="Of its joint run.")
    as_was: LineFiguresOut | None
    as_would_be: LineFiguresOut | None


class ShadowRunDetailOut(ShadowRunOut):
    """A shadow run with every joint run in it, and the lines that change most."""

    runs: list[ComparedRunOut]
    lines: list[ComparedLineOut] = Field(
        default_factory=list, description="Up to 100 that would have gone another way: those that change most."
    )


class ReplayReasonOut(ResponseModel):
    """Why a replay differs, or can't be made."""

    code: str
    message: str


class ReplayOut(ResponseModel):
    """Whether a decision came out the same again."""

    id: str
    decision_id: str
    state: ShadowState
    outcome: Literal["same", "differs", "gone"] | None = Field(description="`gone`: there is nothing to make it from.")
    reasons: list[ReplayReasonOut]
    line: dict[str, Any] | None = Field(description="The decision's line, `then` and `now`.")
    plan: dict[str, Any] | None = Field(description="The whole plan: cost then and now, lines that differ.")
    inputs: dict[str, Any] = Field(description="Seed, limits, hashes and versions, then and now.")
    created_at: AwareDatetime
    finished_at: AwareDatetime | None


def shadow_question(caller: Principal, told: ShadowRunIn, *, now: AwareDatetime) -> ShadowQuestion:
    """Return what is supposed as routing takes it."""
    whole, network = caller.kind == "operator", told.network or NetworkChangeIn()
    owner = told.organisation_id or ("" if whole else caller.organisation_id)
    return ShadowQuestion(
        organisation_id=caller.organisation_id,
        whole=whole,
        since=told.since,
        until=told.until or now,
        policy=None if told.policy is None else new_policy(owner, told.policy),
        policy_version=told.policy_version,
        policy_owner=told.organisation_id,
        without_nodes=tuple(network.without_nodes),
        capacity_factor=network.capacity_factor,
    )


def shadow_run_out(run: ShadowRunView) -> ShadowRunOut:
    """Return a shadow run for a list."""
    return ShadowRunOut(**_common(run))


def shadow_run_detail_out(run: ShadowRunView) -> ShadowRunDetailOut:
    """Return a shadow run for an answer, with every run in it."""
    runs = [
        ComparedRunOut(run_id=item["run_id"], at=item["at"], **_compared(item)) for item in run.report.get("runs", ())
    ]
    return ShadowRunDetailOut(**_common(run), runs=runs, lines=[_line(line) for line in lines_of(run)])


def _line(line: ComparedLine) -> ComparedLineOut:
    return ComparedLineOut(
        line_id=line.line_id,
        order_id=line.order_id,
        revision_id=line.revision_id,
        quantity=line.quantity,
        at=line.at,
        as_was=_line_figures(line, line.as_was),
        as_would_be=_line_figures(line, line.as_would_be),
    )


def _line_figures(line: ComparedLine, found: LineFigures | None) -> LineFiguresOut | None:
    if found is None:
        return None
    return LineFiguresOut(
        node_ids=list(found.node_ids),
        landed=MoneyOut.of(Money(amount_minor=found.landed_minor)),
        promised_at=line.at + timedelta(minutes=found.minutes),
        co2e_g=found.co2e_g,
    )


def replay_out(replay: ReplayView) -> ReplayOut:
    """Return a replay for an answer."""
    report = dict(replay.report or {})
    named = {name: report.pop(name, None) for name in ("outcome", "reasons", "line", "plan")}
    return ReplayOut(
        id=replay.id,
        decision_id=replay.decision_id,
        state=replay.state,
        **{**named, "reasons": named["reasons"] or []},
        inputs=report,
        created_at=replay.created_at,
        finished_at=replay.finished_at,
    )


def _common(run: ShadowRunView) -> dict[str, Any]:
    request, total = run.request, run.report.get("total")
    return {
        "id": run.id,
        "state": run.state,
        "runs_done": run.runs_done,
        "runs_total": run.runs_total,
        "since": request["since"],
        "until": request["until"],
        "supposed": {name: value for name, value in request.items() if name not in ("since", "until", "whole")},
        "total": None if total is None else ComparedOut(**_compared(total)),
        "nodes": _node_shares(run.report),
        "skipped": [SkippedRunOut(**item) for item in run.report.get("skipped", ())],
        "created_by": run.created_by,
        "created_at": run.created_at,
        "finished_at": run.finished_at,
    }


def _compared(found: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "as_was": _figures(found["as_was"]),
        "as_would_be": _figures(found["as_would_be"]),
        "moved": found["moved"],
        "proven": found["proven"],
    }


def _figures(found: Mapping[str, Any]) -> PlanFiguresOut:
    rest = {name: value for name, value in found.items() if name != "landed_minor"}
    return PlanFiguresOut(landed=MoneyOut.of(Money(amount_minor=found["landed_minor"])), **rest)


def _node_shares(report: Mapping[str, Any]) -> list[NodeShareOut]:
    nodes = report.get("nodes", ())
    if not nodes:
        return []
    total = report["total"]
    was, would_be = (total[name]["lines"] - total[name]["unrouted"] for name in ("as_was", "as_would_be"))
    return [
        NodeShareOut(
            **node,
            as_was_share=round(node["as_was_lines"] / max(1, was), 4),
            as_would_be_share=round(node["as_would_be_lines"] / max(1, would_be), 4),
        )
        for node in nodes
    ]
