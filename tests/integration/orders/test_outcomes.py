from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from itertools import repeat
from operator import attrgetter
from typing import Literal

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.orders.service import (
    ClaimedLine,
    LineOutcome,
    LinesLost,
    UnknownOrder,
    claim_lines,
    lock_fenced_lines,
    mark_cancelled,
    record_outcomes,
    requeue_lines,
    requeue_unroutable,
    scopes_with_due_lines,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW

LATER = NOW + timedelta(hours=1)
State = Literal["routed", "no_route", "pending"]


def claim(
    engine: Engine, *, limit: int = 200, lease_seconds: float = 60, attempt_cap: int = 8, scope: str = "global"
) -> tuple[ClaimedLine, ...]:
    return in_transaction(
        engine,
        lambda session: claim_lines(
            session, scope=scope, limit=limit, lease_seconds=lease_seconds, attempt_cap=attempt_cap
        ),
    )


def outcome(
    line: ClaimedLine,
    *,
    state: Literal["routed", "no_route", "pending"] = "routed",
    next_attempt_at: datetime | None = None,
) -> LineOutcome:
    return LineOutcome(
        line_id=line.line_id,
        state=state,
        decision_id=None if state == "pending" else f"dec_of_{line.line_id}",
        reason="no node can" if state == "no_route" else "",
        next_attempt_at=next_attempt_at,
    )


def record(engine: Engine, *outcomes: LineOutcome, now: datetime = LATER) -> None:
    in_transaction(engine, lambda session: record_outcomes(session, outcomes=outcomes, now=now))


def cancel(engine: Engine, owner: Owner, order_id: str) -> tuple[str, ...]:
    return in_transaction(
        engine,
        lambda session: mark_cancelled(session, organisation_id=owner.organisation_id, order_id=order_id, now=LATER),
    )


def read(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def lines(engine: Engine, columns: str) -> list[tuple[object, ...]]:
    by_order = "ORDER BY (SELECT placed_at FROM orders WHERE id = order_id), order_id, position"
    return read(engine, f"SELECT {columns} FROM order_lines {by_order}")


def order_events(engine: Engine) -> list[tuple[object, ...]]:
    return read(
        engine,
        "SELECT name, subject_id, data->>'state' FROM outbox_events"
        " WHERE name LIKE 'order.%' AND name <> 'order.placed' ORDER BY id",
    )


# ---------------------------------------------------------------- claiming


def test_a_claimed_line_brings_what_its_order_asks_for(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner, quantities=(2, 7)))

        first, second = sorted(claim(engine), key=attrgetter("position"))

        assert (first.line_id, first.position, first.quantity) == (order.lines[0].id, 1, 2)
        assert (second.line_id, second.position, second.quantity) == (order.lines[1].id, 2, 7)
        assert (first.order_id, first.organisation_id) == (order.id, owner.organisation_id)
        assert (first.part_id, first.revision_id) == (owner.part_id, owner.revision_id)
        assert (first.fence, first.attempts) == (1, 1)
        assert (first.objective, first.criticality, first.packaging) == ("cheapest", "routine", "plain")
        assert (first.need_by, first.need_by_hard, first.max_price_minor) == (None, True, None)
        assert (first.ship_to_city, first.ship_to_country) == ("Hamburg", "DE")
        assert (first.ship_to_latitude, first.ship_to_longitude) == (53.5507, 9.993)
        assert first.placed_at == NOW
        assert lines(
            engine, "state, fence, attempts, lease_until BETWEEN now() + interval '50 s' AND now() + interval '60 s'"
        ) == [
            ("routing", 1, 1, True),
            ("routing", 1, 1, True),
        ]


def test_sixteen_threads_claim_two_thousand_lines_and_no_line_twice(database: Database) -> None:
    with engine_for(database.url, connections=17) as engine:
        owner = given_owner(engine)
        given_orders(engine, *(make_order(owner, quantities=(1,) * 20) for _ in range(100)))

        def drain(_: int) -> list[str]:
            found = []
            while claimed := claim(engine, limit=25):
                found += [line.line_id for line in claimed]
            return found

        with ThreadPoolExecutor(16) as threads:
            taken = list(threads.map(drain, range(16)))

        everything = [line_id for found in taken for line_id in found]
        assert len(everything) == 2000
        assert len(set(everything)) == 2000
        assert sum(1 for found in taken if found) > 1
        assert lines(engine, "fence, attempts, state") == [(1, 1, "routing")] * 2000


def test_lines_come_oldest_order_first_and_no_more_than_asked(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        orders = given_orders(engine, *(make_order(owner, placed_at=NOW + timedelta(seconds=n)) for n in range(5)))

        claimed = claim(engine, limit=3)

        assert [line.order_id for line in claimed] == [order.id for order in orders[:3]]
        assert [line.order_id for line in claim(engine, limit=3)] == [order.id for order in orders[3:]]
        assert claim(engine) == ()


def test_a_claim_keeps_to_its_scope_and_the_due_scopes_are_known(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_orders(engine, make_order(owner, planning_scope="north"), make_order(owner, planning_scope="south"))

        assert in_transaction(engine, scopes_with_due_lines) == ("north", "south")
        (north,) = claim(engine, scope="north")
        assert in_transaction(engine, scopes_with_due_lines) == ("south",)
        assert claim(engine, scope="north") == ()
        assert north.fence == 1


def test_a_lapsed_lease_is_taken_over_with_the_next_fence_and_the_late_worker_is_locked_out(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_orders(engine, make_order(given_owner(engine)))
        (slow,) = claim(engine, lease_seconds=0)
        (quick,) = claim(engine)

        assert (slow.fence, quick.fence) == (1, 2)
        assert (slow.attempts, quick.attempts) == (1, 2)
        with unit_of_work(engine) as session:
            assert lock_fenced_lines(session, fences={slow.line_id: slow.fence}) == frozenset()
            assert lock_fenced_lines(session, fences={quick.line_id: quick.fence}) == {quick.line_id}
        assert claim(engine) == ()


def test_a_line_whose_worker_died_that_often_is_parked_with_a_reason_and_told(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner, quantities=(1,)))
        for attempt in range(1, 4):
            (line,) = claim(engine, lease_seconds=0, attempt_cap=3)
            assert (line.attempts, line.fence) == (attempt, attempt)

        assert claim(engine, attempt_cap=3) == ()

        assert lines(engine, "state, attempts, fence, lease_until") == [("parked", 3, 4, None)]
        assert "tried 3 times without an outcome" in str(lines(engine, "state_reason")[0][0])
        assert read(engine, "SELECT state, version FROM orders") == [("parked", 2)]
        assert order_events(engine) == [("order.parked", order.id, "parked")]
        with unit_of_work(engine) as session:
            assert lock_fenced_lines(session, fences={line.line_id: line.fence}) == frozenset()


def test_one_worn_out_line_does_not_hold_up_the_others_of_its_claim(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        worn, fresh = make_order(owner), make_order(owner)
        given_orders(engine, worn)
        claim(engine, lease_seconds=0)
        given_orders(engine, fresh)

        assert [line.order_id for line in claim(engine, attempt_cap=1)] == [fresh.id]
        assert read(engine, "SELECT id, state FROM orders ORDER BY state") == [
            (worn.id, "parked"),
            (fresh.id, "pending"),
        ]


# ---------------------------------------------------------------- fences and outcomes


def test_only_lines_still_held_under_their_very_fence_are_locked(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_orders(engine, make_order(given_owner(engine), quantities=(1, 1, 1)))
        first, second, third = claim(engine)
        fences = {first.line_id: 1, second.line_id: 2, "line_none": 1, third.line_id: 1}

        with unit_of_work(engine) as session:
            assert lock_fenced_lines(session, fences=fences) == {first.line_id, third.line_id}
            assert lock_fenced_lines(session, fences={}) == frozenset()


def test_a_routed_line_keeps_its_decision_and_finishes_its_order(database: Database) -> None:
    with engine_for(database.url) as engine:
        (order,) = given_orders(engine, make_order(given_owner(engine)))
        (line,) = claim(engine)

        record(engine, outcome(line))

        assert lines(engine, "state, state_reason, decision_id, lease_until, next_attempt_at, fence") == [
            ("routed", "", f"dec_of_{line.line_id}", None, None, 1)
        ]
        assert read(engine, "SELECT state, version, updated_at FROM orders") == [("routed", 2, LATER)]
        assert order_events(engine) == [("order.routed", order.id, "routed")]
        assert claim(engine) == ()


@pytest.mark.parametrize(
    ("states", "expected", "event"),
    [
        (("routed", "routed"), "routed", "order.routed"),
        (("routed", "no_route"), "partly_routed", "order.routed"),
        (("no_route", "no_route"), "no_route", "order.no_route"),
    ],
)
def test_an_order_is_what_its_lines_came_to(
    database: Database, states: tuple[Literal["routed", "no_route"], ...], expected: str, event: str
) -> None:
    with engine_for(database.url) as engine:
        (order,) = given_orders(engine, make_order(given_owner(engine), quantities=(1, 1)))
        claimed = claim(engine)

        record(engine, outcome(claimed[0], state=states[0]))
        assert read(engine, "SELECT state FROM orders") == [("pending",)]
        assert order_events(engine) == []

        record(engine, outcome(claimed[1], state=states[1]))
        assert read(engine, "SELECT state FROM orders") == [(expected,)]
        assert order_events(engine) == [(event, order.id, expected)]


def test_a_line_that_was_put_off_is_due_again_when_it_says(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_orders(engine, make_order(given_owner(engine), quantities=(1, 1)))
        now_again, later = sorted(claim(engine), key=attrgetter("position"))
        in_an_hour = in_transaction(engine, lambda session: rows(session, "SELECT now() + interval '1 hour'")[0][0])
        assert isinstance(in_an_hour, datetime)

        record(engine, outcome(now_again, state="pending"), outcome(later, state="pending", next_attempt_at=in_an_hour))

        (again,) = claim(engine)
        assert (again.line_id, again.fence, again.attempts) == (now_again.line_id, 2, 2)
        assert lines(engine, "state, next_attempt_at = (SELECT max(next_attempt_at) FROM order_lines)") == [
            ("routing", False),
            ("pending", True),
        ]
        assert order_events(engine) == []


def test_the_outcome_of_a_line_that_nobody_routes_is_refused_with_all_the_others(database: Database) -> None:
    with engine_for(database.url) as engine:
        given_orders(engine, make_order(given_owner(engine), quantities=(1, 1)))
        first, second = sorted(claim(engine), key=attrgetter("position"))
        record(engine, outcome(first))

        with pytest.raises(LinesLost, match="1 of 2 lines are not being routed any more"):
            record(engine, outcome(first, state="no_route"), outcome(second))
        assert lines(engine, "state") == [("routed",), ("routing",)]


def test_two_transactions_that_finish_an_order_together_agree_on_its_state(database: Database) -> None:
    with engine_for(database.url, connections=9) as engine:
        owner = given_owner(engine)
        given_orders(engine, *(make_order(owner, quantities=(1,) * 8) for _ in range(12)))
        claimed = claim(engine)
        by_position = [[line for line in claimed if line.position == position] for position in range(1, 9)]

        with ThreadPoolExecutor(8) as workers:
            list(workers.map(lambda held: record(engine, *map(outcome, held)), by_position))

        assert read(engine, "SELECT DISTINCT state FROM orders") == [("routed",)]
        assert len(order_events(engine)) == 12


# ---------------------------------------------------------------- routing again, cancelling


def test_lines_without_a_route_are_routed_again_when_the_network_changes(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (half, none, elsewhere) = given_orders(
            engine,
            make_order(owner, quantities=(1, 1)),
            make_order(owner, placed_at=NOW + timedelta(seconds=1)),
            make_order(owner, placed_at=NOW + timedelta(seconds=2), planning_scope="south"),
        )
        claimed = {(line.order_id, line.position): line for line in claim(engine) + claim(engine, scope="south")}
        record(
            engine,
            outcome(claimed[half.id, 1]),
            outcome(claimed[half.id, 2], state="no_route"),
            outcome(claimed[none.id, 1], state="no_route"),
            outcome(claimed[elsewhere.id, 1], state="no_route"),
        )

        requeued = in_transaction(engine, lambda session: requeue_unroutable(session, scope="global", now=LATER))

        assert requeued == 2
        assert lines(engine, "state, attempts, state_reason") == [
            ("routed", 1, ""),
            ("pending", 0, ""),
            ("pending", 0, ""),
            ("no_route", 1, "no node can"),
        ]
        assert read(engine, "SELECT state FROM orders ORDER BY placed_at") == [
            ("pending",),
            ("pending",),
            ("no_route",),
        ]
        assert {(line.order_id, line.fence) for line in claim(engine)} == {(half.id, 2), (none.id, 2)}


def requeue(engine: Engine, *line_ids: str) -> frozenset[str]:
    return in_transaction(
        engine, lambda session: requeue_lines(session, line_ids=line_ids, reason="taken back from N101", now=LATER)
    )


def test_a_routed_line_whose_job_was_taken_back_is_routed_again_with_all_its_attempts(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner, quantities=(1, 2)))
        first, second = sorted(claim(engine), key=lambda line: line.position)
        record(engine, outcome(first), outcome(second))

        assert requeue(engine, first.line_id) == {first.line_id}

        assert lines(engine, "state, state_reason, attempts, fence, decision_id") == [
            ("pending", "taken back from N101", 0, 2, f"dec_of_{first.line_id}"),
            ("routed", "", 1, 1, f"dec_of_{second.line_id}"),
        ]
        assert read(engine, "SELECT state, version, updated_at FROM orders") == [("pending", 3, LATER)]
        (again,) = claim(engine)
        assert (again.line_id, again.fence, again.attempts) == (first.line_id, 3, 1)
        record(engine, outcome(again))
        assert lines(engine, "state, state_reason") == [("routed", ""), ("routed", "")]
        assert order_events(engine) == [("order.routed", order.id, "routed"), ("order.routed", order.id, "routed")]


def test_only_routed_lines_are_taken_back(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner, quantities=(1, 1, 1)))
        routed, unroutable, _ = sorted(claim(engine), key=lambda line: line.position)
        record(engine, outcome(routed), outcome(unroutable, state="no_route"))
        before = lines(engine, "state, fence")

        assert requeue(engine, *(line.id for line in order.lines[1:]), "line_unknown") == frozenset()
        assert requeue(engine) == frozenset()

        assert lines(engine, "state, fence") == before == [("routed", 1), ("no_route", 1), ("routing", 1)]
        assert read(engine, "SELECT version FROM orders") == [(2,)]


def test_a_run_that_had_the_line_before_it_was_taken_back_can_not_write_any_more(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        given_orders(engine, make_order(owner))
        (line,) = claim(engine)
        record(engine, outcome(line))
        requeue(engine, line.line_id)
        (again,) = claim(engine)

        with unit_of_work(engine) as session:
            assert lock_fenced_lines(session, fences={line.line_id: line.fence}) == frozenset()
            assert lock_fenced_lines(session, fences={again.line_id: again.fence}) == {again.line_id}


def test_cancelling_and_taking_back_at_once_leave_one_outcome(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner))
        (line,) = claim(engine)
        record(engine, outcome(line))

        assert cancel(engine, owner, order.id) == (line.line_id,)
        assert requeue(engine, line.line_id) == frozenset()

        assert lines(engine, "state, state_reason") == [("cancelled", "")]
        assert read(engine, "SELECT state FROM orders") == [("cancelled",)]


def test_a_cancelled_order_is_not_routed_again(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner))
        (line,) = claim(engine)
        record(engine, outcome(line, state="no_route"))

        assert cancel(engine, owner, order.id) == (line.line_id,)
        assert in_transaction(engine, lambda session: requeue_unroutable(session, scope="global", now=LATER)) == 0
        assert read(engine, "SELECT state FROM orders") == [("cancelled",)]


def test_cancelling_twice_cancels_once(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner, quantities=(1, 1)))

        assert cancel(engine, owner, order.id) == tuple(sorted(line.id for line in order.lines))
        assert cancel(engine, owner, order.id) == ()
        assert read(engine, "SELECT state, version, updated_at FROM orders") == [("cancelled", 2, LATER)]
        assert order_events(engine) == [("order.cancelled", order.id, "cancelled")]
        assert claim(engine) == ()


def test_a_line_cancelled_while_it_is_being_routed_is_fenced_off(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        (order,) = given_orders(engine, make_order(owner))
        (line,) = claim(engine)

        assert cancel(engine, owner, order.id) == (line.line_id,)

        with unit_of_work(engine) as session:
            assert lock_fenced_lines(session, fences={line.line_id: line.fence}) == frozenset()
        with pytest.raises(LinesLost):
            record(engine, outcome(line))
        assert lines(engine, "state, fence, decision_id") == [("cancelled", 2, None)]


def test_a_cancel_and_a_commit_at_the_same_time_leave_one_of_the_two_whole(database: Database) -> None:
    with engine_for(database.url, connections=9) as engine:
        owner = given_owner(engine)
        orders = given_orders(engine, *(make_order(owner, quantities=(1, 1)) for _ in range(40)))
        claimed = claim(engine)

        def commit(order_id: str) -> bool:
            held = {line.line_id: line for line in claimed if line.order_id == order_id}
            with unit_of_work(engine) as session:
                fences = {line_id: line.fence for line_id, line in held.items()}
                locked = lock_fenced_lines(session, fences=fences)
                record_outcomes(session, outcomes=tuple(outcome(held[line_id]) for line_id in locked), now=LATER)
            return bool(locked)

        ids = [order.id for order in orders]
        with ThreadPoolExecutor(8) as workers:
            commits = workers.map(commit, ids)
            cancels = workers.map(cancel, repeat(engine), repeat(owner), ids)
            outcomes = list(zip(ids, commits, cancels, strict=True))

        assert all(len(cancelled) == 2 for _, _, cancelled in outcomes)
        assert read(engine, "SELECT DISTINCT state FROM orders") == [("cancelled",)]
        assert read(engine, "SELECT DISTINCT state FROM order_lines") == [("cancelled",)]
        routed = {order_id for order_id, committed, _ in outcomes if committed}
        told = {subject for name, subject, _ in order_events(engine) if name == "order.routed"}
        assert told == routed


def test_only_the_owner_can_cancel(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner, stranger = given_owner(engine), given_owner(engine, name="Stranger")
        (order,) = given_orders(engine, make_order(owner))

        with pytest.raises(UnknownOrder, match=order.id) as refusal:
            cancel(engine, stranger, order.id)
        with pytest.raises(UnknownOrder):
            cancel(engine, owner, "ord_none")
        assert refusal.value.status == 404
        assert lines(engine, "state") == [("pending",)]
