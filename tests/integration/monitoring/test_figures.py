"""Figures of a database whose every row is known, and what asking for them may cost."""

import re
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine, text
from sqlmodel import Session

from fabroute.database import walk_indexes
from fabroute.identity.service.sealing import seal_audit_log
from fabroute.kernel.time import utc_now
from fabroute.monitoring import statements
from fabroute.monitoring.alarms import raised_alarms
from fabroute.monitoring.figures import (
    AuditFigures,
    DecisionFigures,
    Figures,
    HolderFigures,
    JobFigures,
    LineFigures,
    OutboxFigures,
    ProgramFigures,
    WebhookFigures,
)
from fabroute.monitoring.reading import read_figures
from fabroute.monitoring.watching import Watch
from fabroute.orders.service import NewOrder
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.databases import allow_connections, engine_for, in_transaction, refuse_connections, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.programs import connected
from tests.factories.routable import given_routable_network

OVER_LARGE_TABLES = (
    *("OPEN_LINES", "STOPPED_LINES", "OFFERED_JOBS", "OTHER_JOBS", "OUTBOX", "WEBHOOKS"),
    *("RUNS", "EXCLUSIONS", "BINDING", "REROUTES", "AUDIT"),
)

JOINS = ("nestloop", "mergejoin", "hashjoin")
_ENTRIES = text(
    "INSERT INTO audit_entries (organisation_id, occurred_at, actor, action, subject_type, subject_id, data)"
    " SELECT NULL, clock_timestamp(), 'somebody', 'something.done', 'thing', n::text, '{}'"
    " FROM generate_series(1, :count) n"
)
_ALL_SEALED = text("UPDATE audit_watermark SET sealed_through = (SELECT max(entry_id) FROM audit_seals)")


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def place(engine: Engine, owner: Owner, count: int, *, scope: str = "global", minutes_ago: float = 0) -> list[NewOrder]:
    placed_at = utc_now() - timedelta(minutes=minutes_ago)
    orders = [make_order(owner, placed_at=placed_at, planning_scope=scope) for _ in range(count)]
    given_orders(engine, *orders)
    return orders


def change(engine: Engine, statement: str, **values: object) -> None:
    in_transaction(engine, lambda session: session.connection().execute(text(statement), values))


def figures_of(engine: Engine) -> Figures:
    return read_figures(engine, now=utc_now())


def lines_of(engine: Engine) -> LineFigures:
    found = figures_of(engine).lines
    assert found is not None
    return found


def set_lines(engine: Engine, orders: list[NewOrder], columns: str) -> None:
    ids = [line.id for order in orders for line in order.lines]
    change(engine, f"UPDATE order_lines SET {columns} WHERE id = ANY(:ids)", ids=ids)


def test_of_an_empty_database_every_figure_is_nothing(engine: Engine) -> None:
    found = figures_of(engine)

    assert found.failed == {}
    assert (found.lines, found.holders, found.jobs) == (LineFigures(), HolderFigures(), JobFigures())
    assert (found.outbox, found.webhooks) == (OutboxFigures(), WebhookFigures())
    assert (found.runs, found.decisions) == ((), DecisionFigures())
    assert found.server is not None
    assert found.server.most_connections == 200
    assert (found.audit, found.programs) == (AuditFigures(), ProgramFigures())
    assert [it.name for it in raised_alarms(found)] == ["FabrouteNoRelay", "FabrouteNobodyRoutes"]


def test_programs_are_told_by_their_connections(engine: Engine, database: Database) -> None:
    with connected(database.url, "api", "relay", "routing", "routing"):
        found = figures_of(engine)

    assert found.programs == ProgramFigures(connections={"api": 1, "relay": 1, "routing": 2})
    assert raised_alarms(found) == ()


