"""What the engine asks of PostgreSQL for connections that may be left alone."""

from collections.abc import Callable
from typing import Literal

import psycopg
import pytest
from psycopg.errors import IdleInTransactionSessionTimeout
from sqlalchemy import Engine, make_url
from sqlalchemy.exc import OperationalError

from fabroute.database import create_database_engine, unit_of_work
from fabroute.database.engine import listening_conninfo
from fabroute.kernel.ids import EVERY_TENANT
from fabroute.settings import Settings
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.processes import wait_until

_LOCKED = "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'"


def locked(engine: Engine) -> bool:
    return in_transaction(engine, lambda session: rows(session, _LOCKED)) == [(1,)]


def stand_idle(engine: Engine, *, until: Callable[[], bool], then: str) -> bool:
    """Lock something, do nothing until something is the case, and say whether it came true; then go on."""
    with unit_of_work(engine) as session:
        rows(session, "SELECT 1 FROM pg_advisory_xact_lock(8)")
        came = until()
        if then:
            rows(session, then)
    return came


@pytest.mark.parametrize("then", ["SELECT 1", ""], ids=["with its next statement", "with its commit"])
def test_what_an_idle_transaction_had_locked_is_free_again_and_it_learns_that_it_lost_its_connection(
    database: Database, then: str
) -> None:
    engine, seen = create_database_engine(database.url, idle_seconds=0.2), list[bool]()
    with engine_for(database.url) as other:

        def freed() -> bool:
            seen.append(locked(other))
            return wait_until(lambda: not locked(other))

        with pytest.raises(OperationalError) as lost:
            stand_idle(engine, until=freed, then=then)
        again = in_transaction(engine, lambda session: rows(session, "SELECT 1"))
        engine.dispose()
        assert not locked(other)

    assert (seen, again) == ([True], [(1,)])
    assert isinstance(lost.value.orig, IdleInTransactionSessionTimeout)
    assert lost.value.connection_invalidated


def test_transactions_of_workers_and_requests_may_stand_idle_for_less_than_the_lease_of_a_scope(
    database: Database,
) -> None:
    settings = Settings()
    engine = create_database_engine(database.url, idle_seconds=settings.idle_transaction_seconds)
    limit = in_transaction(engine, lambda session: rows(session, "SHOW idle_in_transaction_session_timeout"))
    engine.dispose()

    assert limit == [("5s",)]
    assert settings.idle_transaction_seconds < settings.routing_scope_lease_seconds


@pytest.mark.parametrize("tenant", [EVERY_TENANT, None])
def test_no_statement_of_ours_is_compiled(database: Database, tenant: Literal["*"] | None) -> None:
    engine = create_database_engine(database.url, tenant=tenant)
    found = in_transaction(engine, lambda session: rows(session, "SHOW jit"))
    engine.dispose()

    assert found == [("off",)]


def test_who_listens_is_in_the_time_zone_and_of_the_settings_of_an_engine(database: Database) -> None:
    with psycopg.connect(listening_conninfo(make_url(database.url))) as connection:
        found = [
            connection.execute(f"SHOW {name}".encode()).fetchone() for name in ("jit", "random_page_cost", "timezone")
        ]

    assert found == [("off",), ("1.1",), ("UTC",)]
