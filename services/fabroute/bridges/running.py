"""Runs a bridge: everything that can be done now, again and again, until it is stopped."""

import threading
from collections.abc import Callable, Sequence

from fabroute.bridges.bench import Bench, pause_seconds
from fabroute.bridges.following import look_at_all, read_feed
from fabroute.bridges.placing import cancel_all, place_all
from fabroute.bridges.telling import tell_all
from fabroute.bridges.wire import Refused, Unavailable
from fabroute.kernel.errors import DomainError

Step = Callable[[Bench], int]
_STEPS: Sequence[Step] = (place_all, cancel_all, read_feed, look_at_all, tell_all)
_TICK_SECONDS = 2.0
_SWEEP_TICKS = 1800
"""An hour: then every open order is looked at, whatever the feed said."""


class Seldom:
    """A step that is done once in so many seconds, however often it is asked for."""

    def __init__(self, step: Step, *, seconds: float) -> None:
        self._step, self._seconds, self._next = step, seconds, 0.0

    def __call__(self, bench: Bench) -> int:
        now = bench.now().timestamp()
        if now < self._next:
            return 0
        self._next = now + self._seconds
        return self._step(bench)


class Bridge:
    """A bridge on one bench; ``before`` and ``after`` are the foreign system's own steps, such as reading a folder."""

    def __init__(self, bench: Bench, *, before: Sequence[Step] = (), after: Sequence[Step] = ()) -> None:
        self._bench = bench
        self._steps = (*before, *_STEPS, *after)
        self.wake = threading.Event()
        """Set by whoever heard something new."""

    def run_once(self) -> None:
        """Do what can be done now. Raises what a step got stuck at, after the others."""
        stuck: list[DomainError] = []
        for step in self._steps:
            try:
                step(self._bench)
            except (Refused, Unavailable) as error:
                stuck.append(error)
        if stuck:
            raise stuck[0]

    def run(self, stop: threading.Event) -> None:
        """Work until ``stop`` is set: at once when woken, else every two seconds; more seldom while nobody answers."""
        failures = ticks = 0
        while not stop.is_set():
            failures, ticks = self._tick(ticks, failures), ticks + 1
            self.wake.wait(_TICK_SECONDS if failures == 0 else pause_seconds(failures))
            self.wake.clear()

    def _tick(self, ticks: int, failures: int) -> int:
        if ticks % _SWEEP_TICKS == 0:
            self._bench.journal.sweep()
        try:
            self.run_once()
        except (Refused, Unavailable) as error:
            if failures == 0:
                self._bench.say(error.message)
            return failures + 1
        return 0
