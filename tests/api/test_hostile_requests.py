"""Requests that no honest client sends, over a real socket: the right refusal, as a problem, and never a failure."""

import json
import re
import socket
from collections.abc import Iterator

import httpx
import pytest

from tests.api.matrix.operations import Operation, operations
from tests.factories.api import Api, an_order
from tests.factories.problems import problem_of, refusal_of

JSON = {"Content-Type": "application/json"}
DEEP = 10_000
ORDER = json.dumps(an_order())
PROBLEM = "application/problem+json"


def reading_json() -> list[Operation]:
    """Return the operations that read a JSON body."""
    found = ("POST", "PUT", "PATCH")
    return [it for it in operations().values() if it.method in found and 415 in it.codes]


def reached(operation: Operation) -> str:
    """Return the operation's path with ids that nothing has."""
    return operation.url(
        {name: "1" if name in ("lines", "prints", "build-times") else "never" for name in operation.names}
    )


@pytest.fixture(scope="module")
def client(standing_api: Api) -> Iterator[httpx.Client]:
    with standing_api.as_(standing_api.owner.token) as owner:
        yield owner


@pytest.fixture
def plain(standing_api: Api) -> Iterator[socket.socket]:
    """A connection of one's own, for what no HTTP library sends."""
    with socket.socket(socket.AF_UNIX) as connected:
        connected.settimeout(10)
        connected.connect(standing_api.socket)
        yield connected


def exchanged(plain: socket.socket, *lines: str | bytes, body: bytes = b"", is_last: bool = False) -> tuple[int, str]:
    """Send a request line by line; return the status and all that comes back until the end of the first answer.

    After the ``is_last`` no more is sent, so that no server waits for the rest. The status is 0 if it just hung up.
    """
    encoded = [line.encode("latin-1") if isinstance(line, str) else line for line in lines]
    plain.sendall(b"\r\n".join([*encoded, b"", b""]) + body)
    if is_last:
        plain.shutdown(socket.SHUT_WR)
    content = b""
    while b"\r\n\r\n" not in content:
        got = plain.recv(65_536)
        if not got:
            break
        content += got
    if is_last and not content:
        return 0, ""
    return int(content.split(b" ", 2)[1]), content.decode("latin-1")


# ---------------------------------------------------------------- bodies

BODIES = {
    "nothing": b"",
    "half": ORDER[:-3].encode(),
    "two": f"{ORDER} {ORDER}".encode(),
    "single quotes": b"{'lines': []}",
    "a comment": b'{"lines": [] /* none */}',
    "nested lists": b"[" * DEEP,
    "nested lists with an end": b"[" * DEEP + b"]" * DEEP,
    "nested objects": b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "no UTF-8": b'{"reference": "\xff\xfe"}',
    "UTF-16": ORDER.encode("utf-16"),
    "overlong NUL": b'{"reference": "\xc0\x80"}',
    "a plain NUL": b'{"reference": "\x00"}',
    "not a number": b'{"lines": NaN}',
    "infinity": b'{"lines": -Infinity}',
    "a number of 10,000 digits": b'{"lines": ' + b"9" * DEEP + b"}",
    "an exponent": b'{"lines": 1e999999999}',
    "a word": b'"order"',
    "a lone surrogate": b'{"reference": "\\ud800"}',
    "a byte order mark": b"\xef\xbb\xbf" + ORDER.encode(),
}


@pytest.mark.parametrize(
    "path", ["/v1/orders", "/v1/quotes", "/v1/parts", "/v1/nodes/N101/claims", "/v1/imports/parts"]
)
@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_what_is_no_json_is_refused_as_that(client: httpx.Client, path: str, body: bytes) -> None:
    answer = client.post(path, content=body, headers=JSON | {"Idempotency-Key": "hostile"})

    assert answer.status_code in (400, 404, 422), answer.text
    assert problem_of(answer)["code"] not in ("internal_error", "idempotency_key_missing")