@pytest.mark.parametrize("off", [-3600.0, 3600.0])
def test_by_how_much_the_clocks_are_apart_is_told(engine: Engine, off: float) -> None:
    found = read_figures(engine, now=utc_now(), clock=lambda: time.time() + off).server
    right = figures_of(engine).server

    assert found is not None
    assert found.clock_apart_seconds == pytest.approx(-off, abs=1)
    assert right is not None
    assert abs(right.clock_apart_seconds) < 1


def test_the_oldest_entry_without_a_seal_is_found_until_it_has_one(engine: Engine, owner: Owner) -> None:
    seal_audit_log(engine, seconds=10)
    place(engine, owner, 3, minutes_ago=10)
    before = figures_of(engine).audit
    seal_audit_log(engine, seconds=10)
    after = figures_of(engine).audit

    assert before is not None
    assert 600 <= before.unsealed_age_seconds < 700
    assert after == AuditFigures()


def test_lines_are_counted_by_scope_and_state_with_their_ages(engine: Engine, owner: Owner) -> None:
    place(engine, owner, 2, scope="metal/europe", minutes_ago=3)
    again = place(engine, owner, 1, scope="metal/europe", minutes_ago=90)
    put_off = place(engine, owner, 1, scope="metal/europe")
    routing = place(engine, owner, 2, scope="polymer_powder/europe")
    lapsed = place(engine, owner, 1, scope="polymer_powder/europe")
    suspects = place(engine, owner, 1, scope="metal/europe/suspects")
    set_lines(engine, again, "decision_id = 'dec_1', next_attempt_at = clock_timestamp() - interval '40 seconds'")
    set_lines(engine, put_off, "next_attempt_at = clock_timestamp() + interval '1 hour'")
    set_lines(engine, routing, "state = 'routing', lease_until = clock_timestamp() + interval '1 minute'")
    set_lines(engine, lapsed, "state = 'routing', lease_until = clock_timestamp() - interval '31 seconds'")
    set_lines(engine, suspects, "broken_runs = 1")

    metal, apart, powder = lines_of(engine).scopes
    assert [metal.scope, apart.scope, powder.scope] == [
        "metal/europe",
        "metal/europe/suspects",
        "polymer_powder/europe",
    ]
    assert (metal.pending, metal.due, metal.routing, metal.lapsed) == (4, 3, 0, 0)
    assert (powder.pending, powder.due, powder.routing, powder.lapsed) == (0, 0, 3, 1)
    assert 40 <= metal.overdue_seconds < 60
    assert 180 <= metal.new_age_seconds < 200
    assert 5400 <= metal.again_age_seconds < 5420
    assert powder.overdue_seconds == 0.0
    assert (lines_of(engine).open, lines_of(engine).suspects) == (8, 1)
    assert 180 <= lines_of(engine).oldest_seconds < 200
    assert 5400 <= lines_of(engine).oldest_again_seconds < 5420


def test_what_nobody_routes_any_more_is_counted(engine: Engine, owner: Owner) -> None:
    set_lines(engine, place(engine, owner, 3), "state = 'no_route', state_reason = 'CAPACITY'")
    set_lines(engine, place(engine, owner, 2), "state = 'parked', state_reason = 'it breaks runs'")
    set_lines(engine, place(engine, owner, 1), "state = 'cancelled'")

    assert lines_of(engine) == LineFigures(no_route=3, parked=2)


def test_holders_leases_and_offers_are_counted(engine: Engine, owner: Owner) -> None:
    for name, holder, ends in (("a", "host:1", "5 seconds"), ("b", "host:2", "-31 seconds"), ("c", "host:3", "-5 s")):
        change(
            engine,
            "INSERT INTO planning_scopes (name, fence, holder, lease_until, updated_at)"
            f" VALUES (:name, 1, :holder, clock_timestamp() + interval '{ends}', now())",
            name=name,
            holder=holder,
        )

    found = figures_of(engine).holders
    assert found is not None
    assert found.lapsed == 1
    assert found.holders["a"] == "host:1"
    assert "b" not in found.holders


