"""Tables of routing runs and decisions."""

from datetime import datetime
from typing import Any

from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, large_integer


class RoutingRun(SQLModel, table=True):
    """One joint run over the pending lines of a planning scope. Costs are generalised, in milli-minor units."""

    __tablename__ = "routing_runs"

    id: str = Field(primary_key=True)
    planning_scope: str
    started_at: datetime = Field(sa_column=instant())
    finished_at: datetime = Field(sa_column=instant())
    engine: str
    status: str
    seed: int
    limits: dict[str, Any] = Field(sa_column=document())
    snapshot_sha256: str
    lines: int
    options: int
    routed: int
    no_route: int
    deferred: int
    """Lines whose reservation no longer fitted at commit; they were routed again."""
    cost_millis: int = Field(sa_column=large_integer())
    bound_millis: int = Field(sa_column=large_integer())
    gap: float
    landed_minor: int = Field(sa_column=large_integer())
    baseline_landed_minor: int = Field(sa_column=large_integer())
    """What one-by-one, cheapest-first routing of the same lines would have paid."""
    baseline_no_route: int
    both_lines: int
    """Lines that both the plan and one-by-one routing serve: the two sums below are over these alone."""
    both_landed_minor: int = Field(sa_column=large_integer())
    baseline_both_landed_minor: int = Field(sa_column=large_integer())
    solve_ms: int
    wall_ms: int


class RoutingDecision(SQLModel, table=True):
    """What was decided for a line, and everything needed to see why."""

    __tablename__ = "routing_decisions"

    id: str = Field(primary_key=True)
    organisation_id: str
    run_id: str = Field(foreign_key="routing_runs.id")
    order_id: str = Field(index=True)
    order_line_id: str = Field(index=True)
    fence: int
    outcome: str
    """``routed`` or ``no_route``."""
    node_id: str | None = None
    machine_id: str | None = None
    landed_minor: int | None = None
    promised_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    co2e_g: int | None = None
    candidates: int
    excluded: int
    why: str
    document: dict[str, Any] = Field(sa_column=document())
    decided_at: datetime = Field(sa_column=instant())
