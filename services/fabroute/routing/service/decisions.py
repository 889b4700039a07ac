"""Decisions and runs as readers of the API see them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.kernel.errors import DomainError
from fabroute.routing import repository


class UnknownDecision(DomainError):
    """There is no decision with this id, or it is about someone else's order."""

    code = "unknown_decision"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionView:
    """What was decided about a line, and why; ``document`` holds candidates, exclusions and figures."""

    id: str
    organisation_id: str
    run_id: str
    order_id: str
    order_line_id: str
    fence: int
    kind: str
    """``first``, ``online`` or ``improved``."""
    outcome: str
    node_id: str | None
    machine_id: str | None
    revision_id: str | None
    placed: Mapping[str, int] | None
    """Pieces by node; ``None`` without a place."""
    landed_minor: int | None
    promised_at: datetime | None
    co2e_g: int | None
    candidates: int
    excluded: int
    why: str
    document: Mapping[str, Any]
    decided_at: datetime
    binding: str | None = None
    """Without a place: the code that keeps most of the nearest nodes off; ``None`` of decisions before it was kept."""
    fix: str | None = None
    """Without a place: the least that would make one, in words, where a run looked for it."""
    reasons: Mapping[str, int] | None = None
    """How many nodes each code ruled out."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSummary:
    """A decision in short, for lists of orders; node, place and figures are ``None`` where no node can."""

    decision_id: str
    node_id: str | None
    city: str | None
    country: str | None
    landed_minor: int | None
    production_minor: int | None
    """Of the landed price, what the node is paid."""
    promised_at: datetime | None
    co2e_g: int | None
    candidates: int
    excluded: int
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunView:
    """A joint run: how many lines it decided, what the plan costs, how near to the best it is proven to be."""

    id: str
    planning_scope: str
    kind: str
    """``joint``, ``improve``, ``quote`` or ``online``."""
    started_at: datetime
    finished_at: datetime
    engine: str
    status: str
    seed: int
    limits: Mapping[str, Any]
    snapshot_sha256: str
    lines: int
    options: int
    routed: int
    no_route: int
    deferred: int
    cost_millis: int
    bound_millis: int
    gap: float
    landed_minor: int
    baseline_landed_minor: int
    baseline_no_route: int
    both_lines: int
    both_landed_minor: int
    baseline_both_landed_minor: int
    solve_ms: int
    wall_ms: int


def get_decisions(session: Session, *, organisation_id: str, order_id: str) -> tuple[DecisionView, ...]:
    """Return all decisions about an order of an organisation, oldest first; none if it is not its order."""
    found = repository.read_decisions(session, organisation_id=organisation_id, order_id=order_id)
    return tuple(DecisionView(**decision.model_dump()) for decision in found)


def get_decision(session: Session, *, organisation_id: str | None, decision_id: str) -> DecisionView:
    """Return a decision about an order of an organisation; of any where ``organisation_id`` is ``None``.

    Raises ``UnknownDecision`` if there is none, or it is about someone else's order.
    """
    found = repository.read_decision(session, decision_id=decision_id)
    if found is None or organisation_id not in (None, found.organisation_id):
        raise UnknownDecision(f"you have no decision {decision_id}: GET /v1/orders/{{id}}/decision lists an order's")
    return DecisionView(**found.model_dump())


def read_summaries(session: Session, *, decision_ids: Collection[str]) -> dict[str, DecisionSummary]:
    """Return decisions in short by their ids, by one query; unknown ids are left out."""
    if not decision_ids:
        return {}
    found = repository.read_summaries(session, decision_ids)
    return {row["decision_id"]: DecisionSummary(**row) for row in found}


def list_runs(session: Session, *, cursor: str | None = None, limit: int = 50) -> Page[RunView]:
    """Return a page of runs, newest first; ``cursor`` is the id of the last run of the page before."""
    rows = repository.read_runs(session, before=cursor, limit=limit + 1)
    return page_of(
        [RunView(**run.model_dump(exclude={"prices"})) for run in rows], limit=limit, cursor_of=lambda run: run.id
    )
