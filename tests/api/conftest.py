"""The API on a database of its own."""

from collections.abc import Iterator

import pytest

from fabroute_embedded import EmbeddedServers
from tests.conftest import Database
from tests.factories.api import Api, served_api


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    """A served API with one owner, whose client has every scope."""
    with served_api(database.url) as served:
        yield served


@pytest.fixture(scope="module")
def standing_api(servers: EmbeddedServers, migrated_template: str, request: pytest.FixtureRequest) -> Iterator[Api]:
    """One API for all tests of a module, which must not mind what the others leave behind."""
    name = f"standing_{request.module.__name__.rpartition('.')[2]}"
    urls = servers.postgres.create_database(name, template=migrated_template)
    with served_api(urls.url) as served:
        yield served
    servers.postgres.drop_database(name)


@pytest.fixture
def other_database(servers: EmbeddedServers, migrated_template: str) -> Iterator[Database]:
    """A second fresh database."""
    urls = servers.postgres.create_database("other", template=migrated_template)
    yield Database(url=urls.url, migration_url=urls.migration_url)
    servers.postgres.drop_database("other")
