"""An engine on each test's database."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.conftest import Database
from tests.factories.databases import engine_for


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine on the test's database, as requests and tasks have it."""
    with engine_for(database.url) as engine:
        yield engine