@pytest.mark.parametrize(
    "body", [b"{", b"[" * DEEP, b'{"reason": "\\ud800", "reason": 1e999}'], ids=["{", "[", "twice"]
)
def test_no_operation_fails_at_what_is_no_json(client: httpx.Client, body: bytes) -> None:
    wanted = reading_json()
    headers = JSON | {"Idempotency-Key": "hostile", "If-Match": "*"}
    answers = {it.id: client.request(it.method, reached(it), content=body, headers=headers) for it in wanted}

    assert {name: it.status_code for name, it in answers.items() if not 400 <= it.status_code < 500} == {}
    assert len(answers) >= 90
    assert {it.headers["Content-Type"] for it in answers.values()} <= {PROBLEM, "application/json"}


def test_the_last_of_two_equal_keys_counts_for_nothing_else(client: httpx.Client) -> None:
    twice = ORDER[:-1] + ', "reference": "first", "reference": "second"}'
    answer = client.post("/v1/orders", content=twice.encode(), headers=JSON | {"Idempotency-Key": "twice"})

    assert (answer.status_code, answer.json()["reference"]) == (201, "second")
    assert client.get("/v1/orders?reference=first").json()["data"] == []


@pytest.mark.parametrize(
    "media_type",
    [
        "",
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "application/json; charset=utf-7",
        "application/json; charset=utf-16",
        "application/json, text/html",
        "application/jsonp",
        "json",
        "application/json;" + "a" * 5_000,
    ],
)
def test_other_kinds_of_body_are_refused_as_that(client: httpx.Client, media_type: str) -> None:
    headers = {"Content-Type": media_type, "Idempotency-Key": f"{media_type[:40]!r}"}
    answers = [client.post(path, content=b'{"part_no"', headers=headers) for path in ("/v1/orders", "/v1/parts")]

    assert {answer.status_code for answer in answers} <= {400, 415}, [answer.text for answer in answers]
    assert all(problem_of(answer)["detail"] for answer in answers)


# ---------------------------------------------------------------- what frames a request

POST = "POST /v1/orders HTTP/1.1"
HOST = "Host: fabroute"
FRAMES: dict[str, tuple[str | bytes, ...]] = {
    "both length and chunks": (POST, HOST, "Content-Length: 6", "Transfer-Encoding: chunked"),
    "two lengths": (POST, HOST, "Content-Length: 1", "Content-Length: 2"),
    "a negative length": (POST, HOST, "Content-Length: -1"),
    "a length in words": (POST, HOST, "Content-Length: ten"),
    "a hexadecimal length": (POST, HOST, "Content-Length: 0x10"),
    "a length of 5,000 digits": (POST, HOST, "Content-Length: " + "9" * 5_000),
    "chunks by another name": (POST, HOST, "Transfer-Encoding: xchunked"),
    "chunks twice": (POST, HOST, "Transfer-Encoding: chunked", "Transfer-Encoding: chunked"),
    "a line that goes on": (POST, HOST, "X-Long: a", " b"),
    "a header without a colon": (POST, HOST, "Header"),
    "a space before the colon": (POST, HOST, "Content-Length : 0"),
    "an empty name": (POST, HOST, ": nothing"),
    "a NUL in a header": (POST, HOST, "X-Null: a\x00b"),
    "a NUL in a name": (POST, HOST, "X-\x00: a"),
    "a method with a space": ("GE T /healthz HTTP/1.1", HOST),
    "an unknown method": ("FABROUTE /healthz HTTP/1.1", HOST),
    "a NUL in the path": (b"GET /v1/\x00 HTTP/1.1", HOST),
    "a path of 100,000 letters": (f"GET /{'a' * 100_000} HTTP/1.1", HOST),
    "a header of 100,000 letters": ("GET /v1/orders HTTP/1.1", HOST, f"X-Long: {'a' * 100_000}"),
}


