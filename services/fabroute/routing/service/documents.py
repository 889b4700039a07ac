"""The decision document: what was chosen, what else there was, and every node that was ruled out with its reasons."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from fabroute.routing.service.explaining.demands import Demand, demands_of, hardest
from fabroute.routing.service.explaining.explain import Explanation
from fabroute.routing.service.explaining.paper import (
    able_in_short,
    explanation_document,
    nearest_in_short,
    rule_in_short,
)
from fabroute.routing.service.options import ExcludedNode, LineChoices, Option, same_place
from fabroute.routing.service.sentences import binding_code, reason_counts, why_not_routed, why_routed
from fabroute.routing.service.splits_documents import share_documents
from fabroute.routing.service.timing import Calendars
from fabroute.solver.eligibility import ExclusionCode

Document = dict[str, object]
_CAP = ExclusionCode.CONCENTRATION


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What a run decides about a line."""

    choices: LineChoices
    chosen: Option | None
    exclusions: tuple[ExcludedNode, ...]
    """Of the line itself; for a line without a place also what other orders took."""
    explanation: Explanation | None = None
    """What its rules cost and what would change it; only a joint run knows."""
    lost_to: str = ""
    """What the line's own best option went to or is over, where it got another one and a run knows."""

    @property
    def is_final(self) -> bool:
        """Whether the line has an outcome; not if it found no place, but not all of its places were in the plan."""
        return self.chosen is not None or self.choices.left_out == 0

    @property
    def was_outbid(self) -> bool:
        """Whether there are places for the line, and all of them went to others."""
        return self.chosen is None and bool(self.choices.options)

    @property
    def candidates(self) -> tuple[Option, ...]:
        """The best option of each node that can, the best first; nodes that share caps bar are among the exclusions."""
        barred = {it.node.node_id for it in self.exclusions if any(each.code is _CAP for each in it.reasons)}
        return tuple(option for option in self.choices.best if option.way.node.node_id not in barred)

    @property
    def runner_up(self) -> Option | None:
        """The best option of a node other than the chosen one."""
        taken = None if self.chosen is None else self.chosen.way.node.node_id
        return next((option for option in self.candidates if option.way.node.node_id != taken), None)


def promised_at(option: Option, calendars: Calendars) -> datetime:
    """Return the instant of an option's promised hand-over."""
    return calendars.instant(option.minutes)


def why(verdict: Verdict, calendars: Calendars) -> str:
    """Return the one sentence about a verdict."""
    chosen = verdict.chosen
    if chosen is None:
        outbid = verdict.choices.options[0] if verdict.choices.options else None
        return why_not_routed(verdict.exclusions, outbid=outbid)
    return why_routed(
        chosen,
        best=verdict.choices.options[0],
        runner_up=verdict.runner_up,
        exclusions=verdict.exclusions,
        objective=verdict.choices.line.objective,
        promised_at=promised_at(chosen, calendars),
        dearest_rule=_dearest_rule(verdict.explanation),
        lost_to=verdict.lost_to,
    )


def nearest_fix(verdict: Verdict) -> str | None:
    """Return the least that lifts what binds a line without a place, in words, where a run looked for it."""
    no_route = None if verdict.explanation is None else verdict.explanation.no_route
    if no_route is None or not no_route.relaxations:
        return None
    return nearest_in_short(no_route.relaxations, code=binding_code(verdict.exclusions))


def _dearest_rule(explanation: Explanation | None) -> str:
    rule = None if explanation is None else explanation.dearest_rule
    return "" if rule is None else rule_in_short(rule)


def decision_document(
    verdict: Verdict, *, sentence: str, solver: Mapping[str, object], calendars: Calendars
) -> Document:
    """Return the decision as it is stored and shown; ``solver`` says which run proved what."""
    chosen = verdict.chosen
    return {
        "objective": verdict.choices.line.objective,
        "why": sentence,
        "chosen": None if chosen is None else candidate(chosen, calendars),
        "alternatives": [] if chosen is None else _alternatives(verdict, chosen, calendars),
        "candidates": [candidate(option, calendars) for option in verdict.candidates],
        "exclusions": _exclusions(verdict),
        "reasons": reason_counts(verdict.exclusions),
        "solver": dict(solver),
        "explanation": None if verdict.explanation is None else explanation_document(verdict.explanation, calendars),
        **({} if chosen is None or chosen.build is None else {"build": asdict(chosen.build)}),
    }


