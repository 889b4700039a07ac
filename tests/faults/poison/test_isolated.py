"""Work in a process apart: how it ends is known, whatever it does, and nothing of it is left behind."""

import ctypes
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fabroute.routing.ports import Ending
from fabroute_workers.isolated import ended_if_hanging, isolated, limit_memory
from tests.factories.processes import is_running
from tests.faults.poison.poisons import POISONS

LONG = 30.0


def forks_of_ours() -> set[int]:
    """Return our children that are called what we are: not the servers of other tests, whose processes come and go."""
    ours = Path("/proc/self/comm").read_text(encoding="utf-8")
    children = [
        pid for it in Path("/proc/self/task").glob("*/children") for pid in it.read_text(encoding="utf-8").split()
    ]
    return {int(pid) for pid in children if Path(f"/proc/{pid}/comm").read_text(encoding="utf-8") == ours}


def poison(kind: str) -> Callable[[], bytes]:
    """Return work that does not get to its end."""

    def work() -> bytes:
        POISONS[kind]()
        return b"it did"

    return work


def test_what_the_work_comes_to_is_answered_however_long_it_is() -> None:
    before = forks_of_ours()

    assert isolated(lambda: b"done", seconds=LONG) == Ending(answer=b"done")
    assert isolated(lambda: b"x" * 300_000, seconds=LONG).answer == b"x" * 300_000
    assert forks_of_ours() == before


def test_the_work_has_our_memory_and_changes_none_of_it() -> None:
    seen = ["ours"]

    def add() -> bytes:
        seen.append("theirs")
        return ",".join(seen).encode()

    ending = isolated(add, seconds=LONG)

    assert ending.answer == b"ours,theirs"
    assert seen == ["ours"]


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("abort", "its process was killed by SIGABRT"),
        ("segfault", "its process was killed by SIGSEGV"),
        ("raise", "its process ended with code 70"),
    ],
)
def test_a_process_that_breaks_says_how(kind: str, why: str) -> None:
    ending = isolated(poison(kind), seconds=LONG)

    assert ending == Ending(answer=None, why=why)


@pytest.mark.parametrize("kind", ["hang", "spin"])
def test_a_process_that_is_not_done_in_time_is_ended(kind: str) -> None:
    began = time.monotonic()

    ending = isolated(poison(kind), seconds=0.3)

    assert ending == Ending(answer=None, why="it was not done after 0.3 s")
    assert 0.25 <= time.monotonic() - began < LONG


def test_a_process_that_gets_no_processor_is_waited_for_longer_and_is_not_to_blame(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("fabroute_workers.isolated._PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr("fabroute_workers.isolated._waited_seconds", lambda _pid: time.monotonic())  # all of the time
    began = time.monotonic()

    ending = isolated(poison("hang"), seconds=0.5)

    assert ending == Ending(answer=None, why="it got less than 0.5 s of computing in 1 s", starved=True)
    assert 0.9 <= time.monotonic() - began < LONG


def test_a_process_gets_no_more_memory_than_it_may_have() -> None:
    def eat() -> bytes:
        limit_memory(512)
        try:
            POISONS["memory"]()
        except MemoryError:
            return b"no more"
        return b"all of it"

    assert isolated(eat, seconds=LONG).answer == b"no more"


def test_a_kill_from_outside_is_told_apart_from_an_end_of_its_own() -> None:
    def killed() -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        return b""

    assert isolated(killed, seconds=LONG).why == "its process was killed by SIGKILL"
    assert isolated(lambda: os._exit(3), seconds=LONG).why == "its process ended with code 3"


class SoftLimit(Exception):
    """A task's time is up."""


@pytest.fixture
def limited() -> Iterator[None]:
    """Have a signal interrupt what is being done, as Celery does."""

    def interrupt(_sign: int, _frame: object) -> None:
        raise SoftLimit

    before = signal.signal(signal.SIGUSR1, interrupt)
    yield
    signal.signal(signal.SIGUSR1, before)


@pytest.mark.usefixtures("limited")
def test_a_time_limit_in_the_instant_of_the_fork_leaves_no_process_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    really_fork, children = os.fork, forks_of_ours()

    def fork() -> int:
        pid = really_fork()
        if pid:
            os.kill(os.getpid(), signal.SIGUSR1)
        return pid

    monkeypatch.setattr("fabroute_workers.isolated.os.fork", fork)
    over = threading.Event()
    other = threading.Thread(target=over.wait)  # a signal may reach any thread
    other.start()
    with pytest.raises(SoftLimit):
        isolated(poison("hang"), seconds=LONG)
    over.set()

    assert forks_of_ours() == children
    with pytest.raises(SoftLimit):
        os.kill(os.getpid(), signal.SIGUSR1)


@pytest.mark.usefixtures("limited")
def test_time_limits_that_interrupt_the_waiting_leave_no_process_behind() -> None:
    timer = threading.Timer(0.2, lambda: os.kill(os.getpid(), signal.SIGUSR1))
    children = forks_of_ours()
    timer.start()
    try:
        with pytest.raises(SoftLimit):
            isolated(poison("hang"), seconds=LONG)
    finally:
        timer.cancel()

    assert forks_of_ours() == children


def test_a_worker_that_hangs_in_a_library_is_ended_and_the_log_says_where(capfd: pytest.CaptureFixture[str]) -> None:
    def hanging() -> bytes:
        with ended_if_hanging(0.2):
            ctypes.PyDLL(None).sleep(60)  # with the interpreter's lock: no thread of Python runs beside it
        return b"awake"

    assert isolated(hanging, seconds=LONG).answer is None
    assert "in hanging" in capfd.readouterr().err


def test_a_worker_that_is_done_in_time_goes_on() -> None:
    with ended_if_hanging(0.2):
        inside = isolated(lambda: b"fine", seconds=LONG)  # a fork under the watch ends the watch
    time.sleep(0.3)

    assert inside.answer == b"fine"
    assert is_running(os.getpid())
