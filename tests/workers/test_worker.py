"""Worker and relay as processes, on real servers, through everything that kills them."""

import os
import signal
import subprocess
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest
import redis
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.network.service import add_lot
from fabroute.operations.starting import EXIT_UNREACHABLE
from fabroute.production.service import cancel_order, offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from fabroute_embedded.redis import RedisServer
from fabroute_workers.app import EXIT_MISCONFIGURED
from fabroute_workers.commands import worker_module
from fabroute_workers.subscriptions import ROUTE_PENDING
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_lot, a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.processes import (
    PATIENCE_SECONDS,
    a_process,
    children_of,
    is_running,
    kill_tree,
    run_module,
    wait_until,
)
from tests.factories.queues import queued_tasks
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

pytestmark = pytest.mark.timeout(600)

SMALL_RUNS = {"FABROUTE_ROUTING_BATCH_LINES": "8", "FABROUTE_ROUTING_LEASE_SECONDS": "4"}


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


@pytest.fixture
def settings(settings: dict[str, str]) -> dict[str, str]:
    """Small runs and short leases, so that a test sees many of both."""
    return settings | SMALL_RUNS


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def states(engine: Engine) -> dict[str, int]:
    return {str(state): int(str(n)) for state, n in table(engine, "SELECT state, count(*) FROM order_lines GROUP BY 1")}


def all_are_over(engine: Engine) -> bool:
    return not set(states(engine)) - {"routed", "no_route", "cancelled"}


def broken_invariants(engine: Engine) -> set[str]:
    return {finding.invariant.name for finding in check_invariants(engine) if finding.broken}


def place(engine: Engine, owner: Owner, count: int) -> None:
    given_orders(engine, *(make_order(owner, placed_at=utc_now()) for _ in range(count)))


def need_of_one(engine: Engine, owner: Owner) -> tuple[int, int]:
    """The grams and minutes that one order takes; it is cancelled again."""
    place(engine, owner, 1)
    route_pending(engine, scope="global", now=utc_now(), dispatch=offer_jobs, limits=RoutingLimits())
    ((order_id, grams, minutes),) = table(engine, "SELECT order_id, grams, machine_minutes FROM jobs")
    with unit_of_work(engine) as session:
        cancel_order(
            session, organisation_id=owner.organisation_id, order_id=str(order_id), actor="key_1", now=utc_now()
        )
    return int(str(grams)), int(str(minutes))


