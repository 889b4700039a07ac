"""From a snapshot to verified verdicts: choices, joint problem, plan, baseline. No database is asked."""

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

from fabroute.kernel.errors import DomainError
from fabroute.routing.rules import UNROUTED_MULTIPLIER
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.documents import Verdict
from fabroute.routing.service.options import LineChoices, Option
from fabroute.routing.service.outbid import Leftovers, outbid_exclusions
from fabroute.routing.service.problem import JointProblem, joint_problem
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.engines import solve
from fabroute.solver.insertion import one_by_one
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import RoutingPlan
from fabroute.solver.problem import RoutingProblem
from fabroute.solver.verify import verify_plan

_LEAST_WALL_SECONDS = 1.0


class PlanRefused(DomainError):
    """A plan breaks a rule that it was made under: a fault in the solver, nothing of it is used."""

    code = "plan_refused"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Decided:
    """What a run decided, ready to be written down."""

    verdicts: tuple[Verdict, ...]
    days: Mapping[str, tuple[tuple[date, int], ...]]
    """By routed line: the days on which its machine works for it, with minutes."""
    baseline: Mapping[str, Option]
    """By line: what one-by-one, cheapest-first routing of the same lines would have chosen."""
    plan: RoutingPlan
    options: int
    snapshot_sha256: str
    calendars: Calendars

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


def decide(snapshot: RoutingSnapshot, limits: SolveLimits) -> Decided:
    """Decide all lines of a snapshot together. The same snapshot and limits give the same decisions.

    Raises ``PlanRefused`` if the plan fails its independent check.
    """
    started = time.monotonic()
    finder = CandidateFinder(snapshot)
    choices, supply = finder.choices(), finder.supply()
    joint = joint_problem(choices, supply=supply, buckets=snapshot.horizon_days)
    plan = _solved(joint, limits, spent_seconds=time.monotonic() - started)
    chosen = joint.chosen(plan.chosen)
    leftovers = Leftovers(joint, plan.chosen, supply)
    return Decided(
        verdicts=tuple(_verdict(each, chosen, leftovers, finder.calendars) for each in choices),
        days=joint.days(plan.chosen, finder.calendars),
        baseline=joint.chosen(one_by_one(joint.problem).chosen),
        plan=plan,
        options=joint.problem.option_count,
        snapshot_sha256=snapshot.sha256(),
        calendars=finder.calendars,
    )


def verified(problem: RoutingProblem, plan: RoutingPlan) -> RoutingPlan:
    """Return the plan if it keeps every rule; else raise ``PlanRefused`` naming each that it breaks."""
    violations = verify_plan(problem, plan)
    if violations:
        raise PlanRefused("; ".join(f"{violation.rule}: {violation.message}" for violation in violations))
    return plan


def _solved(joint: JointProblem, limits: SolveLimits, *, spent_seconds: float) -> RoutingPlan:
    left = max(_LEAST_WALL_SECONDS, limits.wall_seconds - spent_seconds)
    return verified(joint.problem, solve(joint.problem, replace(limits, wall_seconds=left)))


def _verdict(choices: LineChoices, chosen: Mapping[str, Option], leftovers: Leftovers, calendars: Calendars) -> Verdict:
    option = chosen.get(choices.line.line_id)
    lost = option is None and bool(choices.options)
    exclusions = outbid_exclusions(choices, leftovers, calendars) if lost else choices.exclusions
    return Verdict(choices=choices, chosen=option, exclusions=exclusions)
