"""The sender against real servers on this machine. What is slow is cut off by the sender's own time, set short here."""

import asyncio
import ssl
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fabroute.integrations.webhooks import HttpSender
from fabroute.integrations.webhooks.resolving import ForbiddenAddress, UnknownName, checked_addresses
from fabroute.integrations.webhooks.sender import MOST_KEPT_CHARACTERS, SECONDS
from fabroute.webhooks.ports import Answer
from fabroute.webhooks.rules.urls import place_of
from tests.factories.certificates_of_hosts import tls_for
from tests.fakes.receivers import (
    Behaviour,
    FakeNames,
    answering,
    breaking_off,
    dripping,
    dripping_body,
    hanging,
    running_receiver,
)
from tests.hostile.webhook_urls import HOSTILE, RESOLVES

NO_TLS = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
SHORT = 0.3
BODY = b'{"id":"evt_1"}'
HEADERS = {"webhook-id": "evt_1"}

_connected: list[object] = []
_watching: list[bool] = []


def _note_connection(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect" and _watching:
        _connected.append(arguments[1])


sys.addaudithook(_note_connection)


@contextmanager
def watched_connections() -> Iterator[list[object]]:
    """Yield the addresses that this process connects to, as Python itself notes them."""
    _connected.clear()
    _watching.append(True)
    try:
        yield _connected
    finally:
        _watching.clear()


def send(url: str, *, names: FakeNames | None = None, loopback: bool = True, tls: ssl.SSLContext = NO_TLS) -> Answer:
    """Send one message and return what came of it."""

    async def sending() -> Answer:
        async with HttpSender(loopback=loopback, seconds=SHORT, resolve=names, tls=tls) as sender:
            return await sender.send(url=url, headers=HEADERS, body=BODY)

    return asyncio.run(sending())


def test_a_message_arrives_with_its_headers_and_its_very_bytes() -> None:
    with running_receiver(answering(204)) as receiver:
        answer = send(receiver.url)

    [received] = receiver.received
    assert answer.is_taken
    assert (answer.status, answer.failure) == (204, "")
    assert (received.target, received.body) == ("/hooks?from=fabroute", BODY)
    assert received.headers["webhook-id"] == "evt_1"
    assert received.headers["host"] == f"127.0.0.1:{receiver.port}"
    assert received.headers["content-type"] == "application/json"
    assert received.headers["accept-encoding"] == "identity"


@pytest.mark.parametrize(
    ("status", "failure"), [(200, ""), (299, ""), (301, "redirect"), (400, "status"), (410, "gone"), (500, "status")]
)
def test_only_2xx_is_taken(status: int, failure: str) -> None:
    with running_receiver(answering(status, body=b"why")) as receiver:
        answer = send(receiver.url)

    assert (answer.status, answer.failure, answer.body) == (status, failure, "why")
    assert answer.is_taken is (failure == "")


def test_redirects_are_not_followed() -> None:
    with running_receiver(answering(200)) as inner, running_receiver(answering(302, location=inner.url)) as outer:
        answer = send(outer.url)

    assert (outer.connections, inner.connections) == (1, 0)
    assert (answer.status, answer.failure) == (302, "redirect")


@pytest.mark.parametrize("behave", [hanging, dripping])
def test_who_hangs_or_drips_is_cut_off(behave: Behaviour) -> None:
    with running_receiver(behave) as receiver:
        answer = send(receiver.url)

    assert (answer.status, answer.failure) == (None, "timeout")
    assert receiver.connections == 1
    assert SECONDS == 5.0


def test_ten_megabytes_are_read_no_further_than_their_beginning() -> None:
    with running_receiver(answering(500, body=b"x" * 10_000_000)) as receiver:
        answer = send(receiver.url)

    assert (answer.status, answer.failure) == (500, "status")
    assert answer.body == "x" * MOST_KEPT_CHARACTERS


def test_a_body_that_drips_after_its_status_is_not_waited_for() -> None:
    with running_receiver(dripping_body) as receiver:
        answer = send(receiver.url)

    assert set(answer.body) <= {"a"}
    assert (answer.status is None) == (answer.failure == "timeout")
    assert answer.status in (500, None)
    assert len(answer.body) < 100


def test_who_breaks_off_or_is_not_there_fails() -> None:
    with running_receiver(breaking_off) as receiver:
        broken = send(receiver.url)
    refused = send(receiver.url)

    assert (broken.failure, broken.status) == ("broken", None)
    assert (refused.failure, refused.status) == ("refused", None)


def test_no_hostile_url_gets_a_connection() -> None:
    async def sending() -> dict[str, Answer]:
        answers = {}
        for url in HOSTILE:
            names = _names_of(url)
            async with HttpSender(seconds=SHORT, resolve=names, tls=NO_TLS) as sender:
                answers[url] = await sender.send(url=url, headers=HEADERS, body=BODY)
        return answers

    with watched_connections() as connected:
        answers = asyncio.run(sending())

    assert [address for address in connected if isinstance(address, tuple)] == []
    failures = [answer.failure for answer in answers.values()]
    assert (len(failures), failures.count("unusable_url"), failures.count("forbidden_address")) == (
        len(HOSTILE),
        len(HOSTILE) - 5,
        5,
    )
    assert not any(answer.is_taken for answer in answers.values())


def _names_of(url: str) -> FakeNames:
    host = url.partition("://")[2].partition("/")[0].partition(":")[0]
    return FakeNames(RESOLVES.get(host, ("127.0.0.1",)))


def test_the_watch_sees_connections() -> None:
    with running_receiver(answering(200)) as receiver, watched_connections() as connected:
        send(receiver.url)

    assert ("127.0.0.1", receiver.port) in connected


def test_every_address_of_a_name_has_to_be_public() -> None:
    place = place_of("https://hooks.example.com/", loopback=False)

    async def check(*addresses: str) -> list[str]:
        return [str(it) for it in await checked_addresses(place, FakeNames(addresses), loopback=False)]

    assert asyncio.run(check("93.184.216.34", "2606:4700::1111")) == ["93.184.216.34", "2606:4700::1111"]
    for hidden in ("127.0.0.1", "10.0.0.1", "::ffff:8.8.8.8", "64:ff9b::808:808", "fe80::1"):
        with pytest.raises(ForbiddenAddress):
            asyncio.run(check("93.184.216.34", hidden))
    with pytest.raises(UnknownName):
        asyncio.run(check())


def test_a_name_that_is_bound_anew_gets_no_second_look(tmp_path: Path) -> None:
    tls = tls_for("hooks.example.com", tmp_path)
    names = FakeNames(("127.0.0.1",), ("10.0.0.1",))
    with running_receiver(answering(200), tls=tls.server) as receiver, watched_connections() as connected:
        answer = send(f"https://hooks.example.com:{receiver.port}/", names=names, tls=tls.client)

    assert answer.is_taken
    assert names.asked == ["hooks.example.com"]
    assert [it for it in connected if isinstance(it, tuple)] == [("127.0.0.1", receiver.port)]


def test_a_name_that_leads_inside_first_is_refused_though_its_next_answer_is_public() -> None:
    names = FakeNames(("10.0.0.1",), ("93.184.216.34",))
    with watched_connections() as connected:
        answer = send("https://rebind.example.com/", names=names, loopback=False)

    assert (answer.failure, names.asked) == ("forbidden_address", ["rebind.example.com"])
    assert [it for it in connected if isinstance(it, tuple)] == []
    assert "10.0.0.1" not in answer.detail


def test_the_certificate_is_checked_for_the_name_though_the_connection_goes_to_an_address(tmp_path: Path) -> None:
    tls = tls_for("hooks.example.com", tmp_path)
    with running_receiver(answering(200), tls=tls.server) as receiver:
        right = send(f"https://hooks.example.com:{receiver.port}/a", names=FakeNames(("127.0.0.1",)), tls=tls.client)
        wrong = send(f"https://other.example.com:{receiver.port}/b", names=FakeNames(("127.0.0.1",)), tls=tls.client)

    assert right.is_taken
    assert receiver.names == ["hooks.example.com", "other.example.com"]
    assert (wrong.failure, wrong.status) == ("tls", None)
    assert [it.headers["host"] for it in receiver.received] == [f"hooks.example.com:{receiver.port}"]


def test_the_next_address_is_tried_where_the_first_takes_nothing(tmp_path: Path) -> None:
    tls = tls_for("hooks.example.com", tmp_path)
    with running_receiver(answering(200), tls=tls.server) as receiver:
        names = FakeNames(("127.0.0.2", "127.0.0.1"))  # the receiver listens on 127.0.0.1 alone
        answer = send(f"https://hooks.example.com:{receiver.port}/", names=names, tls=tls.client)

    assert answer.is_taken
    assert len(receiver.received) == 1


def test_a_name_without_an_address_fails() -> None:
    answer = send("https://nowhere.example.com/", names=FakeNames(()))

    assert (answer.failure, answer.detail) == ("unknown_name", "nowhere.example.com has no address")
    assert answer.status is None
