"""The world of the matrix, made once; every module has a copy of its own."""

from collections.abc import Iterator
from itertools import count

import pytest

from fabroute_embedded import EmbeddedServers
from tests.api.matrix.world import Recipe, World, a_world, make_world

_TEMPLATE = "template_matrix"
_numbers = count(1)


@pytest.fixture(scope="session")
def recipe(servers: EmbeddedServers, migrated_template: str, tmp_path_factory: pytest.TempPathFactory) -> Recipe:
    """What is asked for; it stands in a database that each module's own is copied from."""
    urls = servers.postgres.create_database(_TEMPLATE, template=migrated_template)
    return make_world(urls.url, tmp_path_factory.mktemp("matrix"))


@pytest.fixture(scope="module")
def world(servers: EmbeddedServers, recipe: Recipe) -> Iterator[World]:
    """A world of the module's own."""
    name = f"matrix_{next(_numbers)}"
    urls = servers.postgres.create_database(name, template=_TEMPLATE)
    with a_world(urls.url, recipe) as served:
        yield served
    servers.postgres.drop_database(name)
