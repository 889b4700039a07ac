import os
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from fabroute.database import unit_of_work
from fabroute.kernel.exit_codes import EXIT_MISCONFIGURED
from fabroute.logistics.service import LogisticsData, save_logistics
from tests.conftest import Database
from tests.factories.api import BERLIN, HAMBURG, an_order, client_on, given_owner_and_places
from tests.factories.databases import engine_for
from tests.factories.orders import given_owner
from tests.factories.writers import a_writer_waits, keys_locked, wait_until

ROOT = Path(__file__).parents[2]


def start(environment: dict[str, str], *arguments: str) -> subprocess.Popen[str]:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FABROUTE_")}
    roots = ":".join(str(ROOT / folder) for folder in ("services", "workers", "infra/embedded"))
    return subprocess.Popen(
        [sys.executable, "-m", "fabroute.api", *arguments],
        env=inherited | {"PYTHONPATH": roots} | environment,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    )


def wait_until_listening(path: Path, process: subprocess.Popen[str]) -> None:
    while process.poll() is None:
        with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
            probe.connect(str(path))
            return
        time.sleep(0.05)


@pytest.mark.parametrize(
    ("environment", "words"),
    [
        ({}, "no database: set FABROUTE_DATABASE_URL, e.g. postgresql+psycopg://"),
        ({"FABROUTE_DATABASE_URL": "mysql://localhost/x"}, "fabroute keeps its record in PostgreSQL, not mysql"),
        (
            {"FABROUTE_DATABASE_URL": "postgresql://app_rw@/x?host=/tmp/fabroute-1/postgres"},
            "points at embedded servers",
        ),
        ({"FABROUTE_HTTP_PORT": "many"}, "FABROUTE_HTTP_PORT: give a whole number"),
    ],
)
def test_without_what_it_needs_it_says_what_to_set_and_stops(environment: dict[str, str], words: str) -> None:
    with start(environment) as process:
        _, log = process.communicate(timeout=60)

    assert process.returncode == EXIT_MISCONFIGURED
    assert log.startswith("fabroute api: ")
    assert words in log
    assert "Traceback" not in log


def test_it_serves_on_a_socket_logs_json_and_stops_when_told(database: Database, tmp_path: Path) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        with unit_of_work(engine) as session:
            save_logistics(session, data=LogisticsData(places=(BERLIN, HAMBURG)))
    path = tmp_path / "api.sock"
    settings = {"FABROUTE_DATABASE_URL": database.url, "FABROUTE_PROFILE": "embedded"}
    with start(settings, "--uds", str(path)) as process, client_on(str(path), owner.token, {}) as client:
        wait_until_listening(path, process)
        assert client.get("/readyz").status_code == 200
        placed = client.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": "k"})
        process.send_signal(signal.SIGTERM)
        _, log = process.communicate(timeout=60)

    assert placed.status_code == 201
    assert "server" not in placed.headers
    assert process.returncode == 0
    assert not path.exists()
    assert [line[0] for line in log.splitlines()] == ["{"] * len(log.splitlines())
    assert '"Application startup complete."' in log
    assert '"Application shutdown complete."' in log


def test_told_to_stop_it_answers_the_order_that_waits_to_be_written(database: Database, tmp_path: Path) -> None:
    path = tmp_path / "api.sock"
    settings = {"FABROUTE_DATABASE_URL": database.url, "FABROUTE_PROFILE": "embedded"}
    with (
        engine_for(database.url) as engine,
        start(settings, "--uds", str(path)) as process,
        ThreadPoolExecutor(1) as threads,
        client_on(str(path), given_owner_and_places(engine).token, {}) as client,
    ):
        wait_until_listening(path, process)

        def place(key: str) -> httpx.Response:
            return client.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": key})

        place("warm")
        with keys_locked(engine):
            waiting = threads.submit(place, "k")
            wait_until(lambda: a_writer_waits(engine))
            process.send_signal(signal.SIGTERM)
            wait_until(lambda: not is_listening(path))
        answer = waiting.result()
        process.communicate(timeout=60)

    assert (answer.status_code, answer.headers["connection"]) == (201, "close")
    assert process.returncode == 0


def is_listening(path: Path) -> bool:
    with suppress(OSError), socket.socket(socket.AF_UNIX) as probe:
        probe.connect(str(path))
        return True
    return False
