"""Tables of routing runs and decisions."""

from datetime import datetime
from typing import Any

from sqlalchemy import Index, LargeBinary, UniqueConstraint, text
from sqlmodel import Field, SQLModel

from fabroute.database.columns import document, instant, large_integer


class RoutingRun(SQLModel, table=True):
    """One joint run over the pending lines of a planning scope. Costs are generalised, in milli-minor units."""

    __tablename__ = "routing_runs"

    id: str = Field(primary_key=True)
    planning_scope: str
    kind: str = "joint"
    """``joint`` over pending lines, ``improve`` over promised ones, ``quote`` or ``online`` for one order at once."""
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
    prices: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    """What minutes and grams are worth in its plan: to promise by until the next run. ``None``: it does not say."""


class RoutingDecision(SQLModel, table=True):
    """What was decided for a line, and everything needed to see why."""

    __tablename__ = "routing_decisions"
    __table_args__ = (
        Index("ix_routing_decisions_owner", "organisation_id", "decided_at"),
        Index("ix_routing_decisions_revision", "revision_id", "decided_at"),
    )

    id: str = Field(primary_key=True)
    organisation_id: str
    run_id: str = Field(foreign_key="routing_runs.id", index=True)
    order_id: str = Field(index=True)
    order_line_id: str = Field(index=True)
    fence: int
    kind: str = "first"
    """``first`` for the first decision of a line or one after its job came back, ``online`` for a promise at once,
    ``improved`` for a better plan of a line that was promised before."""
    outcome: str
    """``routed`` or ``no_route``."""
    node_id: str | None = None
    machine_id: str | None = None
    revision_id: str | None = None
    """What was to be made; unknown of decisions before plans improved."""
    placed: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    """Pieces by node; several nodes where the line is split, ``None`` where it has no place."""
    landed_minor: int | None = None
    promised_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    co2e_g: int | None = None
    candidates: int
    excluded: int
    why: str
    binding: str | None = None
    """Without a place: the code that keeps most of the nearest nodes off. ``None`` of decisions before it was kept."""
    fix: str | None = None
    """Without a place: the least that would make one, in words, where a run looked for it."""
    reasons: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    """How many nodes each code ruled out: what stands in the document as well."""
    document: dict[str, Any] = Field(sa_column=document())
    decided_at: datetime = Field(sa_column=instant())


class PlanningScope(SQLModel, table=True):
    """A part of all lines that is decided together; whoever holds its lease routes it, under the newest fence."""

    __tablename__ = "planning_scopes"

    name: str = Field(primary_key=True)
    fence: int = 0
    holder: str | None = None
    lease_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    updated_at: datetime = Field(sa_column=instant())


class RunArchive(SQLModel, table=True):
    """All that a run decided by, as compressed arrays: to repeat it, or to ask what another policy had done."""

    __tablename__ = "run_archives"

    run_id: str = Field(primary_key=True, foreign_key="routing_runs.id")
    sha256: str
    """Of ``content``."""
    content: bytes = Field(sa_type=LargeBinary)
    created_at: datetime = Field(sa_column=instant(index=True))


class RoutingPolicy(SQLModel, table=True):
    """How an organisation wants its lines routed; a change is a new version, the newest counts."""

    __tablename__ = "routing_policies"
    __table_args__ = (UniqueConstraint("organisation_id", "version"),)

    id: str = Field(primary_key=True)
    organisation_id: str = Field(foreign_key="organisations.id")
    version: int
    document: dict[str, Any] = Field(sa_column=document())
    created_by: str
    created_at: datetime = Field(sa_column=instant())


class PolicyCost(SQLModel, table=True):
    """What one rule of a policy cost in one run: the plan with it less the plan without it."""

    __tablename__ = "policy_costs"
    __table_args__ = (Index("ix_policy_costs_owner", "organisation_id", "decided_at"),)

    run_id: str = Field(primary_key=True, foreign_key="routing_runs.id")
    organisation_id: str = Field(primary_key=True)
    rule: str = Field(primary_key=True)
    """Which rule of the policy, such as ``cap:nod_…``."""
    policy_version: int
    lines: int
    landed_minor: int = Field(sa_column=large_integer())
    """Landed money, in cents; under 0 where the rule moved cost to time or carbon."""
    cost_millis: int = Field(sa_column=large_integer())
    """Generalised cost, in milli-minor units."""
    proven: bool
    """Whether both plans are proven optimal; if not, the figures are those of the best plans found."""
    decided_at: datetime = Field(sa_column=instant())


class ShadowRun(SQLModel, table=True):
    """A past period, decided again under another policy or on another network, without acting."""

    __tablename__ = "shadow_runs"
    __table_args__ = (Index("ix_shadow_runs_owner", "organisation_id", "id"),)

    id: str = Field(primary_key=True)
    organisation_id: str
    state: str
    """``waiting``, ``running``, ``done`` or ``failed``."""
    request: dict[str, Any] = Field(sa_column=document())
    report: dict[str, Any] | None = Field(default=None, sa_column=document(nullable=True))
    runs_done: int = 0
    runs_total: int = 0
    lease_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    attempts: int = 0
    created_by: str
    created_at: datetime = Field(sa_column=instant())
    finished_at: datetime | None = Field(default=None, sa_column=instant(nullable=True))


class ReadinessReport(SQLModel, table=True):
    """How ready the network is to print an organisation's released parts, at one instant."""

    __tablename__ = "readiness_reports"
    __table_args__ = (
        Index("ix_readiness_reports_owner", "organisation_id", "id"),
        Index(
            "uq_readiness_reports_one_asked", "organisation_id", unique=True, postgresql_where=text("state = 'asked'")
        ),
    )

    id: str = Field(primary_key=True)
    organisation_id: str
    state: str
    """``asked``, ``made`` or ``failed``."""
    asked_by: str
    asked_at: datetime = Field(sa_column=instant())
    fence: int = 0
    attempts: int = 0
    """Claims in a row that came to nothing."""
    lease_until: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    as_of: datetime | None = Field(default=None, sa_column=instant(nullable=True))
    """The instant of the network that it is about."""
    entries: int = 0
    document: dict[str, Any] = Field(sa_column=document())
    """Counts, what changed since the report before, and what would add second sources most cheaply."""


class ReadinessEntry(SQLModel, table=True):
    """One part in its usual quantity to one region: who can make it now, in 30 days, and with any one node gone."""

    __tablename__ = "readiness_entries"

    report_id: str = Field(primary_key=True, foreign_key="readiness_reports.id")
    part_id: str = Field(primary_key=True)
    region: str = Field(primary_key=True)
    part_no: str
    revision_id: str
    quantity: int
    state: str
    """``ready``, ``one_failure_away``, ``ends_soon`` or ``no_route``."""
    nodes_now: int
    nodes_later: int
    """With what is known of 30 days from now: certificates, lots, planned outages."""
    document: dict[str, Any] = Field(sa_column=document())


class LineExclusion(SQLModel, table=True):
    """A node that may not get a line again: it declined it, let it lapse, or failed to make it."""

    __tablename__ = "line_exclusions"

    order_line_id: str = Field(primary_key=True)
    node_id: str = Field(primary_key=True)
    cause: str
    """One of ``fabroute.production.rules.REROUTE_CAUSES``."""
    reason: str
    job_id: str
    excluded_at: datetime = Field(sa_column=instant())
