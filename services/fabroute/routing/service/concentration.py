"""Which nodes a line lost to a share cap, or to the price cap of its order, once the whole plan is made."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from fabroute.routing.service.options import ExcludedNode, LineChoices, Option
from fabroute.routing.service.problem import JointProblem
from fabroute.routing.service.quotas import QuotaRule
from fabroute.solver.eligibility import Exclusion, ExclusionCode
from fabroute.solver.eligibility.commerce import over_the_orders_cap
from fabroute.solver.plan import UNROUTED, quota_weights
from fabroute.solver.problem import HARD

Lost = Mapping[str, Mapping[str, tuple[Exclusion, ...]]]
"""By line and node: what bars it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Barred:
    """An option that would take a rule over its limit."""

    line: int
    option: int
    rule: QuotaRule
    others: int
    """What the chosen options of all other lines weigh in the rule."""
    weight: int


def lost_to_rules(joint: JointProblem, plan: Sequence[int]) -> Lost:
    """Return the nodes that each line would rather have had, but that a hard rule bars, with figures.

    Nodes that a routed line would not have preferred are left out; so are price caps of routed lines.
    """
    lost: defaultdict[str, defaultdict[str, dict[str, Exclusion]]] = defaultdict(lambda: defaultdict(dict))
    options = joint.options
    for barred in _barred(joint, plan):
        option, line_id = options[barred.option], joint.choices[barred.line].line.line_id
        lost[line_id][option.way.node.node_id].setdefault(barred.rule.rule, _exclusion(barred, option))
    return {
        line_id: {node_id: tuple(reasons.values()) for node_id, reasons in nodes.items()}
        for line_id, nodes in lost.items()
    }


def with_lost(
    exclusions: tuple[ExcludedNode, ...], choices: LineChoices, lost: Mapping[str, tuple[Exclusion, ...]]
) -> tuple[ExcludedNode, ...]:
    """Return a line's exclusions with the nodes that rules bar, which say so instead of anything else; by node."""
    nodes = {option.way.node.node_id: option.way.node for option in choices.options}
    barred = [ExcludedNode(node=nodes[node_id], reasons=reasons) for node_id, reasons in lost.items()]
    others = [each for each in exclusions if each.node.node_id not in lost]
    return tuple(sorted((*others, *barred), key=lambda each: each.node.node_id))


def rule_against(joint: JointProblem, plan: Sequence[int], line_id: str, best: Option) -> str:
    """Return what of the rules over several lines speaks against a line's taking ``best`` instead; "" if none does.

    Hard rules that it would break come first, then soft ones of which it would add to the excess.
    """
    problem = joint.problem
    if not problem.quota_limit.size:
        return ""
    line = next(n for n, it in enumerate(joint.choices) if it.line.line_id == line_id)
    own = np.flatnonzero(problem.option_line == line).tolist()
    option = next((n for n in own if joint.options[n].way is best.way and joint.options[n].bucket == best.bucket), None)
    if option is None:
        return ""
    was, then = (np.array(quota_weights(problem, it)) for it in (plan, [*plan[:line], option, *plan[line + 1 :]]))
    worse = np.maximum(then, problem.quota_limit) > np.maximum(was, problem.quota_limit)
    broken = np.flatnonzero(worse & (problem.quota_excess_cost == HARD)).tolist()
    strained = np.flatnonzero(worse & (problem.quota_excess_cost != HARD)).tolist()
    return next((_over(joint.rules[quota]) for quota in (*broken, *strained)), "")


def _over(rule: QuotaRule) -> str:
    if rule.kind == "price":
        return "is over what its order's cap leaves"
    if rule.kind == "minimum":
        return f"is against the minimum share of {rule.subject}"
    return f"is over the {rule.share or 0.0:.0%} cap"


def _barred(joint: JointProblem, plan: Sequence[int]) -> list[_Barred]:
    problem = joint.problem
    if not problem.quota_limit.size:
        return []
    chosen = np.array(plan, dtype=np.int64)
    line = problem.option_line[problem.share_option]
    own = np.zeros((len(problem.quota_limit), problem.line_count), dtype=np.int64)
    taken = problem.share_option == chosen[line]
    own[problem.share_quota[taken], line[taken]] = problem.share_weight[taken]
    others = np.array(quota_weights(problem, plan))[problem.share_quota] - own[problem.share_quota, line]
    over = others + problem.share_weight > problem.quota_limit[problem.share_quota]
    hard = problem.quota_excess_cost[problem.share_quota] == HARD
    nodes = [option.way.node.node_id for option in joint.options]
    return [
        _Barred(
            line=int(line[share]),
            option=int(problem.share_option[share]),
            rule=joint.rules[problem.share_quota[share]],
            others=int(others[share]),
            weight=int(problem.share_weight[share]),
        )
        for share in np.flatnonzero(over & hard & ~taken).tolist()
        if _is_missed(joint, nodes, plan[line[share]], share)
    ]


def _is_missed(joint: JointProblem, nodes: Sequence[str], chosen: int, share: int) -> bool:
    """Tell whether a line would rather have the option of a share than what it takes."""
    if chosen == UNROUTED:
        return True
    option, costs = int(joint.problem.share_option[share]), joint.problem.option_cost
    is_price = joint.rules[joint.problem.share_quota[share]].kind == "price"
    return not is_price and nodes[option] != nodes[chosen] and bool(costs[option] < costs[chosen])


def _exclusion(barred: _Barred, option: Option) -> Exclusion:
    rule, machine_id = barred.rule, option.way.offer.machine_id
    if rule.kind == "price":
        return over_the_orders_cap(
            landed_minor=barred.weight,
            others_minor=rule.used + barred.others,
            maximum_minor=rule.total,
            machine_id=machine_id,
            planned=True,
        )
    would_have, share = rule.used + barred.others + barred.weight, rule.share or 0.0
    whose = "the part's owner allows" if rule.kind == "ip" else "the cap is"
    return Exclusion(
        code=ExclusionCode.CONCENTRATION,
        message=(
            f"would have {would_have} of {rule.total} {rule.unit} of {_days(rule.window_days or 0)} "
            f"({would_have / rule.total:.0%}), {whose} {share:.0%}"
        ),
        figures={
            "rule": rule.rule,
            "share": share,
            "unit": rule.unit,
            "window_days": rule.window_days or 0,
            "of": rule.total,
            "has": rule.used + barred.others,
            "would_have": would_have,
            "allowed": rule.used + rule.limit,
        },
        machine_id=machine_id,
    )


def _days(count: int) -> str:
    return "1 day" if count == 1 else f"{count} days"
