"""Clients that cost next to nothing: raw HTTP/1.1 on a Unix socket, requests sent when they are due, ready or not.

``offer`` runs in a process of its own. Requests come at random instants of a fixed rate (a Poisson process by seed),
whether or not earlier ones were answered: each takes a connection that is free or opens another. Times count from the
instant at which a request was due, so that nothing is left out that waited in the client.
"""

import asyncio
import gc
import random
import re
import resource
import time
from array import array
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.util import find_spec
from itertools import count
from typing import Any, cast

MOST_CONNECTIONS = 4_000
_LINGER_SECONDS = 10.0
"""So long late answers are waited for."""
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
_LOCATION = re.compile(rb"\r\nlocation: */v1/orders/(\S+)", re.IGNORECASE)
_RETRY_AFTER = re.compile(rb"\r\nretry-after: *(\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What one organisation asks for: orders, and its last one read every so often."""

    sockets: tuple[str, ...]
    token: str
    body: bytes
    name: str
    """Begins every Idempotency-Key."""
    seconds: float
    rate: float = 0.0
    """Requests a second; 0: as many as ``clients`` get answered, each one after the other."""
    clients: int = 0
    reads: bool = False
    """Whether every second request reads the last order."""
    seed: int = 1
    more_bodies: tuple[bytes, ...] = ()
    """Sent in turn with ``body``."""


@dataclass(slots=True, kw_only=True)
class Offered:
    """What came of a load. Seconds in the arrays."""

    statuses: Counter[int] = field(default_factory=Counter)
    accepted: "array[float]" = field(default_factory=lambda: array("d"))
    refused: "array[float]" = field(default_factory=lambda: array("d"))
    late: "array[float]" = field(default_factory=lambda: array("d"))
    """How much later than due a request was sent: the client's own fault."""
    orders: dict[str, str] = field(default_factory=dict)
    """Ids of the orders that were answered with 201, by their keys."""
    unanswered: list[str] = field(default_factory=list)
    """Keys of requests whose connection ended, or whose answer did not come."""
    turned_away: int = 0
    """Requests that got no connection."""
    retry_after: Counter[int] = field(default_factory=Counter)
    without_retry_after: int = 0
    connections: int = 0
    seconds: float = 0.0


def offer(load: Load) -> Offered:
    """Send a load and return what came of it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4 * MOST_CONNECTIONS)), hard))
    client = Client(load)
    gc.disable()
    try:
        _run(client.run())
    finally:
        gc.enable()
    return client.found


def _run(main: Coroutine[Any, Any, None]) -> None:
    """Run it, on uvloop where that is installed: half the computing."""
    factory = import_module("uvloop").new_event_loop if find_spec("uvloop") else None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


class Client:
    """All connections of a load."""

    def __init__(self, load: Load) -> None:
        self.load = load
        self.found = Offered()
        self.free: list[Connection] = []
        self.until = 0.0
        self._numbers = count(1)
        self._open = 0
        self._last = b""
        self._busy: set[Connection] = set()
        self._all: list[Connection] = []
        head = f"Host: fabroute\r\nAuthorization: Bearer {load.token}\r\n"
        self._read = f"HTTP/1.1\r\n{head}\r\n".encode()
        self._order = f"POST /v1/orders HTTP/1.1\r\n{head}Content-Type: application/json\r\n".encode()
        self._tails = [
            b"\r\nContent-Length: %d\r\n\r\n%b" % (len(body), body) for body in (load.body, *load.more_bodies)
        ]

    async def run(self) -> None:
        """Send everything, and wait for late answers."""
        began = time.monotonic()
        self.until = began + self.load.seconds
        if self.load.rate:
            await self._offer(began)
        else:
            for connection in [await self._connect() for _ in range(self.load.clients)]:
                if connection is not None:
                    self.send(connection, time.monotonic())
            await asyncio.sleep(self.load.seconds)
        self.found.seconds = time.monotonic() - began
        for _ in range(int(_LINGER_SECONDS * 20)):
            if not self._busy:
                break
            await asyncio.sleep(0.05)
        self.found.unanswered += [connection.key for connection in self._busy]
        self._busy.clear()
        for connection in self._all:
            connection.close()
        await asyncio.sleep(0)

    async def _offer(self, began: float) -> None:
        arrivals = _arrivals(self.load, began)
        due = next(arrivals)
        while due < self.until:
            await asyncio.sleep(max(0.0, due - time.monotonic()))
            now = time.monotonic()
            while due <= now:
                connection = self.free.pop() if self.free else await self._connect()
                if connection is None:
                    self.found.turned_away += 1
                else:
                    self.send(connection, due)
                due = next(arrivals)

    async def _connect(self) -> "Connection | None":
        """Return a new connection; ``None`` where the server takes no more of them."""
        path = self.load.sockets[self._open % len(self.load.sockets)]
        loop = asyncio.get_running_loop()
        if self._open >= MOST_CONNECTIONS:
            return None
        try:
            _, connection = await loop.create_unix_connection(lambda: Connection(self), path)
        except BlockingIOError:  # so many wait to be accepted
            return None
        self._open += 1
        self.found.connections = max(self.found.connections, self._open)
        self._all.append(connection)
        return connection

    def send(self, connection: "Connection", due: float) -> None:
        """Send the next request."""
        number = next(self._numbers)
        is_read = self.load.reads and number % 2 == 0 and self._last
        connection.key = "" if is_read else f"{self.load.name}.{number}"
        connection.due = due
        self.found.late.append(time.monotonic() - due)
        self._busy.add(connection)
        if is_read:
            connection.write(b"GET /v1/orders/%b %b" % (self._last, self._read))
        else:
            tail = self._tails[number % len(self._tails)]
            connection.write(b"%bIdempotency-Key: %b%b" % (self._order, connection.key.encode(), tail))

    def answered(self, connection: "Connection", head: bytes) -> None:
        """Note an answer; its connection is free for another request."""
        now, status, found = time.monotonic(), int(head[9:12]), self.found
        self._busy.discard(connection)
        found.statuses[status] += 1
        if status < 300:
            found.accepted.append(now - connection.due)
        else:
            found.refused.append(now - connection.due)
            self._note_refusal(head)
        if status == 201 and (location := _LOCATION.search(head)) is not None:
            self._last = location[1]
            found.orders[connection.key] = self._last.decode()
        if self.load.rate:
            self.free.append(connection)
        elif now < self.until:
            self.send(connection, now)

    def lost(self, connection: "Connection") -> None:
        """Note that a connection ended."""
        self._open -= 1
        if connection in self._busy:
            self._busy.discard(connection)
            self.found.unanswered.append(connection.key)
        if connection in self.free:
            self.free.remove(connection)

    def _note_refusal(self, head: bytes) -> None:
        told = _RETRY_AFTER.search(head)
        if told is None:
            self.found.without_retry_after += 1
        else:
            self.found.retry_after[int(told[1])] += 1


class Connection(asyncio.Protocol):
    """One connection that stays open, for one request at a time."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._buffer = b""
        self.key, self.due = "", 0.0
        self.write: Callable[[bytes], None] = lambda _: None
        self.close: Callable[[], None] = lambda: None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self.write = cast(asyncio.WriteTransport, transport).write
        self.close = transport.close

    def data_received(self, data: bytes) -> None:
        """Take a piece of an answer."""
        self._buffer += data
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[:end]
        length = _LENGTH.search(head)
        if len(self._buffer) >= end + 4 + (0 if length is None else int(length[1])):
            self._buffer = b""
            self._client.answered(self, head)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._client.lost(self)


def _arrivals(load: Load, began: float) -> Iterator[float]:
    source, due = random.Random(load.seed), began
    while True:
        due += source.expovariate(load.rate)
        yield due