def a_worker(settings: dict[str, str], log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    """A Celery worker with one child, without a supervisor."""
    return a_process(*worker_module(1), environment=settings, log=log)


def a_relay(settings: dict[str, str], log: Path) -> AbstractContextManager[subprocess.Popen[bytes]]:
    return a_process("fabroute_workers.relay", environment=settings, log=log)


@pytest.mark.slow
def test_orders_are_routed_and_the_network_change_brings_the_others_back(
    settings: dict[str, str], engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    given_routable_network(engine, today=utc_now().date(), lot_grams=1)
    log = tmp_path / "log"
    with a_process("fabroute_workers", "--concurrency", "1", environment=settings, log=log) as supervisor:
        place(engine, owner, 3)
        assert wait_until(lambda: states(engine) == {"no_route": 3})
        with unit_of_work(engine) as session:
            add_lot(session, lot=a_lot(lot_id="lot_new", node_id="N101"), actor="key_1", now=utc_now())
        assert wait_until(lambda: states(engine) == {"routed": 3})
        family = [supervisor.pid, *children_of(supervisor.pid)]
        supervisor.terminate()
        assert supervisor.wait(PATIENCE_SECONDS) == 0
    assert len(family) >= 4  # supervisor, relay, worker, its child
    assert not any(is_running(pid) for pid in family)
    assert broken_invariants(engine) == set()
    assert '"event": "routing.run"' in log.read_text(encoding="utf-8")


@pytest.mark.slow
def test_with_redis_emptied_pending_orders_are_routed_all_the_same(
    settings: dict[str, str], broker: RedisServer, engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    given_routable_network(engine, today=utc_now().date())
    with a_relay(settings, tmp_path / "relay"):
        place(engine, owner, 20)
        assert wait_until(lambda: table(engine, "SELECT 1 FROM outbox_events WHERE published_at IS NULL") == [])
        waiting = queued_tasks(broker, "routing")
        with redis.Redis(unix_socket_path=str(broker.socket_path)) as client:
            client.flushall()
        with a_worker(settings, tmp_path / "worker"):
            assert wait_until(lambda: states(engine) == {"routed": 20})
    assert ROUTE_PENDING in waiting
    assert broken_invariants(engine) == set()


@pytest.mark.slow
def test_a_worker_killed_in_the_middle_of_a_run_loses_and_doubles_nothing(
    settings: dict[str, str], engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    given_routable_network(engine, today=utc_now().date(), nodes=(a_node(), a_node(node_id="N102", city="Potsdam")))
    place(engine, owner, 60)
    with a_relay(settings, tmp_path / "relay"):
        with a_worker(settings, tmp_path / "first") as worker:
            assert wait_until(lambda: "routing" in states(engine), every=0.005)
            kill_tree(worker)
            killed = states(engine)
        with a_worker(settings, tmp_path / "second"):
            assert wait_until(lambda: all_are_over(engine))
    assert killed["routing"] > 0
    assert sum(states(engine).values()) == 60
    assert table(engine, "SELECT count(DISTINCT order_line_id), count(*) FROM jobs WHERE state = 'offered'") == [
        (states(engine)["routed"], states(engine)["routed"])
    ]
    held = in_transaction(engine, held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])
    assert broken_invariants(engine) == set()


@pytest.mark.slow
def test_a_killed_child_of_the_worker_is_replaced_and_its_lines_come_back(
    settings: dict[str, str], engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    given_routable_network(engine, today=utc_now().date())
    place(engine, owner, 24)
    with a_relay(settings, tmp_path / "relay"), a_worker(settings, tmp_path / "worker") as worker:
        assert wait_until(lambda: "routing" in states(engine), every=0.005)
        (child,) = children_of(worker.pid)
        os.kill(child, signal.SIGKILL)
        assert wait_until(lambda: all_are_over(engine))
        assert children_of(worker.pid) != [child]
    assert states(engine) == {"routed": 24}
    assert broken_invariants(engine) == set()


@pytest.mark.slow
def test_racing_workers_never_give_away_more_than_there_is(
    settings: dict[str, str], engine: Engine, owner: Owner, tmp_path: Path
) -> None:
    given_routable_network(engine, today=utc_now().date())
    grams, minutes = need_of_one(engine, owner)
    tomorrow_and_on = [0, *(minutes * 19 // 4 + 1 for _ in range(4))]
    given_free_minutes(engine, tomorrow_and_on, today=utc_now().date())
    table(engine, f"UPDATE material_lots SET initial_grams = {grams * 23}, remaining_grams = {grams * 23} RETURNING 1")
    place(engine, owner, 64)
    with ExitStack() as processes:
        for number in (1, 2):
            processes.enter_context(a_worker(settings, tmp_path / f"worker{number}"))
        processes.enter_context(a_relay(settings, tmp_path / "relay"))
        assert wait_until(lambda: all_are_over(engine))
    assert states(engine) == {"routed": 19, "no_route": 45, "cancelled": 1}
    held = in_transaction(engine, held_and_taken)
    assert held == {
        "grams": 19 * grams,
        "minutes": 19 * minutes,
        "held_grams": 19 * grams,
        "held_minutes": 19 * minutes,
    }
    assert table(engine, "SELECT count(*) FROM capacity_slots WHERE remaining_minutes < 0") == [(0,)]
    assert broken_invariants(engine) == set()


# ---------------------------------------------------------------- refusing to start


CELERY = ("celery", "--quiet", "--app", "fabroute_workers.app", "worker", "--concurrency", "1")


def test_a_worker_without_processes_of_its_own_refuses_to_start(settings: dict[str, str]) -> None:
    refused = run_module(*CELERY, "--pool", "solo", environment=settings)

    assert refused.returncode == EXIT_MISCONFIGURED
    assert "the worker refuses to start: pool is celery.concurrency.solo" in refused.stderr


def test_a_worker_with_a_setting_that_loses_work_refuses_to_start(settings: dict[str, str]) -> None:
    refused = run_module(*CELERY, "--prefetch-multiplier", "4", environment=settings)

    assert refused.returncode == EXIT_MISCONFIGURED
    assert "leave them out: ['worker_prefetch_multiplier is 4, must be 1']" in refused.stderr


def test_without_a_broker_nothing_starts_and_the_message_says_how_to_start_one(settings: dict[str, str]) -> None:
    missing = run_module("fabroute_workers", environment=settings | {"FABROUTE_BROKER_URL": ""})
    down = run_module(
        "fabroute_workers", environment=settings | {"FABROUTE_BROKER_URL": "redis+socket:///tmp/nobody-is-here.sock"}
    )

    assert (missing.returncode, down.returncode) == (EXIT_MISCONFIGURED, EXIT_UNREACHABLE)
    assert "FABROUTE_BROKER_URL is not set; start one with: redis-server" in missing.stderr
    assert "nobody-is-here.sock does not answer" in down.stderr
    assert "Traceback" not in missing.stderr + down.stderr


def test_without_a_database_nothing_starts(settings: dict[str, str]) -> None:
    nowhere = "postgresql+psycopg://nobody@/none?host=/tmp/nobody-is-here"
    down = run_module("fabroute_workers", environment=settings | {"FABROUTE_DATABASE_URL": nowhere})
    missing = run_module("fabroute_workers", environment=settings | {"FABROUTE_DATABASE_URL": ""})

    assert (missing.returncode, down.returncode) == (EXIT_MISCONFIGURED, EXIT_UNREACHABLE)
    assert "PostgreSQL does not answer" in down.stderr
    assert "set FABROUTE_DATABASE_URL" in missing.stderr
