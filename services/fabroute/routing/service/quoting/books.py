"""The quote book of a process: read again when it is too old or outdated, by one thread, while others go on with it."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType

import structlog

from fabroute.routing.service.quoting.book import QuoteBook

OLDEST_TTLS = 6
"""A book that could not be read again is used up to so many times its time to live."""
PAUSE_SECONDS = 0.5
"""Between two readings that changes ask for, at least; and at least as long as the reading before took."""
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.quoting")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Held:
    book: QuoteBook
    began: float
    ended: float
    knows: int
    """How many changes were told of before it was read."""


class QuoteBooks:
    """Keeps one book for all threads. ``read`` returns a new one, given the one before, if any."""

    def __init__(
        self,
        read: Callable[[QuoteBook | None], QuoteBook],
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._read = read
        self._seconds = seconds
        self._clock = clock
        self._sleep = sleep
        self._reading = threading.Lock()
        self._telling = threading.Lock()
        self._changes = 0
        self._told: dict[str, int] = {}
        self._held: _Held | None = None

    def outdated(self, *, told: str | None = None) -> None:
        """Note that the network is not as in the book any more: call it after the change is committed.

        The next quote reads a new book, unless one was read just before. ``told`` is the organisation that knows of
        the change: its next quotes wait for a book that has it.
        """
        with self._telling:
            self._changes += 1
            if told is not None:
                self._told[told] = self._changes

    def book(self, *, asked_by: str | None = None) -> QuoteBook:
        """Return a book that is fresh, or that is being read again just now, but never one that is much too old.

        What the organisation ``asked_by`` was told of is in it. With 0 seconds every call reads. What reading raises
        comes through only if there is no book to go on with.
        """
        held = self._held
        if held is None or self._age(held) >= OLDEST_TTLS * self._seconds:
            with self._reading:
                return self._fresh_or_read()
        if held.knows < self._must_know(asked_by):
            self._reading.acquire()
            with _Refreshing(self._reading):
                self._read_knowing(self._must_know(asked_by))
        elif self._is_due(held) and self._reading.acquire(blocking=False):
            with _Refreshing(self._reading):
                self._fresh_or_read()
        return (self._held or held).book

    def _must_know(self, asked_by: str | None) -> int:
        """Return the last change that an organisation was told of."""
        return 0 if asked_by is None else self._told.get(asked_by, 0)

    def _is_due(self, held: _Held) -> bool:
        """Tell whether a book is too old, or outdated and not read just now."""
        return self._age(held) >= self._seconds or (held.knows < self._changes and self._pause(held) <= 0)

    def _pause(self, held: _Held) -> float:
        """Return for how many seconds changes have to wait for the next reading."""
        pause = min(max(PAUSE_SECONDS, held.ended - held.began), self._seconds)
        return held.ended + pause - self._clock()

    def _read_knowing(self, change: int) -> None:
        """Read a book that has a change, unless somebody else just did."""
        held = self._held
        if held is not None and held.knows < change:
            self._sleep(max(0.0, self._pause(held)))
            self._read_new()

    def _fresh_or_read(self) -> QuoteBook:
        """Read a new book, unless somebody else just did."""
        held = self._held
        return self._read_new() if held is None or self._is_due(held) else held.book

    def _read_new(self) -> QuoteBook:
        before, began, knows = self._held, self._clock(), self._changes
        book = self._read(None if before is None else before.book)
        self._held = _Held(book=book, began=began, ended=self._clock(), knows=knows)
        with self._telling:
            self._told = {told: change for told, change in self._told.items() if change > knows}
        return book

    def _age(self, held: _Held) -> float:
        return self._clock() - held.began


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
