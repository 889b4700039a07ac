"""One sealed log that many tests tamper with, each in a transaction that is rolled back."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute_embedded import EmbeddedServers
from tests.conftest import Database
from tests.factories.audit import given_log, given_roots
from tests.factories.databases import engine_for
from tests.fakes.audit_roots import FakeRootFolder


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine on the test's database, as requests and tasks have it."""
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture(scope="module")
def folder() -> FakeRootFolder:
    """The folder that the log's roots were exported to."""
    return FakeRootFolder()


@pytest.fixture(scope="module")
def log(servers: EmbeddedServers, migrated_template: str, folder: FakeRootFolder) -> Iterator[Engine]:
    """Three chains, sealed, with signed roots after 15 and after 25 entries; the session is of the tables' owner.

    Of the owner are the entries 1, 4, 7, 10, 13, 17, 20, 23; of the bureau 2, 5, 8, 11, 14, 18, 21, 24; of nobody
    3, 6, 9, 12, 15, 16, 19, 22, 25, 26, where 16 and 26 tell of the exported roots.
    """
    urls = servers.postgres.create_database("sealed_log", template=migrated_template)
    with engine_for(urls.migration_url) as engine:
        given_log(engine, entries=15)
        given_roots(engine, folder)
        given_log(engine, entries=9)
        given_roots(engine, folder)
        given_log(engine, entries=0)
        yield engine
    servers.postgres.drop_database("sealed_log")


@pytest.fixture
def tampering(log: Engine) -> Iterator[Session]:
    """A session of the tables' owner that changes nothing for good."""
    with Session(log) as session:
        yield session
        session.rollback()
