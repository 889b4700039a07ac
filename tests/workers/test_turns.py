"""How long a planning scope keeps a worker: for a turn, then others are served first."""

import pytest
from sqlalchemy import Engine

from fabroute.settings import Settings
from fabroute_embedded.redis import RedisServer
from fabroute_workers import work
from fabroute_workers.app import create_app
from fabroute_workers.subscriptions import ROUTE_PENDING
from fabroute_workers.tasks import routing
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.queues import queued_tasks
from tests.factories.routable import given_routable_network

ORDERS = 3


@pytest.fixture(autouse=True)
def _task_of_this_test(engine: Engine, broker: RedisServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs of one order each, in a task that knows this test's database and broker."""
    monkeypatch.setattr(routing, "database_engine", lambda: engine)
    monkeypatch.setattr(routing, "get_settings", lambda: Settings(routing_batch_lines=1))
    monkeypatch.setattr(routing, "app", create_app(broker.url))


def decided(engine: Engine) -> int:
    (counted,) = in_transaction(engine, lambda session: rows(session, "SELECT count(*) FROM routing_decisions"))
    return int(str(counted[0]))


def test_a_scope_whose_turn_is_over_waits_in_the_queue_behind_others(
    engine: Engine, broker: RedisServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    given_routable_network(engine)
    given_orders(engine, *(make_order(given_owner(engine)) for _ in range(ORDERS)))
    monkeypatch.setattr(work, "SCOPE_SECONDS", 0.001)

    routing.route_pending(scope="global")

    assert decided(engine) == 1
    assert queued_tasks(broker, "routing") == [ROUTE_PENDING]


def test_a_scope_with_time_left_is_routed_whole_and_asks_for_nothing(engine: Engine, broker: RedisServer) -> None:
    given_routable_network(engine)
    given_orders(engine, *(make_order(given_owner(engine)) for _ in range(ORDERS)))

    routing.route_pending(scope="global")

    assert decided(engine) == ORDERS
    assert queued_tasks(broker, "routing") == []
