"""Engines: one pool a process, made from a URL that is checked for what is usually wrong with it."""

from functools import lru_cache
from typing import Literal

from psycopg.conninfo import make_conninfo
from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import URL, Engine, create_engine, event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import QueuePool

from fabroute.database.connecting import parsed_url
from fabroute.database.tenancy import TENANT_SETTING
from fabroute.kernel.ids import EVERY_TENANT
from fabroute.settings import get_settings

_CONNECT_TIMEOUT_SECONDS = 5
MOST_CONNECTIONS = 40
"""Of a pool, where nothing else is said."""
_SIGNS_OF_LIFE = {"keepalives_idle": 3, "keepalives_interval": 1, "keepalives_count": 2, "tcp_user_timeout": 5_000}
"""A server that is gone without a word (a dead machine, a cut cable) is noticed in about five seconds, not in hours."""
_SIGNS_OF_OURS = {
    **{"tcp_keepalives_idle": 10, "tcp_keepalives_interval": 5, "tcp_keepalives_count": 2},
    "tcp_user_timeout": 20_000,
}
"""So the server notices that we are gone in about twenty seconds: connections of lost hosts don't fill it up."""
_OF_SHORT_STATEMENTS = {"jit": "off", "random_page_cost": "1.1"}
"""PostgreSQL takes the intake's statement, planned for any number of orders, for a long one and would compile it at
every execution: 76 ms in place of 0.35 (PostgreSQL 15 of Debian). Few servers are built without that compiler.

To leap in a file costs little more than to read on, where disks don't turn or the pages lie in memory. Told that it
costs four times as much, PostgreSQL walks a million jobs by their ids for the fifty that are offered at a node.
"""
_SETTINGS = {"timezone": "UTC", **_SIGNS_OF_OURS, **_OF_SHORT_STATEMENTS}
_OPTIONS = " ".join(f"-c {name}={value}" for name, value in _SETTINGS.items())
EVERYONES_OPTIONS = f"{_OPTIONS} -c {TENANT_SETTING}={EVERY_TENANT}"
"""Of a connection that may touch every tenant's rows, as libpq takes them."""


def create_database_engine(
    url: str | None,
    *,
    pool_size: int = 20,
    most: int = MOST_CONNECTIONS,
    tenant: Literal["*"] | None = EVERY_TENANT,
    idle_seconds: float | None = None,
) -> Engine:
    """Return an engine for a PostgreSQL ``url``; ``DatabaseMissing`` says what to set if there is none.

    Its connections may touch every tenant's rows; with ``tenant=None`` none, until a unit of work says whose (see
    ``database.tenancy``). They are tested when they leave the pool, so a restarted server costs one reconnect and no
    failed request. There are ``most`` of them at once; those beyond ``pool_size`` are closed when they are given back.

    PostgreSQL ends a transaction of theirs, and its connection, after ``idle_seconds`` without a statement: what a
    frozen process had locked is free again, and what it does when it wakes up fails with an ``OperationalError``.
    """
    engine = create_engine(
        parsed_url(url),
        pool_size=min(pool_size, most),
        max_overflow=max(0, most - pool_size),
        pool_pre_ping=True,
        pool_timeout=_CONNECT_TIMEOUT_SECONDS,
        connect_args={
            "connect_timeout": _CONNECT_TIMEOUT_SECONDS,
            "client_encoding": "utf8",
            "options": _options(tenant, idle_seconds),
            **_SIGNS_OF_LIFE,
        },
    )
    event.listen(engine, "handle_error", _as_lost_connection)
    return engine


@lru_cache(maxsize=1)
def database_engine() -> Engine:
    """Return this process's engine for the configured database."""
    settings = get_settings()
    return create_database_engine(settings.database_url, idle_seconds=settings.idle_transaction_seconds)


def most_connections(engine: Engine) -> int:
    """Return how many connections an engine's pool may hold at once."""
    pool = engine.pool
    return pool.size() + pool._max_overflow if isinstance(pool, QueuePool) else 0


def listening_conninfo(url: URL) -> str:
    """Return how psycopg connects to an engine's ``url`` to listen: it may touch every tenant's rows.

    A server that is gone without a word is noticed as an engine notices it.
    """
    plain = url.set(drivername="postgresql").render_as_string(hide_password=False)
    return make_conninfo(plain, options=EVERYONES_OPTIONS, **_SIGNS_OF_LIFE)


def _options(tenant: str | None, idle_seconds: float | None) -> str:
    own = _OPTIONS if tenant is None else EVERYONES_OPTIONS
    if idle_seconds is None:
        return own
    return f"{own} -c idle_in_transaction_session_timeout={round(idle_seconds * 1000)}"


def _as_lost_connection(context: ExceptionContext) -> None:
    """Tell of a transaction that stood idle for too long as of any connection that was lost: try again."""
    if isinstance(context.original_exception, IdleInTransactionSessionTimeout):
        error = context.original_exception
        raise OperationalError(context.statement, None, error, connection_invalidated=True) from error
