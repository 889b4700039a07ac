"""On random networks: what is promised keeps every rule, restated here without the code that decided."""

import random
from collections import defaultdict
from datetime import date, timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.documents import Verdict, promised_at, why
from fabroute.routing.service.options import Option, same_place
from fabroute.routing.service.sentences import LONGEST_BYTES
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.eligibility import ExclusionCode
from fabroute.solver.limits import SolveLimits
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view
from tests.factories.snapshots import a_certificate, a_line, a_printer, a_revision_view, a_snapshot

LIMITS = SolveLimits(seed=1, deterministic_seconds=1.0, wall_seconds=20.0)
CERTIFIED = a_revision_view(required_certificates=("ISO9001",))


def a_random_snapshot(seed: int) -> RoutingSnapshot:
    """Up to five nodes and eight lines, tight in time, material, certificates, packaging and money."""
    chance = random.Random(seed)
    names = [f"N{number}" for number in range(chance.randint(1, 5))]
    nodes = tuple(
        a_node_view(
            node_id=name,
            latitude=chance.uniform(48, 54),
            longitude=chance.uniform(8, 13),
            margin=chance.choice((0.0, 0.1, 0.3)),
            packaging=chance.choice((("plain",), ("plain", "brand"))),
            status=chance.choice(("up", "up", "up", "down")),
            minimum_order_minor=chance.choice((0, 12_000)),
            minimum_order_policy=chance.choice(("top_up", "refuse")),
        )
        for name in names
    )
    lots = tuple(
        a_lot_view(
            lot_id=f"lot_{name}_{number}",
            node_id=name,
            material="PLA",
            grams=chance.choice((40, 90, 400)),
            expires_on=date(2026, 6, chance.choice((16, 20, 30))),
            state=chance.choice(("available", "available", "blocked")),
        )
        for name in names
        for number in range(2)
    )
    free = {f"{name}-A": tuple(chance.choice((0, 200, 500)) for _ in range(10)) for name in names}
    certificates = tuple(
        a_certificate(node_id=name, valid_to=date(2026, 6, chance.choice((15, 18, 30))))
        for name in names
        if chance.random() < 0.8
    )
    lines = tuple(
        a_line(
            line_id=f"line_{number}",
            order_id=f"ord_{number // 2}",
            quantity=chance.randint(1, 6),
            objective=chance.choice(("cheapest", "fastest", "balanced", "greenest")),
            packaging=chance.choice(("plain", "plain", "brand")),
            need_by=chance.choice((None, MONDAY_MORNING + timedelta(days=chance.randint(1, 9)))),
            need_by_hard=chance.random() < 0.7,
            max_price_minor=(None, 21_000, 40_000)[seed % 3],
        )
        for number in range(chance.randint(1, 8))
    )
    return a_snapshot(
        *lines,
        nodes=nodes,
        offers=tuple(a_printer(node_id=name) for name in names),
        lots=lots,
        revisions=(CERTIFIED,),
        certificates=certificates,
        free_minutes=free,
        horizon_days=10,
    )


