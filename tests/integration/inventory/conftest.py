"""A database with an owner and a bureau."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.organisations import save_organisations


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for a database with an owner and nothing else."""
    with engine_for(database.url, connections=10) as made:
        with unit_of_work(made) as session:
            save_organisations(session)
        yield made
