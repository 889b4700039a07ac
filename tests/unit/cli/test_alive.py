"""The health check of containers."""

import socket
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


def asked(program: str, *options: str) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["alive", program, *options])
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


class Healthy(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer that all is well."""
        self.send_response(200)
        self.end_headers()

    def address_string(self) -> str:
        """Return nothing: a Unix socket has no address of who asks."""
        return ""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


class OverUnix(HTTPServer):
    address_family = socket.AF_UNIX

    def server_bind(self) -> None:
        """Bind without asking for a name."""
        self.socket.bind(str(self.server_address))


class OverIPv6(HTTPServer):
    address_family = socket.AF_INET6


def test_serve_on_a_unix_socket_is_asked_there(tmp_path: Path) -> None:
    path = str(tmp_path / "s")
    with OverUnix(path, Healthy) as server:  # type: ignore[arg-type]
        thread = Thread(target=server.handle_request)
        thread.start()
        found = asked("serve", "--uds", path)
        thread.join()

    assert found == (0, "serve is alive")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")  # httpcore leaves its socket open
def test_a_unix_socket_that_nobody_serves_is_told(tmp_path: Path) -> None:
    assert asked("serve", "--uds", f"{tmp_path}/s") == (
        1,
        f"fabroute: {tmp_path}/s does not answer (ConnectError): is fabroute serve running here?",
    )


@pytest.mark.parametrize("host", ["::1", "::"])
def test_serve_on_an_address_of_ipv6_is_asked_there(host: str) -> None:
    with OverIPv6(("::1", 0), Healthy) as server:
        thread = Thread(target=server.handle_request)
        thread.start()
        found = asked("serve", "--host", host, "--port", str(server.server_port))
        thread.join()

    assert found == (0, "serve is alive")
