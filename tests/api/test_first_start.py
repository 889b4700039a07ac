import io
import json
import os
import pty
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner

from fabroute.api.first_start import first_operator_key, greet_first_operator
from fabroute.cli.app import app
from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import authenticate
from fabroute.kernel.time import utc_now
from fabroute.settings import Settings, get_settings
from tests.conftest import Database
from tests.factories.credentials import acts_on, given_keyed
from tests.factories.databases import engine_for, in_transaction, rows

TOKEN = re.compile(r"^fr_test_[0-9a-z]+_[0-9a-z]{39}\r?$", re.MULTILINE)
ROOT = Path(__file__).parents[2]


class Terminal(io.StringIO):
    """A terminal that keeps what is printed."""

    def isatty(self) -> bool:
        return True


@contextmanager
def settings_of(database: Database, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Commands of this process work on ``database``."""
    for name, value in (("DATABASE_URL", database.url), ("MIGRATION_DATABASE_URL", database.migration_url)):
        monkeypatch.setenv(f"FABROUTE_{name}", value)
    monkeypatch.setenv("FABROUTE_PROFILE", "embedded")
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def operators(database: Database) -> list[tuple[object, ...]]:
    with engine_for(database.url) as engine:
        sql = "SELECT o.id, count(k.id) FROM organisations o LEFT JOIN api_keys k ON k.organisation_id = o.id"
        return in_transaction(
            engine, lambda session: rows(session, f"{sql} WHERE o.kind = 'operator' GROUP BY o.id ORDER BY o.id")
        )


def test_migrating_an_empty_installation_prints_one_operator_key_and_never_again(
    empty_database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with settings_of(empty_database, monkeypatch):
        first = CliRunner().invoke(app, ["migrate"])
        second = CliRunner().invoke(app, ["migrate"])
    (token,) = TOKEN.findall(first.stdout)
    with engine_for(empty_database.url) as engine:
        with unit_of_work(engine) as session:
            principal = authenticate(session, token=token, now=utc_now())
        acts = acts_on(engine, "organisation", "org_operator") + acts_on(engine, "api_key", principal.key_id)

    assert (first.exit_code, second.exit_code, second.stdout) == (0, 0, "schema: current\n")
    assert first.stdout.splitlines()[0].startswith("schema: empty → ")
    assert "this installation had no operator: org_operator is made" in first.stderr
    assert (principal.organisation_id, principal.kind, principal.scopes) == ("org_operator", "operator", ALL_SCOPES)
    assert acts == [("organisation.created", "system:first-start"), ("api_key.issued", "system:keys")]


def test_an_installation_that_has_an_operator_keeps_it(database: Database) -> None:
    with engine_for(database.url) as engine:
        known = given_keyed(engine, kind="operator")
    terminal = Terminal()
    greet_first_operator(Settings(database_url=database.url, profile="embedded"), terminal=terminal)

    assert first_operator_key(database.url) is None
    assert (terminal.getvalue(), operators(database)) == ("", [(known.organisation_id, 1)])


def test_processes_that_start_together_make_one_operator(database: Database) -> None:
    with ThreadPoolExecutor(max_workers=4) as starters:
        made = list(starters.map(first_operator_key, [database.url] * 4))

    assert sorted(issued is not None for issued in made) == [False, False, False, True]
    assert operators(database) == [("org_operator", 1)]


def test_nothing_is_made_where_the_key_would_go_to_a_log_or_there_is_no_database(
    database: Database, empty_database: Database
) -> None:
    to_log, terminal = io.StringIO(), Terminal()
    greet_first_operator(Settings(database_url=database.url, profile="embedded"), terminal=to_log)
    greet_first_operator(Settings(database_url=empty_database.url, profile="embedded"), terminal=terminal)
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    greet_first_operator(Settings(database_url=nowhere, profile="embedded"), terminal=terminal)

    assert (to_log.getvalue(), terminal.getvalue(), operators(database)) == ("", "", [])


@pytest.mark.slow
def test_the_first_start_of_the_api_shows_the_key_on_its_terminal_and_not_in_its_log(
    database: Database, tmp_path: Path
) -> None:
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("FABROUTE_")}
    roots = ":".join(str(ROOT / folder) for folder in ("services", "workers", "infra/embedded"))
    settings = {"PYTHONPATH": roots, "FABROUTE_DATABASE_URL": database.url, "FABROUTE_PROFILE": "embedded"}
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "fabroute.api", "--uds", str(tmp_path / "api.sock")],
        env=inherited | settings,
        stdout=theirs,
        stderr=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        os.close(theirs)
        stop = threading.Timer(60, process.kill)
        stop.start()
        shown = ""
        while TOKEN.search(shown) is None:
            shown += os.read(ours, 4096).decode()
        process.terminate()
        _, log = process.communicate(timeout=60)
        stop.cancel()
    os.close(ours)
    (token,) = (it.strip() for it in TOKEN.findall(shown))

    assert token not in log
    assert [json.loads(line)["event"] for line in log.splitlines() if token[-39:] in line] == []
    with engine_for(database.url) as engine, unit_of_work(engine) as session:
        assert authenticate(session, token=token, now=utc_now()).organisation_id == "org_operator"
