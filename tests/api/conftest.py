"""The API on a fresh database."""

from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.factories.api import Api, served_api


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    """A served API with one owner, whose client has every scope."""
    with served_api(database.url) as served:
        yield served
