"""``fabroute readiness`` and ``fabroute scopes`` against an API that answers what it is told."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.client import ApiClient
from fabroute.cli.follow import NothingMoves
from fabroute.cli.output import stdout
from fabroute.cli.readiness import EXIT_NO_ROUTE, NoSuchPart, ReportNotMade, wait_for_report
from fabroute.kernel.errors import DomainError
from tests.unit.cli.test_readiness_story import a_report, a_source, an_entry

NONE_YET = {"code": "no_readiness_report", "detail": "no readiness report was made yet", "errors": []}
ASKED = {"id": "rdy_2", "asked_at": "2026-06-15T08:00:00Z"}


@dataclass(slots=True)
class ToldApi:
    """The reports that are answered one after the other, the last of them for good; ``None``: there is none yet."""

    url: str = ""
    reports: list[dict[str, Any] | None] = field(default_factory=list)
    entries: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, list[str]]]] = field(default_factory=list)

    def answer(self, method: str, path: str, query: dict[str, list[str]]) -> tuple[int, dict[str, Any]]:
        """Return status and body."""
        self.asked.append((method, path, query))
        if path == "/v1/planning-scopes":
            return 200, {"data": [], "has_more": False, "next_cursor": None}
        if method == "POST":
            return 202, ASKED
        asks_for_the_report = query.get("limit") == ["1"]
        first = self.reports[0]
        if asks_for_the_report and len(self.reports) > 1:
            del self.reports[0]
        if first is None:
            return 404, NONE_YET
        states = query.get("state", [])
        parts = query.get("part", [])
        entries = [
            it
            for it in self.entries
            if not (
                asks_for_the_report or (states and it["state"] not in states) or (parts and it["part"] not in parts)
            )
        ]
        return 200, {"report": first, "data": entries, "has_more": False, "next_cursor": None}


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of 160 columns: how many there are is read when a process starts, and test runners say 80."""
    monkeypatch.setattr(stdout, "width", 160)


@pytest.fixture
def told() -> Iterator[ToldApi]:
    """An API with a report of one part that is one failure away."""
    api = ToldApi(reports=[a_report(sources=[a_source()])], entries=[an_entry()])

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            split = urlsplit(self.path)
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            status, body = api.answer(self.command, split.path, parse_qs(split.query))
            content = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json" if status < 400 else "application/problem+json")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield api
    server.shutdown()
    server.server_close()


def run(told: ToldApi, *arguments: str) -> Result:
    environment = {"FABROUTE_URL": told.url, "FABROUTE_API_KEY": "fr_test"}
    done = CliRunner().invoke(app, list(arguments), env=environment)
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def test_the_last_report_is_shown_with_what_is_short_and_what_would_help(told: ToldApi) -> None:
    done = run(told, "readiness")

    assert done.exit_code == 0
    assert "2 released parts, 3 with regions" in done.stdout
    assert "only N101" in done.stdout
    assert "what would add a second source, most parts first:" in done.stdout
    assert [query.get("state") for _, _, query in told.asked[1:]] == [["no_route"], ["ends_soon"], ["one_failure_away"]]
    assert {method for method, _, _ in told.asked} == {"GET"}


def test_a_script_is_told_by_the_exit_code_that_something_has_no_route(told: ToldApi) -> None:
    told.entries.append(an_entry(part="RL-0002", state="no_route"))

    assert run(told, "readiness").exit_code == EXIT_NO_ROUTE == 3
    assert run(told, "readiness", "--state", "one_failure_away").exit_code == 0
    shown = run(told, "readiness", "--part", "RL-0002", "--region", "europe", "--state", "no_route", "--json")
    assert json.loads(shown.stdout)["data"][0]["part"] == "RL-0002"
    assert (shown.exit_code, told.asked[-1][2]["region"]) == (EXIT_NO_ROUTE, ["europe"])


def test_a_part_that_is_not_there_is_told_and_one_without_such_a_state_is_not_taken_for_it(told: ToldApi) -> None:
    with pytest.raises(NoSuchPart, match="no released part NOPE in the latest report"):
        run(told, "readiness", "--part", "NOPE")

    assert told.asked[-1][2] == {"part": ["NOPE"], "limit": ["2"]}
    assert run(told, "readiness", "--part", "RL-0001", "--state", "no_route").exit_code == 0


def test_without_a_report_one_is_asked_for_and_waited_for(told: ToldApi) -> None:
    told.reports = [None, None, a_report()]

    assert run(told, "readiness").exit_code == 0
    assert [method for method, _, _ in told.asked[:4]] == ["GET", "POST", "GET", "GET"]


def test_a_new_report_is_asked_for_and_the_one_before_is_not_taken_for_it(told: ToldApi) -> None:
    told.reports = [a_report(id="rdy_1", asked=ASKED), a_report()]
    done = run(told, "readiness", "--now", "--json")

    assert json.loads(done.stdout)["report"]["id"] == "rdy_2"
    assert told.asked[0][:2] == ("POST", "/v1/readiness")


def test_a_report_that_fails_or_that_nobody_makes_is_told(told: ToldApi) -> None:
    with ApiClient(url=told.url, key="fr_test") as client:
        told.reports = [a_report(id="rdy_1", failed_at="2026-06-15T08:00:00Z")]
        with pytest.raises(ReportNotMade, match="the report could not be made"):
            wait_for_report(client, report_id="rdy_2", seconds=5)
        told.reports = [None]
        with pytest.raises(NothingMoves, match=r"report rdy_2 was asked for, and is not made: is a worker running"):
            wait_for_report(client, report_id="rdy_2", seconds=0.2)


def test_without_any_order_there_is_no_scope(told: ToldApi) -> None:
    assert "there is no planning scope" in run(told, "scopes").stdout
    assert json.loads(run(told, "scopes", "--json").stdout) == {"data": []}
