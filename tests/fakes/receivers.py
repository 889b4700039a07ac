"""Receivers of webhooks that misbehave: real servers on this machine, each on a thread and an event loop of its own."""

import asyncio
import ssl
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from ipaddress import ip_address

from fabroute.webhooks.rules.addresses import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Received:
    """One request that came in."""

    target: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def message_id(self) -> str:
        """What the header ``webhook-id`` says."""
        return self.headers["webhook-id"]


Behaviour = Callable[["Receiver", asyncio.StreamWriter], Awaitable[None]]


@dataclass(slots=True, kw_only=True)
class Receiver:
    """A server, what it does with each request, and what has come in."""

    behave: Behaviour
    port: int = 0
    connections: int = 0
    received: list[Received] = field(default_factory=list)
    names: list[str | None] = field(default_factory=list)
    """The names that clients said in their TLS handshakes."""

    @property
    def url(self) -> str:
        """Where it is."""
        return f"http://127.0.0.1:{self.port}/hooks?from=fabroute"

    def ids(self) -> list[str]:
        """The ids of the messages, in the order in which they came."""
        return [it.message_id for it in self.received]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Take one request, and do what this receiver does."""
        self.connections += 1
        try:
            self.received.append(await _request(reader))
            await self.behave(self, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.close()


def answering(status: int, *, body: bytes = b"", **headers: str) -> Behaviour:
    """Return the behaviour to answer with a status, at once."""

    async def behave(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        head = "\r\n".join((f"HTTP/1.1 {status} X", f"content-length: {len(body)}", *lines, "", ""))
        writer.write(head.encode() + body)
        await writer.drain()

    return behave


def by_turns(*behaviours: Behaviour) -> Behaviour:
    """Return the behaviour to do one thing after the other, and the last one from then on."""

    async def behave(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
        await behaviours[min(len(receiver.received), len(behaviours)) - 1](receiver, writer)

    return behave


async def hanging(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Say nothing for ever."""
    await asyncio.sleep(3600)


async def dripping(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Send the head a byte at a time, never whole."""
    for letter in b"HTTP/1.1 200 OK\r\nx-slow: " + b"a" * 100_000:
        writer.write(bytes((letter,)))
        await writer.drain()
        await asyncio.sleep(0.02)


async def dripping_body(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Answer 500 at once, then send the body a byte at a time."""
    writer.write(b"HTTP/1.1 500 X\r\ncontent-length: 100000\r\n\r\n")
    for _ in range(100_000):
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(0.02)


async def breaking_off(receiver: Receiver, writer: asyncio.StreamWriter) -> None:
    """Hang up without an answer."""


@contextmanager
def running_receiver(behave: Behaviour, *, tls: ssl.SSLContext | None = None) -> Iterator[Receiver]:
    """Yield a receiver that runs on a free port of this machine."""
    receiver, loop = Receiver(behave=behave), asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="receiver")
    thread.start()
    if tls is not None:
        tls.sni_callback = lambda _connection, name, _context: receiver.names.append(name)
    server = asyncio.run_coroutine_threadsafe(_start(receiver, tls), loop).result(10)
    try:
        yield receiver
    finally:
        asyncio.run_coroutine_threadsafe(_stop(server), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


async def _start(receiver: Receiver, tls: ssl.SSLContext | None) -> asyncio.Server:
    server = await asyncio.start_server(receiver.serve, "127.0.0.1", 0, ssl=tls)
    receiver.port = server.sockets[0].getsockname()[1]
    return server


async def _stop(server: asyncio.Server) -> None:
    server.close()
    others = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


async def _request(reader: asyncio.StreamReader) -> Received:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin1").split("\r\n")
    headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Received(target=head[0].split(" ")[1], headers=headers, body=body)


class FakeNames:
    """A resolver that says what it is told, one answer after the other, and counts how often it is asked."""

    def __init__(self, *answers: tuple[str, ...]) -> None:
        self.answers = [[ip_address(name) for name in answer] for answer in answers]
        self.asked: list[str] = []

    async def __call__(self, host: str, port: int) -> list[Address]:
        """Return the next answer; the last one again and again."""
        self.asked.append(host)
        return self.answers[min(len(self.asked), len(self.answers)) - 1]
