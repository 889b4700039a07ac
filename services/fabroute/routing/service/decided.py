"""What was decided for lines, ready to be written down: by a joint run, or by the acceptance of a quote."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from fabroute.kernel.errors import DomainError
from fabroute.routing.rules import UNROUTED_MULTIPLIER
from fabroute.routing.rules.policies import PolicyView
from fabroute.routing.service.documents import Document, Verdict
from fabroute.routing.service.options import Option
from fabroute.routing.service.policy_costs import RuleCost
from fabroute.routing.service.problem import MachineDays
from fabroute.routing.service.timing import Calendars
from fabroute.solver.plan import RoutingPlan
from fabroute.solver.problem import RoutingProblem
from fabroute.solver.verify import verify_plan


class PlanRefused(DomainError):
    """A plan breaks a rule that it was made under: a fault in the solver, nothing of it is used."""

    code = "plan_refused"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a run decided, ready to be written down."""

    verdicts: tuple[Verdict, ...]
    days: Mapping[str, tuple[MachineDays, ...]]
    """By routed line: each machine that works for it, with its days and minutes."""
    baseline: Mapping[str, Option]
    """By line: what one-by-one, cheapest-first routing of the same lines would have chosen."""
    plan: RoutingPlan
    options: int
    snapshot_sha256: str
    calendars: Calendars
    dispatch_at: Mapping[str, datetime] = field(default_factory=dict)
    """By line whose job waits for others: when its node is told; all other nodes are told at once."""
    notes: Mapping[str, Document] = field(default_factory=dict)
    """By line: further entries of its decision's document."""
    prices: Document | None = None
    """What a minute and a gram are worth in this plan, where it says so; ``online_prices.price_document`` writes it."""
    sentences: Mapping[str, str] = field(default_factory=dict)
    """By line: why, where that is already said; all other lines get the sentence of their verdict."""
    policies: Mapping[str, PolicyView] = field(default_factory=dict)
    """By organisation that has stated one: what its lines were decided by."""
    archive: bytes | None = None
    """To make the plan again; ``None`` for what was not planned."""
    rule_costs: tuple[RuleCost, ...] = ()

    @property
    def solver_facts(self) -> dict[str, object]:
        """What a decision says about the run that made it."""
        return {
            "engine": self.plan.engine,
            "status": self.plan.status.value,
            "cost_millis": self.plan.cost,
            "bound_millis": self.plan.bound,
            "gap": self.plan.gap,
            "seed": self.plan.seed,
            "lines": len(self.verdicts),
            "options": self.options,
            "snapshot_sha256": self.snapshot_sha256,
            "multiplier": UNROUTED_MULTIPLIER,
        }


def verified(problem: RoutingProblem, plan: RoutingPlan) -> RoutingPlan:
    """Return the plan if it keeps every rule; else raise ``PlanRefused`` naming each that it breaks."""
    violations = verify_plan(problem, plan)
    if violations:
        raise PlanRefused("; ".join(f"{violation.rule}: {violation.message}" for violation in violations))
    return plan
