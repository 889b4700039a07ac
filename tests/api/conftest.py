"""The API on a database of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from fabroute_embedded import EmbeddedServers
from tests.conftest import Database
from tests.factories.api import Api, given_owner_and_places, served_api
from tests.factories.databases import engine_for
from tests.factories.orders import Owner

_WITH_OWNER = "template_with_owner"
_numbers = count(1)


@pytest.fixture(scope="session")
def owner_in_template(servers: EmbeddedServers, migrated_template: str) -> Owner:
    """The owner of the API that every test gets; it stands in a database that each test's own is copied from."""
    urls = servers.postgres.create_database(_WITH_OWNER, template=migrated_template)
    with engine_for(urls.url) as engine:
        return given_owner_and_places(engine)


@pytest.fixture
def database(servers: EmbeddedServers, migrated_template: str, request: pytest.FixtureRequest) -> Iterator[Database]:
    """A fresh database; with the owner in it where the test wants the API as well."""
    name, wants_api = f"api_{next(_numbers)}", "api" in request.fixturenames
    owned = request.getfixturevalue("owner_in_template") if wants_api else None
    urls = servers.postgres.create_database(name, template=migrated_template if owned is None else _WITH_OWNER)
    yield Database(url=urls.url, migration_url=urls.migration_url)
    servers.postgres.drop_database(name)


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """A served API with one owner, whose client has every scope."""
    with served_api(database.url, owner=owner_in_template) as served:
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
