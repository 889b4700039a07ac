"""Units of work: one transaction a request or task, ended at the edge."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

from sqlalchemy import Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlmodel import Session

from fabroute.database.tenancy import TenantSession

Result = TypeVar("Result")

_WALK_INDEXES = text(
    "SELECT set_config('enable_bitmapscan', 'off', true), set_config('enable_seqscan', 'off', true),"
    " set_config('max_parallel_workers_per_gather', '0', true)"
)
_BELLS = "bells"
_PAUSE_SECONDS = 0.2


@contextmanager
def unit_of_work(engine: Engine, *, tenant: str | None = None, repeatable_read: bool = False) -> Iterator[Session]:
    """Yield a session whose transaction is committed when the block ends well, and rolled back when it raises.

    It may touch the rows of ``tenant``, or what the engine's connections may if none is said. ``repeatable_read`` makes
    all reads of the block see one instant, as a snapshot needs.
    """
    bound = engine.execution_options(isolation_level="REPEATABLE READ") if repeatable_read else engine
    with TenantSession(bound, expire_on_commit=False) as session:
        session.begin_for(tenant)
        with session.begin():
            yield session
    _ring(engine, session)


def walk_indexes(session: Session) -> None:
    """Have the rest of the session's transaction walk indexes entry by entry, where one leads to the rows.

    For who looks again and again for the few that are due. Only such a walk marks the entries of rows that are over,
    for the next one to pass by; a bitmap meets all of them each time, until the whole table is vacuumed: the larger it
    is, the later. Row-level security lets PostgreSQL expect few rows, so that it would rather sort a table, too. For
    so little, more processes are begun for longer than they work.
    """
    session.connection().execute(_WALK_INDEXES)


def once_reachable(work: Callable[[], Result], *, seconds: float) -> Result:
    """Return what ``work`` returns, done again for up to ``seconds`` while the database can't be reached or refuses it.

    ``work`` is a unit of work of its own that may be done twice: whether a commit arrived is not known when the
    connection breaks in it. Raises ``OperationalError`` where the database stays away.
    """
    until = time.monotonic() + seconds
    while True:
        try:
            return work()
        except OperationalError:
            if time.monotonic() + _PAUSE_SECONDS > until:
                raise
            time.sleep(_PAUSE_SECONDS)


def ring_after_commit(session: Session, channel: str) -> None:
    """Notify those who listen on ``channel`` once the session's transaction is committed, in a statement of its own.

    A ring may get lost (within the transaction it would halve its speed): who listens also looks by itself.
    """
    session.info.setdefault(_BELLS, set()).add(channel)


def will_ring(session: Session, channel: str) -> bool:
    """Return whether those who listen on ``channel`` are notified once the session's transaction is committed."""
    return channel in session.info.get(_BELLS, ())


def ring_otherwise(session: Session, channel: str) -> bool:
    """Return whether ``channel`` would be notified after the commit, which is now left to the caller."""
    bells: set[str] = session.info.get(_BELLS, set())
    will = channel in bells
    bells.discard(channel)
    return will


def _ring(engine: Engine, session: Session) -> None:
    channels = sorted(session.info.pop(_BELLS, ()))
    if not channels:
        return
    try:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            for channel in channels:
                connection.execute(text(f"NOTIFY {channel}"))
    except DBAPIError:  # what was committed is committed
        return
