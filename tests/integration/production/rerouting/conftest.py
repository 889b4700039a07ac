"""Three nodes that can make a part, on a database of their own."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.rerouting import Works, given_works


@pytest.fixture
def works(database: Database) -> Iterator[Works]:
    with engine_for(database.url) as engine:
        yield given_works(engine)
