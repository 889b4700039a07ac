"""``fabroute screen`` against an API that answers what it is told: no server of ours is needed."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.app import app
from fabroute.cli.client import ApiClient, ApiRefusal
from fabroute.cli.screen import wait_for_screening
from fabroute.cli.tables import UnreadableFile
from fabroute.kernel.errors import DomainError
from tests.unit.cli.test_screening_story import a_row, a_screening


@dataclass(slots=True)
class ToldApi:
    """What is answered, and what was asked: ``(method, path, query, media type, body)``."""

    url: str = ""
    refusal: tuple[int, dict[str, Any]] | None = None
    polls: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    asked: list[tuple[str, str, dict[str, list[str]], str, bytes]] = field(default_factory=list)

    def answer(self, path: str) -> tuple[int, str, bytes]:
        """Return status, media type and body for a path."""
        if self.refusal is not None:
            return self.refusal[0], "application/problem+json", json.dumps(self.refusal[1]).encode()
        if path.endswith("/rows"):
            page = {"data": self.rows, "has_more": False, "next_cursor": None}
            return 200, "application/json", json.dumps(page).encode()
        if path.endswith("/result"):
            return 200, "text/csv", b"rank,part_no\r\n1,D-1\r\n"
        state = self.polls.pop(0) if len(self.polls) > 1 else self.polls[0]
        return 200, "application/json", json.dumps(state).encode()


@pytest.fixture
def told() -> Iterator[ToldApi]:
    """An API that answers what a test tells it, on a port of its own."""
    api = ToldApi(polls=[a_state("done", 3200)], rows=[dict(a_row())])

    class Handler(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            split = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            media_type = self.headers.get("Content-Type", "")
            api.asked.append((self.command, split.path, parse_qs(split.query), media_type, body))
            status, answered, content = api.answer(split.path)
            self.send_response(status)
            self.send_header("Content-Type", answered)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST = _serve

        def log_message(self, format: str, *args: object) -> None:
            """Keep quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    api.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield api
    server.shutdown()
    server.server_close()
    thread.join()


def a_state(state: str, judged: int) -> dict[str, Any]:
    return dict(a_screening()) | {"id": "scr_1", "state": state, "judged": judged, "name": "mill"}


@pytest.fixture
def mill(tmp_path: Path) -> Path:
    file = tmp_path / "mill.csv"
    file.write_bytes(b"part_no\nD-1\n")
    return file


def run(told: ToldApi, *arguments: object) -> Result:
    """Run the command; what ``main`` would print as one line is raised."""
    environment = {"FABROUTE_URL": told.url, "FABROUTE_API_KEY": "fr_test"}
    done = CliRunner().invoke(app, ["screen", *map(str, arguments)], env=environment)
    if isinstance(done.exception, DomainError):
        raise done.exception
    return done


def test_the_list_is_sent_as_it_is_under_the_name_of_its_file(told: ToldApi, mill: Path) -> None:
    done = run(told, mill)
    method, path, query, media_type, body = told.asked[0]
    assert (method, path, query) == ("POST", "/v1/advice/screenings", {"name": ["mill"]})
    assert (media_type, body) == ("text/csv", b"part_no\nD-1\n")
    assert done.exit_code == 0, done.output
    assert done.stdout.splitlines()[-1].startswith("of 3,200 parts 31 (1.0%) are worth a digital twin, saving €41,200")
    assert "Nozzle" in done.stdout
    assert "[old]" in done.stdout  # a word of the name, no markup; a narrow terminal has it in a line of its own


def test_terms_go_into_the_query_and_materials_one_by_one(told: ToldApi, mill: Path) -> None:
    run(told, mill, "--name", "winter & co", "--term", "holding_cost=0.2", "--term", "process_materials=PA12|LPBF:316L")
    assert told.asked[0][2] == {
        "name": ["winter & co"],
        "holding_cost": ["0.2"],
        "process_materials": ["PA12", "LPBF:316L"],
    }
    wrong = run(told, mill, "--term", "holding_cost")
    assert wrong.exit_code == 2
    assert len(told.asked) == 3


def test_json_is_sent_as_json(told: ToldApi, tmp_path: Path) -> None:
    file = tmp_path / "mill.JSON"
    file.write_text('[{"part_no": "D-1"}]', encoding="utf8")
    done = run(told, file, "--json")
    assert told.asked[0][3:] == ("application/json", b'[{"part_no": "D-1"}]')
    answer = json.loads(done.stdout)
    assert (answer["screening"]["id"], [row["part_no"] for row in answer["rows"]]) == ("scr_1", ["D-1"])


def test_it_waits_until_every_part_is_judged_and_tells_how_far_it_is(told: ToldApi) -> None:
    told.polls = [a_state("queued", 0), a_state("running", 1600), a_state("done", 3200)]
    steps: list[tuple[str, int, int]] = []
    with ApiClient(url=told.url, key="x") as client:
        done = wait_for_screening(client, screening_id="scr_1", step=lambda *told: steps.append(told))
    assert done["state"] == "done"
    assert steps == [("parts judged", 0, 3200), ("parts judged", 1600, 3200), ("parts judged", 3200, 3200)]
    assert {path for _, path, *_ in told.asked} == {"/v1/advice/screenings/scr_1"}


def test_only_worthwhile_parts_are_shown_and_no_more_than_asked_for(told: ToldApi, mill: Path) -> None:
    told.rows = [dict(a_row(part_no=f"D-{number}")) for number in range(1, 6)]
    done = run(told, mill, "--limit", "2")
    assert told.asked[-1][1:3] == ("/v1/advice/screenings/scr_1/rows", {"limit": ["200"], "verdict": ["digital_twin"]})
    assert [part for part in ("D-1", "D-2", "D-3") if part in done.stdout] == ["D-1", "D-2"]
    told.rows = []
    assert len(run(told, mill).stdout.splitlines()) == 1


def test_all_parts_are_written_to_a_file(told: ToldApi, mill: Path, tmp_path: Path) -> None:
    out = tmp_path / "result.csv"
    done = run(told, mill, "--out", out)
    assert out.read_bytes() == b"rank,part_no\r\n1,D-1\r\n"
    assert f"all parts, ranked: {out}" in done.stderr
    assert told.asked[-1][1] == "/v1/advice/screenings/scr_1/result"


def test_problems_of_rows_are_listed_and_end_with_one(told: ToldApi, mill: Path) -> None:
    errors = [{"pointer": f"/rows/{number}/moq", "message": "must be at least 1"} for number in range(1, 61)]
    told.refusal = (422, {"code": "import_refused", "errors": errors, "detail": "x"})
    done = run(told, mill)
    assert done.exit_code == 1
    assert done.stdout.splitlines()[0] == "  /rows/1/moq: must be at least 1"
    assert done.stdout.splitlines()[50:] == ["… and 10 more problems", "mill.csv: 60 problem(s): nothing was screened"]


def test_other_refusals_are_told_in_the_words_of_the_api(told: ToldApi, mill: Path, tmp_path: Path) -> None:
    told.refusal = (422, {"code": "invalid_term", "errors": [], "detail": "horizon_years must be above 0"})
    with pytest.raises(ApiRefusal, match="horizon_years must be above 0") as refused:
        run(told, mill)
    assert (refused.value.code, refused.value.status) == ("invalid_term", 422)
    with pytest.raises(UnreadableFile, match="No such file"):
        run(told, tmp_path / "missing.csv")
