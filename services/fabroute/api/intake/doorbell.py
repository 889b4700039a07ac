"""Tells the relay that events wait, at most once in ten milliseconds."""

import threading
import time
from typing import Any

import psycopg
import structlog
from psycopg import sql

from fabroute.api.intake.writer import Connect
from fabroute.outbox.service import NOTIFY_CHANNEL

_PAUSE_SECONDS = 0.01
_logger = structlog.get_logger(__name__)


class Doorbell:
    """A thread that notifies a channel after commits, on a connection of its own: ``NOTIFY_CHANNEL`` if none is named.

    Never within the transaction that writes (that halves its speed), and without a promise: the relay looks by
    itself every second, so a lost ring costs that second and nothing else.
    """

    def __init__(self, connect: Connect, *, channel: str = NOTIFY_CHANNEL) -> None:
        self._notice = sql.SQL("NOTIFY {}").format(sql.Identifier(channel))
        self._connect = connect
        self._connection: psycopg.Connection[Any] | None = None
        self._rung = threading.Event()
        self._is_stopping = False
        self._thread = threading.Thread(target=self._ring_on, name="doorbell", daemon=True)

    def start(self) -> None:
        """Begin to ring."""
        self._thread.start()

    def ring(self) -> None:
        """Ask for a ring, from any thread; returns at once. Several in a row become one."""
        self._rung.set()

    def stop(self) -> None:
        """Ring a last time and stop."""
        self._is_stopping = True
        self._rung.set()
        self._thread.join()

    def _ring_on(self) -> None:
        while not self._is_stopping:
            self._rung.wait()
            self._rung.clear()
            self._notify()
            time.sleep(_PAUSE_SECONDS)
        self._hang_up()

    def _notify(self) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            self._connection.execute(self._notice)
        except psycopg.Error as error:
            _logger.warning("the relay was not notified, it will look by itself", error=str(error))
            self._hang_up()

    def _hang_up(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()
