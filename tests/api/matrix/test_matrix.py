"""Every operation of the OpenAPI document, asked by everyone: nobody sees or changes what is someone else's."""

from dataclasses import dataclass

import pytest

from tests.api.matrix.asking import ask, undocumented
from tests.api.matrix.audiences import AUDIENCES, EVERYONE, PUBLIC, Answer
from tests.api.matrix.leaks import Rows, changes_between, ids_in, leaks_by, read_rows
from tests.api.matrix.operations import operations
from tests.api.matrix.world import World

IN_THE_END = (
    "lift_exclusion",
    "retry_line",
    "change_objective",
    "close_node",
    *(name for name in AUDIENCES if name.startswith(("remove_", "revoke_"))),
)
OPERATIONS = (*(name for name in AUDIENCES if name not in IN_THE_END), *IN_THE_END)
"""What is removed is removed at the end, and what takes from others what they ask for."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Before:
    """The database before anybody asked, and the ids that stand in the victim's rows."""

    rows: Rows
    victim_ids: frozenset[str]


@pytest.fixture(scope="module")
def before(world: World) -> Before:
    found = read_rows(world.api.engine)
    return Before(rows=found, victim_ids=ids_in(found))


def test_every_operation_has_its_row() -> None:
    assert sorted(operations()) == sorted(AUDIENCES)
    assert all(set(audience) == set(EVERYONE) for audience in AUDIENCES.values())


@pytest.mark.parametrize("name", [name for name in AUDIENCES if AUDIENCES[name] is not PUBLIC])
def test_strangers_are_refused(world: World, before: Before, name: str) -> None:
    operation, wanted = operations()[name], {who: it for who, it in AUDIENCES[name].items() if it != "yes"}
    answers = {who: ask(world, who, operation) for who in wanted}
    seen = {who: answer.status_code for who, answer in answers.items()}

    assert {who: status for who, status in seen.items() if not _is(wanted[who], status)} == {}, wanted
    assert [it for answer in answers.values() for it in undocumented(answer, operation)] == []
    assert leaks_by(answers, operation=name, victim_ids=before.victim_ids) == {}


def test_what_was_refused_changed_nothing(world: World, before: Before) -> None:
    after = read_rows(world.api.engine)

    assert changes_between(before.rows, after, victim_ids=before.victim_ids) == []
    assert set(after) == set(before.rows)


def _is(wanted: Answer, status: int) -> bool:
    """Return whether a refusal is the one that was wanted."""
    return 400 <= status < 500 if wanted == "secret" else status == wanted


@pytest.mark.parametrize("name", [name for name in OPERATIONS if "yes" in AUDIENCES[name].values()])
def test_those_who_may_are_answered_and_told_nothing_of_others(world: World, before: Before, name: str) -> None:
    operation, wanted = operations()[name], [who for who in EVERYONE if AUDIENCES[name][who] == "yes"]
    answers = {who: ask(world, who, operation) for who in wanted}
    seen = {who: answer.status_code for who, answer in answers.items()}

    first = seen.pop(wanted[0])
    assert first not in (400, 401, 403, 404, 412, 415, 422, 428, 500, 503), answers[wanted[0]].text
    assert {who: status for who, status in seen.items() if status in (401, 403) or status >= 500} == {}
    assert operation.method == "DELETE" or 404 not in seen.values(), seen
    assert [it for answer in answers.values() for it in undocumented(answer, operation)] == []
    assert leaks_by(answers, operation=name, victim_ids=before.victim_ids) == {}
