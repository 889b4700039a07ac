"""What real processes write of an order that goes well, and what they don't write again and again."""

import json
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute_embedded.redis import RedisServer
from tests.conftest import Database
from tests.factories.api import an_order, client_on, given_owner_and_places
from tests.factories.databases import allow_connections, in_transaction, refuse_connections, rows
from tests.factories.orders import Owner
from tests.factories.processes import a_process, run_module, wait_until
from tests.factories.routable import given_routable_network

pytestmark = [pytest.mark.timeout(600), pytest.mark.slow]

Line = dict[str, Any]
IDLE_SECONDS = 6.0
MOST_WHILE_IDLE = 6
"""Lines of workers and relay together, of which four a second were written once."""
ORDERS = 3


@pytest.fixture
def owner(engine: Engine) -> Owner:
    owner = given_owner_and_places(engine)
    given_routable_network(engine, today=utc_now().date())
    return owner


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of their own for what the processes keep."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def lines(log: Path) -> list[Line]:
    """Return every line that was written; each has to be an object."""
    return [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]


def said(log: Path, event: str) -> list[Line]:
    return [line for line in lines(log) if line["event"] == event] if log.exists() else []


def offered(engine: Engine) -> int:
    found = in_transaction(engine, lambda session: rows(session, "SELECT count(*) FROM jobs WHERE state = 'offered'"))
    count = found[0][0]
    assert isinstance(count, int)
    return count


def test_an_order_that_goes_well_is_named_from_its_request_to_its_run_and_every_line_is_an_object(
    settings: dict[str, str], engine: Engine, owner: Owner, home: Path, broker: RedisServer
) -> None:
    path, api_log, log, sign = home / "api.sock", home / "api.log", home / "work.log", home / "alive"
    environment = settings | {"FABROUTE_LIFE_SIGN_FILE": str(sign)}
    with (
        a_process("fabroute.console", "--uds", str(path), environment=environment, log=api_log),
        a_process("fabroute_workers", "--concurrency", "1", environment=environment, log=log),
    ):
        assert wait_until(path.exists), api_log.read_text(encoding="utf-8")
        with client_on(str(path), owner.token, {}) as client:
            placed = {
                client.post(
                    "/v1/orders",
                    json=an_order(),
                    headers={"Idempotency-Key": f"k{number}", "X-Request-Id": f"mine-{number}"},
                ).json()["id"]: f"mine-{number}"
                for number in range(ORDERS)
            }
        assert wait_until(lambda: offered(engine) == ORDERS), log.read_text(encoding="utf-8")
        assert wait_until(sign.exists)
        time.sleep(IDLE_SECONDS)
        before = len(lines(log))
        time.sleep(IDLE_SECONDS)
        idle = lines(log)[before:]

    told = {order: request for line in said(api_log, "orders.placed") for order, request in line["orders"].items()}
    assert told == placed
    assert all("request_id" not in line for line in said(api_log, "orders.placed"))
    runs = said(log, "routing.run")
    assert {order for line in runs for order in line["order_ids"]} == set(placed)
    assert sum(line["orders"] for line in runs) >= ORDERS
    assert {name for line in runs for name in ("task", "task_id", "scope", "run_ids") if name in line} == {
        *("task", "task_id", "scope", "run_ids"),
    }
    assert len(idle) <= MOST_WHILE_IDLE, idle
    assert [line["event"] for line in lines(log) if "seal_audit_log" in line["event"]] == []
    assert any("shutdown" in line["event"] for line in lines(log))
    assert not sign.exists()


def test_a_process_says_first_what_it_is_and_what_it_does(
    settings: dict[str, str], engine: Engine, owner: Owner, home: Path
) -> None:
    path, api_log, log = home / "api.sock", home / "api.log", home / "work.log"
    version = run_module("fabroute.cli", "--version", environment=settings)
    with a_process("fabroute.console", "--uds", str(path), environment=settings, log=api_log):
        assert wait_until(lambda: bool(said(api_log, "api.started")))
    with a_process("fabroute_workers", "--only", "relay", environment=settings, log=log):
        assert wait_until(lambda: bool(said(log, "work.started")))
        assert wait_until(lambda: bool(said(log, "relay.started")))

    (program, number) = version.stdout.split()
    (begun,), (working,) = said(api_log, "api.started"), said(log, "work.started")
    assert (version.returncode, program) == (0, "fabroute")
    assert {name: begun[name] for name in ("version", "profile", "serves", "at", "traced")} == {
        "version": number,
        "profile": "embedded",
        "serves": ["api", "console"],
        "at": f"unix:{path}",
        "traced": False,
    }
    assert {name: working[name] for name in ("version", "profile", "programs", "queues", "broker")} == {
        "version": number,
        "profile": "embedded",
        "programs": ["relay"],
        "queues": "",
        "broker": "redis",
    }


def test_a_database_that_is_away_is_told_of_once_and_once_that_it_is_back(
    settings: dict[str, str], engine: Engine, database: Database, owner: Owner, home: Path
) -> None:
    path, log = home / "api.sock", home / "api.log"
    away = "the queues are not followed, polls ask the database"
    with a_process("fabroute.console", "--uds", str(path), environment=settings, log=log):
        assert wait_until(path.exists)
        with client_on(str(path), owner.token, {}) as client:
            assert wait_until(lambda: client.get("/readyz").status_code == 200)
        refuse_connections(database.url)
        assert wait_until(lambda: bool(said(log, away)))
        time.sleep(IDLE_SECONDS)
        allow_connections(database.url)
        assert wait_until(lambda: bool(said(log, "the queues are followed again")))

    assert len(said(log, away)) == 1
    assert said(log, "the queues are followed again")[0]["failures"] > 3
