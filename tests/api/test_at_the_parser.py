"""Orders that are answered where the server parses them: the same to a client as any other request."""

import asyncio
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPResponse
from io import BufferedReader

import pytest
from starlette.types import Receive, Scope, Send
from structlog.testing import capture_logs

from fabroute.api.app import FabrouteApi
from fabroute.api.intake import at_the_parser
from fabroute.api.intake.desk import OrderDesk, Submission
from fabroute.api.keys import KeyCache
from fabroute.kernel.time import utc_now
from fabroute.orders.service import Placing
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.databases import in_transaction, rows
from tests.factories.writers import a_writer_waits, keys_locked, wait_until

ORDER = b'{"ship_to":{"city":"Hamburg","country":"DE"},"lines":[{"part":"RL-0001","quantity":1}]}'


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    """An API that remembers all that a plain order takes, for an hour, however slow the machine is."""
    with served_api(database.url) as served:
        keys = KeyCache(engine=served.resources.engine, seconds=3600)
        served.app.state.resources = replace(served.resources, keys=keys)
        assert served.place(key="warm").status_code == 201
        assert keys.recall(served.owner.token, now=utc_now()) is not None
        yield served


@pytest.fixture
def only_the_parser(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the application answer nothing but ``418``."""

    async def teapot(app: FabrouteApi, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 418, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    monkeypatch.setattr(FabrouteApi, "__call__", teapot)


def a_request(
    api: Api, key: str, *headers: str, content: bytes = ORDER, version: str = "1.1", length: bool = True
) -> bytes:
    """Return an order as it goes over the wire."""
    lines = [
        f"POST /v1/orders HTTP/{version}",
        "Host: fabroute",
        f"Authorization: Bearer {api.owner.token}",
        "Content-Type: application/json",
        f"Idempotency-Key: {key}",
        *([f"Content-Length: {len(content)}"] if length else []),
        *headers,
    ]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


@contextmanager
def connected(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(20)
        connection.connect(path)
        yield connection


def answer_on(connection: socket.socket) -> HTTPResponse:
    """Read one answer, with its body."""
    response = HTTPResponse(connection)
    response.begin()
    return response


def answers_to(path: str, *sent: bytes, count: int) -> list[tuple[int, bytes]]:
    """Return the statuses and bodies of the answers to what is sent at once on one connection."""
    with connected(path) as connection, connection.makefile("rb") as stream:
        for piece in sent:
            connection.sendall(piece)
        return [read_from(stream) for _ in range(count)]


def answers_in_turn(path: str, *sent: bytes) -> list[int]:
    """Return the statuses of the answers on one connection, on which each is awaited before the next is sent."""
    found = []
    with connected(path) as connection, connection.makefile("rb") as stream:
        for piece in sent:
            connection.sendall(piece)
            found.append(read_from(stream)[0])
    return found


def read_from(stream: BufferedReader) -> tuple[int, bytes]:
    """Read one answer."""
    status, length = int(stream.readline().split()[1]), 0
    while (line := stream.readline()) != b"\r\n":
        name, _, value = line.partition(b":")
        length = int(value) if name.lower() == b"content-length" else length
    return status, stream.read(length)


def keys_in(api: Api) -> list[str]:
    """Return the idempotency keys of all orders, the oldest first."""
    found = in_transaction(
        api.engine, lambda session: rows(session, "SELECT key FROM idempotency_keys ORDER BY created_at, key")
    )
    return [str(key) for (key,) in found]


# ---------------------------------------------------------------- which way


def test_a_plain_order_never_meets_the_application(api: Api, only_the_parser: None) -> None:
    assert answers_in_turn(api.socket, *(a_request(api, key) for key in ("k1", "k2"))) == [201, 201]
    assert keys_in(api) == ["warm", "k1", "k2"]


@pytest.mark.parametrize(
    "changes",
    [
        {"headers": ("Connection: close",)},
        {"version": "1.0"},
        {"headers": ("X-Other: 1", "Content-Encoding: gzip")},
        {"content": ORDER.replace(b"}]}", b'}],"promise":"now"}')},
        {"content": b"not an order"},
        {"content": ORDER.replace(b'"DE"', b'"AQ"')},
        {"content": ORDER.replace(b"RL-0001", b"RL-0099")},
    ],
)
def test_what_is_unusual_is_the_applications(api: Api, only_the_parser: None, changes: dict[str, object]) -> None:
    headers = changes.pop("headers", ())
    assert isinstance(headers, tuple)
    sent = a_request(api, "k1", *headers, **changes)  # type: ignore[arg-type]
    assert [status for status, _ in answers_to(api.socket, sent, count=1)] == [418]
    assert keys_in(api) == ["warm"]


def test_who_takes_time_to_send_a_body_is_asked_for_the_key_again(
    api: Api, only_the_parser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_the_parser, "AT_ONCE_SECONDS", 0.0)
    assert answers_to(api.socket, a_request(api, "k1"), count=1) == [(418, b"")]


def test_a_key_that_is_taken_away_while_the_body_comes_places_nothing(api: Api) -> None:
    sent = a_request(api, "k1")
    with connected(api.socket) as connection, connection.makefile("rb") as stream:
        connection.sendall(sent[:-1])
        time.sleep(2 * at_the_parser.AT_ONCE_SECONDS)
        in_transaction(api.engine, lambda session: rows(session, "UPDATE api_keys SET revoked_at = now() RETURNING id"))
        forgetful = KeyCache(engine=api.resources.engine, seconds=3600)
        api.app.state.resources = replace(api.app.state.resources, keys=forgetful)
        connection.sendall(sent[-1:])
        assert read_from(stream)[0] == 401
    assert keys_in(api) == ["warm"]


@pytest.mark.parametrize(
    ("length", "status"), [("0" * 5_000 + str(len(ORDER)), 201), ("9" * 5_000, 400), ("-1", 400), ("1e3", 400)]
)
def test_a_length_that_is_none_is_a_clients_mistake(api: Api, length: str, status: int) -> None:
    sent = a_request(api, "k1", f"Content-Length: {length}", length=False)
    with connected(api.socket) as connection, connection.makefile("rb") as stream:
        connection.sendall(sent)
        assert read_from(stream)[0] == status


def test_orders_whose_traces_are_kept_are_the_applications(
    api: Api, only_the_parser: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(at_the_parser, "is_tracing", lambda: True)
    assert answers_to(api.socket, a_request(api, "k1"), count=1) == [(418, b"")]


# ---------------------------------------------------------------- the wire


def test_requests_that_come_together_are_answered_one_after_the_other(api: Api) -> None:
    orders = [a_request(api, f"k{number}") for number in range(3)]
    health = b"GET /healthz HTTP/1.1\r\nHost: fabroute\r\n\r\n"
    found = answers_to(api.socket, orders[0] + health + orders[1] + orders[2] + health, count=5)

    assert [status for status, _ in found] == [201, 200, 201, 201, 200]
    assert len({body for _, body in found}) == 4
    assert keys_in(api) == ["warm", "k0", "k1", "k2"]


def test_an_order_may_come_in_any_pieces(api: Api) -> None:
    whole = a_request(api, "k1")
    pieces = [whole[at : at + 1] for at in range(len(whole))]
    assert [status for status, _ in answers_to(api.socket, *pieces, count=1)] == [201]


def test_a_body_of_unknown_length_is_read_all_the_same(api: Api) -> None:
    chunked = b"%x\r\n%b\r\n0\r\n\r\n" % (len(ORDER), ORDER)
    sent = a_request(api, "k1", "Transfer-Encoding: chunked", content=chunked, length=False)
    assert [status for status, _ in answers_to(api.socket, sent, count=1)] == [201]


def test_who_waits_to_be_told_to_go_on_is_told(api: Api) -> None:
    sent = a_request(api, "k1", "Expect: 100-continue")
    found = answers_to(api.socket, sent[: -len(ORDER)], sent[-len(ORDER) :], count=2)
    assert [status for status, _ in found] == [100, 201]


def test_the_clients_own_request_id_is_told(api: Api, only_the_parser: None) -> None:
    with connected(api.socket) as connection, capture_logs() as log:
        connection.sendall(a_request(api, "k1", "X-Request-Id: a-request-of-mine"))
        with answer_on(connection) as response:
            order_id = str(response.headers["location"]).rpartition("/")[2]
            told = response.status, response.headers["x-request-id"], response.headers["ratelimit"]
        api.resources.placed.flush()

    assert told[:2] == (201, "a-request-of-mine")
    assert told[2].startswith('"default";r=')
    assert {"a-request-of-mine"} == {entry["orders"][order_id] for entry in log if order_id in entry.get("orders", {})}


def test_an_order_is_kept_where_its_client_hangs_up(api: Api) -> None:
    with keys_locked(api.engine), connected(api.socket) as connection:
        connection.sendall(a_request(api, "k1"))
        wait_until(lambda: a_writer_waits(api.engine))
    wait_until(lambda: keys_in(api) == ["warm", "k1"])
    assert [status for status, _ in answers_to(api.socket, a_request(api, "k2"), count=1)] == [201]
    wait_until(lambda: api.resources.turns.serving == 0)


def test_a_client_that_hung_up_is_not_answered_by_the_application_either(api: Api) -> None:
    first = answers_to(api.socket, a_request(api, "k1"), count=1)
    with keys_locked(api.engine), connected(api.socket) as connection:
        connection.sendall(a_request(api, "k1"))  # to be replayed
        wait_until(lambda: a_writer_waits(api.engine))
    wait_until(lambda: api.resources.turns.serving == 0)
    assert answers_to(api.socket, a_request(api, "k1"), count=1) == first


# ---------------------------------------------------------------- mistakes


def test_what_is_no_request_is_refused_as_ever(api: Api) -> None:
    assert answers_in_turn(api.socket, a_request(api, "k1"), b"no request at all\r\n\r\n") == [201, 400]


class BrokenDesk(OrderDesk):
    def begin(self, submission: Submission) -> asyncio.Future[Placing] | None:
        raise LookupError("a bug")


def test_a_bug_is_told_to_the_log_and_the_order_goes_the_other_way(api: Api) -> None:
    broken = BrokenDesk(
        tenants=api.resources.tenants,
        intake=api.resources.intake,
        catalogue=api.resources.promises.catalogue,
        places=api.resources.promises.places,
    )
    api.app.state.resources = replace(api.app.state.resources, desk=broken)

    with capture_logs() as log, connected(api.socket) as connection:
        connection.sendall(a_request(api, "k1"))
        with answer_on(connection) as response:
            assert (response.status, response.headers["connection"]) == (201, "close")
    assert keys_in(api) == ["warm", "k1"]
    assert [str(entry["exc_info"]) for entry in log if entry["log_level"] == "error"] == ["a bug"]
    wait_until(lambda: api.resources.turns.serving == 0)
