"""A worker that has nothing to do is seen all the same: a connection of its pool says who it is."""

import threading
import time
from contextlib import suppress

from sqlalchemy.exc import SQLAlchemyError

from fabroute.database import database_engine
from fabroute.database.programs import Program, call_program

EVERY_SECONDS = 20.0
_ROUTING = "routing"


def program_of(queues: frozenset[str]) -> Program:
    """Return what a worker on these queues is called."""
    return "routing" if _ROUTING in queues else "worker"


def show_presence(queues: frozenset[str]) -> None:
    """Keep a connection in this process's pool that says which worker it is; where PostgreSQL is away, try again later.

    In a thread: Celery ends a process that is not ready within four seconds.
    """
    call_program(program_of(queues))
    threading.Thread(target=_keep_one, name="presence", daemon=True).start()


def _keep_one() -> None:
    while True:
        with suppress(SQLAlchemyError), database_engine().connect():
            pass
        time.sleep(EVERY_SECONDS)
