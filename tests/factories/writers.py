"""Writers of orders that are made to wait, and how to see it."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import Engine

from tests.factories.databases import in_transaction, rows


@contextmanager
def keys_locked(engine: Engine) -> Iterator[None]:
    """Let every writer wait inside its statement while the block runs."""
    with engine.begin() as connection:
        connection.exec_driver_sql("LOCK TABLE idempotency_keys IN EXCLUSIVE MODE")
        yield


def a_writer_waits(engine: Engine) -> bool:
    """Tell whether somebody waits for a lock."""
    ((waiting,),) = in_transaction(
        engine, lambda session: rows(session, "SELECT EXISTS (SELECT FROM pg_locks WHERE NOT granted)")
    )
    return bool(waiting)


def wait_until(condition: Callable[[], bool]) -> None:
    """Return once it is so; fail where it isn't within ten seconds."""
    done = threading.Event()
    for _ in range(1000):
        if condition():
            return
        done.wait(0.01)
    raise AssertionError("it did not happen within ten seconds")
