"""A database that the tests of people share: each makes its own."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute_embedded import EmbeddedServers
from tests.factories.databases import engine_for
from tests.factories.organisations import save_organisations


@pytest.fixture(scope="module")
def people_engine(servers: EmbeddedServers, migrated_template: str) -> Iterator[Engine]:
    """An engine on a database with an owner and a bureau."""
    urls = servers.postgres.create_database("people", template=migrated_template)
    with engine_for(urls.url, connections=10) as engine:
        with unit_of_work(engine) as session:
            save_organisations(session)
        yield engine
    servers.postgres.drop_database("people")
