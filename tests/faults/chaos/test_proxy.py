"""The way to a server that chaos cuts, slows and silences: each mode does what it says, and ends."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.factories.processes import plain_environment, wait_until
from tests.faults.chaos.proxy import Proxy, start_proxy


@pytest.fixture
def echo(tmp_path: Path) -> Iterator[Path]:
    """A server that says everything back, until its client hangs up."""
    path = tmp_path / "echo.sock"
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))
        listening.listen()
        threading.Thread(target=_serve, args=(listening,), daemon=True).start()
        yield path
        listening.shutdown(socket.SHUT_RDWR)


def _serve(listening: socket.socket) -> None:
    while True:
        try:
            link, _ = listening.accept()
        except OSError:
            return
        threading.Thread(target=_say_back, args=(link,), daemon=True).start()


def _say_back(link: socket.socket) -> None:
    with link:
        while heard := link.recv(1024):
            link.sendall(heard)


@contextmanager
def proxied(echo: Path) -> Iterator[Proxy]:
    proxy = start_proxy("echo", listen=echo.with_name("proxy.sock"), upstream=echo, environment=plain_environment())
    try:
        yield proxy
    finally:
        proxy.stop()


def connected(echo: Path, *, timeout: float = 10.0) -> socket.socket:
    link = socket.socket(socket.AF_UNIX)
    link.settimeout(timeout)
    link.connect(str(echo.with_name("proxy.sock")))
    return link


def said_back(link: socket.socket, words: bytes) -> bytes:
    """What comes back; nothing where the connection is broken."""
    try:
        link.sendall(words)
        return link.recv(1024)
    except (BrokenPipeError, ConnectionResetError):
        return b""


def test_a_cut_breaks_old_and_new_connections_until_it_passes_again(echo: Path) -> None:
    with proxied(echo) as proxy, closing(connected(echo)) as link:
        before = said_back(link, b"one")
        proxy.cut()
        broken = link.recv(1024)
        with closing(connected(echo)) as refused:
            nothing = said_back(refused, b"two")
        proxy.passing()
        assert wait_until(lambda: _asks(echo, b"three") == b"three", seconds=10)

    assert (before, broken, nothing) == (b"one", b"", b"")


def test_a_black_hole_swallows_words_and_gives_them_back_when_it_ends(echo: Path) -> None:
    with proxied(echo) as proxy, closing(connected(echo, timeout=0.3)) as link:
        before = said_back(link, b"one")
        proxy.black_hole()
        time.sleep(0.1)
        link.sendall(b"two")
        with pytest.raises(TimeoutError):
            link.recv(1024)
        proxy.passing()
        link.settimeout(10)
        after = link.recv(1024)

    assert (before, after) == (b"one", b"two")


def test_a_delay_holds_each_piece_back_both_ways(echo: Path) -> None:
    with proxied(echo) as proxy, closing(connected(echo)) as link:
        said_back(link, b"warm")
        proxy.delay(0.2)
        time.sleep(0.1)
        began = time.monotonic()
        heard = said_back(link, b"slow")
        seconds = time.monotonic() - began

    assert heard == b"slow"
    assert seconds >= 0.4


def test_a_server_that_is_down_is_told_of_at_once(echo: Path) -> None:
    with proxied(echo.with_name("nobody.sock")), closing(connected(echo)) as link:
        assert link.recv(1024) == b""
    assert not echo.with_name("nobody.sock").exists()


def _asks(echo: Path, words: bytes) -> bytes:
    with closing(connected(echo)) as link:
        return said_back(link, words)
