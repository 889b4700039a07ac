"""Explaining what a run decided: each verdict with what its rules cost and what would change it."""

from collections.abc import Sequence
from dataclasses import replace

from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.concentration import rule_against
from fabroute.routing.service.documents import Verdict
from fabroute.routing.service.explaining.demands import BUILD_VOLUME, demands_of
from fabroute.routing.service.explaining.elsewhere import looks_per_line
from fabroute.routing.service.explaining.explain import Asked, explain
from fabroute.routing.service.explaining.placing import Setting
from fabroute.routing.service.explaining.room import room_beside
from fabroute.routing.service.explaining.scarcity import Market, Scarcity
from fabroute.routing.service.outbid import Takers
from fabroute.routing.service.problem import JointProblem
from fabroute.solver.plan import RoutingPlan

_OWN_ORDER = "went to other lines of this order"


class Explainer:
    """Explains the verdicts of one run from what its finder found and what its plan leaves."""

    def __init__(self, finder: CandidateFinder, joint: JointProblem, plan: RoutingPlan) -> None:
        self._finder = finder
        self._joint, self._chosen = joint, plan.chosen
        self._takers = Takers(joint.choices, joint.chosen(plan.chosen))
        self._setting = Setting(
            room=room_beside(joint, plan.chosen, finder.supply()), calendars=finder.calendars, lapsed=finder.lapsed
        )
        self._market = Market(joint, plan)

    def explained(self, verdicts: Sequence[Verdict]) -> tuple[Verdict, ...]:
        """Return the verdicts with their explanations. Nothing is priced again, but other materials of lost lines."""
        looks = looks_per_line(sum(verdict.chosen is None for verdict in verdicts))
        return tuple(
            replace(
                verdict,
                explanation=explain(self._asked(verdict, looks=looks), self._setting),
                lost_to=self._lost_to(verdict),
            )
            for verdict in verdicts
        )

    def _asked(self, verdict: Verdict, *, looks: int) -> Asked:
        found, lost = self._finder.chances(verdict.choices.line.line_id), verdict.chosen is None
        large = lost and any(BUILD_VOLUME in demands_of(reasons) for reasons in found.unpriced)
        return Asked(
            found=found,
            chosen=verdict.chosen,
            excluded=verdict.exclusions,
            scarcity=self._scarcity(verdict),
            others=self._finder.elsewhere(found, looks=looks) if lost else (),
            oversize=self._finder.oversize(found) if large else None,
        )

    def _lost_to(self, verdict: Verdict) -> str:
        """Return what keeps a placed line's own best option from it, other orders aside."""
        best, chosen = verdict.choices.options[:1], verdict.chosen
        if not best or chosen is None or chosen.cost_millis <= best[0].cost_millis:
            return ""
        rule = rule_against(self._joint, self._chosen, verdict.choices.line.line_id, best[0])
        return rule or (_OWN_ORDER if self._takers.only_own(verdict.choices, best[0]) else "")

    def _scarcity(self, verdict: Verdict) -> Scarcity | None:
        """Return what made the line's own best option scarce, where it did not get it."""
        best, chosen = verdict.choices.options[:1], verdict.chosen
        if not best or (chosen is not None and chosen.cost_millis <= best[0].cost_millis):
            return None
        return self._market.scarcity(best[0])
