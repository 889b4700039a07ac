"""``fabroute status`` and ``fabroute metrics`` as processes, on a real database."""

import json
import os
import pty
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import Engine, text

from fabroute.identity.service.sealing import seal_audit_log
from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.processes import PATIENCE_SECONDS, a_process, plain_environment, run_module, wait_until
from tests.factories.programs import connected

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def settings(database: Database) -> Iterator[dict[str, str]]:
    """The environment of a command at an installation at which relay and workers are there."""
    with connected(database.url, "relay", "routing"):
        yield environment_of(database)


def environment_of(database: Database) -> dict[str, str]:
    return {"FABROUTE_PROFILE": "embedded", "FABROUTE_DATABASE_URL": database.url, "COLUMNS": "200"}


def change(engine: Engine, statement: str) -> None:
    in_transaction(engine, lambda session: session.connection().execute(text(statement)))


def place(engine: Engine, count: int, *, minutes_ago: int = 0) -> None:
    """Place orders of which everybody has been told."""
    owner, placed_at = given_owner(engine), utc_now() - timedelta(minutes=minutes_ago)
    given_orders(engine, *(make_order(owner, placed_at=placed_at) for _ in range(count)))
    change(engine, "UPDATE outbox_events SET published_at = now(), sequenced_at = now()")
    seal_audit_log(engine, seconds=10)


def park_one(engine: Engine) -> None:
    """Leave one parked line and one that waits."""
    place(engine, 2)
    first = "(SELECT min(id) FROM order_lines)"
    change(engine, f"UPDATE order_lines SET state = 'parked', state_reason = 'it breaks runs' WHERE id = {first}")


def test_status_tells_once_and_ends_well_where_nobody_has_to_be_woken(engine: Engine, settings: dict[str, str]) -> None:
    park_one(engine)
    told = run_module("fabroute.cli", "status", "--once", environment=settings)

    lines = told.stdout.splitlines()
    assert told.returncode == 0, told.stderr
    assert re.fullmatch(r"fabroute at 20\d\d-\d\d-\d\d \d\d:\d\d:\d\d UTC: 1 alert", lines[0])
    assert lines[1] == (
        "! 1 line is parked: nobody routes what is parked until a person has looked  (FabrouteLinesParked)"
    )
    assert lines[2].startswith("  what to do: fabroute doctor lists them with their reasons")


def test_status_ends_with_1_where_somebody_has_to_be_woken(engine: Engine, settings: dict[str, str]) -> None:
    place(engine, 1, minutes_ago=20)
    told = run_module("fabroute.cli", "status", "--json", environment=settings)

    document = json.loads(told.stdout)
    assert told.returncode == 1
    assert document["well"] is False
    assert [(it["name"], it["severity"]) for it in document["alerts"]] == [("FabrouteOldestOrder", "page")]
    (scope,) = document["figures"]["lines"]["scopes"]
    assert (scope["scope"], scope["pending"], scope["due"]) == ("global", 1, 1)
    assert 1200 <= scope["new_age_seconds"] < 1300


def test_it_is_not_well_where_nothing_runs_though_nothing_waits(database: Database, engine: Engine) -> None:
    told = run_module("fabroute.cli", "status", "--once", environment=environment_of(database))

    lines = told.stdout.splitlines()
    assert told.returncode == 1, told.stderr
    assert lines[0].endswith(": 2 alerts")
    assert [line.rpartition("(")[2] for line in lines if line.startswith("! ")] == [
        "FabrouteNoRelay)",
        "FabrouteNobodyRoutes)",
    ]


def test_on_a_terminal_status_is_shown_anew_until_the_person_has_seen_enough(
    engine: Engine, settings: dict[str, str]
) -> None:
    ours, theirs = pty.openpty()
    environment = plain_environment() | settings | {"TERM": "xterm-256color"}
    command = [sys.executable, "-m", "fabroute.cli", "status", "--every", "1"]
    with subprocess.Popen(command, env=environment, stdout=theirs, stderr=theirs, stdin=theirs) as process:
        try:
            os.close(theirs)
            seen = b""
            while b"1 line is parked" not in seen:
                if b"all is well" in seen and b"none is open" in seen:
                    park_one(engine)
                    seen = b""
                seen += os.read(ours, 65_536)
            process.send_signal(signal.SIGINT)
            code = process.wait(PATIENCE_SECONDS)
        finally:
            process.kill()
    os.close(ours)

    assert code == 128 + signal.SIGINT


def test_metrics_are_printed_once(engine: Engine, settings: dict[str, str]) -> None:
    park_one(engine)
    told = run_module("fabroute.cli", "metrics", "--once", environment=settings)

    found = {family.name: family for family in text_string_to_metric_families(told.stdout)}
    assert told.returncode == 0, told.stderr
    assert found["fabroute_parked_lines"].samples[0].value == 1
    assert found["fabroute_database_up"].samples[0].value == 1
    assert [(it.labels, it.value) for it in found["fabroute_open_lines"].samples] == [
        ({"scope": "global", "state": "pending"}, 1),
        ({"scope": "global", "state": "routing"}, 0),
    ]


def test_metrics_are_served_where_no_api_runs_and_tell_of_a_silent_database(
    engine: Engine, settings: dict[str, str], tmp_path: Path
) -> None:
    log = tmp_path / "log"
    with a_process("fabroute.cli", "metrics", "--port", "0", environment=settings, log=log):
        assert wait_until(lambda: "/metrics" in log.read_text(encoding="utf-8")), log.read_text(encoding="utf-8")
        url = str(re.findall(r"http://\S+", log.read_text(encoding="utf-8"))[0])
        page = httpx.get(url)
        elsewhere = httpx.get(url.replace("/metrics", "/else"))

    assert (page.status_code, elsewhere.status_code) == (200, 404)
    names = {family.name for family in text_string_to_metric_families(page.text)}
    assert {"fabroute_database_up", "fabroute_build_info", "process_cpu_seconds"} <= names


def test_metrics_say_what_is_missing_where_no_database_is_set() -> None:
    told = run_module("fabroute.cli", "metrics", "--once", environment={})

    assert told.returncode != 0
    assert "set FABROUTE_DATABASE_URL" in told.stderr
    assert "Traceback" not in told.stderr
