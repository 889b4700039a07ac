"""The health check of containers."""

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from typer.testing import CliRunner

from fabroute.cli.app import app
from fabroute.settings import get_settings


@pytest.fixture(autouse=True)
def _own_settings() -> Iterator[None]:
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def asked(program: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["alive", program])
    return done.exit_code, " ".join(done.output.split())


def test_work_is_alive_while_its_file_is_fresh(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABROUTE_LIFE_SIGN_FILE", str(tmp_path / "alive"))
    without = asked("work")
    (tmp_path / "alive").touch()

    assert asked("work") == (0, "work is alive")
    assert without == (
        1,
        f"fabroute: no sign of life at {tmp_path}/alive for 60 seconds: not all processes of fabroute work run",
    )


def test_without_a_file_to_look_at_it_says_what_to_set() -> None:
    assert asked("work") == (1, "fabroute: set FABROUTE_LIFE_SIGN_FILE, the same for fabroute work and for this check")


@pytest.mark.parametrize(("status", "code", "words"), [(200, 0, "serve is alive"), (503, 1, "answers 503")])
def test_serve_is_alive_while_it_answers(status: int, code: int, words: str, monkeypatch: pytest.MonkeyPatch) -> None:
    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/healthz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        monkeypatch.setenv("FABROUTE_HTTP_PORT", str(server.server_port))
        monkeypatch.setenv("FABROUTE_HTTP_HOST", "0.0.0.0")
        thread = Thread(target=server.handle_request)
        thread.start()
        found, told = asked("serve")
        thread.join()
    assert found == code
    assert words in told


def test_serve_that_does_not_run_is_not_alive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FABROUTE_HTTP_PORT", "9")
    started = time.monotonic()

    code, told = asked("serve")

    assert code == 1
    assert told == (
        "fabroute: http://127.0.0.1:9/healthz does not answer (ConnectError): is fabroute serve running here?"
    )
    assert time.monotonic() - started < 10
