"""The matrix again with the application's filters confused: row-level security alone keeps tenants apart."""

from collections.abc import Iterator

import pytest

from tests.api.matrix.asking import ask
from tests.api.matrix.audiences import AUDIENCES, PUBLIC
from tests.api.matrix.confusion import CONFUSIONS, EXEMPT, HEADER, confused
from tests.api.matrix.leaks import Rows, changes_between, ids_in, leaks_in, read_rows
from tests.api.matrix.operations import operations
from tests.api.matrix.world import World

ASKED = tuple(name for name in AUDIENCES if AUDIENCES[name] is not PUBLIC)


@pytest.fixture(scope="module")
def before(world: World) -> Iterator[Rows]:
    with confused(world.api.app):
        yield read_rows(world.api.engine)


@pytest.mark.parametrize("name", [name for name in ASKED if name not in EXEMPT])
def test_the_database_keeps_tenants_apart_where_the_application_does_not(world: World, before: Rows, name: str) -> None:
    operation, victim_ids = operations()[name], ids_in(before)
    answers = {it: ask(world, it.who, operation, headers={HEADER: it.taken_for}) for it in CONFUSIONS}
    leaks = {
        str(it): leaks_in(answer, who=it.who, operation=name, victim_ids=victim_ids) for it, answer in answers.items()
    }

    assert {it: found for it, found in leaks.items() if found} == {}
    found = {str(it): answer.status_code for it, answer in answers.items()}
    assert {it: status for it, status in found.items() if status >= 500} == {}
    if operation.names and AUDIENCES[name]["other owner"] == 404:
        assert {it: status for it, status in found.items() if status not in (403, 404)} == {}


def test_what_the_confused_did_changed_nothing_of_the_victim(world: World, before: Rows) -> None:
    changed = changes_between(before, read_rows(world.api.engine), victim_ids=ids_in(before))

    assert [change[:300] for change in changed] == []
    assert set(before) == set(read_rows(world.api.engine))
