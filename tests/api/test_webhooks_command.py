"""``fabroute webhooks`` on a served API, with a receiver of its own."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest
from typer.testing import CliRunner, Result

from fabroute.cli.output import stdout
from fabroute.cli.webhook_receiver import PortTaken, event_line, make_receiver
from fabroute.cli.webhooks import webhooks
from fabroute.kernel.time import utc_now
from fabroute.webhooks.rules.signing import new_secret, signed_headers
from fabroute.webhooks.rules.verifying import UnusableSecret
from fabroute.webhooks.service.sequencing import sequence_events
from tests.factories.api import Api
from tests.factories.webhooks import deliver
from tests.fakes.senders import FAILED, FakeSender
from tests.fakes.web_server import Answer, Asked, served_by

BODY = b'{"id":"evt_1","type":"order.placed","timestamp":"2026-06-15T08:00:00Z","subject":{"id":"ord_1"},"data":{}}'


@contextmanager
def listening(secret: str) -> Iterator[tuple[str, list[str]]]:
    """Yield where a receiver is, and the lines that it tells."""
    lines: list[str] = []
    server = make_receiver(0, secret=secret, tell=lines.append)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", lines
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def test_what_is_signed_is_taken_and_told_and_what_is_not_is_refused() -> None:
    secret = new_secret("v1")
    signed = signed_headers([secret], message_id="evt_1", timestamp=int(utc_now().timestamp()), body=BODY)
    with listening(secret.text) as (url, lines), httpx.Client() as client:
        good = client.post(url, content=BODY, headers=signed)
        changed = client.post(url, content=BODY + b" ", headers=signed)
        bare = client.post(url, content=BODY)

    assert [it.status_code for it in (good, changed, bare)] == [204, 400, 400]
    assert lines[0].startswith("2026-06-15T08:00:00Z  order.placed")
    assert lines[1].startswith("refused: no signature fits")
    assert lines[2].startswith("refused: it lacks webhook-id")


def test_a_port_that_is_taken_is_named() -> None:
    with listening(new_secret("v1").text) as (url, _):
        port = int(url.rstrip("/").rpartition(":")[2])
        with pytest.raises(PortTaken, match=f"port {port} can't be listened on"):
            make_receiver(port, secret="whsec_", tell=print)
    assert port > 1023


@pytest.mark.parametrize(
    ("secret", "words"),
    [
        ("nonsense", "give the whsec_… that you were shown"),
        ("", "give the whsec_… that you were shown"),
        ("whsec_a", "that is no whsec_…: copy it again"),
        ("whsec_ключ", "that is no whsec_…: copy it again"),
        ("whpk_AAAA", "that is no whpk_… of an Ed25519 key"),
        ("whpk_ключ", "that is no whpk_… of an Ed25519 key"),
    ],
)
def test_a_secret_that_can_verify_nothing_is_refused_before_anything_is_listened_for(secret: str, words: str) -> None:
    done = CliRunner().invoke(webhooks, ["listen", "--port", "0", "--secret", secret])

    assert isinstance(done.exception, UnusableSecret)
    assert str(done.exception.message).startswith(words)


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tables of 160 columns: how many there are is read when a process starts, and test runners say 80."""
    monkeypatch.setattr(stdout, "width", 160)


@pytest.fixture
def url(standing_api: Api) -> Iterator[str]:
    """The API on a port, as commands reach it."""

    def handle(asked: Asked) -> Answer:
        headers = {"Content-Type": asked.headers.get("content-type", "application/json")}
        found = standing_api.client.request(asked.method, asked.path, content=asked.body, headers=headers)
        return Answer(status=found.status_code, body=found.content, headers={"Content-Type": "application/json"})

    with served_by(handle) as served:
        yield served


def run(url: str, *words: str) -> Result:
    return CliRunner().invoke(webhooks, [*words, "--key", "fr_test", "--url", url], catch_exceptions=False)


def test_an_endpoint_is_added_tested_looked_at_and_sent_to_again(standing_api: Api, url: str) -> None:
    added = run(url, "add", "https://hooks.example.com/", "--type", "order.*", "--ed25519")
    endpoint_id = added.stdout.splitlines()[0].removeprefix("endpoint ")
    listed = run(url, "list")
    tested = run(url, "test", endpoint_id)
    event_id = tested.stdout.partition(" ")[0]
    sequence_events(standing_api.engine, now=utc_now())
    sender, sealer = FakeSender(), standing_api.resources.people.sealer
    deliver(standing_api.engine, sender, now=utc_now, sealer=sealer)
    deliveries = run(url, "deliveries", endpoint_id)
    delivery_id = json.loads(run(url, "deliveries", endpoint_id, "--json").stdout)["data"][0]["id"]
    replayed = run(url, "replay", delivery_id)
    since = run(url, "replay", endpoint_id, "--since", "2026-01-01", "--type", "screening.*")

    assert [line[:9] for line in added.stdout.splitlines()[1:]] == ["v1: whsec", "v1a: whpk"]
    assert endpoint_id in listed.stdout
    assert event_id in sender.ids()
    assert "webhook_endpoint.tested" in deliveries.stdout
    assert "delivered" in deliveries.stdout
    assert replayed.stdout.startswith(f"{event_id} is on its way again: whd_")
    assert since.stdout == "0 events are on their way again\n"


def test_a_failed_delivery_says_why(standing_api: Api, url: str) -> None:
    added = json.loads(run(url, "add", "https://failing.example.com/", "--json").stdout)
    endpoint_id = added["endpoint"]["id"]
    run(url, "test", endpoint_id)
    sequence_events(standing_api.engine, now=utc_now())
    deliver(standing_api.engine, FakeSender(lambda _: FAILED), now=utc_now, sealer=standing_api.resources.people.sealer)

    shown = run(url, "deliveries", endpoint_id, "--state", "pending").stdout
    assert "HTTP 500" in shown
    assert run(url, "deliveries", endpoint_id, "--state", "given_up").stdout == "none yet\n"


def test_events_are_followed_without_an_endpoint(standing_api: Api, url: str) -> None:
    sequence_events(standing_api.engine, now=utc_now())
    followed = run(url, "follow", "--from-start", "--type", "part_revision.*", "--most", "1")

    assert "part_revision.released" in followed.stdout
    assert len(followed.stdout.splitlines()) == 1
    assert event_line({"type": "x"}) == "a message that is no event"
