"""Figures for whoever asks, however many and however often: the database is asked once in a while."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from fabroute.kernel.time import utc_now
from fabroute.monitoring.figures import Figures
from fabroute.monitoring.reading import read_figures
from fabroute.telemetry.outages import Outage

SHARE_OF_TIME = 20
"""The database is left alone for so many times as long as it took: watching takes a twentieth of one connection."""
_UNREACHABLE = (OperationalError, InterfaceError, PoolTimeout)

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.monitoring")


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What was last seen of a database."""

    figures: Figures | None
    """``None``: it did not answer."""
    age_seconds: float


class Watch:
    """Reads figures at most every ``seconds``, for any number of threads; those that come meanwhile share them."""

    def __init__(
        self,
        engine: Engine,
        *,
        seconds: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], datetime] = utc_now,
        read: Callable[..., Figures] = read_figures,
    ) -> None:
        self._engine = engine
        self._seconds = seconds
        self._clock = clock
        self._now = now
        self._read = read
        self._lock = threading.Lock()
        self._outage = Outage(_log, begun="monitoring.database_silent", over="monitoring.database_answers")
        self._figures: Figures | None = None
        self._at = self._next = float("-inf")

    def look(self) -> Seen:
        """Return the figures, read now or a moment ago."""
        with self._lock:
            if self._clock() >= self._next:
                self._look()
            return Seen(figures=self._figures, age_seconds=max(0.0, self._clock() - self._at))

    def _look(self) -> None:
        began = self._clock()
        try:
            self._figures = self._read(self._engine, now=self._now())
        except _UNREACHABLE as error:
            self._outage.failed(error)
            self._figures = None
        else:
            self._outage.over()
        self._at = self._clock()
        self._next = self._at + max(self._seconds, SHARE_OF_TIME * (self._at - began))
