"""Rules priced beside a joint plan: against the finder on a network of which the other lines' work is taken off."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decide import decide
from fabroute.routing.service.explaining.demands import Demand
from fabroute.routing.service.explaining.scarcity import Market
from fabroute.routing.service.options import Option
from fabroute.routing.service.problem import joint_problem
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from fabroute.solver.plan import PlanStatus, RoutingPlan, ScarcityPrices
from tests.factories.explanations import a_mild_question, rules_of, without
from tests.factories.routing import MONDAY_MORNING, a_node_view
from tests.factories.snapshots import a_line, a_snapshot, june

DEAR = 10**18
LIMITS = SolveLimits(seed=1, deterministic_seconds=1.0, wall_seconds=20.0)


def six_lines(seed: int) -> RoutingSnapshot:
    """A random network with six orders of one part that want the same machines."""
    snapshot = a_mild_question(seed)
    (line,) = snapshot.lines
    lines = tuple(
        replace(
            line,
            line_id=f"line_{number}",
            order_id=f"ord_{number}",
            quantity=1 + number % 3,
            need_by=MONDAY_MORNING + timedelta(days=3 + number),
            need_by_hard=True,
            max_price_minor=None,
        )
        for number in range(6)
    )
    return replace(snapshot, lines=lines)


def what_others_leave(snapshot: RoutingSnapshot, taken: Mapping[str, Option], line_id: str) -> RoutingSnapshot:
    """The snapshot of one line alone, with the minutes and grams gone that the other lines take."""
    finder = CandidateFinder(snapshot)
    left = {machine_id: np.cumsum(minutes) for machine_id, minutes in finder.supply().minutes.items()}
    grams = {lot.lot_id: lot.remaining_grams for lot in snapshot.network.lots}
    for other, option in taken.items():
        if other != line_id:
            left[option.way.offer.machine_id][option.bucket :] -= option.way.machine_minutes
            grams[option.way.lot.lot_id] -= option.way.grams
    free = {
        machine_id: tuple(np.diff(np.minimum.accumulate(minutes[::-1])[::-1], prepend=0).tolist())
        for machine_id, minutes in left.items()
    }
    network = replace(
        snapshot.network,
        capacity=free,
        lots=tuple(replace(lot, remaining_grams=grams[lot.lot_id]) for lot in snapshot.network.lots),
    )
    return replace(snapshot, network=network, lines=tuple(one for one in snapshot.lines if one.line_id == line_id))


@pytest.mark.parametrize("seeds", [range(0, 8), range(8, 16)], ids=str)
def test_a_rule_costs_what_is_saved_on_what_the_other_lines_leave(seeds: range) -> None:
    for seed in seeds:
        snapshot = six_lines(seed)
        verdicts = decide(snapshot, LIMITS).verdicts
        taken = {it.choices.line.line_id: it.chosen for it in verdicts if it.chosen is not None}
        for verdict in verdicts:
            line_id = verdict.choices.line.line_id
            if verdict.chosen is None or verdict.explanation is None:
                continue
            told = {price.demand: price.cost_millis for price in verdict.explanation.rules}
            alone = what_others_leave(snapshot, taken, line_id)
            for rule in rules_of(alone):
                # Lines of one build pay its opening once: what is chosen may be cheaper than any place alone.
                free, chosen = cheapest_millis(without(alone, [rule])), verdict.chosen.cost_millis
                saved = chosen - free if free < min(chosen, cheapest_millis(alone)) else 0
                assert (seed, line_id, rule.name, saved) == (seed, line_id, rule.name, -told.get(rule, 0))


def cheapest_millis(snapshot: RoutingSnapshot) -> int:
    """The best place of a line by itself; more than anything costs where there is none."""
    finder = CandidateFinder(snapshot)
    (line,) = snapshot.lines
    return min((each.cost_millis for each in finder.earliest(line, finder.findings(line))), default=DEAR)


def test_a_line_that_lost_its_place_is_told_when_there_is_one_again() -> None:
    """One machine has room for one line before both need-bys, and for the other one on the next day."""
    lines = [a_line(line_id=f"line_{number}", need_by=june(17, 17)) for number in (1, 2)]
    node = a_node_view(node_id="N1", city="Hannover", latitude=52.0, longitude=10.0)
    decided = decide(a_snapshot(*lines, nodes=(node,), free_minutes={"N1-A": (400, 400) + (0,) * 12}), LIMITS)

    (lost,) = [verdict for verdict in decided.verdicts if verdict.chosen is None]
    assert lost.explanation is not None
    assert lost.explanation.no_route is not None
    assert lost.explanation.no_route.conflict == (Demand("need_by"),)
    words = {step.words for each in lost.explanation.no_route.relaxations for step in each.steps}
    assert "+23 h (2026-06-18 16:00 UTC)" in words


def test_scarce_time_is_told_by_the_hour_and_for_the_whole_line() -> None:
    node = a_node_view(node_id="N1", city="Hannover", latitude=52.0, longitude=10.0)
    finder = CandidateFinder(a_snapshot(nodes=(node,)))
    choices = finder.choices()
    joint = joint_problem(choices, supply=finder.supply(), buckets=14)
    best = choices[0].options[0]
    # 14 EUR an hour are 1400 cents in 60 minutes; 2 EUR a kilogram.
    minute = np.full((1, 14), 1_400_000 / 60)
    prices = ScarcityPrices(minute=minute, gram=np.array([200.0]))
    plan = RoutingPlan(
        chosen=(-1,), cost=0, bound=0, engine="large", status=PlanStatus.LIMIT, seed=1, wall_ms=1, prices=prices
    )

    found = Market(joint, plan).scarcity(best)
    assert found is not None
    assert (found.hour_minor, found.kilogram_minor) == (1_400, 200)
    # 339 minutes at 23.333 cents and 58 grams at 0.2.
    assert found.minor == 7_910 + 12
    assert Market(joint, replace(plan, prices=None)).scarcity(best) is None
    nothing = ScarcityPrices(minute=np.zeros((1, 14)), gram=np.zeros(1))
    assert Market(joint, replace(plan, prices=nothing)).scarcity(best) is None
