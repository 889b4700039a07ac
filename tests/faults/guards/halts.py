"""Processes that stop by themselves between deciding and writing, as one does that the machine has no time for."""

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from tests.factories.processes import wait_until
from tests.faults.guards.removals import Replacement, put

HALTS = "CHAOS_HALTS"
"""The environment variable with the folder: each file ``halt-…`` in it stops one run."""


def halt_after_deciding(folder: Path) -> None:
    """Have this process, and those that it forks, stop after a decision as long as there are halts in the folder."""

    def halting(decide: Callable[..., Any]) -> Callable[..., Any]:
        def decide_and_halt(*arguments: Any) -> Any:
            decided = decide(*arguments)
            if _take_one(folder):
                (folder / f"halted-{os.getpid()}").touch()
                os.kill(os.getpid(), signal.SIGSTOP)
            return decided

        return decide_and_halt

    put(Replacement(module="fabroute.routing.service.run", name="decide", instead=halting))


def give_halts(folder: Path, count: int) -> None:
    """Let the next ``count`` runs stop once they have decided."""
    for number in range(count):
        (folder / f"halt-{number}").touch()


def halted(folder: Path, *, seconds: float = 120.0, besides: frozenset[int] = frozenset()) -> int | None:
    """Wait for a process that has stopped itself, other than these, and return its id; None if none does."""
    found = set[int]()

    def look() -> bool:
        found.update({int(it.name.partition("-")[2]) for it in folder.glob("halted-*")} - besides)
        return any(map(_is_stopped, found))

    return next(filter(_is_stopped, found)) if wait_until(look, seconds=seconds) else None


def go_on(pid: int) -> None:
    """Let a process go on that stopped."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGCONT)


def _take_one(folder: Path) -> bool:
    for halt in sorted(folder.glob("halt-*")):
        with suppress(FileNotFoundError):
            halt.unlink()
            return True
    return False


def _is_stopped(pid: int) -> bool:
    with suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()[0] == "T"
    return False
