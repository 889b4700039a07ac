"""Variants of a problem: without some options or quotas, with other costs, capacity or quotas."""

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace

import numpy as np

from fabroute.routing.rules import WEIGHTS, ObjectiveWeights
from fabroute.routing.rules.policies import PolicyView, policy_for
from fabroute.routing.service.archive import ArchivedRun
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import BoolArray, IntArray, RoutingProblem

_OF_OPTIONS = frozenset(each.name for each in fields(RoutingProblem) if each.name.startswith("option_"))
_OF_DRAWS = frozenset(each.name for each in fields(RoutingProblem) if each.name.startswith("draw_"))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Narrowed:
    """A problem with some of the options of another, and the way between the two."""

    problem: RoutingProblem
    kept: IntArray
    """The other problem's option behind each option here."""

    def from_outer(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        """Return a plan of the other problem as one of this: unrouted where its option is not here."""
        place = {outer: inner for inner, outer in enumerate(self.kept.tolist())}
        return tuple(place.get(option, UNROUTED) for option in chosen)

    def into_outer(self, chosen: tuple[int, ...]) -> tuple[int, ...]:
        """Return a plan of this problem as one of the other."""
        return tuple(UNROUTED if option == UNROUTED else int(self.kept[option]) for option in chosen)


def with_options(problem: RoutingProblem, keep: BoolArray) -> Narrowed:
    """Return a problem with the options that are to be kept; lines without one stay, without any choice."""
    kept = np.flatnonzero(keep)
    place = np.cumsum(keep) - 1
    draws, shares = keep[problem.draw_option], keep[problem.share_option]
    changed = {name: getattr(problem, name)[kept] for name in _OF_OPTIONS}
    changed |= {name: getattr(problem, name)[draws] for name in _OF_DRAWS}
    changed["draw_option"] = place[problem.draw_option[draws]]
    changed["share_quota"] = problem.share_quota[shares]
    changed["share_option"] = place[problem.share_option[shares]]
    changed["share_weight"] = problem.share_weight[shares]
    return Narrowed(problem=replace(problem, **changed), kept=kept)


def without_quotas(problem: RoutingProblem, drop: BoolArray) -> RoutingProblem:
    """Return a problem without some of its quotas."""
    keep = ~drop
    shares = keep[problem.share_quota]
    return replace(
        problem,
        quota_limit=problem.quota_limit[keep],
        quota_excess_cost=problem.quota_excess_cost[keep],
        share_quota=(np.cumsum(keep) - 1)[problem.share_quota[shares]],
        share_option=problem.share_option[shares],
        share_weight=problem.share_weight[shares],
    )


def options_of(run: ArchivedRun, organisation_id: str) -> BoolArray:
    """Return which options an owner's own lines have, and which one each other line takes: all that may be chosen."""
    own = np.array([line.organisation_id == organisation_id for line in run.lines], dtype=np.bool_)
    keep = own[run.problem.option_line]
    chosen = np.array([option for option in run.chosen if option != UNROUTED], dtype=np.int64)
    keep[chosen] = True
    return keep


def weighed_anew(run: ArchivedRun, policies: Mapping[str, PolicyView]) -> IntArray:
    """Return what each option costs, in milli-minor, where owners weigh time and carbon by these policies.

    All else of a cost (landed money, ties, what other rules have added to it) stays as it was.
    """
    cost = run.problem.option_cost.copy()
    for line, archived in enumerate(run.lines):
        before = _weights(run.policies, archived.organisation_id, archived.objective)
        after = _weights(policies, archived.organisation_id, archived.objective)
        if before != after:
            of_line = run.problem.option_line == line
            cost[of_line] += _weight_millis(run, of_line, line, after) - _weight_millis(run, of_line, line, before)
    return cost


def _weights(policies: Mapping[str, PolicyView], organisation_id: str, objective: str) -> ObjectiveWeights:
    return policy_for(policies, organisation_id).weights.get(objective, WEIGHTS[objective])


def _weight_millis(run: ArchivedRun, options: BoolArray, line: int, weights: ObjectiveWeights) -> IntArray:
    minutes, need_by = run.minutes[options], run.lines[line].need_by_minutes
    late = np.zeros_like(minutes)
    if need_by is not None and not run.lines[line].need_by_hard:
        late = np.maximum(0, minutes - need_by)
    return np.asarray(
        weights.millis_per_hour * minutes // 60
        + weights.millis_per_co2e_gram * run.co2e_g[options]
        + weights.millis_per_late_hour * late // 60
    )
