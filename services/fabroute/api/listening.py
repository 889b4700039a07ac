"""A uvicorn server that takes connections as fast as they come, however long its event loop is busy between two looks.

libuv, and uvloop with it, accepts one connection each time that the loop comes round to a listening socket. Under load
it comes round thirty times a second; connections that come faster wait in the system's queue, for seconds. So the loop
watches several handles of the same socket, and takes one connection by each.
"""

import asyncio
import signal
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import uvicorn

from fabroute.integrations.service_manager import READY, STOPPING, SignsOfLife, tell

HANDLES = 16
_STARTUP_FAILURE = 3


class ListeningServer(uvicorn.Server):
    """Listens as ``uvicorn.Server`` does, with ``HANDLES`` handles of each socket; systemd is told of it."""

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self._signs = SignsOfLife()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, and listen."""
        await super().startup(sockets)
        if self.should_exit:
            return
        listeners = [listener for server in self.servers for listener in server.sockets]
        if sockets is not None:
            self._log_started_message(listeners)
        for listener in listeners:
            self.servers += [await self._listen_on(listener) for _ in range(HANDLES - 1)]
        tell(READY)

    async def on_tick(self, counter: int) -> bool:
        """Give a sign of life, ten times a second at most: an event loop that hangs gives none."""
        self._signs.give()
        return await super().on_tick(counter)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer what was asked, then end."""
        tell(STOPPING)
        await super().shutdown(sockets)

    async def _listen_on(self, listener: socket.socket) -> asyncio.Server:
        loop, config = asyncio.get_running_loop(), self.config
        handle = socket.fromfd(listener.fileno(), listener.family, listener.type)
        if listener.family is socket.AF_UNIX:
            return await loop.create_unix_server(self._protocol, sock=handle, ssl=config.ssl, backlog=config.backlog)
        return await loop.create_server(self._protocol, sock=handle, ssl=config.ssl, backlog=config.backlog)

    def _protocol(self) -> asyncio.Protocol:
        return self.config.http_protocol_class(  # type: ignore[call-arg]
            config=self.config, server_state=self.server_state, app_state=self.lifespan.state
        )


@contextmanager
def _ended_by_signals(server: uvicorn.Server) -> Iterator[None]:
    """Have signals end the server only: uvicorn raises them again in the end, before anything is put in order."""
    before = {sign: signal.signal(sign, server.handle_exit) for sign in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    finally:
        for sign, handler in before.items():
            signal.signal(sign, handler)


def run_until_stopped(config: uvicorn.Config, sockets: Sequence[socket.socket]) -> None:
    """Serve on bound sockets as ``uvicorn.run`` does, until a signal ends it. Raises ``SystemExit`` if it can't."""
    server = ListeningServer(config)
    with _ended_by_signals(server):
        server.run(sockets=list(sockets))
    if not server.started:
        sys.exit(_STARTUP_FAILURE)
