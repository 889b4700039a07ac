"""Lines with which runs broke, on a real database: who is suspected, how they are split, who is parked and cleared."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from fabroute.cli.attention import attention_notes
from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.orders.rules import BROKEN_RUN_CAP, SUSPECTS_TOGETHER
from fabroute.orders.service import claim_lines
from fabroute.orders.service.attention import retry_lines
from fabroute.orders.service.suspects import note_broken_run
from fabroute.production.service import cancel_order, offer_jobs
from fabroute.routing.ports import Ending
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from fabroute.routing.service.scopes import claim_scope
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import given_routable_network
from tests.fakes.isolations import WHY, FakeIsolation

LIMITS = RoutingLimits(seed=3, deterministic_seconds=1.0, wall_seconds=20.0)
NYLON, SUSPECTS = "polymer_powder/europe", "polymer_powder/europe/suspects"


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    given_routable_network(engine)
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def place(engine: Engine, owner: Owner, count: int, *, scope: str = NYLON) -> list[str]:
    orders = [make_order(owner, planning_scope=scope) for _ in range(count)]
    given_orders(engine, *orders)
    return sorted(order.lines[0].id for order in orders)


def route(engine: Engine, *, scope: str = SUSPECTS, isolation: FakeIsolation | None = None) -> RunReport | None:
    return route_pending(engine, scope=scope, now=NOW, dispatch=offer_jobs, limits=LIMITS, isolation=isolation)


def worker_dies(engine: Engine, *, scope: str = NYLON, limit: int = 200) -> None:
    """Claim a scope and lines of it, as a worker does that ends in the same moment; its lease on the scope lapses."""
    with unit_of_work(engine) as session:
        assert claim_scope(session, name=scope, lease_seconds=0.001, holder="host:1") is not None
        claim_lines(session, scope=scope, limit=limit, lease_seconds=60, attempt_cap=8, alone=True)
    table(engine, "SELECT pg_sleep(0.002)")


def broken_invariants(engine: Engine) -> set[str]:
    return {finding.invariant.name for finding in check_invariants(engine) if finding.broken}


# ---------------------------------------------------------------- who is suspected


def test_lines_of_a_worker_that_died_are_suspects_and_new_ones_are_not(engine: Engine, owner: Owner) -> None:
    left = place(engine, owner, 3)
    worker_dies(engine)
    (new,) = place(engine, owner, 1)
    table(engine, "UPDATE outbox_events SET published_at = now() RETURNING 1")

    report = route(engine, scope=NYLON)

    assert report is not None
    assert (report.claimed, report.routed) == (1, 1)
    found = table(engine, "SELECT id, state, broken_runs, planning_scope, state_reason FROM order_lines")
    reason = "the worker that routed it ended: routed again in a small group"
    assert set(found) == {*((line, "pending", 1, SUSPECTS, reason) for line in left), (new, "routed", 0, NYLON, "")}
    events = "SELECT name, subject_id, data FROM outbox_events WHERE name LIKE 'planning%' AND published_at IS NULL"
    assert table(engine, events) == [("planning_scope.suspected", NYLON, {"scope": SUSPECTS})]


def test_who_gave_a_scope_back_leaves_no_suspects(engine: Engine, owner: Owner) -> None:
    place(engine, owner, 2)
    worker_dies(engine)
    table(engine, "UPDATE planning_scopes SET holder = NULL, lease_until = NULL RETURNING 1")

    report = route(engine, scope=NYLON)

    assert report is not None
    assert report.routed == 2
    assert table(engine, "SELECT DISTINCT planning_scope, broken_runs FROM order_lines") == [(NYLON, 0)]


def test_a_worker_that_died_over_suspects_made_none_of_them_worse(engine: Engine, owner: Owner) -> None:
    (line,) = place(engine, owner, 1)
    worker_dies(engine)
    route(engine, scope=NYLON)
    worker_dies(engine, scope=SUSPECTS)
    isolation = FakeIsolation(engine=engine, poisoned=())

    report = route(engine, isolation=isolation)

    assert report is not None
    assert (report.routed, isolation.runs) == (1, [(line,)])
    assert table(engine, "SELECT state, broken_runs, planning_scope FROM order_lines") == [("routed", 0, NYLON)]


def test_lines_that_others_took_or_cancelled_are_not_to_blame(engine: Engine, owner: Owner) -> None:
    lines = place(engine, owner, 3)
    with unit_of_work(engine) as session:
        claimed = claim_lines(session, scope=NYLON, limit=9, lease_seconds=60, attempt_cap=8)
        fences = {line.line_id: line.fence for line in claimed}
    order_id = table(engine, f"SELECT order_id FROM order_lines WHERE id = '{lines[0]}'")[0][0]
    with unit_of_work(engine) as session:
        cancel_order(session, organisation_id=owner.organisation_id, order_id=str(order_id), actor="key_1", now=NOW)
    table(engine, f"UPDATE order_lines SET fence = fence + 1 WHERE id = '{lines[1]}' RETURNING 1")

    with unit_of_work(engine) as session:
        broken = note_broken_run(session, scope=NYLON, fences=fences, why=WHY, now=NOW)

    assert [(line.line_id, line.broken_runs, line.state) for line in broken] == [(lines[2], 1, "pending")]
    assert table(engine, "SELECT state, broken_runs FROM order_lines ORDER BY id") == [
        ("cancelled", 0),
        ("routing", 0),
        ("pending", 1),
    ]


# ---------------------------------------------------------------- how they are split


def test_suspects_are_decided_in_small_groups_then_alone_and_those_with_fewer_broken_runs_first(
    engine: Engine, owner: Owner
) -> None:
    lines = place(engine, owner, 20)
    worker_dies(engine)
    route(engine, scope=NYLON)
    table(engine, f"UPDATE order_lines SET broken_runs = 2 WHERE id IN ('{lines[0]}', '{lines[1]}') RETURNING 1")
    isolation = FakeIsolation(engine=engine, poisoned=())

    reports = drained(engine, isolation)

    assert [len(run) for run in isolation.runs] == [SUSPECTS_TOGETHER, 2, 1, 1]
    assert set(isolation.runs[2:]) == {(lines[0],), (lines[1],)}
    assert sum(report.routed for report in reports) == 20


def test_poison_is_parked_after_four_runs_and_all_others_are_routed(engine: Engine, owner: Owner) -> None:
    lines = place(engine, owner, 34)
    poisoned = (lines[3], lines[30])
    worker_dies(engine)
    route(engine, scope=NYLON)
    isolation = FakeIsolation(engine=engine, poisoned=poisoned)

    drained(engine, isolation)

    assert [1 + isolation.runs_of(line) for line in poisoned] == [BROKEN_RUN_CAP] * 2  # the first ended the worker
    groups = isolation.runs[:3]
    broken = [group for group in groups if set(group) & set(poisoned)]
    assert [len(group) for group in groups] == [SUSPECTS_TOGETHER, SUSPECTS_TOGETHER, 2]
    assert len(isolation.runs) == 3 + sum(map(len, broken)) + 2  # groups, the lines of the broken ones, the proofs
    assert max(1 + isolation.runs_of(line) for line in lines if line not in poisoned) == 3
    assert table(engine, "SELECT state, count(*), sum(broken_runs) FROM order_lines GROUP BY 1 ORDER BY 1") == [
        ("parked", 2, 2 * BROKEN_RUN_CAP),
        ("routed", 32, 0),
    ]
    assert table(engine, "SELECT DISTINCT planning_scope FROM order_lines WHERE state = 'routed'") == [(NYLON,)]
    assert broken_invariants(engine) <= {"the outbox is being emptied"}  # no relay runs here


def test_a_parked_line_is_seen_by_its_owner_the_operator_and_the_audit_log(engine: Engine, owner: Owner) -> None:
    (line,) = place(engine, owner, 1)
    worker_dies(engine)
    route(engine, scope=NYLON)
    assert attention_notes(engine) == ()
    drained(engine, FakeIsolation(engine=engine, poisoned=(line,)))

    ((reason, next_attempt_at),) = table(engine, "SELECT state_reason, next_attempt_at FROM order_lines")
    assert str(reason).startswith(
        f"needs attention: 4 runs broke with it in them, the last two with nothing else ({WHY})"
    )
    assert next_attempt_at is None
    assert table(engine, "SELECT state FROM orders") == [("parked",)]
    assert table(engine, "SELECT organisation_id, data ->> 'state' FROM outbox_events WHERE name = 'order.parked'") == [
        (owner.organisation_id, "parked")
    ]
    audited = "SELECT organisation_id, actor, subject_id, data FROM audit_entries WHERE action = 'order_line.parked'"
    order_id = table(engine, "SELECT id FROM orders")[0][0]
    head, example = attention_notes(engine)
    assert head == "1 parked lines wait for a person: POST /v1/orders/…/lines/…/retry sends them on"
    assert example.startswith(f"{order_id} line 1: needs attention: 4 runs broke with it in them")
    data = {"order_id": order_id, "broken_runs": 4, "why": WHY}
    assert table(engine, audited) == [(owner.organisation_id, "system:routing", line, data)]


# ---------------------------------------------------------------- sent on by a person


def test_a_poisoned_line_that_is_sent_on_goes_alone_and_is_parked_again(engine: Engine, owner: Owner) -> None:
    poison, *others = place(engine, owner, 4)
    worker_dies(engine)
    route(engine, scope=NYLON)
    isolation = FakeIsolation(engine=engine, poisoned=(poison,))
    drained(engine, isolation)
    before = len(isolation.runs)
    place(engine, owner, 2)

    with unit_of_work(engine) as session:
        assert retry_lines(session, line_ids=[poison, *others], now=NOW) == {poison}
    scopes = table(engine, "SELECT data ->> 'scope' FROM outbox_events WHERE name = 'order.line_retried'")
    drained(engine, isolation)

    assert scopes == [(SUSPECTS,)]
    assert isolation.runs[before:] == [(poison,)] * 2
    assert table(engine, f"SELECT state, broken_runs FROM order_lines WHERE id = '{poison}'") == [("parked", 4)]


def test_a_line_that_is_sent_on_after_its_fault_was_mended_is_routed_like_any_other(
    engine: Engine, owner: Owner
) -> None:
    (line,) = place(engine, owner, 1)
    worker_dies(engine)
    route(engine, scope=NYLON)
    drained(engine, FakeIsolation(engine=engine, poisoned=(line,)))
    with unit_of_work(engine) as session:
        retry_lines(session, line_ids=[line], now=NOW)

    drained(engine, FakeIsolation(engine=engine, poisoned=()))

    assert table(engine, "SELECT state, broken_runs, planning_scope FROM order_lines") == [("routed", 0, NYLON)]
    assert table(engine, "SELECT state FROM orders") == [("routed",)]


# ---------------------------------------------------------------- processes that get no computing, or can't be made


def test_where_a_process_got_no_computing_nobody_is_to_blame(engine: Engine, owner: Owner) -> None:
    place(engine, owner, 1)
    worker_dies(engine)
    route(engine, scope=NYLON)
    before = table(engine, "SELECT attempts FROM order_lines")

    def starved(work: Callable[[], bytes], *, seconds: float) -> Ending:
        return Ending(answer=None, why=f"{work.__name__} got less than {seconds:g} s of computing", starved=True)

    report = route_pending(
        engine, scope=SUSPECTS, now=NOW, dispatch=offer_jobs, limits=replace(LIMITS, wall_seconds=5), isolation=starved
    )

    assert report is not None
    assert (report.routed, report.open) == (0, 1)
    ((state, broken_runs, reason, attempts, put_off),) = table(
        engine, f"SELECT state, broken_runs, state_reason, attempts, next_attempt_at > '{NOW}' FROM order_lines"
    )
    assert (state, broken_runs, put_off) == ("pending", 1, True)
    assert str(reason).endswith("got less than 10 s of computing: routed again later")
    assert [(attempts,)] == [(1 + int(str(before[0][0])),)]


def test_where_no_process_can_be_made_nobody_is_to_blame(engine: Engine, owner: Owner) -> None:
    place(engine, owner, 1)
    worker_dies(engine)
    route(engine, scope=NYLON)

    def no_more_processes(work: Callable[[], bytes], *, seconds: float) -> Ending:
        raise BlockingIOError(11, f"Resource temporarily unavailable {work} {seconds}")

    limits = replace(LIMITS, wall_seconds=5)
    report = route_pending(
        engine, scope=SUSPECTS, now=NOW, dispatch=offer_jobs, limits=limits, isolation=no_more_processes
    )

    assert report is not None
    assert (report.routed, report.open) == (0, 1)
    ((state, broken_runs, reason),) = table(engine, "SELECT state, broken_runs, state_reason FROM order_lines")
    assert (state, broken_runs) == ("pending", 1)
    assert reason == "a run failed (BlockingIOError): routed again later"


def drained(engine: Engine, isolation: FakeIsolation) -> Sequence[RunReport]:
    """Run over the suspects until none is due."""
    reports = []
    while (report := route(engine, isolation=isolation)) is not None and report.claimed:
        reports.append(report)
    return reports
