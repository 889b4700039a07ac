"""Orders against a model of them: random walks of placing, claiming, dying, deciding, cancelling and requeueing."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, cast

import pytest
from psycopg import Connection
from sqlalchemy import Engine, text

from fabroute.database import unit_of_work
from fabroute.orders.service import (
    ClaimedLine,
    LineOutcome,
    Placed,
    claim_lines,
    lock_fenced_lines,
    mark_cancelled,
    record_outcomes,
    requeue_unroutable,
)
from fabroute.orders.states import LineState, derive_order_state
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import Owner, given_owner, intake_connection, make_order, place_orders
from tests.factories.organisations import NOW

CAP = 3
STEPS = 150
Outcome = Literal["routed", "no_route", "pending"]
OUTCOMES: Sequence[Outcome] = ("routed", "no_route", "pending")


@dataclass(slots=True)
class ModelLine:
    """What we believe about a line."""

    order_id: str
    state: LineState = "pending"
    fence: int = 0
    attempts: int = 0
    has_lapsed: bool = False


@dataclass(slots=True)
class Model:
    """What we believe about all lines."""

    lines: dict[str, ModelLine] = field(default_factory=dict)

    def of_order(self, order_id: str) -> list[ModelLine]:
        """Return the lines of an order."""
        return [line for line in self.lines.values() if line.order_id == order_id]

    def due(self) -> list[str]:
        """Return the lines that a claim may take."""
        return [
            line_id
            for line_id, line in self.lines.items()
            if line.state == "pending" or (line.state == "routing" and line.has_lapsed)
        ]

    def held(self, lines: Sequence[ClaimedLine]) -> frozenset[str]:
        """Return which of ``lines`` are still routed under the fence with which they were claimed."""
        return frozenset(
            line.line_id
            for line in lines
            if (self.lines[line.line_id].state, self.lines[line.line_id].fence) == ("routing", line.fence)
        )


class Life:
    """Does to the database what it does to the model, and compares the two after every step."""

    def __init__(self, engine: Engine, connection: Connection[Any], owner: Owner, *, seed: int) -> None:
        self._engine = engine
        self._connection = connection
        self._owner = owner
        self._random = Random(seed)
        self._model = Model()
        self._orders: list[str] = []
        self._claims: list[tuple[ClaimedLine, ...]] = []
        self.stale_decisions = 0

    def step(self) -> None:
        """Do one thing, chosen at random."""
        steps = (self.place, self.claim, self.claim, self.die, self.decide, self.decide, self.cancel, self.requeue)
        self._random.choice(steps)()
        self._compare()

    def place(self) -> None:
        """A client orders."""
        order = make_order(self._owner, quantities=(1,) * self._random.randint(1, 3))
        (placing,) = place_orders(self._connection, orders=(order,))
        assert isinstance(placing, Placed)
        self._orders.append(order.id)
        self._model.lines |= {line.id: ModelLine(order_id=order.id) for line in order.lines}

    def claim(self) -> None:
        """A worker takes lines; those that had all their attempts are parked instead."""
        limit, due = self._random.randint(1, 5), self._model.due()
        worn_out = {line_id for line_id in due if self._model.lines[line_id].attempts >= CAP}
        with unit_of_work(self._engine) as session:
            claimed = claim_lines(session, scope="global", limit=limit, lease_seconds=600, attempt_cap=CAP)
        taken = {line.line_id for line in claimed}
        parked = {line_id for line_id in worn_out if self._state(line_id) == "parked"}
        assert taken <= set(due) - worn_out
        assert len(taken) + len(parked) == min(limit, len(due))
        for line_id in taken | parked:
            self._take(line_id, is_parked=line_id in parked)
        self._claims.append(claimed)

    def die(self) -> None:
        """A worker is gone, and its lease runs out."""
        self._lapse(self._some_claim())

    def wear_out(self) -> None:
        """Every worker that takes lines dies, until a line has had all its attempts and is parked."""
        self.place()
        while not any(line.state == "parked" for line in self._model.lines.values()):
            self.claim()
            self._lapse(self._claims[-1])
            self._compare()

    def _lapse(self, lines: Sequence[ClaimedLine]) -> None:
        held = self._model.held(lines)
        lapse = text("UPDATE order_lines SET lease_until = clock_timestamp() WHERE id = ANY(:ids)")
        in_transaction(self._engine, lambda session: session.connection().execute(lapse, {"ids": list(held)}))
        for line_id in held:
            self._model.lines[line_id].has_lapsed = True

    def decide(self) -> None:
        """A worker writes what it decided, perhaps long after others took its lines over."""
        lines = self._some_claim()
        outcomes = {line.line_id: self._random.choice(OUTCOMES) for line in lines}
        with unit_of_work(self._engine) as session:
            locked = lock_fenced_lines(session, fences={line.line_id: line.fence for line in lines})
            found = tuple(_outcome(line_id, outcomes[line_id]) for line_id in locked)
            record_outcomes(session, outcomes=found, now=NOW)
        assert locked == self._model.held(lines)
        self.stale_decisions += len(locked) < len(lines)
        for line_id in locked:
            self._model.lines[line_id].state = outcomes[line_id]
            self._model.lines[line_id].has_lapsed = False

    def cancel(self) -> None:
        """A client doesn't want it any more; seldom, so that something is left to happen to the others."""
        if not self._orders or self._random.random() < 0.7:
            return
        order_id = self._random.choice(self._orders)
        organisation_id = self._owner.organisation_id
        with unit_of_work(self._engine) as session:
            cancelled = mark_cancelled(session, organisation_id=organisation_id, order_id=order_id, now=NOW)
        standing = [line for line in self._model.of_order(order_id) if line.state != "cancelled"]
        assert len(cancelled) == len(standing)
        for line in standing:
            line.state, line.fence = "cancelled", line.fence + 1

    def requeue(self) -> None:
        """A node comes back: what had no route is looked at again."""
        waiting = [line for line in self._model.lines.values() if line.state == "no_route"]
        requeued = in_transaction(self._engine, lambda session: requeue_unroutable(session, scope="global", now=NOW))
        assert requeued == len(waiting)
        for line in waiting:
            line.state, line.attempts = "pending", 0

    def _compare(self) -> None:
        expected = {(line_id, line.state, line.fence, line.attempts) for line_id, line in self._model.lines.items()}
        assert set(self._read("SELECT id, state, fence, attempts FROM order_lines")) == expected
        assert set(self._read("SELECT id, state FROM orders")) == {
            (order_id, derive_order_state([line.state for line in self._model.of_order(order_id)]))
            for order_id in self._orders
        }
        silent = "SELECT id FROM order_lines WHERE state IN ('no_route', 'parked') AND state_reason = ''"
        assert self._read(silent) == []
        assert self._read("SELECT id FROM order_lines WHERE (state = 'routing') <> (lease_until IS NOT NULL)") == []

    def _some_claim(self) -> tuple[ClaimedLine, ...]:
        return self._random.choice(self._claims[-6:]) if self._claims else ()

    def _take(self, line_id: str, *, is_parked: bool) -> None:
        line = self._model.lines[line_id]
        line.state = "parked" if is_parked else "routing"
        line.fence += 1
        line.attempts += 0 if is_parked else 1
        line.has_lapsed = False

    def _state(self, line_id: str) -> LineState:
        return cast(LineState, self._read(f"SELECT state FROM order_lines WHERE id = '{line_id}'")[0][0])

    def _read(self, sql: str) -> list[tuple[object, ...]]:
        return in_transaction(self._engine, lambda session: rows(session, sql))


def _outcome(line_id: str, state: Outcome) -> LineOutcome:
    return LineOutcome(
        line_id=line_id,
        state=state,
        decision_id=None if state == "pending" else f"dec_{line_id}",
        reason="no node can" if state == "no_route" else "",
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_whatever_happens_to_a_line_its_state_fence_and_attempts_are_right(database: Database, seed: int) -> None:
    with engine_for(database.url) as engine, intake_connection(engine) as connection:
        life = Life(engine, connection, given_owner(engine), seed=seed)
        for _ in range(STEPS):
            life.step()
        life.wear_out()  # which lines a walk wears out by itself depends on their random ids
        states = {
            str(state)
            for (state,) in in_transaction(engine, lambda session: rows(session, "SELECT state FROM order_lines"))
        }

    assert life.stale_decisions > 5
    assert {"routed", "parked", "cancelled"} <= states