@pytest.mark.parametrize("lines", FRAMES.values(), ids=FRAMES)
def test_what_is_framed_wrong_is_refused(
    plain: socket.socket, standing_api: Api, lines: tuple[str | bytes, ...]
) -> None:
    status, answer = exchanged(plain, *lines, body=b"0\r\n\r\nGET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

    assert status in (400, 401, 404, 405, 414, 431), answer
    assert re.search(r"fr_(test|live)_", answer) is None
    assert standing_api.owner.token not in answer
    assert "Traceback" not in answer


def test_an_unknown_version_is_refused_or_answered_as_http_1(plain: socket.socket) -> None:
    """RFC 9110, 15.6.2, leaves it to the server: it may refuse another major version, or answer in its own."""
    status, answer = exchanged(plain, "GET /healthz HTTP/9.9", HOST, "Connection: close")

    assert status in (200, 400, 505), answer
    assert answer.startswith("HTTP/1.1 ")
    assert "HTTP/9" not in answer


@pytest.mark.parametrize("chunk", [b"zz\r\n", b"-1\r\n", b"fffffffffffffffff\r\n", b"3\r\nabcd\r\n0\r\n\r\n"])
def test_broken_chunks_are_refused(plain: socket.socket, standing_api: Api, chunk: bytes) -> None:
    key = f"Authorization: Bearer {standing_api.owner.token}"
    headers = (key, "Content-Type: application/json", "Transfer-Encoding: chunked", "Connection: close")
    # A size that never ends is refused while the sender is there; h11 hangs up once it has gone.
    is_last = not chunk.startswith(b"ffff")
    status, answer = exchanged(plain, POST, HOST, *headers, body=chunk, is_last=is_last)

    assert status == 400, answer
    assert standing_api.owner.token not in answer


def test_two_thousand_headers_are_read_or_refused(client: httpx.Client) -> None:
    answer = client.get("/v1/orders", headers={f"X-{number}": "a" * 20 for number in range(2_000)})

    assert answer.status_code in (200, 400, 431)
    assert "X-1999" not in answer.headers


# ---------------------------------------------------------------- headers

ECHOED = ["a\r\nSet-Cookie: it=1", "a\nb", "x" * 129, "<script>", "ü", '"', "%0d%0aSet-Cookie:it=1", "\t", "a b", ""]


@pytest.mark.parametrize("value", ECHOED)
def test_no_header_of_a_request_comes_back_as_another(standing_api: Api, plain: socket.socket, value: str) -> None:
    headers = [f"{name}: {value}" for name in ("X-Request-Id", "Idempotency-Key", "Origin", "X-Forwarded-Host")]
    status, answer = exchanged(plain, "GET /v1/orders HTTP/1.1", HOST, *headers)

    assert status in (400, 401)
    assert "set-cookie" not in answer.lower().partition("\r\n\r\n")[0]
    assert not value or f": {value}\r\n" not in answer


@pytest.mark.parametrize("key", ["x" * 256, "a\tb", "\xff", "a" * 50_000])
def test_idempotency_keys_that_are_none_are_refused(client: httpx.Client, key: str) -> None:
    headers = {b"Idempotency-Key": key.encode("latin-1"), b"Content-Type": b"application/json"}
    answer = client.post("/v1/orders", content=ORDER.encode(), headers=headers)

    assert refusal_of(answer).code == "idempotency_key_invalid"
    assert answer.status_code == 400


@pytest.mark.parametrize("name", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "_method"])
def test_no_header_changes_the_method_or_the_path(client: httpx.Client, name: str) -> None:
    rewritten = {"X-Original-URL": "/readyz", "X-Rewrite-URL": "/readyz", "X-Forwarded-Prefix": "/x"}
    answer = client.get("/v1/parts/RL-0001", headers={name: "DELETE"} | rewritten)

    assert (answer.status_code, answer.json()["part_no"]) == (200, "RL-0001")
    assert client.get("/v1/parts/RL-0001").status_code == 200


