"""Who keeps the programs of chaos running."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fabroute_embedded.accounts import Account
from tests.factories.processes import is_running, plain_environment, wait_until
from tests.faults.chaos.watchdog import Program, Watchdog, signal_to


@pytest.fixture
def watchdog() -> Iterator[Watchdog]:
    watchdog = Watchdog()
    watchdog.start()
    yield watchdog
    watchdog.stop()


def sleeping(folder: Path) -> Program:
    return Program(
        name="sleeper",
        kind="sleeper",
        command=(sys.executable, "-I", "-S", "-c", "print('up', flush=True); import time; time.sleep(600)"),
        environment=plain_environment(),
        log=folder / "log",
        folder=folder,
        account=Account(uid=os.geteuid(), gid=os.getegid()),
    )


def test_what_is_killed_starts_again_and_ends_with_the_watchdog(watchdog: Watchdog, tmp_path: Path) -> None:
    watchdog.keep(sleeping(tmp_path))
    assert wait_until(lambda: len(watchdog.pids("sleeper")) == 1)
    (first,) = watchdog.pids("sleeper")
    signal_to((first,), signal.SIGKILL)
    assert wait_until(lambda: watchdog.pids("sleeper") not in ((), (first,)))
    (second,) = watchdog.pids("sleeper")
    assert wait_until(lambda: (tmp_path / "log").read_text(encoding="utf-8").startswith("up"))
    watchdog.stop()

    assert not is_running(first)
    assert not is_running(second)
    assert watchdog.starts() == {"sleeper": 2}


def test_it_is_calm_when_all_is_undone_and_everything_has_run_for_a_while(watchdog: Watchdog, tmp_path: Path) -> None:
    undone = list[str]()
    watchdog.keep(sleeping(tmp_path))
    watchdog.after(0.3, lambda: undone.append("frozen"))
    before = watchdog.is_calm(steady_seconds=0)
    assert wait_until(lambda: watchdog.is_calm(steady_seconds=0.1))

    assert not before
    assert undone == ["frozen"]
    assert watchdog.starts() == {"sleeper": 1}


def test_what_was_not_undone_in_time_is_undone_at_the_end(watchdog: Watchdog) -> None:
    undone = list[str]()
    watchdog.after(600, lambda: undone.append("cut"))
    watchdog.stop()

    assert undone == ["cut"]
    assert watchdog.is_calm()