def test_jobs_runs_and_decisions_of_a_real_run_are_told(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102")))
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    given_orders(engine, *(make_order(owner, placed_at=now) for _ in range(3)))
    report = route_pending(engine, scope="global", now=now, dispatch=offer_jobs, limits=RoutingLimits())
    assert report is not None
    assert (report.routed, report.no_route) == (3, 0)
    jobs = in_transaction(engine, lambda session: rows(session, "SELECT node_id, count(*) FROM jobs GROUP BY node_id"))

    found = figures_of(engine)
    assert found.jobs is not None
    assert found.jobs.offered == {str(node): count for node, count in jobs}
    assert sum(found.jobs.offered.values()) == 3
    assert found.runs is not None
    (run,) = found.runs
    assert (run.scope, run.kind, run.lines, run.routed, run.no_route, run.deferred) == ("global", "joint", 3, 3, 0, 0)
    assert run.seconds >= 0
    assert run.gap == 0.0
    assert found.decisions is not None
    assert (found.decisions.decisions, found.decisions.no_route) == (3, {})


def test_codes_that_rule_out_and_that_bind_are_counted_over_the_latest_decisions(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, lot_grams=1)
    now = datetime(2026, 6, 15, 12, tzinfo=UTC)
    given_orders(engine, *(make_order(owner, placed_at=now) for _ in range(2)))
    route_pending(engine, scope="global", now=now, dispatch=offer_jobs, limits=RoutingLimits())

    found = figures_of(engine).decisions
    assert found == DecisionFigures(decisions=2, excluded={"MATERIAL_SHORT": 2}, no_route={"MATERIAL_SHORT": 2})
    assert lines_of(engine).no_route == 2


def test_events_that_wait_are_counted_with_the_age_of_the_oldest(engine: Engine, owner: Owner) -> None:
    change(engine, "UPDATE outbox_events SET published_at = now(), sequenced_at = now()")
    place(engine, owner, 3, minutes_ago=2)
    change(engine, "UPDATE outbox_events SET sequenced_at = now() WHERE id = (SELECT min(id) FROM outbox_events)")

    found = figures_of(engine).outbox
    assert found is not None
    assert (found.unpublished, found.unsequenced) == (3, 3)
    assert 120 <= found.unpublished_age_seconds < 140
    assert 120 <= found.unsequenced_age_seconds < 140


def test_a_group_that_takes_too_long_is_missing_and_the_others_are_there(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(statements, "HOLDERS", "SELECT pg_sleep(5)")
    began = time.monotonic()
    found = read_figures(engine, now=utc_now(), statement_seconds=0.2)

    assert time.monotonic() - began < 3
    assert found.holders is None
    assert found.failed == {"holders": "canceling statement due to statement timeout"}
    assert (found.lines, found.outbox) == (LineFigures(), OutboxFigures())
    names = [alarm.name for alarm in raised_alarms(found)]
    assert names == ["FabrouteNoRelay", "FabrouteNobodyRoutes", "FabrouteFiguresMissing"]


def test_whoever_asks_and_however_often_the_database_is_asked_once(engine: Engine) -> None:
    reads: list[float] = []

    def read(asked: Engine, *, now: datetime) -> Figures:
        reads.append(time.monotonic())
        return read_figures(asked, now=now)

    watch = Watch(engine, seconds=60, read=read)
    threads = [threading.Thread(target=watch.look) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(reads) == 1
    assert watch.look().figures is not None
    assert len(reads) == 1


def test_a_slow_database_is_asked_less_often(engine: Engine) -> None:
    clock, reads = [0.0], []

    def read(asked: Engine, *, now: datetime) -> Figures:
        reads.append(clock[0])
        clock[0] += 2.0  # so long it takes
        return Figures(read_at=now, read_seconds=2.0)

    watch = Watch(engine, seconds=5, clock=lambda: clock[0], read=read)
    for _ in range(100):
        watch.look()
        clock[0] += 1.0

    assert reads == [0.0, 42.0, 84.0]


def test_while_the_database_is_away_there_are_no_figures_and_no_error(database: Database) -> None:
    clock = [0.0]
    with engine_for(database.url) as engine:
        watch = Watch(engine, seconds=1, clock=lambda: clock[0])
        assert watch.look().figures is not None
        refuse_connections(database.url)
        clock[0] += 100
        assert watch.look().figures is None
        allow_connections(database.url)
        clock[0] += 100
        assert watch.look().figures is not None


@pytest.mark.parametrize("name", OVER_LARGE_TABLES)
def test_no_statement_looks_through_what_history_has_piled_up(engine: Engine, name: str) -> None:
    """With sequential scans made dear, as large tables make them, every large table is read by an index."""

    found = plan_of(engine, getattr(statements, name))
    assert set(re.findall(r"Seq Scan on (\w+)", found)) <= {"webhook_endpoints"}


def test_the_oldest_lines_of_a_scope_are_found_by_their_keys(engine: Engine, owner: Owner) -> None:
    place(engine, owner, 300)
    found = plan_of(engine, statements.OPEN_LINES)

    by_key = r"Index Scan using pk_order_lines .*\n +Index Cond: \(\(id\)::text = \(waiting.first_(\w+)\)::text\)"
    assert re.findall(by_key, found) == ["new", "again"], found


def test_the_oldest_entry_without_a_seal_is_looked_for_behind_the_last_sealed_one(engine: Engine) -> None:
    """A condition that row-level security holds to be leaky would read all entries that there ever were."""
    found = plan_of(engine, statements.AUDIT)

    assert re.search(r"pk_audit_entries .*\n +Index Cond: \(id > ", found), found


@pytest.mark.parametrize("join", JOINS)
def test_however_they_are_joined_no_seal_before_the_last_sealed_one_is_read(engine: Engine, join: str) -> None:
    in_transaction(engine, lambda session: session.connection().execute(_ENTRIES, {"count": 2_000}))
    seal_audit_log(engine, seconds=10)
    in_transaction(engine, lambda session: session.connection().execute(_ALL_SEALED))
    in_transaction(engine, lambda session: session.connection().execute(_ENTRIES, {"count": 3}))

    read = rows_read(engine, statements.AUDIT, join=join)

    assert in_transaction(engine, lambda session: rows(session, "SELECT count(*) FROM audit_seals")) == [(2_000,)]
    assert read["audit_watermark"] == 1
    assert read["audit_entries"] <= 3
    assert read["audit_seals"] == 0


def rows_read(engine: Engine, statement: str, *, join: str) -> Counter[str]:
    """Return how many rows of each table a statement reads if that is the only join there is."""

    def explain(session: Session) -> dict[str, Any]:
        walk_indexes(session)
        for other in JOINS:
            session.connection().execute(text(f"SET LOCAL enable_{other} = {'on' if other == join else 'off'}"))
        ((found,),) = session.connection().execute(text(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}"))
        return dict(found[0]["Plan"])

    return Counter(_read_by(in_transaction(engine, explain)))


def _read_by(plan: dict[str, Any]) -> dict[str, int]:
    found: Counter[str] = Counter()
    if "Relation Name" in plan:
        rejected = sum(int(plan.get(f"Rows Removed by {it}", 0)) for it in ("Filter", "Index Recheck"))
        found[plan["Relation Name"]] += round(plan["Actual Rows"] * plan["Actual Loops"]) + rejected
    for below in plan.get("Plans", ()):
        found.update(_read_by(below))
    return found


def plan_of(engine: Engine, statement: str) -> str:
    def explain(session: Session) -> str:
        connection = session.connection()
        connection.execute(text("SET LOCAL enable_seqscan = off"))
        return "\n".join(connection.execute(text(f"EXPLAIN {statement}")).scalars())

    return in_transaction(engine, explain)


def test_connections_in_use_are_counted(engine: Engine, database: Database) -> None:
    before = figures_of(engine).server
    with engine_for(database.url) as other, other.connect(), other.connect():
        during = figures_of(engine).server

    assert before is not None
    assert during is not None
    assert during.connections - before.connections == 2
