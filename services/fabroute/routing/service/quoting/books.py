"""The quote book of a process: read again when it is too old, by one thread, while the others go on with it."""

import threading
import time
from collections.abc import Callable
from types import TracebackType

import structlog

from fabroute.routing.service.quoting.book import QuoteBook

OLDEST_TTLS = 6
"""A book that could not be read again is used up to so many times its time to live."""
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.quoting")


class QuoteBooks:
    """Keeps one book for all threads. ``read`` returns a new one, given the one before, if any."""

    def __init__(
        self,
        read: Callable[[QuoteBook | None], QuoteBook],
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._reading = threading.Lock()
        self._held: tuple[QuoteBook, float] | None = None

    def book(self) -> QuoteBook:
        """Return a book that is fresh, or that is being read again just now, but never one that is much too old.

        With 0 seconds every call reads. What reading raises comes through only if there is no book to go on with.
        """
        held = self._held
        if held is not None and self._age(held) < self._seconds:
            return held[0]
        if held is None or self._age(held) >= OLDEST_TTLS * self._seconds:
            with self._reading:
                return self._fresh_or_read()
        if self._reading.acquire(blocking=False):
            with _Refreshing(self._reading):
                self._fresh_or_read()
        return (self._held or held)[0]

    def _fresh_or_read(self) -> QuoteBook:
        """Read a new book, unless somebody else just did."""
        held = self._held
        if held is None or self._age(held) >= self._seconds:
            began = self._clock()
            held = (self._read(None if held is None else held[0]), began)
            self._held = held
        return held[0]

    def _age(self, held: tuple[QuoteBook, float]) -> float:
        return self._clock() - held[1]


class _Refreshing:
    """The boundary at which a failed refresh ends: the old book stays, the lock goes."""

    def __init__(self, lock: threading.Lock) -> None:
        self._lock = lock

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> bool:
        """Take in what reading raised, but let through what ends the process."""
        self._lock.release()
        if isinstance(error, Exception):
            _log.error("quoting.book_not_read", error=str(error), kind=type(error).__name__)
        return error is None or isinstance(error, Exception)
