"""A way to a server that can be cut, slowed and silenced: ``python -m tests.faults.chaos.proxy LISTEN UPSTREAM``.

Each is a Unix socket, or host and port. What it shall do comes line by line on its standard input; it ends with that
input.
"""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fabroute_workers.lifeline import lifeline

_CHUNK_BYTES = 1 << 16
_READY = b"listening\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy:
    """A running proxy. Its modes hold until the next is asked for."""

    name: str
    process: subprocess.Popen[bytes]

    def passing(self) -> None:
        """Let everything through, also what was held back."""
        self._tell("pass")

    def cut(self) -> None:
        """Break all connections and every new one."""
        self._tell("cut")

    def delay(self, seconds: float) -> None:
        """Hold each piece back for so long, both ways."""
        self._tell(f"delay {seconds}")

    def black_hole(self) -> None:
        """Take connections and bytes, and let nothing through: not even that somebody hung up."""
        self._tell("black_hole")

    def stop(self) -> None:
        """End the process."""
        self.process.kill()
        self.process.wait()
        assert self.process.stdin is not None
        self.process.stdin.close()

    def _tell(self, mode: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{mode}\n".encode())


def start_proxy(name: str, *, listen: Path | str, upstream: Path | str, environment: Mapping[str, str]) -> Proxy:
    """Start a proxy at ``listen`` to ``upstream``, which may be down; it ends with this thread.

    A path is a Unix socket, ``127.0.0.1:5672`` a port.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", __name__, str(listen), str(upstream)],
        env=dict(environment),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        bufsize=0,
        process_group=0,  # what ends its owner in good order (Ctrl-C) shall not end it first
        preexec_fn=lifeline(signal.SIGKILL),
    )
    assert process.stdout is not None
    with process.stdout as answer:
        if answer.read(len(_READY)) != _READY:
            raise RuntimeError(f"the proxy of the {name} did not start: exit code {process.wait()}")
    return Proxy(name=name, process=process)


class _Link:
    """The proxy's inside: its mode, and the connections that it has."""

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream
        self._open = asyncio.Event()
        self._open.set()
        self._delay_seconds = 0.0
        self._refuses = False
        self._writers: set[asyncio.StreamWriter] = set()

    def change(self, mode: str, seconds: float = 0.0) -> None:
        """Go over to another mode."""
        self._refuses = mode == "cut"
        self._delay_seconds = seconds
        if mode == "black_hole":
            self._open.clear()
            return
        if self._refuses:
            for writer in tuple(self._writers):
                writer.transport.abort()
        self._open.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Carry one connection until either side ends it."""
        self._writers.add(writer)
        with suppress(OSError):
            await self._carry(reader, writer)
        writer.transport.abort()
        self._writers.discard(writer)

    async def _carry(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await self._open.wait()
        if self._refuses:
            return
        answers, requests = await _connected(self._upstream)
        self._writers.add(requests)
        pumps = [asyncio.create_task(self._pump(*ends)) for ends in ((reader, requests), (answers, writer))]
        await asyncio.wait(pumps, return_when=asyncio.FIRST_COMPLETED)
        for pump in pumps:
            pump.cancel()
        await asyncio.gather(*pumps, return_exceptions=True)
        requests.transport.abort()
        self._writers.discard(requests)

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while chunk := await reader.read(_CHUNK_BYTES):
                await self._hold_back()
                writer.write(chunk)
                await writer.drain()
        await self._hold_back()

    async def _hold_back(self) -> None:
        if self._delay_seconds:
            await asyncio.sleep(self._delay_seconds)
        await self._open.wait()


async def _connected(upstream: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if upstream.startswith("/"):
        return await asyncio.open_unix_connection(upstream)
    host, _, port = upstream.rpartition(":")
    return await asyncio.open_connection(host, int(port))


async def _listening(link: _Link, listen: str) -> asyncio.Server:
    if listen.startswith("/"):
        return await asyncio.start_unix_server(link.serve, listen, backlog=256)
    host, _, port = listen.rpartition(":")
    return await asyncio.start_server(link.serve, host, int(port), backlog=256)


async def _serve(listen: str, upstream: str) -> None:
    link = _Link(upstream)
    orders = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    async with await _listening(link, listen):
        sys.stdout.buffer.write(_READY)
        sys.stdout.buffer.flush()
        while line := (await orders.readline()).decode().split():
            link.change(line[0], *map(float, line[1:]))


if __name__ == "__main__":
    asyncio.run(_serve(*sys.argv[1:]))
