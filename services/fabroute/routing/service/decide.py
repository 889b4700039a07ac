"""From a snapshot to verified verdicts: choices, joint problem, plan, baseline. No database is asked."""

import time
from collections.abc import Mapping
from dataclasses import replace

from fabroute.routing.service.archive import pack_run, run_of
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.concentration import Lost, lost_to_rules, with_lost
from fabroute.routing.service.decided import Decided, verified
from fabroute.routing.service.documents import Verdict
from fabroute.routing.service.explained import Explainer
from fabroute.routing.service.online_prices import price_document
from fabroute.routing.service.options import LineChoices, Option
from fabroute.routing.service.outbid import Leftovers, outbid_exclusions
from fabroute.routing.service.problem import JointProblem, joint_problem
from fabroute.routing.service.quotas import share_facts
from fabroute.routing.service.rule_prices import price_rules
from fabroute.routing.service.timing import Calendars
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.engines import solve, with_prices
from fabroute.solver.insertion import one_by_one
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import RoutingPlan
from fabroute.solver.split_search import allocate

_LEAST_WALL_SECONDS = 1.0


def decide(snapshot: RoutingSnapshot, limits: SolveLimits, *, remember: bool = True) -> Decided:
    """Decide all lines of a snapshot together. The same snapshot and limits give the same decisions.

    Without ``remember`` each line is looked at as if no other asked for the same: slower, and no different.
    Raises ``PlanRefused`` if the plan fails its independent check.
    """
    started = time.monotonic()
    finder = CandidateFinder(snapshot, allocate=allocate, remember=remember)
    choices, supply = finder.choices(), finder.supply()
    shares = share_facts(snapshot)
    joint = joint_problem(choices, supply=supply, buckets=snapshot.horizon_days, shares=shares)
    plan = _solved(joint, limits, spent_seconds=time.monotonic() - started)
    chosen = joint.chosen(plan.chosen)
    dispatch = finder.consolidation.dispatch(chosen, joint.days(plan.chosen, finder.calendars), free=supply.minutes)
    leftovers = Leftovers(joint, plan.chosen, supply)
    verdicts = tuple(_verdict(each, chosen, leftovers, finder.calendars) for each in choices)
    verdicts = _with_rules(verdicts, lost_to_rules(joint, plan.chosen))
    sha256 = snapshot.sha256()
    run = run_of(joint, plan, snapshot=snapshot, snapshot_sha256=sha256, limits=limits)
    return Decided(
        verdicts=Explainer(finder, joint, plan).explained(verdicts),
        days=dispatch.days,
        dispatch_at=dispatch.at,
        baseline=joint.chosen(one_by_one(joint.problem).chosen),
        plan=plan,
        options=joint.problem.option_count,
        snapshot_sha256=sha256,
        calendars=finder.calendars,
        policies=snapshot.policies,
        prices=price_document(joint, plan, finder.calendars),
        archive=pack_run(run),
        rule_costs=price_rules(run, elapsed_seconds=time.monotonic() - started),
    )


def _solved(joint: JointProblem, limits: SolveLimits, *, spent_seconds: float) -> RoutingPlan:
    left = max(_LEAST_WALL_SECONDS, limits.wall_seconds - spent_seconds)
    plan = verified(joint.problem, solve(joint.problem, replace(limits, wall_seconds=left)))
    return with_prices(joint.problem, plan)


def _verdict(choices: LineChoices, chosen: Mapping[str, Option], leftovers: Leftovers, calendars: Calendars) -> Verdict:
    option = chosen.get(choices.line.line_id)
    lost = option is None and bool(choices.options)
    exclusions = outbid_exclusions(choices, leftovers, calendars) if lost else choices.exclusions
    return Verdict(choices=choices, chosen=option, exclusions=exclusions)


def _with_rules(verdicts: tuple[Verdict, ...], lost: Lost) -> tuple[Verdict, ...]:
    """Return the verdicts with the nodes that share caps and price caps took from their lines among the exclusions."""
    return tuple(
        replace(it, exclusions=with_lost(it.exclusions, it.choices, lost[it.choices.line.line_id]))
        if it.choices.line.line_id in lost
        else it
        for it in verdicts
    )
