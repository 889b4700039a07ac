"""The relay as a process, with real servers that stop, hang and come back."""

import os
import signal
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fabroute_embedded.redis import RedisServer
from fabroute_workers.app import EXIT_MISCONFIGURED
from fabroute_workers.subscriptions import EXTEND_CAPACITY, ROUTE_PENDING
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.processes import PATIENCE_SECONDS, a_process, is_running, run_module, wait_until
from tests.factories.queues import queued_tasks

pytestmark = pytest.mark.timeout(600)


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def unpublished(engine: Engine) -> int:
    query = "SELECT id FROM outbox_events WHERE published_at IS NULL"
    return len(in_transaction(engine, lambda session: rows(session, query)))


def rings(broker: RedisServer) -> int:
    """Return how often routing was rung for; the errands of the relay's start in the same queue are others."""
    return queued_tasks(broker, "routing").count(ROUTE_PENDING)


def has_started(broker: RedisServer) -> bool:
    return queued_tasks(broker, "network") == [EXTEND_CAPACITY]


def test_a_placed_order_reaches_the_broker_after_a_notice(
    settings: dict[str, str], broker: RedisServer, engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    with a_process("fabroute_workers.relay", environment=settings, log=tmp_path / "log"):
        assert wait_until(lambda: has_started(broker))
        given_orders(engine, make_order(owner))
        in_transaction(engine, lambda session: rows(session, "SELECT pg_notify('fabroute_outbox', '')"))
        assert wait_until(lambda: rings(broker) >= 1)
        assert wait_until(lambda: unpublished(engine) == 0)


def test_while_the_broker_hangs_events_stay_and_afterwards_they_go(
    settings: dict[str, str], broker: RedisServer, engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with a_process("fabroute_workers.relay", environment=settings, log=log):
        assert wait_until(lambda: has_started(broker))
        os.kill(broker.pid, signal.SIGSTOP)
        given_orders(engine, make_order(owner))
        assert wait_until(lambda: "relay.waiting" in log.read_text(encoding="utf-8"))
        assert unpublished(engine) == 1
        os.kill(broker.pid, signal.SIGCONT)
        assert wait_until(lambda: unpublished(engine) == 0)
        assert wait_until(lambda: rings(broker) >= 1)
    assert log.read_text(encoding="utf-8").count("relay.waiting") == 1
    assert "relay.resumed" in log.read_text(encoding="utf-8")


def test_a_relay_survives_the_loss_of_its_database_connections(
    settings: dict[str, str], broker: RedisServer, engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    others = (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()"
    )
    with a_process("fabroute_workers.relay", environment=settings, log=tmp_path / "log") as relay:
        assert wait_until(lambda: has_started(broker))
        engine.dispose()
        in_transaction(engine, lambda session: rows(session, others))
        given_orders(engine, make_order(owner))
        assert wait_until(lambda: rings(broker) == 1)
        assert is_running(relay.pid)


def test_a_relay_without_a_broker_url_says_so_and_does_not_start(settings: dict[str, str]) -> None:
    refused = run_module("fabroute_workers.relay", environment=settings | {"FABROUTE_BROKER_URL": ""})

    assert refused.returncode == EXIT_MISCONFIGURED
    assert "FABROUTE_BROKER_URL is not set; start one with: redis-server" in refused.stderr


def test_a_relay_ends_in_good_order(settings: dict[str, str], broker: RedisServer, tmp_path: Path) -> None:
    log = tmp_path / "log"
    with a_process("fabroute_workers.relay", environment=settings, log=log) as relay:
        assert wait_until(lambda: has_started(broker))
        relay.terminate()
        assert relay.wait(PATIENCE_SECONDS) == 0
    assert "relay.stopped" in log.read_text(encoding="utf-8")
