"""Routed lines that may move: read, locked under their fence, and given a new decision."""

from collections.abc import Iterator
from datetime import timedelta

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.orders.service import (
    LineOutcome,
    LinesLost,
    lock_fenced_lines,
    lock_standing_lines,
    read_standing_lines,
    record_moves,
    record_outcomes,
)
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, claim_all_lines, given_orders, given_owner, make_order
from tests.factories.organisations import NOW

ARRIVAL = NOW + timedelta(days=3)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def given_routed(engine: Engine, owner: Owner, *, promised_minor: int = 5_000, decision: str = "dec_1") -> str:
    """Return the id of a line that was promised for this price."""
    given_orders(engine, make_order(owner, quantities=(2,)))
    return _route(engine, promised_minor=promised_minor, decision=decision)


def _route(engine: Engine, *, promised_minor: int, decision: str) -> str:
    with unit_of_work(engine) as session:
        (line,) = claim_all_lines(session)
        lock_fenced_lines(session, fences={line.line_id: line.fence})
        outcome = LineOutcome(
            line_id=line.line_id,
            state="routed",
            decision_id=decision,
            promised_at=ARRIVAL,
            promised_minor=promised_minor,
        )
        record_outcomes(session, outcomes=(outcome,), now=NOW)
    return line.line_id


def test_a_routed_line_is_read_as_a_run_would_claim_it_next_with_its_promise(engine: Engine, owner: Owner) -> None:
    line_id = given_routed(engine, owner)
    (found,) = in_transaction(engine, lambda session: read_standing_lines(session, line_ids=[line_id, "line_x"]))
    assert (found.fence, found.line.fence, found.line.quantity) == (1, 2, 2)
    assert (found.decision_id, found.promised_at, found.promised_minor) == ("dec_1", ARRIVAL, 5_000)
    assert (found.line.organisation_id, found.line.revision_id) == (owner.organisation_id, owner.revision_id)


def test_a_pending_line_is_not_standing(engine: Engine, owner: Owner) -> None:
    given_orders(engine, make_order(owner))
    ((line_id,),) = table(engine, "SELECT id FROM order_lines")
    found = in_transaction(engine, lambda session: read_standing_lines(session, line_ids=[str(line_id)]))
    locked = in_transaction(engine, lambda session: lock_standing_lines(session, fences={str(line_id): 0}))
    assert (found, locked) == ((), frozenset())


def test_only_the_line_under_the_very_fence_is_locked(engine: Engine, owner: Owner) -> None:
    line_id = given_routed(engine, owner)
    locked = []
    for fence in (0, 1, 2):
        with unit_of_work(engine) as session:
            locked.append(lock_standing_lines(session, fences={line_id: fence}))
    assert locked == [frozenset(), frozenset({line_id}), frozenset()]


def test_a_move_is_a_new_decision_under_the_next_fence_and_a_new_version_of_the_order(
    engine: Engine, owner: Owner
) -> None:
    line_id = given_routed(engine, owner)
    ((before,),) = table(engine, "SELECT version FROM orders")
    with unit_of_work(engine) as session:
        record_moves(session, decisions={line_id: "dec_2"}, now=NOW)
    assert table(engine, "SELECT state, decision_id, fence, promised_minor FROM order_lines") == [
        ("routed", "dec_2", 2, 5_000)
    ]
    assert table(engine, "SELECT version, state FROM orders") == [(int(str(before)) + 1, "routed")]


def test_a_line_that_is_not_routed_any_more_cannot_move(engine: Engine, owner: Owner) -> None:
    line_id = given_routed(engine, owner)
    table(engine, "UPDATE order_lines SET state = 'cancelled' RETURNING 1")
    with pytest.raises(LinesLost, match="1 of 1 lines"), unit_of_work(engine) as session:
        record_moves(session, decisions={line_id: "dec_2"}, now=NOW)
    assert table(engine, "SELECT decision_id FROM order_lines") == [("dec_1",)]


def test_the_first_promise_stays_when_a_line_is_routed_again(engine: Engine, owner: Owner) -> None:
    given_routed(engine, owner, promised_minor=5_000)
    again = "UPDATE order_lines SET state = 'pending', next_attempt_at = now() RETURNING 1"
    assert len(table(engine, again)) == 1
    _route(engine, promised_minor=9_000, decision="dec_9")
    assert table(engine, "SELECT decision_id, promised_minor, promised_at FROM order_lines") == [
        ("dec_9", 5_000, ARRIVAL)
    ]
