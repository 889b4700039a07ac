"""Keeps the worker and the relay running as child processes: one that dies starts again, and all end together."""

import gc
import signal
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from fabroute.integrations.service_manager import READY, STOPPING, SignsOfLife, tell
from fabroute_workers.app import EXIT_MISCONFIGURED
from fabroute_workers.forks import Fork, fork_module
from fabroute_workers.measuring import DEATHS, count

RESTART_SECONDS = (0.5, 1.0, 2.0, 5.0, 15.0)
STEADY_SECONDS = 60.0
"""A child that ran so long is started again at once when it dies; one that dies sooner waits longer each time."""
STOP_SECONDS = 50.0
"""Longer than the hard time limit of a task, so that the worker can finish what it does."""
_LOOK_SECONDS = 0.1

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.supervisor")


@dataclass(slots=True, kw_only=True)
class _Child:
    name: str
    module: Sequence[str]
    process: Fork | None = None
    started_at: float = 0.0
    start_at: float = 0.0
    deaths: int = 0


class Supervisor:
    """Runs modules with their arguments, by name, until ``stop`` is set. If it dies itself, Linux ends its children.

    Children are forks of it: what it has imported they don't load again. So one that died is back in a moment, where
    a new interpreter takes seconds of computing, just when there is none to spare.
    """

    def __init__(
        self,
        modules: Mapping[str, Sequence[str]],
        *,
        stop: threading.Event,
        stop_seconds: float = STOP_SECONDS,
        life_sign_file: Path | None = None,
    ) -> None:
        self._children = [_Child(name=name, module=module) for name, module in modules.items()]
        self._stop = stop
        self._stop_seconds = stop_seconds
        self._signs = SignsOfLife(life_sign_file)
        self._ready = False

    def run(self) -> int:
        """Start the children, watch them, stop them all, and return the exit code of it all.

        A child that says it is misconfigured (exit code 78) is not started again: everything stops, with its code.
        """
        code: int | None = None
        gc.freeze()  # a collection in a child would copy all that it shares
        try:
            while code is None and not self._stop.is_set():
                code = self._look_after_all()
                self._tell_how_all_are()
                self._stop.wait(_LOOK_SECONDS)
        finally:
            tell(STOPPING)
            self._signs.end()
            self._stop_all()
        return code or 0

    def _look_after_all(self) -> int | None:
        for child in self._children:
            if child.process is None:
                self._start_when_due(child)
            elif (code := child.process.exitcode) is not None:
                if code == EXIT_MISCONFIGURED:
                    return code
                self._mourn(child, code)
        return None

    def _tell_how_all_are(self) -> None:
        """Give a sign of life while every child runs; the first one says that all have been started."""
        if any(child.process is None for child in self._children):
            return
        if not self._ready:
            self._ready = True
            tell(READY)
        self._signs.give()

    def _start_when_due(self, child: _Child) -> None:
        if time.monotonic() < child.start_at:
            return
        child.process = fork_module(child.module, dies_by=signal.SIGTERM)
        child.started_at = time.monotonic()
        _log.info("supervisor.started", child=child.name, pid=child.process.pid)

    def _mourn(self, child: _Child, code: int) -> None:
        lived = time.monotonic() - child.started_at
        child.deaths = 1 if lived >= STEADY_SECONDS else child.deaths + 1
        pause = RESTART_SECONDS[min(child.deaths, len(RESTART_SECONDS)) - 1]
        count(DEATHS, (child.name,))
        _log.warning("supervisor.child_died", child=child.name, exit_code=code, lived_seconds=round(lived, 1))
        child.process, child.start_at = None, time.monotonic() + pause

    def _stop_all(self) -> None:
        running = [child.process for child in self._children if child.process and child.process.is_alive()]
        for process in running:
            process.terminate()
        deadline = time.monotonic() + self._stop_seconds
        for process in running:
            process.join(max(0.0, deadline - time.monotonic()))
            if process.is_alive():
                process.kill()
                process.join()
        _log.info("supervisor.stopped")
