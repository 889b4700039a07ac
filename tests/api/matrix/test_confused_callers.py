"""The matrix again with the application's filters confused: row-level security alone keeps tenants apart."""

from collections.abc import Iterator, Mapping

import pytest

from tests.api.matrix.asking import ask
from tests.api.matrix.audiences import AUDIENCES, PUBLIC
from tests.api.matrix.confusion import CONFUSIONS, HEADER, confused
from tests.api.matrix.leaks import Rows, changes_between, ids_in, leaks_in, read_rows
from tests.api.matrix.operations import operations
from tests.api.matrix.world import World
from tests.factories.databases import in_transaction, rows

ASKED = tuple(name for name in AUDIENCES if AUDIENCES[name] is not PUBLIC)
EXEMPT: Mapping[str, str] = {
    "list_rates": "an owner's tenant reads every node's rates: its estimates are reckoned from them",
    "fetch_print_file": "a ticket is found by its secret, whosever it is; then the application asks whose",
}
"""Operations that the database alone does not keep apart, with the reason."""


POLICIES = "SELECT count(*) FROM pg_policies"


@pytest.fixture(scope="module")
def before(world: World) -> Iterator[Rows]:
    if in_transaction(world.api.engine, lambda session: rows(session, POLICIES)) == [(0,)]:
        pytest.skip("this database has no row-level security")
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
