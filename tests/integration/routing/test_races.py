"""Many runs at once on the same network: all lines get one outcome, and nothing is given away twice."""

import random
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.orders.service import requeue_unroutable
from fabroute.production.service import cancel_order, offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

LIMITS = RoutingLimits(batch_lines=6, deterministic_seconds=1.0, wall_seconds=20.0, attempt_cap=100)
THREADS = 4


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url, connections=3 * THREADS) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def states(engine: Engine) -> dict[str, int]:
    return {str(state): int(str(n)) for state, n in table(engine, "SELECT state, count(*) FROM order_lines GROUP BY 1")}


def route_until_over(engine: Engine, limits: RoutingLimits = LIMITS) -> int:
    """Run until no line is open; return the number of runs."""
    runs, deadline = 0, time.monotonic() + 60
    while time.monotonic() < deadline:
        if route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=limits) is not None:
            runs += 1
        elif not set(states(engine)) & {"pending", "routing"}:
            return runs
    raise TimeoutError(f"still open after a minute: {states(engine)}")


def given_stock(engine: Engine, grams: int) -> None:
    """Let the only lot hold so many grams."""
    table(engine, f"UPDATE material_lots SET initial_grams = {grams}, remaining_grams = {grams} RETURNING 1")


def nothing_is_wrong(engine: Engine) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    held = in_transaction(engine, held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])
    return broken <= {"the outbox is being emptied"}  # no relay runs here


def need_of_one(engine: Engine, owner: Owner) -> tuple[int, int]:
    """The grams and minutes of one order, which is cancelled again."""
    (order,) = given_orders(engine, make_order(owner))
    route_until_over(engine)
    ((grams, minutes),) = table(engine, "SELECT grams, machine_minutes FROM jobs")
    with unit_of_work(engine) as session:
        cancel_order(session, organisation_id=owner.organisation_id, order_id=order.id, actor="key_1", now=NOW)
    return int(str(grams)), int(str(minutes))


def test_sixty_four_orders_race_for_one_slot_and_one_lot(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    grams, minutes = need_of_one(engine, owner)
    given_free_minutes(engine, [0, minutes * 13 + 1])
    given_stock(engine, grams * 17)
    given_orders(engine, *(make_order(owner) for _ in range(64)))

    runs = at_once(*[lambda: route_until_over(engine)] * THREADS)

    assert states(engine) == {"routed": 13, "no_route": 51, "cancelled": 1}
    assert table(engine, "SELECT DISTINCT state_reason FROM order_lines WHERE state = 'no_route'") == [("CAPACITY",)]
    assert sum(int(str(count)) for count in runs) >= 11
    assert nothing_is_wrong(engine)


def test_a_scarce_lot_is_given_away_once(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    grams, _ = need_of_one(engine, owner)
    table(
        engine,
        f"UPDATE material_lots SET initial_grams = {grams * 9 + 1}, remaining_grams = {grams * 9 + 1} RETURNING 1",
    )
    given_orders(engine, *(make_order(owner) for _ in range(32)))

    at_once(*[lambda: route_until_over(engine)] * THREADS)

    assert states(engine) == {"routed": 9, "no_route": 23, "cancelled": 1}
    assert table(engine, "SELECT remaining_grams FROM material_lots") == [(1,)]
    assert nothing_is_wrong(engine)


def test_leases_that_lapse_in_the_middle_of_runs_double_nothing(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_orders(engine, *(make_order(owner) for _ in range(24)))
    hasty = replace(LIMITS, lease_seconds=0.05)

    at_once(*[lambda: route_until_over(engine, hasty)] * THREADS)

    assert states(engine) == {"routed": 24}
    assert table(engine, "SELECT count(*) FROM routing_decisions") == [(24,)]
    assert nothing_is_wrong(engine)


def test_orders_cancelled_while_they_are_routed_hold_nothing(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102")))
    orders = given_orders(engine, *(make_order(owner, quantities=(1, 1)) for _ in range(20)))

    def cancel_some() -> int:
        chance = random.Random(5)
        for order in orders[::2]:
            time.sleep(chance.random() / 20)
            with unit_of_work(engine) as session:
                cancel_order(session, organisation_id=owner.organisation_id, order_id=order.id, actor="key_1", now=NOW)
        return len(orders[::2])

    at_once(cancel_some, *[lambda: route_until_over(engine)] * (THREADS - 1))

    assert states(engine) == {"routed": 20, "cancelled": 20}
    assert table(engine, "SELECT state, count(*) FROM orders GROUP BY 1 ORDER BY 1") == [
        ("cancelled", 10),
        ("routed", 10),
    ]
    assert table(engine, "SELECT count(*) FROM jobs WHERE state = 'offered'") == [(20,)]
    assert nothing_is_wrong(engine)


def test_a_network_that_keeps_changing_while_lines_are_routed_leaves_none_behind(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, lot_grams=300)
    given_orders(engine, *(make_order(owner) for _ in range(24)))

    def change_the_network() -> int:
        for _ in range(10):
            with unit_of_work(engine) as session:
                requeue_unroutable(session, scope="global", now=NOW)
            time.sleep(0.05)
        return 10

    at_once(change_the_network, *[lambda: route_until_over(engine)] * (THREADS - 1))
    route_until_over(engine)

    assert set(states(engine)) <= {"routed", "no_route"}
    assert sum(states(engine).values()) == 24
    assert nothing_is_wrong(engine)