def chosen_of(decided: Decided) -> list[tuple[Verdict, Option]]:
    return [(verdict, verdict.chosen) for verdict in decided.verdicts if verdict.chosen is not None]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_every_promise_keeps_every_rule(seed: int) -> None:
    snapshot = a_random_snapshot(seed)
    decided = decide(snapshot, LIMITS)
    lots = {lot.lot_id: lot for lot in snapshot.network.lots}
    for verdict, option in chosen_of(decided):
        line, node = verdict.choices.line, option.way.node
        produced_by = decided.calendars.day(option.bucket)
        held = snapshot.qualifications.certificates.get(node.node_id, ())
        assert node.status == "up"
        assert line.packaging in node.packaging
        assert any(certificate.valid_to >= produced_by for certificate in held)
        assert lots[option.way.lot.lot_id].state == "available"
        assert lots[option.way.lot.lot_id].expires_on >= produced_by
        if line.need_by is not None and line.need_by_hard:
            assert promised_at(option, decided.calendars) <= line.need_by


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_nothing_is_given_away_twice_and_no_cap_is_broken(seed: int) -> None:
    snapshot = a_random_snapshot(seed)
    decided = decide(snapshot, LIMITS)
    minutes: defaultdict[tuple[str, date], int] = defaultdict(int)
    grams: defaultdict[str, int] = defaultdict(int)
    spent: defaultdict[str, int] = defaultdict(int)
    for verdict, option in chosen_of(decided):
        (works,) = decided.days[verdict.choices.line.line_id]
        days = works.minutes_by_day
        assert works.machine_id == option.way.offer.machine_id
        assert sum(worked for _, worked in days) == option.way.machine_minutes
        assert max(day for day, _ in days) <= decided.calendars.day(option.bucket)
        for day, worked in days:
            minutes[option.way.offer.machine_id, day] += worked
        grams[option.way.lot.lot_id] += option.way.grams
        spent[verdict.choices.line.order_id] += option.price.landed_minor
    for (machine_id, day), worked in minutes.items():
        offset = (day - snapshot.network.first_day).days
        assert worked <= snapshot.network.capacity[machine_id][offset]
    assert all(taken <= _stock(snapshot, lot_id) for lot_id, taken in grams.items())
    caps = {line.order_id: line.max_price_minor for line in snapshot.lines if line.max_price_minor is not None}
    assert all(spent[order_id] <= cap for order_id, cap in caps.items())


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@example(seed=1336)
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_every_node_is_a_candidate_or_ruled_out_with_reasons(seed: int) -> None:
    snapshot = a_random_snapshot(seed)
    decided = decide(snapshot, LIMITS)
    for verdict in decided.verdicts:
        candidates = {option.way.node.node_id for option in verdict.choices.best}
        ruled_out = {exclusion.node.node_id for exclusion in verdict.choices.exclusions}
        assert candidates | ruled_out == set(snapshot.network.nodes)
        assert not candidates & ruled_out
        assert all(exclusion.reasons for exclusion in verdict.exclusions)
        if verdict.chosen is None:
            assert {exclusion.node.node_id for exclusion in verdict.exclusions} == set(snapshot.network.nodes)
        else:
            assert any(same_place(verdict.chosen, option) for option in verdict.choices.options)
        assert 0 < len(why(verdict, decided.calendars).encode()) <= LONGEST_BYTES


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_the_joint_plan_never_costs_more_than_one_by_one(seed: int) -> None:
    decided = decide(a_random_snapshot(seed), LIMITS)
    chosen = {verdict.choices.line.line_id: option for verdict, option in chosen_of(decided)}
    baseline = sum(option.cost_millis for option in decided.baseline.values())
    planned = sum(option.cost_millis for option in chosen.values())

    assert decided.plan.bound <= decided.plan.cost
    assert len(chosen) >= len(decided.baseline) or planned <= decided.plan.cost
    if chosen.keys() == decided.baseline.keys():
        assert planned <= baseline


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(seed=st.integers(min_value=0, max_value=10_000))
def test_a_line_stays_without_a_place_only_where_nothing_is_left_for_it(seed: int) -> None:
    decided = decide(a_random_snapshot(seed), LIMITS)
    for verdict in decided.verdicts:
        if verdict.chosen is None and verdict.choices.options:
            taken = [reason for exclusion in verdict.exclusions for reason in exclusion.reasons]
            of_others = [reason for reason in taken if reason.figures.get("taken_by_other_orders")]
            assert len(of_others) >= len(verdict.choices.best)
            for reason in of_others:
                unit = "grams" if reason.code is ExclusionCode.MATERIAL_SHORT else "minutes"
                assert int(str(reason.figures[f"left_{unit}"])) < int(str(reason.figures[f"needed_{unit}"]))


def _stock(snapshot: RoutingSnapshot, lot_id: str) -> int:
    return next(lot.remaining_grams for lot in snapshot.network.lots if lot.lot_id == lot_id)