def candidate(option: Option, calendars: Calendars) -> Document:
    """Return an option in words and figures: money in cents, carbon and material in grams."""
    way, price, parts = option.way, option.price, option.shares or (option,)
    return {
        "node_id": way.node.node_id,
        "kind": way.node.kind,
        "city": way.node.city,
        "country": way.node.country,
        "machine_id": way.offer.machine_id,
        "process": way.offer.process,
        "material": way.offer.material.code,
        "parameter_set": way.offer.parameter_set,
        "lot_id": way.lot.lot_id,
        "service": way.service,
        "carrier": way.carrier,
        "produce_by": calendars.day(option.bucket).isoformat(),
        "earliest_at": calendars.instant(max(int(it.way.arrivals.p10[it.bucket]) for it in parts)).isoformat(),
        "expected_at": calendars.instant(max(int(it.way.arrivals.p50[it.bucket]) for it in parts)).isoformat(),
        "promised_at": promised_at(option, calendars).isoformat(),
        "hours": round(option.minutes / 60, 1),
        "landed_minor": price.landed_minor,
        "production_minor": price.production_minor,
        "freight_minor": price.freight_minor,
        "duty_minor": price.duty_minor,
        "breakdown": [{"code": row.code, "amount_minor": row.amount_minor} for row in price.breakdown],
        "co2e_g": price.co2e_g,
        "machine_minutes": sum(part.way.machine_minutes for part in parts),
        "grams": sum(part.way.grams for part in parts),
        "cost_millis": option.cost_millis,
        **({"shares": share_documents(option, calendars)} if option.shares else {}),
    }


def _alternatives(verdict: Verdict, chosen: Option, calendars: Calendars) -> list[Document]:
    """Return what would be cheaper, faster, greener or next best, where that is another option than the chosen one."""
    able = {option.way.node.node_id for option in verdict.candidates}
    named = [(label, option) for label, option in _better_at(verdict.choices, chosen) if _node_id(option) in able]
    if verdict.runner_up is not None:
        named.append(("next_best", verdict.runner_up))
    return [
        {
            "label": label,
            "candidate": candidate(option, calendars),
            "difference": {
                "landed_minor": option.price.landed_minor - chosen.price.landed_minor,
                "hours": round((option.minutes - chosen.minutes) / 60, 1),
                "co2e_g": option.price.co2e_g - chosen.price.co2e_g,
            },
        }
        for label, option in named
        if not same_place(option, chosen)
    ]


def _better_at(choices: LineChoices, chosen: Option) -> Iterator[tuple[str, Option]]:
    """Yield the extremes that are better than the chosen option in what they are named for."""
    cheapest, fastest, greenest = choices.cheapest, choices.fastest, choices.greenest
    if cheapest is not None and cheapest.price.landed_minor < chosen.price.landed_minor:
        yield "cheapest", cheapest
    if fastest is not None and fastest.minutes < chosen.minutes:
        yield "fastest", fastest
    if greenest is not None and greenest.price.co2e_g < chosen.price.co2e_g:
        yield "greenest", greenest


def _node_id(option: Option) -> str:
    return option.way.node.node_id


def _exclusions(verdict: Verdict) -> list[Document]:
    """Return the excluded nodes with the reason of each that is hardest to mend, and the nearest fix."""
    changes = () if verdict.explanation is None else verdict.explanation.changes
    fixes = {change.node.node_id: (change.binding, able_in_short(change)) for change in changes}
    return [_exclusion(excluded, *fixes.get(excluded.node.node_id, (None, None))) for excluded in verdict.exclusions]


def _exclusion(exclusion: ExcludedNode, binding: Demand | None, fix: str | None) -> Document:
    return {
        "node_id": exclusion.node.node_id,
        "city": exclusion.node.city,
        "country": exclusion.node.country,
        "binding": (binding or hardest(demands_of(exclusion.reasons))).name,
        "fix": fix,
        "reasons": [
            {
                "code": reason.code.value,
                "message": reason.message,
                "figures": dict(reason.figures),
                "machine_id": reason.machine_id,
            }
            for reason in exclusion.reasons
        ],
    }
