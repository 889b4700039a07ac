"""Lines that ask for the same are looked at once: faster, and no different in any decision."""

import json
import random
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest

from fabroute.orders.service import ClaimedLine
from fabroute.routing.repository.exclusions import LineExclusionView
from fabroute.routing.rules import WEIGHTS
from fabroute.routing.rules.policies import PolicyView
from fabroute.routing.service.alike import likeness
from fabroute.routing.service.candidates import CandidateFinder
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import decision_document, why
from fabroute.routing.service.options import Deadlines, Wish, option_at
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view, a_way
from tests.factories.snapshots import a_line, a_snapshot
from tests.unit.routing.test_properties import a_random_snapshot

LIMITS = SolveLimits(seed=1, deterministic_seconds=0.2, wall_seconds=20.0)
ITS_OWN = {"line_id", "order_id", "position", "fence", "attempts", "placed_at"}


def with_repetitions(seed: int) -> RoutingSnapshot:
    """Return a random snapshot whose lines are asked for up to three times, some to be split, waited with, or again."""
    chance, snapshot = random.Random(seed), a_random_snapshot(seed)
    lines: list[ClaimedLine] = []
    for line in snapshot.lines:
        wanted = replace(line, split_max_nodes=chance.choice((0, 0, 0, 2)))
        lines += [a_repetition(wanted, len(lines) + number, chance) for number in range(chance.randint(1, 3))]
    owner = lines[0].organisation_id
    window = chance.choice((0, 0, 36))
    ruled_out = {line.line_id: (declined(line, chance, snapshot),) for line in lines if chance.random() < 0.2}
    policies = {owner: PolicyView(organisation_id=owner, version=1, consolidation_window_hours=window)}
    return replace(snapshot, lines=tuple(lines), ruled_out=ruled_out, policies=policies if window else {})


def a_repetition(line: ClaimedLine, number: int, chance: random.Random) -> ClaimedLine:
    return replace(
        line,
        line_id=f"line_{number}",
        order_id=f"ord_{chance.randint(0, 9)}",
        attempts=chance.randint(1, 3),
        placed_at=MONDAY_MORNING - timedelta(hours=chance.randint(0, 40)),
    )


def declined(line: ClaimedLine, chance: random.Random, snapshot: RoutingSnapshot) -> LineExclusionView:
    return declined_by(chance.choice(sorted(snapshot.network.nodes)), line.line_id)


def declined_by(node_id: str, line_id: str) -> LineExclusionView:
    return LineExclusionView(
        line_id=line_id,
        node_id=node_id,
        cause="declined",
        reason="no time",
        job_id="job_1",
        excluded_at=MONDAY_MORNING,
    )


def written(decided: Decided) -> str:
    """Return all that a run would write down."""
    documents = [
        decision_document(each, sentence=why(each, decided.calendars), solver={}, calendars=decided.calendars)
        for each in decided.verdicts
    ]
    return json.dumps([documents, decided.prices], default=str) + repr(
        (decided.plan.chosen, decided.plan.cost, decided.days, decided.dispatch_at, decided.rule_costs)
    )


@pytest.mark.parametrize("seed", range(120))
def test_decisions_are_byte_for_byte_those_of_lines_looked_at_one_by_one(seed: int) -> None:
    snapshot = with_repetitions(seed)
    together, apart = decide(snapshot, LIMITS), decide(snapshot, LIMITS, remember=False)
    assert written(together) == written(apart)
    assert together.archive == apart.archive


def test_the_random_networks_hold_what_sharing_could_get_wrong() -> None:
    snapshots = [with_repetitions(seed) for seed in range(120)]
    lines = [(snapshot, line) for snapshot in snapshots for line in snapshot.lines]
    repeated = sum(len(snapshot.lines) - len(set(map(likeness, snapshot.lines))) for snapshot in snapshots)
    assert repeated > len(lines) // 3
    assert sum(bool(snapshot.policies) for snapshot in snapshots) > 20
    assert sum(line.line_id in snapshot.ruled_out for snapshot, line in lines) > 50
    assert sum(line.split_max_nodes > 0 and line.quantity > 1 for _, line in lines) > 50
    assert sum(line.max_price_minor is not None for _, line in lines) > 50


@pytest.mark.parametrize("name", sorted({field.name for field in fields(ClaimedLine)} - ITS_OWN))
def test_lines_that_differ_in_anything_they_ask_are_not_alike(name: str) -> None:
    line = a_line()
    changed: dict[str, Any] = {name: "something else"}
    assert likeness(line) != likeness(replace(line, **changed))


@pytest.mark.parametrize("name", sorted(ITS_OWN - {"placed_at"}))
def test_lines_that_differ_in_what_names_them_are_alike(name: str) -> None:
    line = a_line()
    changed: dict[str, Any] = {name: 77}
    assert likeness(line) == likeness(replace(line, **changed))


def test_a_line_that_a_node_declined_is_looked_at_by_itself() -> None:
    lines = (a_line(line_id="line_1"), a_line(line_id="line_2"))
    snapshot = replace(a_snapshot(*lines), ruled_out={"line_2": (declined_by("N101", "line_2"),)})
    first, second = CandidateFinder(snapshot).choices()
    assert [excluded.node.node_id for excluded in first.exclusions] == []
    assert [reason.code.value for it in second.exclusions for reason in it.reasons] == ["DECLINED"]


def test_a_change_of_a_rate_is_seen_by_the_next_run() -> None:
    prices = []
    for margin in (0.0, 0.3, 0.0):
        snapshot = a_snapshot(a_line(), nodes=(a_node_view(latitude=52.0, longitude=10.0, margin=margin),))
        (choices,) = CandidateFinder(snapshot).choices()
        prices.append(choices.options[0].price.production_minor)
    assert prices[0] == prices[2] < prices[1]


@pytest.mark.parametrize("objective", sorted(WEIGHTS))
def test_a_way_weighed_for_another_lot_has_the_options_that_it_has_by_itself(objective: str) -> None:
    wish = Wish(weights=WEIGHTS[objective], minutes_to_need_by=3_000, need_by_hard=False)
    one = a_way(hours_to_delivery=(24, 48, 72, 96))
    other_lot = replace(one, lot=a_lot_view(lot_id="another"))
    patient, hurried = replace(one, wanted=2), replace(one, wanted=2, hurry_millis=9)
    dear = replace(one, price=replace(one.price, freight_minor=900))
    deadlines = Deadlines(wish)
    for way in (one, other_lot, patient, hurried, dear, one):
        found = deadlines.options(way, [0, 1, 2, 3])
        alone = [option_at(way, bucket, wish=wish) for bucket in range(4)]
        assert [(it.bucket, it.minutes, it.cost_millis) for it in found] == [
            (it.bucket, it.minutes, it.cost_millis) for it in alone
        ]
        assert all(it.way is way for it in found)
