"""The relay as a process: ``python -m fabroute_workers.relay``. Any number of them may run.

It listens to PostgreSQL and looks every second. With the broker down the events stay in PostgreSQL; with PostgreSQL
down it waits and connects anew. Both are logged once, at their beginning and at their end.
"""

import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import psycopg
import structlog
from sqlalchemy import Engine
from sqlalchemy.exc import InterfaceError, OperationalError

from fabroute.database import create_database_engine
from fabroute.database.programs import call_program
from fabroute.kernel.errors import DomainError
from fabroute.outbox.service import NOTIFY_CHANNEL
from fabroute.settings import get_settings
from fabroute.telemetry.logs import configure_logging
from fabroute.telemetry.tracing import flush_spans, start_tracing
from fabroute_workers.app import EXIT_MISCONFIGURED, app, require_settings
from fabroute_workers.delivery import Relay
from fabroute_workers.doorbell import BrokerDown, Doorbell
from fabroute_workers.measuring import OUTAGES, TURNS, count

BACKOFF_SECONDS = (0.2, 0.5, 1.0, 2.0, 5.0)
IDLE_SECONDS = 10.0
"""How long a transaction may wait for a broker that does not answer: longer than the broker's own time limits."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute_workers.relay")
_DATABASE_ERRORS = (OperationalError, InterfaceError, psycopg.OperationalError)


class Outage:
    """Counts failures in a row, says how long to wait, and logs the first of them and the end."""

    def __init__(self) -> None:
        self._failures = 0

    def failed(self, *, server: str, error: Exception) -> float:
        """Note a failure and return the seconds to wait before the next attempt."""
        if self._failures == 0:
            _log.warning("relay.waiting", server=server, error=str(error).strip())
        seconds = BACKOFF_SECONDS[min(self._failures, len(BACKOFF_SECONDS) - 1)]
        self._failures += 1
        return seconds

    def over(self) -> None:
        """Note that everything answered."""
        if self._failures:
            _log.info("relay.resumed", failures=self._failures)
        self._failures = 0


def serve(engine: Engine, relay: Relay, *, stop: threading.Event) -> None:
    """Take turns until ``stop`` is set, through outages of the broker and of PostgreSQL."""
    outage = Outage()
    while not stop.is_set():
        try:
            _take_turns(engine, relay, stop=stop, outage=outage)
        except BrokerDown as error:
            count(OUTAGES, ("broker",))
            stop.wait(outage.failed(server="broker", error=error))
        except _DATABASE_ERRORS as error:
            count(OUTAGES, ("postgresql",))
            stop.wait(outage.failed(server="postgresql", error=error))


def main() -> int:
    """Run a relay until SIGTERM or SIGINT; return the exit code."""
    configure_logging()
    call_program("relay")
    stop = threading.Event()
    for sign in (signal.SIGTERM, signal.SIGINT):
        signal.signal(sign, lambda _sign, _frame: stop.set())
    try:
        require_settings(app)
        engine = create_database_engine(get_settings().database_url, idle_seconds=IDLE_SECONDS)
        start_tracing(get_settings(), service="fabroute-relay")
    except DomainError as error:
        _log.critical("relay.refused", code=error.code, reason=error.message)
        return EXIT_MISCONFIGURED
    _log.info("relay.started")
    serve(engine, Relay(engine, ringer=Doorbell(app), carriers=get_settings().carrier_folder is not None), stop=stop)
    flush_spans()
    _log.info("relay.stopped")
    return 0


def _take_turns(engine: Engine, relay: Relay, *, stop: threading.Event, outage: Outage) -> None:
    with _listening(engine) as connection:
        while not stop.is_set():
            began = time.monotonic()
            turn = relay.turn()
            count(TURNS, (), time.monotonic() - began)
            outage.over()
            for _ in connection.notifies(timeout=turn.wait_seconds, stop_after=1):
                pass


@contextmanager
def _listening(engine: Engine) -> "Iterator[psycopg.Connection[object]]":
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        driver = cast("psycopg.Connection[object]", connection.connection.driver_connection)
        connection.detach()  # so that it is closed in the end, and never listens in somebody else's hands
        driver.execute(f"LISTEN {NOTIFY_CHANNEL}")
        yield driver


if __name__ == "__main__":
    sys.exit(main())