TAGS = ['"', "W/", 'W/"', "*, *", '"a", *', ",", ",,,,", '"\\"', '"' * 999, '"a' * 4_000, "\xff", "null", "0", '""']


@pytest.mark.parametrize("tag", TAGS)
def test_tags_that_were_never_given_match_nothing(client: httpx.Client, tag: str) -> None:
    sent = tag.encode("latin-1")
    read = client.get("/v1/parts/RL-0001", headers={b"If-None-Match": sent})
    changed = client.patch("/v1/parts/RL-0001", json={"annual_demand": 1}, headers={b"If-Match": sent})

    assert read.status_code in (200, 400) or "*" in tag, read.status_code
    assert changed.status_code in (400, 412, 428) or "*" in tag, changed.text
    assert changed.headers["Content-Type"] == PROBLEM or "*" in tag


@pytest.mark.parametrize(
    "word", ["Bearer", "Bearer fr_test_x", "Basic !!!", "Bearer fr_", "Bearer " + "x" * 50_000, "Digest a=b"]
)
def test_what_is_no_key_is_refused(standing_api: Api, word: str) -> None:
    with standing_api.as_(None, Authorization=word) as stranger:
        answer = stranger.get("/v1/orders")

    assert refusal_of(answer).code in ("unauthenticated", "rate_limited")
    assert answer.status_code in (401, 429)


# ---------------------------------------------------------------- paths and queries

PATHS = (
    "//v1/orders",
    "/v1//orders",
    "/v1/orders/",
    "/v1/./orders",
    "/v1/../v1/orders",
    "/v1/%2e%2e/healthz",
    "/v1/orders/%2e%2e%2fparts",
    "/v1/orders/..%5c..%5cetc",
    "/v1/orders/%00",
    "/v1/orders/ord%0d%0aX: y",
    "/v1/orders/%ff%fe",
    "/v1/orders/%c0%af",
    "/v1/orders/%",
    "/v1/orders/%zz",
    "/v1/orders/;id=1",
    "/v1/orders/" + "a" * 5_000,
    "/v1/orders/'%20OR%201=1--",
    "/V1/ORDERS",
    "/v1/orders%3Fstate=routed",
    "/v1/parts/%F0%9F%96%A8",
    "http://other.example/v1/nothing",
)


@pytest.mark.parametrize("path", PATHS)
def test_paths_lead_nowhere_else(plain: socket.socket, standing_api: Api, path: str) -> None:
    key = f"Authorization: Bearer {standing_api.owner.token}"
    status, answer = exchanged(plain, f"GET {path} HTTP/1.1".replace(": y", ":y"), HOST, key)

    assert status in (400, 404, 405, 422), answer
    assert status == 400 or PROBLEM in answer


QUERIES = (
    "limit=1&limit=2",
    "limit[]=1",
    "limit=1e3",
    "limit=" + "9" * 5_000,
    "limit=-1",
    "limit=%00",
    "limit=NaN",
    "limit=\u0661",
    "cursor=",
    "cursor=%00",
    "cursor=" + "a" * 401,
    "cursor=" + "a" * 399,
    "cursor=!!!!",
    "cursor=AAAA",
    "cursor=Jzs",
    "cursor=OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5",
    "cursor=LTF8LTF8LTE",
    "cursor=MjAyNi0xMy00NVQ5OTo5OTo5OXxvcmRfMQ",
    "cursor=8J-WqA",
    "unknown=1",
    "%00=1",
    "&&&&==",
)


@pytest.mark.parametrize("query", QUERIES)
def test_no_list_fails_at_a_query(client: httpx.Client, query: str) -> None:
    lists = [it for it in operations().values() if it.method == "GET" and not it.names and it.path.startswith("/v1/")]
    answers = {it.id: client.get(f"{it.path}?{query}") for it in lists}

    assert {name: it.status_code for name, it in answers.items() if it.status_code >= 500} == {}
    assert {it.headers["Content-Type"] for it in answers.values() if it.is_error} == {PROBLEM}
    assert len(answers) >= 40
