"""Work in a forked process with limits: however it ends, this one goes on and knows how."""

import contextlib
import faulthandler
import gc
import os
import resource
import select
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from types import FrameType
from typing import NoReturn, Self

from sqlalchemy import Engine

from fabroute.routing.ports import Ending, Isolation
from fabroute.telemetry.tracing import flush_spans
from fabroute_workers.lifeline import die_with_parent

_SLICE_SECONDS = 0.1
_LAST_WORDS_SECONDS = 1.0
"""For a process that is ended to say in the log where it is."""
_FIRST_TO_GO = "1000"
_PATIENCE_SECONDS = 15.0
"""So much longer is waited for a process that gets no processor: the task that waits has limits too."""


@dataclass(slots=True, kw_only=True)
class _Fork:
    pid: int
    pipe: int
    output: bytearray

    @property
    def answer(self) -> bytes:
        """What it said."""
        return bytes(self.output)


class _TimeLimit:
    """Holds back the signal by which Celery interrupts a task whose time is up, until that can do no harm.

    Its handler runs in the main thread, whichever thread the signal reaches: to block it in one would not do.
    """

    def __init__(self) -> None:
        self._handler = signal.getsignal(signal.SIGUSR1)
        self._holds = callable(self._handler) and threading.current_thread() is threading.main_thread()
        self._came: FrameType | None = None
        self._has_come = False

    def __enter__(self) -> Self:
        if self._holds:
            signal.signal(signal.SIGUSR1, self._note)
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Let it come from now on, and what came meanwhile at once."""
        self.forget()
        if self._has_come and callable(self._handler):
            self._has_come = False
            self._handler(signal.SIGUSR1, self._came)

    def forget(self) -> None:
        """Hold it back no longer."""
        if self._holds:
            self._holds = False
            signal.signal(signal.SIGUSR1, self._handler)

    def _note(self, _sign: int, frame: FrameType | None) -> None:
        self._has_come, self._came = True, frame


class _Heard(Enum):
    ALL = "all that it had to say"
    OVERDUE = "not all in the time that it had"
    STARVED = "not all, and it did not have its time"


def isolated(work: Callable[[], bytes], *, seconds: float) -> Ending:
    """Return what ``work`` comes to in a forked process, or how that ended before it was done.

    The process has a copy of this one's memory, as much to use (``limit_memory`` counts both), and must not touch its
    connections. It is ended after ``seconds``, of which those don't count in which it waited for a processor, or this
    one was frozen; if there is more of that than a while, it is ended as ``starved``; and it ends with this one.
    ``OSError`` where no process can be made.
    """
    with _TimeLimit() as limit:
        fork = _fork(work, limit=limit)
        with _buried(fork):
            limit.let_go()  # the fork will be buried, whatever interrupts the waiting
            return _waited_for(fork, seconds=seconds)


def _waited_for(fork: _Fork, *, seconds: float) -> Ending:
    heard = _heard_out(fork, seconds=seconds)
    if heard is not _Heard.ALL:
        os.kill(fork.pid, signal.SIGABRT)  # faulthandler says where it is, then lets it end
        _heard_out(fork, seconds=_LAST_WORDS_SECONDS)
        os.kill(fork.pid, signal.SIGKILL)
    _, status = os.waitpid(fork.pid, 0)
    fork.pid = 0
    return _ending(fork, status, seconds=seconds, heard=heard)


def _fork(work: Callable[[], bytes], *, limit: _TimeLimit) -> _Fork:
    parent = os.getpid()
    sys.stdout.flush()
    sys.stderr.flush()
    faulthandler.cancel_dump_traceback_later()  # a fork would wait for ever for the thread that watches this process
    reading, writing = os.pipe()
    try:
        pid = os.fork()
    except OSError:
        os.close(reading)
        os.close(writing)
        raise
    if pid == 0:
        limit.forget()
        os.close(reading)
        _be_child(work, pipe=writing, parent=parent)
    os.close(writing)
    return _Fork(pid=pid, pipe=reading, output=bytearray())


def apart_from(engine: Engine) -> Isolation:
    """Return ``isolated`` for work on a database, to which the process makes connections of its own."""

    def isolate(work: Callable[[], bytes], *, seconds: float) -> Ending:
        def unconnected() -> bytes:
            engine.dispose(close=False)
            return work()

        return isolated(unconnected, seconds=seconds)

    return isolate


@contextmanager
def _buried(fork: _Fork) -> Iterator[None]:
    """Leave no process and no pipe behind, even where a time limit of the task interrupts the waiting."""
    try:
        yield
    finally:
        os.close(fork.pipe)
        if fork.pid:
            os.kill(fork.pid, signal.SIGKILL)
            os.waitpid(fork.pid, 0)


def _heard_out(fork: _Fork, *, seconds: float) -> _Heard:
    """Read all that the process says; tell whether it was done in time.

    Time does not count in which this process was frozen, nor any for which the other waited for a processor: on a busy
    machine everything takes long, and nothing hangs. But nor does anything wait for it for ever.
    """
    poll = select.poll()
    poll.register(fork.pipe, select.POLLIN)
    left, patience, waited = seconds, seconds + _PATIENCE_SECONDS, _waited_seconds(fork.pid)
    while left > 0:
        if patience <= 0:
            return _Heard.STARVED
        began = time.monotonic()
        if poll.poll(1000 * _SLICE_SECONDS):
            piece = os.read(fork.pipe, 65_536)
            fork.output += piece
            if not piece:
                return _Heard.ALL
        before, waited = waited, _waited_seconds(fork.pid)
        passed = min(_SLICE_SECONDS, time.monotonic() - began)
        patience -= passed
        left -= max(0.0, passed - (waited - before))
    return _Heard.OVERDUE


def _waited_seconds(pid: int) -> float:
    """Return for how long a process was ready to run and had no processor; 0 where the kernel does not count it."""
    try:
        _, waited, _ = Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()
    except OSError:
        return 0.0
    return int(waited) / 1e9


def _ending(fork: _Fork, status: int, *, seconds: float, heard: _Heard) -> Ending:
    if heard is _Heard.OVERDUE:
        return Ending(answer=None, why=f"it was not done after {seconds:g} s")
    if heard is _Heard.STARVED:
        why = f"it got less than {seconds:g} s of computing in {seconds + _PATIENCE_SECONDS:g} s"
        return Ending(answer=None, why=why, starved=True)
    if os.WIFSIGNALED(status):
        return Ending(answer=None, why=f"its process was killed by {signal.Signals(os.WTERMSIG(status)).name}")
    if os.WEXITSTATUS(status) != 0:
        return Ending(answer=None, why=f"its process ended with code {os.WEXITSTATUS(status)}")
    return Ending(answer=fork.answer)


_BROKEN = 70


def _be_child(work: Callable[[], bytes], *, pipe: int, parent: int) -> NoReturn:
    """Do the work and end, whatever happens: nothing of the parent's code may run on in two processes."""
    code = _BROKEN
    try:
        die_with_parent(signal.SIGKILL, parent_pid=parent)
        for sign in (signal.SIGTERM, signal.SIGINT):
            signal.signal(sign, signal.SIG_DFL)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        go_first()
        gc.freeze()
        faulthandler.enable(file=sys.__stderr__ or sys.stderr, all_threads=False)
        with open(pipe, "wb", closefd=False) as stream:
            stream.write(work())
        flush_spans(_LAST_WORDS_SECONDS)
        code = 0
    finally:
        with contextlib.suppress(OSError, ValueError):
            if code == _BROKEN:
                traceback.print_exc(file=sys.__stderr__)
            sys.stdout.flush()
            sys.stderr.flush()
        os._exit(code)


def go_first() -> None:
    """Let Linux end this process before all others where memory runs out, rather than a server."""
    with contextlib.suppress(OSError):
        Path("/proc/self/oom_score_adj").write_text(_FIRST_TO_GO, encoding="ascii")


def limit_memory(mebibytes: int) -> None:
    """Let this process and its children allocate so much each, libraries' own data included: then they get no more.

    Python raises ``MemoryError``, most libraries end the process: either ends a run, and no other process of the
    machine has to pay for it. A child may raise its own limit again.
    """
    _, hard = resource.getrlimit(resource.RLIMIT_DATA)
    wanted = mebibytes * 2**20
    soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
    resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


@contextmanager
def ended_if_hanging(seconds: float) -> Iterator[None]:
    """End this process if the block takes longer, and say in the log where it was: no thread of Python is asked.

    A library that hangs with the interpreter's lock lets nothing of Python run, no signal handler either.
    """
    faulthandler.dump_traceback_later(seconds, exit=True, file=sys.__stderr__ or sys.stderr)
    try:
        yield
    finally:
        faulthandler.cancel_dump_traceback_later()
