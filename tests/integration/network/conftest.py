"""A database with a small network."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.network import save_a_network


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine with room for 64 connections at once."""
    with engine_for(database.url, connections=64) as made:
        yield made


@pytest.fixture
def network(engine: Engine) -> Engine:
    """An engine for a database with one node, machine and lot (10 kg), and 720 minutes on each working day."""
    with unit_of_work(engine) as session:
        save_a_network(session)
    return engine


@pytest.fixture
def owner_engine(database: Database) -> Iterator[Engine]:
    """An engine that may empty tables."""
    with engine_for(database.migration_url) as made:
        yield made
