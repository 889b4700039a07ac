"""Child processes that belong to their owner: they die with it, and stop in order."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fabroute_embedded import launcher
from fabroute_embedded.accounts import Account
from fabroute_embedded.errors import EmbeddedServerError

READY_WITHIN_S = 120.0
"""On a machine that is busy elsewhere a process takes a minute to start; one that died is noticed at once."""
STOP_WITHIN_S = 10.0
_POLL_S = 0.01
_LOG_TAIL_LINES = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerCommand:
    """How to run one server, and how to end it."""

    name: str
    program: Sequence[str]
    folder: Path
    log_path: Path
    account: Account
    stop_signal: signal.Signals
    """Asks for an orderly end."""
    death_signal: signal.Signals
    """What the kernel sends when the owner dies."""
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerProcess:
    """A running server and the ways to wait for it and to end it."""

    command: ServerCommand
    child: subprocess.Popen[bytes]

    @property
    def pid(self) -> int:
        """The process id of the server itself."""
        return self.child.pid

    def is_running(self) -> bool:
        """Tell whether the server is still there."""
        return self.child.poll() is None

    def wait_until_ready(self, is_ready: Callable[[], bool], *, within_s: float = READY_WITHIN_S) -> None:
        """Return as soon as ``is_ready`` says so; ``EmbeddedServerError`` with the log's tail if it dies or is late."""
        deadline = time.monotonic() + within_s
        while not is_ready():
            if not self.is_running():
                raise self._failure(f"ended with exit code {self.child.returncode} before it was ready")
            if time.monotonic() > deadline:
                raise self._failure(f"was not ready within {within_s:g} s")
            time.sleep(_POLL_S)

    def stop(self, *, within_s: float = STOP_WITHIN_S) -> None:
        """End the server in an orderly way, by force after ``within_s``. Calling it again does no harm."""
        if not self.is_running():
            return
        self.child.send_signal(self.command.stop_signal)
        try:
            self.child.wait(within_s)
        except subprocess.TimeoutExpired:
            self.child.kill()
            self.child.wait()

    def _failure(self, what: str) -> EmbeddedServerError:
        return EmbeddedServerError(f"the {self.command.name} {what}\n{log_tail(self.command.log_path)}")


def start_process(command: ServerCommand, *, keep: bool) -> ServerProcess:
    """Start a server that dies with this process, unless ``keep``; it has a session of its own.

    So Ctrl-C in a terminal reaches the owner alone, who then stops its servers in order. Call it in the main thread:
    Linux counts the end of the *thread* that started a child as the death of its parent.
    """
    if not keep and threading.current_thread() is not threading.main_thread():
        raise EmbeddedServerError(
            "start embedded servers in the main thread: they end with the thread that starts them"
        )
    death_signal = 0 if keep else int(command.death_signal)
    with command.log_path.open("ab") as log:
        child = subprocess.Popen(
            _launch(command.program, account=command.account, death_signal=death_signal),
            cwd=command.folder,
            env=dict(command.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return ServerProcess(command=command, child=child)


def run_to_end(program: Sequence[str], *, account: Account) -> subprocess.CompletedProcess[str]:
    """Run a program as ``account`` and return its exit code and what it printed."""
    return subprocess.run(
        _launch(program, account=account, death_signal=0),
        cwd="/",
        env=plain_environment(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )


def _launch(program: Sequence[str], *, account: Account, death_signal: int) -> list[str]:
    launch = [sys.executable, "-I", "-S", launcher.__file__]
    return [*launch, *map(str, (os.getpid(), death_signal, account.uid, account.gid)), *program]


def plain_environment() -> dict[str, str]:
    """Return what a server needs of our environment: no secrets, and none of the ``PG*`` variables."""
    passed_on = {name: os.environ[name] for name in ("LD_LIBRARY_PATH", "TMPDIR") if name in os.environ}
    return {"PATH": os.defpath, "LC_ALL": "C", **passed_on}


def log_tail(log_path: Path) -> str:
    """Return the last lines of a server's log under its path, for an error message."""
    if not log_path.exists():
        return f"It left no log at {log_path}."
    lines = log_path.read_text(encoding="utf-8", errors="replace").splitlines()[-_LOG_TAIL_LINES:]
    return "\n".join([f"The end of {log_path}:", *(f"    {line}" for line in lines)])


def stop_pid(pid: int, *, stop_signal: signal.Signals, within_s: float = STOP_WITHIN_S) -> None:
    """End a server that isn't our child: by ``stop_signal``, by force after ``within_s``."""
    deadline = time.monotonic() + within_s
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, stop_signal)
        while _is_alive(pid):
            if time.monotonic() > deadline:
                os.kill(pid, signal.SIGKILL)
            time.sleep(_POLL_S)


def _is_alive(pid: int) -> bool:
    """Tell whether the process still runs. One that has ended but that its parent has not asked after does not."""
    with contextlib.suppress(FileNotFoundError):
        state = Path(f"/proc/{pid}/stat").read_text(encoding="ascii", errors="replace").rpartition(")")[2].split()[0]
        return state != "Z"
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, 0)
        return True
    return False
