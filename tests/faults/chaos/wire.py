"""How the clients of a chaos run ask: a light connection each, and the same request until it is answered."""

import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit

from sqlalchemy import Engine

UNIX = "http+unix"
_SECONDS = 8.0
_RETRIED = frozenset({408, 425, 429, 500, 502, 503, 504})
_IN_FLIGHT = "idempotency_key_in_flight"
_LONGEST_REST_SECONDS = 2.0


class Installed(Protocol):
    """What clients, incidents and the judge use of an installation."""

    @property
    def api_urls(self) -> tuple[str, ...]:
        """Where its API processes answer."""

    @property
    def engine(self) -> Engine:
        """Its database as ``app_rw``, past any proxy."""

    @property
    def storage(self) -> Path:
        """The folder of its print files."""

    @property
    def environment(self) -> Mapping[str, str]:
        """The settings of its processes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """An API and a database without processes around them, as clients and the judge use an installation."""

    api_urls: tuple[str, ...]
    engine: Engine
    storage: Path
    environment: Mapping[str, str] = field(default_factory=dict)


class NoAnswer(Exception):
    """The request may have been done or not: the connection was refused, cut, or silent for too long."""


class GaveUp(Exception):
    """No final answer came as long as the client was patient."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What came back, and when it was asked and answered by the clock of this machine."""

    status: int
    body: bytes
    headers: Mapping[str, str]
    sent: float
    answered: float

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """The body; an empty object where it is none of JSON."""
        try:
            return json.loads(self.body)
        except ValueError:
            return {}

    @property
    def code(self) -> str:
        """The code of a problem, empty where it is none."""
        if self.status < 400:
            return ""
        told = self.json()
        return str(told.get("code", f"http_{self.status}")) if isinstance(told, dict) else f"http_{self.status}"

    @property
    def is_final(self) -> bool:
        """Whether the same request need not be sent again."""
        return self.status not in _RETRIED and self.code != _IN_FLIGHT


class Wire:
    """A client with one key and one connection; it goes on at the next API process where one does not answer.

    For one thread. ``heard`` is told of every answer, with method and path.
    """

    def __init__(
        self,
        urls: tuple[str, ...],
        token: str | None,
        *,
        first: int = 0,
        heard: Callable[[str, str, Answer], None] | None = None,
    ) -> None:
        self._urls, self._at = urls, first % len(urls)
        self._authorization = {} if token is None else {"Authorization": f"Bearer {token}"}
        self._heard = heard
        self._connection: http.client.HTTPConnection | None = None

    def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        seconds: float = _SECONDS,
    ) -> Answer:
        """Send a request once. Raises ``NoAnswer``; then the next one goes to another process."""
        content, kind = _content(body)
        sent = time.time()
        try:
            connection = self._connected(seconds)
            connection.request(method, path, content, self._authorization | kind | dict(headers or {}))
            found = connection.getresponse()
            answer = Answer(
                status=found.status,
                body=found.read(),
                headers={name.lower(): value for name, value in found.getheaders()},
                sent=sent,
                answered=time.time(),
            )
        except (OSError, http.client.HTTPException) as error:
            self.elsewhere()
            raise NoAnswer(f"{method} {path}: {error.__class__.__name__}") from error
        if self._heard is not None:
            self._heard(method, path, answer)
        return answer

    def insist(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        headers: Mapping[str, str] | None = None,
        patience: float = 120.0,
        stop: threading.Event | None = None,
    ) -> Answer:
        """Send a request again and again until its answer is final: silence, 429 and 5xx are not. Raises ``GaveUp``."""
        until, rest = time.monotonic() + patience, 0.05
        while True:
            told = 0.0
            try:
                answer = self.ask(method, path, body, headers=headers)
            except NoAnswer as silence:
                last = str(silence)
            else:
                if answer.is_final:
                    return answer
                last, told = f"{method} {path}: {answer.status} {answer.code}", _retry_after(answer)
                self.elsewhere()
            if time.monotonic() > until or (stop is not None and stop.is_set()):
                raise GaveUp(last)
            _wait(min(max(rest, told), _LONGEST_REST_SECONDS), stop)
            rest = min(2 * rest, _LONGEST_REST_SECONDS)

    def elsewhere(self) -> None:
        """Ask the next API process from now on, by a new connection."""
        self.close()
        self._at = (self._at + 1) % len(self._urls)

    def close(self) -> None:
        """Let go of the connection."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connected(self, seconds: float) -> http.client.HTTPConnection:
        if self._connection is None:
            self._connection = _connection_to(self._urls[self._at])
        self._connection.timeout = seconds
        if self._connection.sock is not None:
            self._connection.sock.settimeout(seconds)
        return self._connection


class _UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("fabroute")
        self._path = path

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _connection_to(url: str) -> http.client.HTTPConnection:
    parts = urlsplit(url)
    if parts.scheme == UNIX:
        return _UnixConnection(parts.path)
    return http.client.HTTPConnection(parts.hostname or "127.0.0.1", parts.port, timeout=_SECONDS)


def _content(body: object) -> tuple[bytes | None, dict[str, str]]:
    if body is None or isinstance(body, bytes):
        return body, {}
    return json.dumps(body).encode(), {"Content-Type": "application/json"}


def _retry_after(answer: Answer) -> float:
    told = answer.headers.get("retry-after", "")
    return float(told) if told.isdecimal() else 0.0


def _wait(seconds: float, stop: threading.Event | None) -> None:
    if stop is None:
        time.sleep(seconds)
    else:
        stop.wait(seconds)
