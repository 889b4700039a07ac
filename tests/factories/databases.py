"""Ways to look into a test's database and to work in it."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import psycopg
from sqlalchemy import Engine, make_url, text
from sqlmodel import Session

from fabroute.database import create_database_engine, unit_of_work

Result = TypeVar("Result")


@contextmanager
def engine_for(url: str, *, connections: int = 5) -> Iterator[Engine]:
    """Yield an engine that keeps ``connections`` connections, and has up to twenty more; closed in the end."""
    engine = create_database_engine(url, pool_size=connections, most=connections + 20)
    try:
        yield engine
    finally:
        engine.dispose()


def in_transaction(engine: Engine, work: Callable[[Session], Result]) -> Result:
    """Return what ``work`` returns in a unit of work of its own."""
    with unit_of_work(engine) as session:
        return work(session)


def rows(session: Session, sql: str, **values: object) -> list[tuple[object, ...]]:
    """Return the rows of a query as plain tuples."""
    return [tuple(row) for row in session.connection().execute(text(sql), values)]


def refuse_connections(url: str) -> None:
    """Take a database away, as a restart of the server does."""
    name = make_url(url).database
    _as_superuser(url, f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    _as_superuser(url, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")


def allow_connections(url: str) -> None:
    """Bring back a database that was taken away."""
    _as_superuser(url, f"ALTER DATABASE {make_url(url).database} ALLOW_CONNECTIONS true")


def _as_superuser(url: str, statement: str) -> None:
    folder = make_url(url).query["host"]
    with psycopg.connect(f"host={folder} user=postgres dbname=postgres", autocommit=True) as superuser:
        superuser.execute(statement.encode())
