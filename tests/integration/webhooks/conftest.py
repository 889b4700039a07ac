from collections.abc import Iterator, Mapping

import pytest
from sqlalchemy import Engine

from fabroute.identity.rules import OrganisationKind
from fabroute_embedded import EmbeddedServers
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.webhooks import given_organisation

ORGANISATIONS: Mapping[str, OrganisationKind] = {
    "org_owner": "owner",
    "org_other": "owner",
    "org_bureau": "bureau",
    "org_operator": "operator",
}


_TABLES = ("webhook_endpoints", "events", "outbox_events")


@pytest.fixture(scope="module")
def kept_database(
    servers: EmbeddedServers, migrated_template: str, request: pytest.FixtureRequest
) -> Iterator[Database]:
    """A database for all tests of a module, each of which finds it empty."""
    name = f"webhooks_{request.module.__name__.rpartition('.')[2]}"
    urls = servers.postgres.create_database(name, template=migrated_template)
    with engine_for(urls.url) as engine:
        for organisation_id, kind in ORGANISATIONS.items():
            given_organisation(engine, organisation_id, kind=kind)
    yield Database(url=urls.url, migration_url=urls.migration_url)
    servers.postgres.drop_database(name)


@pytest.fixture(scope="module")
def kept_engine(kept_database: Database) -> Iterator[Engine]:
    """An engine on that database."""
    with engine_for(kept_database.url, connections=8) as engine:
        yield engine


@pytest.fixture
def engine(kept_engine: Engine) -> Engine:
    """An engine on a database with two owners, a bureau and an operator, and nothing that was told."""
    with kept_engine.begin() as connection:
        for table in _TABLES:
            connection.exec_driver_sql(f"DELETE FROM {table}")
    return kept_engine
