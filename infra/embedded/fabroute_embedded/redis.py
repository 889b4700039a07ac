"""An embedded Redis: on a Unix socket only, with an append-only file, refusing rather than forgetting when full."""

import contextlib
import signal
import socket
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

from fabroute_embedded.accounts import Account, server_account
from fabroute_embedded.folders import prepare_server_folder, socket_path
from fabroute_embedded.processes import ServerCommand, ServerProcess, plain_environment, start_process, stop_pid
from fabroute_embedded.wheels import redis_program

_SOCKET_NAME = "redis.sock"
_ANSWER_WITHIN_S = 1.0

_SETTINGS = {
    "port": "0",
    "unixsocketperm": "700",
    "daemonize": "no",
    "appendonly": "yes",
    "appendfsync": "everysec",
    "save": "",
    "maxmemory-policy": "noeviction",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class RedisServer:
    """A running Redis. Anyone who can reach its folder commands it: that is what the folder's 0700 is for."""

    folder: Path
    process: ServerProcess

    @property
    def url(self) -> str:
        """The broker's URL as Celery takes it."""
        return f"redis+socket://{quote(str(self.socket_path))}"

    @property
    def socket_path(self) -> Path:
        """The Unix socket, for ``redis.Redis(unix_socket_path=...)``."""
        return self.folder / _SOCKET_NAME

    @property
    def pid(self) -> int:
        """The process id of the server."""
        return self.process.pid

    @property
    def log_path(self) -> Path:
        """The server's log."""
        return self.process.command.log_path

    def flush(self) -> None:
        """Forget everything."""
        if _ask(self.socket_path, b"FLUSHALL") != b"+OK\r\n":
            raise ConnectionError(f"the Redis at {self.socket_path} did not flush: see {self.log_path}")

    def stop(self) -> None:
        """Write what is left to the append-only file and end the server; by force after 10 s."""
        self.process.stop()


def start_redis(folder: Path, *, keep: bool = False) -> RedisServer:
    """Start Redis with its data, socket and log in ``folder`` (0700).

    It dies with this process unless ``keep``. ``EmbeddedServerError`` tells what is missing or why it didn't start.
    """
    account = server_account()
    home = prepare_server_folder(folder, account)
    listening = socket_path(home, _SOCKET_NAME)
    program = redis_program(account=account, copy_to=home / "programs")
    process = start_process(_command(program, home, account), keep=keep)
    with ExitStack() as undo:
        undo.callback(process.stop)
        process.wait_until_ready(lambda: _ask(listening, b"PING") == b"+PONG\r\n")
        undo.pop_all()
    return RedisServer(folder=home, process=process)


def stop_redis(folder: Path) -> bool:
    """Stop the server that was kept in ``folder``, from any process; False if there is none."""
    home = folder.resolve()
    if _ask(home / _SOCKET_NAME, b"PING") != b"+PONG\r\n":
        return False
    stop_pid(int((home / "redis.pid").read_text(encoding="ascii")), stop_signal=signal.SIGTERM)
    return True


def _command(program: Path, home: Path, account: Account) -> ServerCommand:
    settings = {
        **_SETTINGS,
        "unixsocket": str(home / _SOCKET_NAME),
        "dir": str(home),
        "pidfile": str(home / "redis.pid"),
    }
    return ServerCommand(
        name="embedded Redis",
        program=[str(program), *(part for name, value in settings.items() for part in (f"--{name}", value))],
        folder=home,
        log_path=home / "redis.log",
        account=account,
        stop_signal=signal.SIGTERM,
        death_signal=signal.SIGTERM,
        environment=plain_environment(),
    )


def _ask(path: Path, command: bytes) -> bytes:
    """Send one command that has a short answer; empty when nobody listens."""
    with contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as link:
        link.settimeout(_ANSWER_WITHIN_S)
        link.connect(str(path))
        link.sendall(command + b"\r\n")
        return link.recv(64)
    return b""
