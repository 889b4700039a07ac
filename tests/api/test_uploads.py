"""Uploads as such, on a route of their own: the rules that hold for every kind of file."""

import base64
import hashlib
import re
import socket
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

import httpx
import pytest
from fastapi import FastAPI, Request

from fabroute.api.middleware import EarlyAnswers, RequestId
from fabroute.api.problems import install_problem_handlers
from fabroute.api.uploads import UploadRules, UploadSlots, received_file
from fabroute.settings import Settings
from tests.factories.api import client_on, served
from tests.factories.problems import Refusal, problem_of, refusal_of
from tests.factories.processes import wait_until

MEBIBYTE = 2**20
CONTENT = bytes(range(256)) * 4096 * 3 + b"the end"
"""Three mebibytes and seven bytes: more than three pieces."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """A served route that takes uploads of up to four mebibytes, two at a time."""

    client: httpx.Client
    path: str
    """Of its socket."""
    scratch: Path
    """Where temporary files lie."""
    received: list[tuple[str, str, int]] = field(default_factory=list)
    """Name, media type and length of what came in."""

    @contextmanager
    def connection(self) -> Iterator[socket.socket]:
        """A plain connection, for clients with manners of their own."""
        with socket.socket(socket.AF_UNIX) as plain:
            plain.settimeout(20)
            plain.connect(self.path)
            yield plain

    def leftovers(self) -> list[str]:
        """What is left of uploads."""
        return [path.name for path in self.scratch.glob("fabroute-upload-*")]


def desk_app(received: list[tuple[str, str, int]], *, piece_seconds: float = 60) -> FastAPI:
    app = FastAPI()
    slots = UploadSlots(2)
    rules = UploadRules(
        maximum_bytes=4 * MEBIBYTE,
        refused_media_types=re.compile("text/html|application/json"),
        piece_seconds=piece_seconds,
    )

    @app.put("/file")
    async def put_file(request: Request) -> dict[str, str]:
        async with received_file(request, slots=slots, rules=rules) as file:
            assert file.path.stat().st_size == file.size_bytes
            received.append((file.file_name, file.media_type, file.size_bytes))
            return {"sha256": hashlib.sha256(file.path.read_bytes()).hexdigest(), "told": file.sha256}

    app.state.resources = SimpleNamespace(settings=Settings())
    install_problem_handlers(app)
    app.add_middleware(RequestId)
    app.add_middleware(EarlyAnswers)
    return app


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    received: list[tuple[str, str, int]] = []
    with served(desk_app(received)) as path, client_on(path, None, {}) as client:
        yield Desk(client=client, path=path, scratch=tmp_path, received=received)


def digest_of(content: bytes) -> str:
    return f"sha-256=:{base64.b64encode(hashlib.sha256(content).digest()).decode()}:"


def head(*headers: str) -> bytes:
    return "\r\n".join(("PUT /file HTTP/1.1", "Host: fabroute", *headers, "", "")).encode()


def answer_on(connection: socket.socket) -> bytes:
    """All that the server sends until it closes; a reset counts as that."""
    found = b""
    try:
        while piece := connection.recv(65536):
            found += piece
    except ConnectionResetError:
        pass
    return found


def test_a_file_comes_in_whole_and_is_gone_after_the_answer(desk: Desk) -> None:
    answer = desk.client.put("/file", content=CONTENT)

    sha256 = hashlib.sha256(CONTENT).hexdigest()
    assert (answer.status_code, answer.json()) == (200, {"sha256": sha256, "told": sha256})
    assert desk.received == [("", "application/octet-stream", 3 * MEBIBYTE + 7)]
    assert desk.leftovers() == []


def test_a_file_of_unknown_length_comes_in_as_well(desk: Desk) -> None:
    pieces = (CONTENT[start : start + 100_000] for start in range(0, len(CONTENT), 100_000))
    answer = desk.client.put("/file", content=pieces)

    assert "content-length" not in answer.request.headers
    assert answer.json()["told"] == hashlib.sha256(CONTENT).hexdigest()


@pytest.mark.parametrize(
    ("url", "headers", "name"),
    [
        ("/file?name=bracket.3mf", {}, "bracket.3mf"),
        ("/file?name=a%2Fb%5Cc.stl", {}, "c.stl"),
        ("/file", {"Content-Disposition": 'attachment; filename="lid 2.stl"'}, "lid 2.stl"),
        ("/file", {"Content-Disposition": "attachment; filename*=UTF-8''d%C3%BCse.3mf"}, "düse.3mf"),
        ("/file?name=x.stl", {"Content-Disposition": 'attachment; filename="y.stl"'}, "x.stl"),
        ("/file", {}, ""),
    ],
)
def test_a_file_is_named_by_query_or_header_without_folders(
    desk: Desk, url: str, headers: dict[str, str], name: str
) -> None:
    assert desk.client.put(url, content=b"x", headers=headers).status_code == 200
    assert desk.received[0][0] == name


@pytest.mark.parametrize("name", ["a%00b", "a%0Ab.stl", "x" * 201])
def test_a_name_that_no_file_can_have_is_refused(desk: Desk, name: str) -> None:
    refused = desk.client.put(f"/file?name={name}", content=b"x")
    assert refusal_of(refused) == Refusal(status=422, code="file_name_invalid")
    assert desk.received == []


@pytest.mark.parametrize(
    ("declared", "kept"),
    [
        ("model/3mf", "model/3mf"),
        ("Model/STL; charset=x", "model/stl"),
        ("application/x-www-form-urlencoded", "application/octet-stream"),
    ],
)
def test_a_media_type_is_kept_as_it_was_told_but_for_the_one_that_curl_makes_up(
    desk: Desk, declared: str, kept: str
) -> None:
    assert desk.client.put("/file", content=b"x", headers={"Content-Type": declared}).status_code == 200
    assert desk.received == [("", kept, 1)]


@pytest.mark.parametrize("declared", ["text/html", "Application/JSON; charset=utf-8"])
def test_what_can_not_be_a_file_of_this_kind_is_refused_unread(desk: Desk, declared: str) -> None:
    refused = desk.client.put("/file", content=b"x", headers={"Content-Type": declared})
    assert refusal_of(refused) == Refusal(status=415, code="unsupported_media_type")
    assert desk.received == []


@pytest.mark.parametrize("coding", ["gzip", "BR", "identity, gzip"])
def test_a_compressed_body_is_refused_unread(desk: Desk, coding: str) -> None:
    refused = desk.client.put("/file", content=CONTENT, headers={"Content-Encoding": coding})

    assert refusal_of(refused) == Refusal(status=415, code="unsupported_media_type")
    assert "send the plain bytes" in problem_of(refused)["detail"]
    assert desk.received == []
    assert desk.client.put("/file", content=CONTENT, headers={"Content-Encoding": "identity"}).status_code == 200


def test_a_digest_is_checked_where_one_is_sent(desk: Desk) -> None:
    good = desk.client.put("/file", content=CONTENT, headers={"Content-Digest": digest_of(CONTENT)})
    among_others = desk.client.put("/file", content=b"x", headers={"Content-Digest": f"md5=:AA==:, {digest_of(b'x')}"})
    of_another_kind = desk.client.put("/file", content=b"x", headers={"Content-Digest": "sha-512=:AAAA:"})
    wrong = desk.client.put("/file", content=CONTENT, headers={"Content-Digest": digest_of(b"other")})

    assert [answer.status_code for answer in (good, among_others, of_another_kind)] == [200, 200, 200]
    assert refusal_of(wrong) == Refusal(status=422, code="content_digest_mismatch")
    assert hashlib.sha256(CONTENT).hexdigest() in problem_of(wrong)["detail"]
    assert (len(desk.received), desk.leftovers()) == (3, [])


@pytest.mark.parametrize("header", ["", "sha-256", "sha-256=:AAAA:", "sha-256=:!:", "sha-256=" + "0" * 64])
def test_a_digest_that_says_nothing_is_refused_unread(desk: Desk, header: str) -> None:
    refused = desk.client.put("/file", content=b"x", headers={"Content-Digest": header})
    assert refusal_of(refused) == Refusal(status=400, code="content_digest_invalid")
    assert desk.received == []


def test_an_empty_body_is_no_file(desk: Desk) -> None:
    assert refusal_of(desk.client.put("/file", content=b"")) == Refusal(status=422, code="empty_upload")
    assert (desk.received, desk.leftovers()) == ([], [])


def test_the_limit_itself_is_taken_and_one_byte_more_is_not(desk: Desk) -> None:
    content = bytes(4 * MEBIBYTE)
    assert desk.client.put("/file", content=content).status_code == 200
    assert refusal_of(desk.client.put("/file", content=content + b"x")) == Refusal(status=413, code="body_too_large")
    streamed = desk.client.put("/file", content=iter((content, b"x")))
    assert refusal_of(streamed) == Refusal(status=413, code="body_too_large")
    assert "4,194,304 bytes" in problem_of(streamed)["detail"]
    assert (len(desk.received), desk.leftovers()) == (1, [])


def test_two_gigabytes_are_refused_before_a_client_that_asks_first_sends_a_byte(desk: Desk) -> None:
    with desk.connection() as connection:
        connection.sendall(head(f"Content-Length: {2**31}", "Expect: 100-continue"))
        answer = answer_on(connection)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"100 Continue" not in answer
    assert b"connection: close\r\n" in answer.lower()
    assert b'"code":"body_too_large"' in answer


def test_two_gigabytes_are_refused_while_a_client_that_does_not_ask_is_sending(desk: Desk) -> None:
    with desk.connection() as connection:
        connection.sendall(head(f"Content-Length: {2**31}") + bytes(MEBIBYTE))
        first = connection.recv(65536)
        sent = 0
        try:
            while sent < 2**31:
                sent += connection.send(bytes(MEBIBYTE))
        except (BrokenPipeError, ConnectionResetError):
            pass

    assert first.startswith(b"HTTP/1.1 413 ")
    assert sent < 64 * MEBIBYTE
    assert (desk.received, desk.leftovers()) == ([], [])


def test_an_early_answer_reaches_a_client_that_sends_all_before_it_reads(desk: Desk) -> None:
    with desk.connection() as connection:
        connection.sendall(head(f"Content-Length: {8 * MEBIBYTE}") + bytes(8 * MEBIBYTE))
        answer = answer_on(connection)

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert answer.endswith(b"}")


def test_a_client_that_asks_first_is_told_to_go_on(desk: Desk) -> None:
    with desk.connection() as connection:
        connection.sendall(head("Content-Length: 3", "Expect: 100-continue", "Connection: close"))
        told = connection.recv(65536)
        connection.sendall(b"abc")
        answer = answer_on(connection)

    assert told == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert desk.received == [("", "application/octet-stream", 3)]


def test_nothing_is_kept_of_a_client_that_goes_away(desk: Desk) -> None:
    for _ in range(3):
        with desk.connection() as connection:
            connection.sendall(head(f"Content-Length: {3 * MEBIBYTE}") + bytes(2 * MEBIBYTE))
            assert wait_until(lambda: len(desk.leftovers()) == 1)
        assert wait_until(lambda: desk.leftovers() == [])

    assert desk.received == []
    assert desk.client.put("/file", content=b"x").status_code == 200


def test_a_third_upload_at_a_time_has_to_wait(desk: Desk) -> None:
    with desk.connection() as first, desk.connection() as second:
        for connection in (first, second):
            connection.sendall(head("Content-Length: 6", "Connection: close") + b"abc")
        assert wait_until(lambda: len(desk.leftovers()) == 2)
        busy = desk.client.put("/file", content=b"x")
        first.sendall(b"def")
        assert answer_on(first).startswith(b"HTTP/1.1 200 ")
        free = desk.client.put("/file", content=b"x")

    assert refusal_of(busy) == Refusal(status=429, code="uploads_busy")
    assert busy.headers["Retry-After"] == "1"
    assert free.status_code == 200


def test_a_client_that_drips_loses_its_place() -> None:
    received: list[tuple[str, str, int]] = []
    with served(desk_app(received, piece_seconds=0.2)) as path, socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        connection.sendall(head("Content-Length: 6", "Connection: close") + b"abc")
        answer = answer_on(connection)

    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"code":"upload_too_slow"' in answer
    assert received == []
