"""Our own connector, at its own pace, through the conformance proxy before a small fabroute; and the command."""

import json
import socket
import struct
import threading
from pathlib import Path

import httpx
import pytest
from typer.testing import CliRunner

from fabroute.bureau.conformance.exchanges import Exchange
from fabroute.bureau.conformance.faults import FaultScript, Reply
from fabroute.bureau.conformance.proxy import Recorder, serving_proxy
from fabroute.cli.app import app
from tests.factories.processes import PATIENCE_SECONDS, wait_until
from tests.fakes.fabroute_server import KEY, NODE, FakeFabroute, FakeJob
from tests.fakes.web_server import served_by


class Undisturbed:
    """Lets everything through."""

    def before(self, request: Exchange) -> Reply | None:
        return None

    def delay(self, request: Exchange) -> float:
        return 0.0

    def after(self, request: Exchange, reply: Reply) -> Reply:
        return reply


def headers(**more: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {KEY}"} | more


def test_the_proxy_lets_bodies_headers_and_answers_through_and_keeps_them() -> None:
    fabroute, recorder = FakeFabroute(FakeJob(job_id="job_1")), Recorder()
    with (
        served_by(fabroute) as upstream,
        serving_proxy(upstream=upstream, script=Undisturbed(), recorder=recorder) as url,
        httpx.Client(base_url=url, headers=headers(), verify=False) as http,
    ):
        listed = http.get(f"/v1/nodes/{NODE}/jobs?limit=5")
        again = http.get(f"/v1/nodes/{NODE}/jobs?limit=5", headers={"If-None-Match": listed.headers["ETag"]})
        claim = {"Idempotency-Key": "k-1", "Content-Type": "application/json"}
        chunked = http.post(f"/v1/nodes/{NODE}/claims", content=iter([b'{"max": ', b"1}"]), headers=claim)
    assert (listed.status_code, listed.json()["data"][0]["id"]) == (200, "job_1")
    assert (again.status_code, again.content) == (304, b"")
    assert chunked.json()["data"][0]["lease"]["epoch"] == 1
    assert fabroute.asked[2].body == b'{"max": 1}'
    log = recorder.log()
    assert [(it.method, it.status) for it in log] == [("GET", 200), ("GET", 304), ("POST", 200)]
    assert [it.number for it in log] == [1, 2, 3]


def test_a_dropped_answer_is_no_answer_at_all_and_a_busy_one_says_when() -> None:
    fabroute, recorder = FakeFabroute(FakeJob(job_id="job_1")), Recorder()
    claim = headers(**{"Idempotency-Key": "k-1"})
    with (
        served_by(fabroute) as upstream,
        serving_proxy(upstream=upstream, script=FaultScript(), recorder=recorder) as url,
        httpx.Client(base_url=url, verify=False) as http,
    ):
        busy = http.post(f"/v1/nodes/{NODE}/claims", json={"max": 1}, headers=claim)
        with pytest.raises(httpx.RemoteProtocolError):
            http.post(f"/v1/nodes/{NODE}/claims", json={"max": 1}, headers=claim)
        again = http.post(f"/v1/nodes/{NODE}/claims", json={"max": 1}, headers=claim)
    assert (busy.status_code, busy.headers["Retry-After"], busy.json()["code"]) == (503, "2", "temporarily_unavailable")
    assert again.json()["data"][0]["job"]["added_tomorrow"] == {"by": "a newer fabroute"}
    assert [it.fault for it in recorder.log()] == ["busy", "answer_lost", "unknown_field"]
    assert len(fabroute.asked) == 2


class Held(Undisturbed):
    """Holds every request until it is let go."""

    def __init__(self) -> None:
        self.arrived, self.let_go = threading.Event(), threading.Event()

    def delay(self, request: Exchange) -> float:
        self.arrived.set()
        self.let_go.wait(PATIENCE_SECONDS)
        return 0.0


@pytest.mark.parametrize("linger", [(0, 0), (1, 0)], ids=["closed", "reset"])
def test_a_client_that_went_away_got_no_answer(linger: tuple[int, int], capfd: pytest.CaptureFixture[str]) -> None:
    recorder, script, over = Recorder(), Held(), threading.Event()
    with (
        served_by(FakeFabroute()) as upstream,
        serving_proxy(upstream=upstream, script=script, recorder=recorder, on_exchange=lambda _: over.set()) as url,
    ):
        with connected(url) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", *linger))
            client.sendall(f"GET /v1/nodes/{NODE}/jobs HTTP/1.1\r\nHost: here\r\n\r\n".encode())
            assert script.arrived.wait(PATIENCE_SECONDS)
        script.let_go.set()
        assert over.wait(PATIENCE_SECONDS)
    ((status, answer),) = ((it.status, it.answer) for it in recorder.log())
    assert (status, answer) == (0, b"")
    assert capfd.readouterr().err == ""


def test_a_client_that_leaves_between_two_requests_is_no_news(capfd: pytest.CaptureFixture[str]) -> None:
    recorder, before = Recorder(), threading.active_count()
    with (
        served_by(FakeFabroute()) as upstream,
        serving_proxy(upstream=upstream, script=Undisturbed(), recorder=recorder) as url,
        connected(url) as client,
    ):
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        client.sendall(f"GET /v1/nodes/{NODE}/jobs HTTP/1.1\r\nHost: here\r\n\r\n".encode())
        assert client.recv(12) == b"HTTP/1.1 401"
    assert wait_until(lambda: threading.active_count() <= before)
    assert [it.status for it in recorder.log()] == [401]
    assert capfd.readouterr().err == ""


def connected(url: str) -> socket.socket:
    host, _, port = url.removeprefix("http://").partition(":")
    return socket.create_connection((host, int(port)))


def test_an_installation_that_is_not_there_is_told_as_such() -> None:
    with served_by(FakeFabroute()) as gone:
        pass
    with (
        serving_proxy(upstream=gone, script=Undisturbed(), recorder=Recorder()) as url,
        httpx.Client(base_url=url, verify=False) as http,
    ):
        answer = http.get("/v1/signing-key")
    assert (answer.status_code, answer.json()["code"]) == (502, "fabroute_unreachable")


def test_the_command_watches_a_client_and_ends_with_the_verdicts(tmp_path: Path) -> None:
    fabroute = FakeFabroute(FakeJob(job_id="job_1"))
    with served_by(fabroute) as upstream:
        arguments = ["conformance", upstream, "--key", KEY, "--node", NODE, "--port", "0", "--seconds", "1", "--json"]
        done = CliRunner().invoke(app, arguments)
    told = json.loads(done.stdout)
    assert (done.exit_code, len(told["rules"])) == (2, 16)
    assert {rule["outcome"] for rule in told["rules"]} == {"NOT SEEN"}
    assert "1 offered job(s) wait at N101; three make every rule seen" in done.stderr
    assert threading.active_count() < 20
    assert list(tmp_path.iterdir()) == []
