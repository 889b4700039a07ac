"""Planning scopes on a real database: one worker at a time, and only the holder of the newest fence commits."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime

import pytest
from sqlalchemy import Connection, Engine, event
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.orders.service import requeue_lines, requeue_unroutable
from fabroute.production.service import offer_jobs
from fabroute.routing.ports import JobOffer
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from fabroute.routing.service.scopes import (
    KeptScope,
    ScopeLease,
    ScopeLost,
    claim_scope,
    lapsed_scopes,
    list_scopes,
    release_scope,
    require_scope,
)
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.processes import wait_until
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

LIMITS = RoutingLimits(seed=3, deterministic_seconds=1.0, wall_seconds=20.0)
METAL, NYLON = "metal/europe", "polymer_powder/europe"
A_WHILE = 60.0


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url, connections=16) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def route(engine: Engine, *, scope: str = NYLON, limits: RoutingLimits = LIMITS) -> RunReport | None:
    return route_pending(engine, scope=scope, now=NOW, dispatch=offer_jobs, limits=limits)


def claimed(engine: Engine, *, scope: str = NYLON, seconds: float = A_WHILE) -> ScopeLease | None:
    return in_transaction(
        engine, lambda session: claim_scope(session, name=scope, lease_seconds=seconds, holder="host:1")
    )


def place(engine: Engine, owner: Owner, count: int, *, scope: str = NYLON) -> None:
    given_orders(engine, *(make_order(owner, planning_scope=scope) for _ in range(count)))


# ---------------------------------------------------------------- leases


def test_a_scope_is_claimed_by_one_until_it_is_given_back(engine: Engine) -> None:
    first = claimed(engine)
    meanwhile = claimed(engine)
    assert first == ScopeLease(name=NYLON, fence=1)
    assert meanwhile is None

    in_transaction(engine, lambda session: release_scope(session, first))
    assert claimed(engine) == ScopeLease(name=NYLON, fence=2)
    assert claimed(engine, scope=METAL) == ScopeLease(name=METAL, fence=1)


def test_of_many_that_claim_a_scope_at_once_one_gets_it(engine: Engine) -> None:
    leases = at_once(*[lambda: claimed(engine)] * 12)

    assert [lease for lease in leases if lease is not None] == [ScopeLease(name=NYLON, fence=1)]
    assert table(engine, "SELECT name, fence, holder FROM planning_scopes") == [(NYLON, 1, "host:1")]


def test_a_lapsed_lease_is_taken_over_and_then_the_old_fence_counts_for_nothing(engine: Engine) -> None:
    old = claimed(engine, seconds=0.05)
    assert old is not None
    in_transaction(engine, lambda session: require_scope(session, old))  # nobody else has it: it may still write
    time.sleep(0.06)
    assert in_transaction(engine, lapsed_scopes) == (NYLON,)

    new = claimed(engine)

    assert new == ScopeLease(name=NYLON, fence=2)
    assert in_transaction(engine, lapsed_scopes) == ()
    with pytest.raises(ScopeLost, match=f"scope {NYLON} was taken over: what was decided under fence 1") as refusal:
        in_transaction(engine, lambda session: require_scope(session, old))
    assert (refusal.value.code, refusal.value.status) == ("scope_lost", 409)
    in_transaction(engine, lambda session: release_scope(session, old))
    assert table(engine, "SELECT fence, holder FROM planning_scopes") == [(2, "host:1")]


def test_nobody_takes_a_scope_over_while_its_holder_commits(engine: Engine) -> None:
    lease = claimed(engine, seconds=0.01)
    assert lease is not None
    taken: list[ScopeLease | None] = []
    taking = threading.Thread(target=lambda: taken.append(claimed(engine)))
    with unit_of_work(engine) as session:
        require_scope(session, lease)
        taking.start()
        time.sleep(0.3)
        during = list(taken)
    taking.join(timeout=10)

    assert during == []
    assert taken == [ScopeLease(name=NYLON, fence=2)]


def test_a_kept_scope_stays_ours_longer_than_its_lease_and_is_given_back_at_the_end(engine: Engine) -> None:
    lease = claimed(engine, seconds=0.6)
    assert lease is not None
    with KeptScope(engine, lease, lease_seconds=0.6, most_seconds=60) as kept:
        time.sleep(1.2)
        assert claimed(engine) is None
        assert not kept.lost

    assert claimed(engine) == ScopeLease(name=NYLON, fence=2)


def test_a_run_that_hangs_keeps_its_scope_no_longer_than_it_should(engine: Engine) -> None:
    lease = claimed(engine, seconds=0.2)
    assert lease is not None
    with KeptScope(engine, lease, lease_seconds=0.2, most_seconds=0.2):
        assert wait_until(lambda: claimed(engine) == ScopeLease(name=NYLON, fence=2), seconds=10)
    assert table(engine, "SELECT fence, holder FROM planning_scopes") == [(2, "host:1")]


def test_a_keeper_notices_that_its_scope_is_lost(engine: Engine) -> None:
    lease = claimed(engine)
    assert lease is not None
    with KeptScope(engine, lease, lease_seconds=0.3, most_seconds=60) as kept:
        table(engine, "UPDATE planning_scopes SET fence = 9 RETURNING 1")
        assert wait_until(lambda: kept.lost, seconds=10)
    assert table(engine, "SELECT fence, holder FROM planning_scopes") == [(9, "host:1")]


# ---------------------------------------------------------------- runs


def test_a_run_has_its_scope_to_itself(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    place(engine, owner, 2)
    lease = claimed(engine)
    assert lease is not None

    assert route(engine) is None
    assert table(engine, "SELECT state, fence FROM order_lines") == [("pending", 0)] * 2
    in_transaction(engine, lambda session: release_scope(session, lease))
    report = route(engine)

    assert report is not None
    assert (report.routed, report.open) == (2, 0)
    assert table(engine, "SELECT fence, holder, lease_until FROM planning_scopes") == [(2, None, None)]


def test_who_takes_over_a_scope_gets_the_lines_of_whoever_had_it_at_once(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    place(engine, owner, 3)

    def killing(session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
        session.connection().exec_driver_sql("SELECT 1")
        raise SystemExit(f"{len(offers)} {now}")

    with pytest.raises(SystemExit):
        route_pending(engine, scope=NYLON, now=NOW, dispatch=killing, limits=LIMITS)
    assert table(engine, "SELECT DISTINCT state, lease_until > now() FROM order_lines") == [("routing", True)]
    report = route(engine)

    assert report is not None
    assert report.routed == 3
    assert table(engine, "SELECT DISTINCT attempts, fence FROM order_lines") == [(2, 2)]


def test_lines_that_lost_a_race_are_decided_again_at_once(engine: Engine, database: Database, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", minimum_order_minor=6_000)))
    place(engine, owner, 4)
    offered: list[int] = []

    def counting(session: Session, *, offers: tuple[JobOffer, ...], now: datetime) -> None:
        offered.append(len(offers))
        offer_jobs(session, offers=offers, now=now)

    with meddled_with(database, lambda: given_free_minutes(engine, [0])) as meddled:
        report = route_pending(meddled, scope=NYLON, now=NOW, dispatch=counting, limits=LIMITS)

    assert report is not None
    assert (report.claimed, report.routed, report.no_route, report.open) == (4, 4, 0, 0)
    assert offered == [0, 4]
    assert table(engine, "SELECT node_id, count(*) FROM jobs GROUP BY 1") == [("N102", 4)]
    assert table(engine, "SELECT lines, routed, deferred FROM routing_runs ORDER BY id") == [(4, 0, 4), (4, 4, 0)]
    assert table(engine, "SELECT DISTINCT attempts, fence, state FROM order_lines") == [(1, 1, "routed")]


def test_lines_that_lose_every_race_go_back_in_the_end(engine: Engine, database: Database, owner: Owner) -> None:
    given_routable_network(engine)
    place(engine, owner, 2)
    days = iter(range(1, 40))

    def rob() -> None:
        """The first day that was free is gone, every time."""
        given_free_minutes(engine, [0] * next(days) + [720] * 45)

    with meddled_with(database, rob) as meddled:
        report = route(meddled, limits=replace(LIMITS, conflict_rounds=2))

    assert report is not None
    assert (report.claimed, report.routed, report.open, len(report.run_ids)) == (2, 0, 2, 3)
    assert table(engine, "SELECT deferred FROM routing_runs") == [(2,)] * 3
    ((state, reason),) = table(engine, "SELECT DISTINCT state, state_reason FROM order_lines")
    assert state == "pending"
    assert str(reason).startswith("another order took the machine time")
    assert in_transaction(engine, held_and_taken)["held_minutes"] == 0


def test_a_run_that_lost_its_scope_writes_nothing(engine: Engine, database: Database, owner: Owner) -> None:
    given_routable_network(engine)
    place(engine, owner, 2)

    def take_over() -> None:
        table(engine, "UPDATE planning_scopes SET fence = fence + 1, holder = 'host:2' RETURNING 1")

    with meddled_with(database, take_over) as meddled:
        report = route(meddled)

    assert report is not None
    assert (report.routed, report.no_route, report.open, report.run_ids) == (0, 0, 2, ())
    for nothing in ("jobs", "routing_runs", "routing_decisions", "capacity_allocations"):
        assert table(engine, f"SELECT count(*) FROM {nothing}") == [(0,)]
    assert table(engine, "SELECT state, fence FROM order_lines") == [("routing", 1)] * 2
    assert table(engine, "SELECT fence, holder FROM planning_scopes") == [(2, "host:2")]


def test_runs_of_different_scopes_meet_only_through_what_is_reserved(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    place(engine, owner, 1)
    route(engine)
    ((minutes,),) = table(engine, "SELECT machine_minutes FROM jobs")
    given_free_minutes(engine, [0, int(str(minutes)) * 7 + 1])
    for scope in (NYLON, METAL):
        place(engine, owner, 8, scope=scope)

    reports = at_once(lambda: route(engine, scope=NYLON), lambda: route(engine, scope=METAL))

    assert [report.open for report in reports if report is not None] == [0, 0]
    assert table(engine, "SELECT state, count(*) FROM order_lines GROUP BY 1 ORDER BY 1") == [
        ("no_route", 9),
        ("routed", 8),
    ]
    held = in_transaction(engine, held_and_taken)
    assert held["grams"] == held["held_grams"]


# ---------------------------------------------------------------- parts of scopes


def test_a_scope_in_which_too_many_lines_wait_is_split_and_its_parts_are_told_of(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    orders = given_orders(engine, *(make_order(owner, quantities=(1, 1), planning_scope=NYLON) for _ in range(15)))
    table(engine, "UPDATE outbox_events SET published_at = now() RETURNING 1")
    limits = replace(LIMITS, scope_lines=10)

    assert route(engine, limits=limits) is None

    parts = [f"{NYLON}/{number}of3" for number in (1, 2, 3)]
    assert table(engine, "SELECT DISTINCT planning_scope FROM order_lines ORDER BY 1") == [(part,) for part in parts]
    of_orders = table(engine, "SELECT count(DISTINCT planning_scope) FROM order_lines GROUP BY order_id")
    assert of_orders == [(1,)] * len(orders)
    assert table(engine, "SELECT name, subject_id, data FROM outbox_events WHERE published_at IS NULL") == [
        ("planning_scope.split", NYLON, {"scope": ",".join(parts)})
    ]
    assert sum(report.routed for part in parts if (report := route(engine, scope=part, limits=limits))) == 30
    assert table(engine, "SELECT count(*) FROM planning_scopes WHERE holder IS NOT NULL") == [(0,)]


def test_lines_of_a_part_go_back_to_the_whole_scope_when_they_are_routed_anew(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, lot_grams=1)
    place(engine, owner, 6)
    limits = replace(LIMITS, scope_lines=3)
    assert route(engine, limits=limits) is None
    for number in (1, 2):
        route(engine, scope=f"{NYLON}/{number}of2", limits=limits)
    place(engine, owner, 1, scope=METAL)
    route(engine, scope=METAL)
    assert table(engine, "SELECT state, count(*) FROM order_lines GROUP BY 1") == [("no_route", 7)]

    with unit_of_work(engine) as session:
        assert requeue_unroutable(session, scope=NYLON, now=NOW) == 6
    nylon = table(engine, "SELECT planning_scope, state, count(*) FROM order_lines GROUP BY 1, 2 ORDER BY 1")
    with unit_of_work(engine) as session:
        assert requeue_unroutable(session, scope=None, now=NOW) == 1

    assert nylon == [(METAL, "no_route", 1), (NYLON, "pending", 6)]
    assert table(engine, "SELECT DISTINCT planning_scope, state FROM order_lines ORDER BY 1") == [
        (METAL, "pending"),
        (NYLON, "pending"),
    ]


def test_the_line_of_a_job_that_was_taken_back_goes_back_to_the_whole_scope_too(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    (order,) = given_orders(engine, make_order(owner, planning_scope=f"{NYLON}/2of4"))
    assert route(engine, scope=f"{NYLON}/2of4") is not None

    with unit_of_work(engine) as session:
        requeued = requeue_lines(session, line_ids=[order.lines[0].id], reason="taken back", now=NOW)

    assert requeued == {order.lines[0].id}
    assert table(engine, "SELECT planning_scope, state FROM order_lines") == [(NYLON, "pending")]


# ---------------------------------------------------------------- reading


def test_scopes_are_listed_with_what_waits_who_works_and_what_the_last_run_came_to(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    place(engine, owner, 2)
    report = route(engine)
    given_orders(engine, make_order(owner, quantities=(1, 2), planning_scope=METAL))
    claimed(engine, scope=METAL)

    metal, nylon = in_transaction(engine, list_scopes)

    assert (metal.name, metal.waiting, metal.oldest_at, metal.fence, metal.holder) == (METAL, 2, NOW, 1, "host:1")
    assert (metal.last_run_id, metal.last_routed) == (None, None)
    assert metal.lease_until is not None
    assert report is not None
    assert (nylon.name, nylon.waiting, nylon.oldest_at, nylon.fence, nylon.holder) == (NYLON, 0, None, 1, None)
    assert (nylon.last_run_id, nylon.last_routed, nylon.last_no_route, nylon.last_deferred) == (
        report.run_ids[0],
        2,
        0,
        0,
    )
    assert nylon.lease_until is None


@contextmanager
def meddled_with(database: Database, meddle: Callable[[], None]) -> Iterator[Engine]:
    """Yield an engine on which something happens each time between the look at the network and the commit."""
    with engine_for(database.url) as engine:

        @event.listens_for(engine, "commit")
        def looked(connection: Connection) -> None:
            if connection.get_execution_options().get("isolation_level") == "REPEATABLE READ":
                meddle()

        yield engine
