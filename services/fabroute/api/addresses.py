"""Where the API listens: looked at before it starts, and taken before it says that it has."""

import errno
import os
import socket
import stat
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from fabroute.kernel.errors import DomainError

LONGEST_PATH_BYTES = 107
"""Of a Unix socket, on Linux."""
_HIGHEST_PORT = 65_535
_ANSWER_WITHIN_SECONDS = 2.0
_FOR_EVERYONE = 0o666
_NOT_HERE = (errno.EADDRNOTAVAIL, errno.EAFNOSUPPORT)
"""One address of a name with several, such as ``localhost`` on a machine without IPv6: the others do."""


class AddressUnusable(DomainError):
    """Nobody can listen there: no such port or folder, no such right, or something else is in its place."""

    code = "address_unusable"
    status = 500


class AddressTaken(DomainError):
    """Another process listens there."""

    code = "address_taken"
    status = 500
    passes = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A port of this machine, or a Unix socket where ``uds`` is its path."""

    uds: str | None = None
    host: str = ""
    port: int = 0

    def __str__(self) -> str:
        """Return it as people write it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.uds or f"{host}:{self.port}"


def require_usable(address: Address) -> None:
    """Raise ``AddressUnusable`` where nobody could ever listen; whether it is free now is not asked."""
    if address.uds is not None:
        _require_socket_path(Path(address.uds))
    elif not 0 <= address.port <= _HIGHEST_PORT:
        raise AddressUnusable(
            f"{address.port} is no port: give one from 1 to {_HIGHEST_PORT} (--port, FABROUTE_HTTP_PORT)"
        )


def require_free(address: Address) -> None:
    """Raise what ``bound`` would, and hold nothing: for whoever loads for seconds before it listens."""
    require_usable(address)
    if address.uds is not None:
        _require_nobody_answers(Path(address.uds))
    else:
        for listener in _bound_ports(address):
            listener.close()


@contextmanager
def bound(address: Address) -> Iterator[Sequence[socket.socket]]:
    """Yield sockets that hold the address; who comes to a port too soon is refused, who comes to a file waits.

    Raises ``AddressUnusable``, ``AddressTaken``. The file of a Unix socket is gone afterwards; it alone, whatever else
    may be at its path by then.
    """
    require_usable(address)
    with ExitStack() as opened:
        if address.uds is None:
            yield [opened.enter_context(it) for it in _bound_ports(address)]
        else:
            listener = opened.enter_context(_bound_path(Path(address.uds)))
            opened.enter_context(_taken_away_afterwards(Path(address.uds)))
            yield [listener]


def _require_socket_path(path: Path) -> None:
    if not path.name or len(os.fsencode(path)) > LONGEST_PATH_BYTES:
        raise AddressUnusable(f"{path} can't be a socket: give a path of 1 to {LONGEST_PATH_BYTES} bytes (--uds)")
    folder = path.absolute().parent
    if not folder.is_dir():
        raise AddressUnusable(f"there is no folder {folder} for the socket: make it, or give another path (--uds)")
    if not os.access(folder, os.W_OK | os.X_OK):
        raise AddressUnusable(
            f"user {os.geteuid()} can't make a socket in {folder}: give the folder to that user, or give another path "
            "(--uds)"
        )
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(path.lstat().st_mode):
            raise AddressUnusable(f"{path} is no socket, and was left alone: give another path (--uds)")


def _bound_path(path: Path) -> socket.socket:
    """Bind a path; a socket that a process left there when it was killed is replaced, its permissions are kept."""
    mode = _FOR_EVERYONE
    if path.exists():
        _require_nobody_answers(path)
        mode = stat.S_IMODE(path.stat().st_mode)
        path.unlink()
    listener = socket.socket(socket.AF_UNIX)
    try:
        listener.bind(str(path))
        path.chmod(mode)
        listener.listen()  # whoever looks for the file finds somebody there
    except OSError as error:
        listener.close()
        raise _refusal(error, Address(uds=str(path))) from error
    return listener


def _require_nobody_answers(path: Path) -> None:
    if _somebody_answers(path):
        raise AddressTaken(f"another process listens on {path}: end it, or give another path (--uds)")


def _somebody_answers(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as caller:
        caller.settimeout(_ANSWER_WITHIN_SECONDS)
        try:
            caller.connect(str(path))
        except (ConnectionRefusedError, FileNotFoundError):
            return False
        except OSError:  # its queue is full, or it isn't ours: somebody is there
            return True
    return True


@contextmanager
def _taken_away_afterwards(path: Path) -> Iterator[None]:
    mine = path.lstat()
    try:
        yield
    finally:
        with suppress(OSError):
            if os.path.samestat(mine, path.lstat()):
                path.unlink()


def _bound_ports(address: Address) -> Sequence[socket.socket]:
    """Bind the port on each address of the host's name; all of this machine's where there is no name."""
    try:
        found = socket.getaddrinfo(address.host or None, address.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (socket.gaierror, UnicodeError) as error:
        raise AddressUnusable(
            f"{address.host} is no address of this machine: correct --host or FABROUTE_HTTP_HOST (127.0.0.1 for this "
            "machine alone, 0.0.0.0 for everyone)"
        ) from error
    listeners: list[socket.socket] = []
    refused: OSError | None = None
    for family, place in dict.fromkeys((family, place) for family, _, _, _, place in found):
        try:
            listeners.append(_bound_port(family, place))
        except OSError as error:
            refused = error
    if refused is not None and (not listeners or refused.errno not in _NOT_HERE):
        for listener in listeners:
            listener.close()
        raise _refusal(refused, address) from refused
    return listeners


def _bound_port(family: int, place: tuple[object, ...]) -> socket.socket:
    listener = socket.socket(family)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family == socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind(place)
    except OSError:
        listener.close()
        raise
    return listener


def _refusal(error: OSError, address: Address) -> DomainError:
    if error.errno == errno.EADDRINUSE:
        return AddressTaken(
            f"another process listens on {address}: end it (ss -ltnp tells which), or give another port (--port, "
            "FABROUTE_HTTP_PORT)"
        )
    if error.errno == errno.EACCES:
        return AddressUnusable(
            f"user {os.geteuid()} may not listen on {address}: take a port from 1024 on, and a proxy in front"
        )
    if error.errno == errno.EADDRNOTAVAIL:
        return AddressUnusable(f"this machine has no address {address.host}: correct --host or FABROUTE_HTTP_HOST")
    return AddressUnusable(f"nobody can listen on {address} ({error.strerror}): give another address")
