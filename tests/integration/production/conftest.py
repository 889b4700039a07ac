"""A bureau with a node, a machine, a lot and a certificate; an owner whose part it may print."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.production import Floor, given_floor

THREADS = 16


@pytest.fixture
def floor(database: Database) -> Iterator[Floor]:
    with engine_for(database.url, connections=THREADS) as engine:
        yield given_floor(engine)
