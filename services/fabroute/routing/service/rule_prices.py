"""What each rule of a policy costs in a run: the owner's lines decided again without it, all others as they are."""

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np

from fabroute.routing.rules.policies import PolicyView, policy_for
from fabroute.routing.service.archive import ArchivedRun
from fabroute.routing.service.policy_costs import RuleCost
from fabroute.routing.service.variants import options_of, weighed_anew, with_options, without_quotas
from fabroute.solver.engines import solve
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import UNROUTED, PlanStatus, plan_cost
from fabroute.solver.problem import RoutingProblem

PRICED_KINDS = frozenset({"cap", "minimum", "ip"})
SHARE_OF_TIME = 0.04
"""Of the time that a run took so far: searched for the prices of all its rules together.

With what is not search (reducing problems, first insertions) they stay within a tenth of a run's time."""
_LEAST_SECONDS = 0.02
"""For all rules of a run: small runs are over in less than the time of one price."""


def price_rules(run: ArchivedRun, *, elapsed_seconds: float) -> tuple[RuleCost, ...]:
    """Return what each rule that could bite costs its owner, in a share of the time that the run has taken.

    Weights that differ from the usual ones are priced in the usual ones. What only one run can't show (waiting,
    stability) has no price here.
    """
    rules = [*_share_rules(run), *_weight_rules(run)]
    seconds = max(_LEAST_SECONDS, SHARE_OF_TIME * elapsed_seconds)
    began = time.monotonic()
    costs = []
    for number, (owner, rule, problem) in enumerate(rules):
        left = seconds - (time.monotonic() - began)
        costs.append(_priced(run, owner, rule, problem, seconds=max(0.001, left / (len(rules) - number))))
    return tuple(costs)


_Rule = tuple[str, str, RoutingProblem]
"""Owner, name, and the problem without the rule."""


def _share_rules(run: ArchivedRun) -> Iterator[_Rule]:
    named = dict.fromkeys((it.organisation_id, it.rule) for it in run.rules if it.kind in PRICED_KINDS)
    for owner, name in named:
        drop = np.array([(it.organisation_id, it.rule) == (owner, name) for it in run.rules], dtype=np.bool_)
        yield owner, name, without_quotas(run.problem, drop)


def _weight_rules(run: ArchivedRun) -> Iterator[_Rule]:
    asked = {(line.organisation_id, line.objective) for line in run.lines}
    for owner, policy in sorted(run.policies.items()):
        for objective in policy.weights:
            if (owner, objective) in asked:
                usual = {**run.policies, owner: _without_weights(policy, objective)}
                yield owner, f"weights:{objective}", replace(run.problem, option_cost=weighed_anew(run, usual))


def _without_weights(policy: PolicyView, objective: str) -> PolicyView:
    return replace(policy, weights={it: weights for it, weights in policy.weights.items() if it != objective})


def _priced(run: ArchivedRun, owner: str, rule: str, problem: RoutingProblem, *, seconds: float) -> RuleCost:
    part = with_options(problem, options_of(run, owner))
    kept = part.from_outer(run.chosen)
    limits = SolveLimits(seed=run.limits.seed, deterministic_seconds=seconds, wall_seconds=seconds)
    plan = solve(part.problem, limits)
    before, after = plan_cost(part.problem, kept), plan.cost
    free = part.into_outer(plan.chosen if after < before else kept)
    own = [line for line, it in enumerate(run.lines) if it.organisation_id == owner]
    changed = [line for line in own if not run.same_way(run.chosen[line], free[line])]
    both = [line for line in own if UNROUTED not in (run.chosen[line], free[line])]
    paid, would_pay = run.landed_by_line(run.chosen), run.landed_by_line(free)
    return RuleCost(
        organisation_id=owner,
        rule=rule,
        policy_version=policy_for(run.policies, owner).version,
        lines=len(changed),
        landed_minor=sum(paid[line] - would_pay[line] for line in both),
        cost_millis=max(0, before - after),
        proven=run.status is PlanStatus.OPTIMAL and plan.status is PlanStatus.OPTIMAL,
    )
