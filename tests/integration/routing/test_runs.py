"""Runs on a real database: written under a fence, reserved, explained, and sent back when they fail."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.kernel.ids import new_id
from fabroute.network.service import StatusChange, add_lot, set_node_status
from fabroute.orders.service import claim_lines, get_order, requeue_lines, requeue_unroutable
from fabroute.production.service import cancel_order, offer_jobs
from fabroute.routing.ports import JobOffer
from fabroute.routing.service import get_decisions, list_runs
from fabroute.routing.service.commit import RunFacts, Written, write_run
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot
from fabroute.solver.limits import SolveLimits
from tests.conftest import Database
from tests.factories.databases import allow_connections, engine_for, in_transaction, refuse_connections, rows
from tests.factories.network import a_lot, a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

LIMITS = RoutingLimits(seed=3, deterministic_seconds=2.0, wall_seconds=20.0)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def route(engine: Engine, *, limits: RoutingLimits = LIMITS, now: datetime = NOW) -> RunReport:
    report = route_pending(engine, scope="global", now=now, dispatch=offer_jobs, limits=limits)
    assert report is not None
    return report


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def all_invariants_hold(engine: Engine) -> bool:
    broken = [finding for finding in check_invariants(engine) if finding.broken]
    return [
        finding.invariant.name for finding in broken if finding.invariant.name != "the outbox is being emptied"
    ] == []


def test_nothing_due_is_no_run(engine: Engine) -> None:
    assert route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS) is None


def test_an_order_becomes_a_job_with_all_that_it_needs_held(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    (order,) = given_orders(engine, make_order(owner))

    report = route(engine)

    assert (report.claimed, report.routed, report.no_route, report.open) == (1, 1, 0, 0)
    ((state, node_id, grams, minutes, price),) = table(
        engine, "SELECT state, node_id, grams, machine_minutes, price_minor FROM jobs"
    )
    assert (state, node_id) == ("offered", "N101")
    held = in_transaction(engine, held_and_taken)
    assert held == {"grams": grams, "minutes": minutes, "held_grams": grams, "held_minutes": minutes}
    assert table(engine, "SELECT state FROM orders") == [("routed",)]
    assert price == 5_000  # the node's minimum
    assert all_invariants_hold(engine)
    assert order.id


def test_the_decision_can_be_read_with_its_reasons(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", city="Potsdam", packaging=("esd",))))
    (order,) = given_orders(engine, make_order(owner))

    route(engine)

    with unit_of_work(engine) as session:
        (decision,) = get_decisions(session, organisation_id=owner.organisation_id, order_id=order.id)
        nobody = get_decisions(session, organisation_id="org_other", order_id=order.id)
        seen = get_order(session, organisation_id=owner.organisation_id, order_id=order.id)
    # 50.00 at least, and (8 + 0.5 x 0.9) x 1.18 to Hamburg; made on Monday, cooled until Wednesday.
    assert decision.landed_minor == 5_000 + 997
    assert (
        decision.why
        == "Berlin: 59.97 EUR (minimum order), arrives 18 Jun; no other node can; 1 node ruled out by PACKAGING"
    )
    assert decision.promised_at == datetime(2026, 6, 18, 16, 0, tzinfo=NOW.tzinfo)
    assert decision.document["exclusions"][0]["reasons"][0]["code"] == "PACKAGING"
    assert (decision.candidates, decision.excluded, decision.outcome) == (1, 1, "routed")
    assert seen.lines[0].decision_id == decision.id
    assert nobody == ()


def test_orders_that_have_no_place_end_with_the_code_that_binds(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, certified=False)
    (order,) = given_orders(engine, make_order(owner))

    report = route(engine)

    assert (report.routed, report.no_route) == (0, 1)
    assert table(engine, "SELECT state, state_reason FROM order_lines") == [("no_route", "CERTIFICATE_MISSING")]
    assert table(engine, "SELECT state FROM orders") == [("no_route",)]
    assert table(engine, "SELECT name FROM outbox_events WHERE name LIKE 'order.no%'") == [("order.no_route",)]
    assert table(engine, "SELECT id FROM jobs") == []
    assert all_invariants_hold(engine)
    assert order.id


def test_an_empty_network_routes_nothing_and_says_so(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=())
    given_orders(engine, make_order(owner))

    assert route(engine).no_route == 1
    assert table(engine, "SELECT state_reason FROM order_lines") == [("NO_NODE",)]
    assert table(engine, "SELECT why FROM routing_decisions") == [("there is no node in the network",)]


def test_a_line_without_a_place_is_routed_when_the_network_changes(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, lot_grams=1)
    given_orders(engine, make_order(owner))
    without = route(engine)
    new_lot = a_lot(lot_id="lot_new", node_id="N101", grams=5_000)

    with unit_of_work(engine) as session:
        add_lot(session, lot=new_lot, actor="key_1", now=NOW)
        requeued = requeue_unroutable(session, scope="global", now=NOW)
    report = route(engine)

    assert (without.no_route, requeued, report.routed) == (1, 1, 1)
    assert table(engine, "SELECT outcome FROM routing_decisions ORDER BY decided_at, id") == [
        ("no_route",),
        ("routed",),
    ]
    assert table(engine, "SELECT lot_id FROM jobs") == [("lot_new",)]
    assert all_invariants_hold(engine)


def test_a_node_that_is_down_is_ruled_out_with_its_reason(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    change = StatusChange(status="down", reason="flooded", expected_version=1)
    with unit_of_work(engine) as session:
        set_node_status(session, node_id="N101", change=change, actor="key_1", now=NOW)
    given_orders(engine, make_order(owner))

    route(engine)

    ((document,),) = table(engine, "SELECT document FROM routing_decisions")
    assert isinstance(document, dict)
    assert document["exclusions"][0]["reasons"][0]["message"] == "the node is down: flooded"


def test_a_run_is_kept_with_what_one_by_one_would_have_cost(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", minimum_order_minor=6_000)))
    given_orders(engine, *(make_order(owner) for _ in range(3)))

    report = route(engine)

    with unit_of_work(engine) as session:
        (run,) = list_runs(session).items
    assert run.id == report.run_ids[0]
    assert (run.lines, run.routed, run.no_route, run.deferred, run.planning_scope) == (3, 3, 0, 0, "global")
    assert run.landed_minor == run.baseline_landed_minor == run.both_landed_minor == 3 * 5_997
    assert (run.both_lines, run.baseline_no_route, run.gap) == (3, 0, 0.0)
    assert run.cost_millis == run.bound_millis
    assert run.limits["deterministic_seconds"] == 2.0
    assert run.finished_at >= run.started_at == NOW


def test_runs_are_listed_newest_first_in_pages(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    for _ in range(3):
        given_orders(engine, make_order(owner))
        route(engine)

    with unit_of_work(engine) as session:
        page = list_runs(session, limit=2)
        rest = list_runs(session, cursor=page.next_cursor, limit=2)
    ids = [run.id for run in (*page.items, *rest.items)]
    assert ids == sorted(ids, reverse=True)
    assert (len(page.items), len(rest.items), rest.next_cursor) == (2, 1, None)


def test_a_run_that_fails_changes_nothing_and_its_lines_wait_for_the_next(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner), make_order(owner))

    def failing(session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
        offer_jobs(session, offers=offers, now=now)
        raise RuntimeError("the queue broke")

    report = route_pending(engine, scope="global", now=NOW, dispatch=failing, limits=LIMITS)

    assert report is not None
    assert (report.routed, report.no_route, report.open, report.run_ids) == (0, 0, 2, ())
    assert table(engine, "SELECT id FROM jobs") == []
    assert in_transaction(engine, held_and_taken) == {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}
    states = table(engine, "SELECT state, state_reason, attempts, lease_until FROM order_lines")
    assert states == [("pending", "a run failed (RuntimeError): routed again later", 1, None)] * 2
    assert route(engine).routed == 2
    assert all_invariants_hold(engine)


def test_a_run_whose_database_goes_away_sends_its_lines_back_when_that_returns_and_leaves_no_suspects(
    engine: Engine, owner: Owner, database: Database
) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner), make_order(owner))

    back = threading.Timer(1.5, allow_connections, [database.url])

    def failing(session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
        refuse_connections(database.url)
        back.start()
        offer_jobs(session, offers=offers, now=now)

    report = route_pending(engine, scope="global", now=NOW, dispatch=failing, limits=LIMITS)
    back.join()

    assert report is not None
    assert (report.routed, report.no_route, report.open) == (0, 0, 2)
    states = table(engine, "SELECT state, state_reason, planning_scope, broken_runs FROM order_lines")
    assert states == [("pending", "a run failed (OperationalError): routed again later", "global", 0)] * 2
    assert table(engine, "SELECT holder FROM planning_scopes") == [(None,)]
    assert route(engine).routed == 2
    assert all_invariants_hold(engine)


def test_what_ends_the_process_is_let_through_and_the_lease_brings_the_lines_back(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner))

    def killing(session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
        raise SystemExit(f"{session} {offers} {now}")

    short = replace(LIMITS, lease_seconds=0.2)
    with pytest.raises(SystemExit):
        route_pending(engine, scope="global", now=NOW, dispatch=killing, limits=short)
    assert table(engine, "SELECT state FROM order_lines") == [("routing",)]
    table(engine, "SELECT pg_sleep(0.3)")
    assert route(engine).routed == 1
    assert table(engine, "SELECT attempts, fence FROM order_lines") == [(2, 2)]


def test_a_line_that_never_gets_an_outcome_is_parked_in_the_end(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner))

    def failing(session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
        raise RuntimeError("the queue broke")

    capped = replace(LIMITS, attempt_cap=2)
    for _ in range(2):
        assert route_pending(engine, scope="global", now=NOW, dispatch=failing, limits=capped) is not None
    assert route_pending(engine, scope="global", now=NOW, dispatch=failing, limits=capped) is None
    ((state, reason),) = table(engine, "SELECT state, state_reason FROM order_lines")
    assert state == "parked"
    assert "tried 2 times" in str(reason)


def test_with_no_time_left_lines_go_back_unharmed(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner))

    report = route(engine, limits=replace(LIMITS, wall_seconds=0.5))

    assert (report.claimed, report.open, report.run_ids) == (1, 1, ())
    assert table(engine, "SELECT state, state_reason, attempts FROM order_lines") == [
        ("pending", "time was up: routed with the next run", 0)
    ]


def test_lines_whose_turn_never_comes_are_not_parked_for_it(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner))

    for _ in range(3):
        assert route(engine, limits=replace(LIMITS, wall_seconds=0.5, attempt_cap=1)).open == 1

    assert route(engine, limits=replace(LIMITS, attempt_cap=1)).routed == 1


# ---------------------------------------------------------------- between snapshot and commit


def claimed_and_decided(engine: Engine, *, lease_seconds: float = 60) -> tuple[RoutingSnapshot, Decided]:
    """What a run has in hand just before it writes."""
    with unit_of_work(engine) as session:
        lines = claim_lines(session, scope="global", limit=10, lease_seconds=lease_seconds, attempt_cap=8)
    with unit_of_work(engine, repeatable_read=True) as session:
        snapshot = read_snapshot(session, lines=lines, now=NOW, horizon_days=45)
    return snapshot, decide(snapshot, SolveLimits(seed=1))


def write(engine: Engine, snapshot: RoutingSnapshot, decided: Decided) -> Written:
    facts = RunFacts(run_id=new_id("run"), scope="global", limits={}, wall_ms=1)
    with unit_of_work(engine) as session:
        return write_run(session, facts=facts, snapshot=snapshot, decided=decided, dispatch=offer_jobs)


def test_machine_time_that_another_run_took_meanwhile_sends_the_line_back(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner))
    snapshot, decided = claimed_and_decided(engine)
    given_free_minutes(engine, [0, 720])

    written = write(engine, snapshot, decided)

    assert written == Written(routed=0, no_route=0, deferred=1)
    ((state, reason),) = table(engine, "SELECT state, state_reason FROM order_lines")
    assert state == "pending"
    assert str(reason).startswith("another order took the machine time, material or print licence")
    assert table(engine, "SELECT deferred, routed, landed_minor FROM routing_runs") == [(1, 0, 0)]
    assert table(engine, "SELECT id FROM routing_decisions") == []
    assert route(engine).routed == 1
    assert all_invariants_hold(engine)


def test_of_two_lines_that_fit_only_one_at_a_time_the_first_is_kept(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner), make_order(owner))
    snapshot, decided = claimed_and_decided(engine)
    ((grams,),) = table(engine, "SELECT 10000 - remaining_grams FROM material_lots")
    needed = decided.verdicts[0].chosen
    assert needed is not None
    assert grams == 0
    table(engine, f"UPDATE material_lots SET remaining_grams = {needed.way.grams + 1} RETURNING 1")

    written = write(engine, snapshot, decided)

    assert (written.routed, written.no_route, written.deferred) == (1, 0, 1)
    states = {str(line_id): state for line_id, state in table(engine, "SELECT id, state FROM order_lines")}
    assert [states[line.line_id] for line in snapshot.lines] == ["routed", "pending"]


def test_an_order_that_was_cancelled_meanwhile_is_left_alone(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    cancelled, kept = given_orders(engine, make_order(owner), make_order(owner))
    snapshot, decided = claimed_and_decided(engine)
    with unit_of_work(engine) as session:
        cancel_order(session, organisation_id=owner.organisation_id, order_id=cancelled.id, actor="key_1", now=NOW)

    written = write(engine, snapshot, decided)

    assert (written.routed, written.no_route, written.deferred) == (1, 0, 0)
    assert [offer.order_id for offer in written.offers] == [kept.id]
    assert table(engine, "SELECT order_id FROM jobs") == [(kept.id,)]
    assert table(engine, f"SELECT state FROM orders WHERE id = '{cancelled.id}'") == [("cancelled",)]
    assert all_invariants_hold(engine)


def test_a_run_that_woke_after_its_lease_writes_nothing(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner))
    stale_snapshot, stale = claimed_and_decided(engine, lease_seconds=0.05)
    table(engine, "SELECT pg_sleep(0.1)")
    fresh_snapshot, fresh = claimed_and_decided(engine)

    first, second = write(engine, stale_snapshot, stale), write(engine, fresh_snapshot, fresh)
    third = write(engine, stale_snapshot, stale)

    assert (first, third) == (Written(routed=0, no_route=0, deferred=0),) * 2
    assert second.routed == 1
    assert table(engine, "SELECT fence FROM routing_decisions") == [(2,)]
    assert len(table(engine, "SELECT id FROM jobs")) == 1
    assert all_invariants_hold(engine)


def test_a_line_is_not_given_up_while_places_were_left_out_of_the_plan(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, lot_grams=1)
    given_orders(engine, make_order(owner))
    snapshot, decided = claimed_and_decided(engine)
    (verdict,) = decided.verdicts
    cut_short = replace(verdict, choices=replace(verdict.choices, left_out=1))

    written = write(engine, snapshot, replace(decided, verdicts=(cut_short,)))

    assert written == Written(routed=0, no_route=0, deferred=1)
    ((state, reason),) = table(engine, "SELECT state, state_reason FROM order_lines")
    assert state == "pending"
    assert str(reason).endswith("not all were looked at: routed again in a smaller run")


def test_a_line_that_loses_again_and_again_lets_others_pass(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, make_order(owner))
    table(engine, "UPDATE order_lines SET attempts = 5 RETURNING 1")
    snapshot, decided = claimed_and_decided(engine)
    given_free_minutes(engine, [0, 720])

    write(engine, snapshot, decided)

    ((waits,),) = table(engine, "SELECT next_attempt_at FROM order_lines")
    assert waits == NOW + timedelta(seconds=3)


# ---------------------------------------------------------------- price caps over several runs


def test_a_line_that_is_routed_later_has_what_its_order_has_left(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    order = replace(make_order(owner, quantities=(1, 1)), max_price_minor=11_500)
    given_orders(engine, order)
    first, second = order.lines
    table(
        engine,
        f"UPDATE order_lines SET next_attempt_at = now() + interval '1 hour' WHERE id = '{second.id}' RETURNING 1",
    )
    alone = route(engine)
    table(engine, f"UPDATE order_lines SET next_attempt_at = now() WHERE id = '{second.id}' RETURNING 1")
    then = route(engine)

    assert (alone.routed, then.no_route) == (1, 1)
    assert table(engine, f"SELECT state_reason FROM order_lines WHERE id = '{second.id}'") == [("PRICE_CAP",)]
    assert table(engine, f"SELECT state FROM order_lines WHERE id = '{first.id}'") == [("routed",)]
    assert table(engine, "SELECT state FROM orders") == [("partly_routed",)]


def test_a_line_that_was_routed_twice_counts_once_towards_its_orders_cap(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    order = replace(make_order(owner, quantities=(1, 1)), max_price_minor=12_500)
    given_orders(engine, order)
    first, second = order.lines
    wait = f"UPDATE order_lines SET next_attempt_at = now() + interval '1 hour' WHERE id = '{second.id}' RETURNING 1"
    table(engine, wait)
    for _ in range(2):
        assert route(engine).routed == 1
        table(engine, "UPDATE jobs SET state = 'cancelled' RETURNING id")
        with unit_of_work(engine) as session:
            assert requeue_lines(session, line_ids=[first.id], reason="taken back", now=NOW) == {first.id}
    assert route(engine).routed == 1
    table(engine, f"UPDATE order_lines SET next_attempt_at = now() WHERE id = '{second.id}' RETURNING 1")

    assert route(engine).routed == 1

    # 59.97 each: two lines are within 125.00, three would not be.
    assert table(engine, "SELECT count(*), sum(landed_minor) FROM routing_decisions") == [(4, 4 * 5_997)]
    assert table(engine, "SELECT state FROM orders") == [("routed",)]
