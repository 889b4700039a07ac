"""Connections that come at once are taken at once, whatever else the event loop has to do."""

import asyncio
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from http.client import HTTPResponse
from pathlib import Path

import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from fabroute.api.addresses import Address, bound
from fabroute.api.listening import HANDLES, ListeningServer, run_until_stopped
from tests.factories.processes import wait_until

CONNECTIONS = 10 * HANDLES
REQUEST = b"GET / HTTP/1.1\r\nHost: fabroute\r\n\r\n"


class Rounds:
    """An application that answers with the number of rounds that the event loop has made."""

    def __init__(self) -> None:
        self.rounds = 0
        self.blocked = threading.Event()
        self.free = threading.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request; ``/block`` stops the event loop until it is freed."""
        if scope["type"] == "lifespan":
            await receive()
            asyncio.get_running_loop().call_soon(self._count)
            await send({"type": "lifespan.startup.complete"})
            await receive()
            await send({"type": "lifespan.shutdown.complete"})
            return
        if scope["path"] == "/block":
            self.blocked.set()
            self.free.wait(30)
        body = b"%d" % self.rounds
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"%d" % len(body))]})
        await send({"type": "http.response.body", "body": body})

    def _count(self) -> None:
        self.rounds += 1
        asyncio.get_running_loop().call_soon(self._count)


def config_of(app: Rounds, *, uds: str | None = None, port: int = 0) -> uvicorn.Config:
    return uvicorn.Config(app, uds=uds, port=port, loop="uvloop", http="httptools", log_config=None)


@contextmanager
def listening(server: uvicorn.Server) -> Iterator[None]:
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        assert wait_until(lambda: server.started)
        yield
    finally:
        server.should_exit = True
        thread.join(30)


def asked_at_once(path: str, app: Rounds) -> list[int]:
    """Connect many times while the loop does something else; return in which of its rounds each was answered."""
    with connected(path) as blocking:
        blocking.sendall(REQUEST.replace(b"/", b"/block", 1))
        assert app.blocked.wait(30)
        with ExitStack() as opened:
            many = [opened.enter_context(connected(path)) for _ in range(CONNECTIONS)]
            for connection in many:
                connection.sendall(REQUEST)
            app.free.set()
            return [int(answer_on(connection)) for connection in many]


def answer_on(connection: socket.socket) -> bytes:
    answer = HTTPResponse(connection)
    answer.begin()
    return answer.read()


@contextmanager
def connected(path: str) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(path)
        yield connection


@pytest.mark.parametrize(("kind", "at_once"), [(ListeningServer, HANDLES), (uvicorn.Server, 1)])
def test_so_many_connections_are_taken_in_a_round_of_the_loop(
    tmp_path: Path, kind: type[uvicorn.Server], at_once: int
) -> None:
    app, path = Rounds(), str(tmp_path / "s")
    with listening(kind(config_of(app, uds=path))):
        rounds = asked_at_once(path, app)

    assert CONNECTIONS // at_once - 1 <= max(rounds) - min(rounds) <= CONNECTIONS // at_once + 5


def test_it_listens_on_an_address_and_ends_with_all_its_handles() -> None:
    app = Rounds()
    server = ListeningServer(config_of(app, port=0))
    with listening(server):
        assert len(server.servers) == HANDLES
        address = server.servers[0].sockets[0].getsockname()
        with socket.create_connection(address) as client:
            client.sendall(REQUEST)
            assert answer_on(client).isdigit()
    with suppress(ConnectionRefusedError), socket.create_connection(address, timeout=5) as late:
        raise AssertionError(f"somebody still listens on {late.getpeername()}")


def test_where_the_application_does_not_start_it_ends_with_an_error(tmp_path: Path) -> None:
    async def broken(scope: Scope, receive: Receive, send: Send) -> None:
        raise RuntimeError("no")

    config = uvicorn.Config(broken, loop="uvloop", http="httptools", lifespan="on", log_config=None)
    with bound(Address(uds=str(tmp_path / "s"))) as sockets, pytest.raises(SystemExit) as ended:
        run_until_stopped(config, sockets)

    assert ended.value.code == 3
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize("sign", [signal.SIGTERM, signal.SIGINT])
def test_it_serves_on_bound_sockets_until_a_signal_and_leaves_nothing_behind(
    tmp_path: Path, sign: signal.Signals
) -> None:
    path, told = tmp_path / "s", []

    def ask_and_end() -> None:
        assert wait_until(lambda: answers(str(path)))
        told.append(stat.S_IMODE(path.stat().st_mode))
        os.kill(os.getpid(), sign)

    thread = threading.Thread(target=ask_and_end)
    with bound(Address(uds=str(path))) as sockets:
        thread.start()
        run_until_stopped(config_of(Rounds(), uds=str(path)), sockets)
    thread.join()

    assert told == [0o666]
    assert not path.exists()


def answers(path: str) -> bool:
    try:
        with connected(path) as client:
            client.sendall(REQUEST)
            return answer_on(client).isdigit()
    except OSError:
        return False
