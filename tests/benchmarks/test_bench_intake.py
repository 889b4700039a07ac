"""The intake's bench, small: the floor is what it says, and a goal that is missed is called so."""

from array import array
from collections import Counter

import pytest

from fabroute_embedded import EmbeddedServers
from tests.benchmarks.bench_intake import Case, Round, Sent, report, verdicts
from tests.benchmarks.floors import ONE_STATEMENT, THREE_INSERTS, Floor, measured_floor, server_cpu_seconds
from tests.benchmarks.open_loop import Offered
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import given_owner

STORED = (
    "SELECT (SELECT count(*)::int FROM orders), (SELECT count(*)::int FROM order_lines),"
    " (SELECT count(*)::int FROM outbox_events WHERE name = 'order.placed')"
)


@pytest.mark.parametrize("script", [THREE_INSERTS, ONE_STATEMENT], ids=["three inserts", "one statement"])
def test_each_transaction_of_the_floor_writes_an_order_a_line_and_an_event(
    servers: EmbeddedServers, database: Database, script: str
) -> None:
    with engine_for(database.url) as engine:
        owner, before = given_owner(engine), server_cpu_seconds(servers.postgres.pid)
        floor = measured_floor(database.url, owner, clients=2, seconds=1, script=script)
        stored = in_transaction(engine, lambda session: rows(session, STORED))

    assert stored == [(len(floor.seconds),) * 3]
    assert floor.rate > 0
    assert server_cpu_seconds(servers.postgres.pid) > before


def a_case(clients: int, *, taken: int, milliseconds: float, statements: int, refused: int = 0) -> Case:
    """Return a case of one round of a second in which the floor made 1,000 transactions of a millisecond."""
    orders = Offered(
        statuses=Counter({201: taken, 429: refused}), accepted=array("d", [milliseconds / 1e3] * taken), seconds=1.0
    )
    floor = Floor(rate=1_000.0, seconds=(0.001,) * 1_000)
    it = Round(
        floor=floor,
        floor_cpu=200.0,
        one_statement=floor,
        orders=orders,
        api_cpu=300.0,
        server_cpu=100.0,
        client_cpu=30.0,
        groups=(1, 7, 8),
    )
    return Case(clients=clients, rounds=(it,), sent=Sent(orders=100, intake=statements, others=Counter({"NOTIFY": 5})))


def test_goals_that_are_met_are_called_so() -> None:
    cases = (
        a_case(1, taken=500, milliseconds=1.4, statements=100),
        a_case(16, taken=600, milliseconds=15.0, statements=20),
    )

    assert verdicts(cases) == [
        "statements an order, 1 clients: 1.00, goal at most 1: met",
        "statements an order, 16 clients: 0.20, goal at most 1: met",
        "p50 of 1 client, times the floor's: 1.40, goal at most 1.5: met",
        "16 clients, share of F: 60%, goal at least 60%: met (moonshot 100%)",
        "p99 of 16 clients, ms: 15.00, goal at most 15: met",
    ]


def test_goals_that_are_missed_are_called_so_and_so_is_an_order_that_was_refused() -> None:
    cases = (
        a_case(1, taken=500, milliseconds=1.6, statements=101),
        a_case(16, taken=590, milliseconds=16.0, statements=20, refused=3),
    )

    assert [verdict.partition(":")[0] for verdict in verdicts(cases) if " missed" in verdict] == [
        "16 clients",
        "statements an order, 1 clients",
        "p50 of 1 client, times the floor's",
        "16 clients, share of F",
        "p99 of 16 clients, ms",
    ]


def test_the_table_sets_each_figure_beside_the_floors() -> None:
    head, row = report([a_case(16, taken=600, milliseconds=15.0, statements=20)]).splitlines()

    assert head.split("  ")[-1].strip() == "statements"
    assert [cell.strip() for cell in row.split("  ") if cell.strip()] == [
        "16",
        "600",
        "1,000",
        "60% (60%-60%)",
        "1,000",
        "15.0 (1.0)",
        "15.0 (1.0)",
        "300",
        "100 (200)",
        "30",
        "7/8",
        "0.20 + 0.05",
    ]
