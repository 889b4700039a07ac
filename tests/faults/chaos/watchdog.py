"""Keeps the programs of an installation running, as an init system does: whatever was killed starts again."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from fabroute_embedded import launcher
from fabroute_embedded.accounts import Account
from fabroute_embedded.processes import ServerCommand

_LOOK_SECONDS = 0.05
_PAUSE_SECONDS = 0.2
"""Before what died starts again."""
_STOP_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """One program that shall always run."""

    name: str
    kind: str
    """Such as ``api`` or ``postgres``."""
    command: Sequence[str]
    environment: Mapping[str, str]
    log: Path
    folder: Path
    account: Account
    stop_signal: signal.Signals = signal.SIGKILL
    """An orderly end is tested elsewhere."""
    death_signal: signal.Signals = signal.SIGKILL


def program_of(kind: str, command: ServerCommand) -> Program:
    """Return an embedded server as a program."""
    return Program(
        name=command.name,
        kind=kind,
        command=[str(part) for part in command.program],
        environment=command.environment,
        log=command.log_path,
        folder=command.folder,
        account=command.account,
        stop_signal=command.stop_signal,
        death_signal=command.death_signal,
    )


@dataclass(slots=True, kw_only=True)
class _Kept:
    program: Program
    process: subprocess.Popen[bytes] | None = None
    start_at: float = 0.0
    started_at: float = 0.0
    starts: int = 0


class Watchdog:
    """A thread that starts programs again and undoes what was done for a while.

    It is also their parent: Linux ends a child with the *thread* that started it.
    """

    def __init__(self) -> None:
        self._kept: list[_Kept] = []
        self._undo: list[tuple[float, Callable[[], None]]] = []
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def keep(self, program: Program, process: subprocess.Popen[bytes] | None = None) -> None:
        """Keep a program running from now on; ``process`` is the one that runs already."""
        with self._lock:
            self._kept.append(_Kept(program=program, process=process, starts=int(process is not None)))

    def after(self, seconds: float, undo: Callable[[], None]) -> None:
        """Call ``undo`` in so many seconds, or at the end if that comes first."""
        with self._lock:
            self._undo.append((time.monotonic() + seconds, undo))

    def pids(self, kind: str) -> tuple[int, ...]:
        """Return the process ids of the programs of a kind that run."""
        with self._lock:
            processes = [kept.process for kept in self._kept if kept.program.kind == kind]
        return tuple(process.pid for process in processes if process is not None and process.poll() is None)

    def starts(self) -> Mapping[str, int]:
        """Return how often each program was started."""
        with self._lock:
            return {kept.program.name: kept.starts for kept in self._kept}

    def is_calm(self, *, steady_seconds: float = 1.0) -> bool:
        """Tell whether nothing waits to be undone and every program has run for some time."""
        now = time.monotonic()
        with self._lock:
            running = all(
                kept.process is not None and kept.process.poll() is None and now - kept.started_at >= steady_seconds
                for kept in self._kept
            )
            return running and not self._undo

    def stop(self) -> None:
        """Undo everything and end all programs, the newest first."""
        self._stopping.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._stopping.wait(_LOOK_SECONDS):
            self._undo_until(time.monotonic())
            with self._lock:
                for kept in self._kept:
                    _look_after(kept)
        self._undo_until(float("inf"))
        for kept in reversed(self._kept):
            _end(kept)

    def _undo_until(self, limit: float) -> None:
        with self._lock:
            due = [undo for at, undo in self._undo if at <= limit]
        for undo in due:
            undo()
        with self._lock:
            self._undo = [(at, undo) for at, undo in self._undo if undo not in due]


def signal_to(pids: Sequence[int], number: signal.Signals) -> None:
    """Send a signal to processes, those that have gone left out."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def _look_after(kept: _Kept) -> None:
    now = time.monotonic()
    if kept.process is not None and kept.process.poll() is not None:
        kept.process, kept.start_at = None, now + _PAUSE_SECONDS
    if kept.process is None and now >= kept.start_at:
        kept.process, kept.started_at, kept.starts = _start(kept.program), now, kept.starts + 1


def _start(program: Program) -> subprocess.Popen[bytes]:
    """Start a program by way of the launcher: nothing of ours runs between fork and exec, where threads are about."""
    whom = map(str, (os.getpid(), int(program.death_signal), program.account.uid, program.account.gid))
    with program.log.open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-I", "-S", launcher.__file__, *whom, *program.command],
            cwd=program.folder,
            env=dict(program.environment),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def _end(kept: _Kept) -> None:
    """End a program in good order, what is left of its group by force."""
    process = kept.process
    if process is None:
        return
    signal_to((process.pid,), kept.program.stop_signal)
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
