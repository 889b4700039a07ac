"""Without a guard something goes wrong, and the judge or the doctor finds it by name; with it nothing does."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from fabroute.integrations import object_storage
from fabroute.orders.repository import lines
from fabroute_embedded import EmbeddedServers
from fabroute_workers.delivery import Relay
from tests.factories.processes import run_module
from tests.faults.guards.cases import GUARDS, REQUESTS, ROUTING, Case
from tests.faults.guards.finding import findings
from tests.faults.guards.removals import REMOVALS, drop, removed
from tests.faults.guards.scene import Furnished, Scene, a_scene, furnish
from tests.faults.machine.place import Place, Template, a_place, make_template

pytestmark = pytest.mark.timeout(300)

NOTHING = frozenset[str]()


@pytest.fixture(scope="module")
def template(servers: EmbeddedServers, migrated_template: str) -> Template:
    return make_template(servers, copy_of=migrated_template)


@pytest.fixture(scope="module")
def furnished(
    servers: EmbeddedServers, migrated_template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Furnished]:
    found = furnish(servers, copy_of=migrated_template, storage=tmp_path_factory.mktemp("print-files"))
    yield found
    servers.postgres.drop_database(found.name)


def title(case: Case[Place] | Case[Scene]) -> str:
    return f"{case.provoke.__name__} without {', '.join(sorted(case.without))}"


@pytest.mark.parametrize("case", ROUTING, ids=title)
def test_what_goes_wrong_in_routing_without_a_guard_is_found(
    servers: EmbeddedServers, template: Template, case: Case[Place]
) -> None:
    with a_place(servers, template) as place:
        drop(place.admin, case.without)
        with removed(case.without):
            said = case.provoke(place)

        assert findings(place.engine) == case.red, said
        assert bool(case.red) != bool(case.caught_by)


@pytest.mark.parametrize("provoke", list(dict.fromkeys(case.provoke for case in ROUTING)))
def test_with_all_guards_nothing_goes_wrong_in_routing(
    servers: EmbeddedServers, template: Template, provoke: Callable[[Place], str]
) -> None:
    with a_place(servers, template) as place:
        said = provoke(place)

        assert findings(place.engine) == {}, said
        assert said == SAID_WITH_GUARDS[provoke.__name__]


@pytest.mark.parametrize("case", REQUESTS, ids=title)
def test_what_clients_get_without_a_guard_is_found(
    servers: EmbeddedServers, furnished: Furnished, case: Case[Scene]
) -> None:
    with a_scene(servers, furnished, without=case.without) as scene:
        said = case.provoke(scene)
        scene.settle()

        assert findings(scene.installed.engine, scene.tally) == case.red, said
        assert case.red or case.caught_by


def test_with_all_guards_clients_get_nothing_that_is_wrong(servers: EmbeddedServers, furnished: Furnished) -> None:
    with a_scene(servers, furnished, without=NOTHING) as scene:
        said = {provoke.__name__: provoke(scene) for provoke in dict.fromkeys(case.provoke for case in REQUESTS)}
        scene.settle()

        assert findings(scene.installed.engine, scene.tally) == {}
        assert said == {name: SAID_WITH_GUARDS[name] for name in said}


SAID_WITH_GUARDS = {
    "forget_in_the_broker": "3 messages forgotten",
    "write_while_the_successor_decides": "the one that woke up: scope_lost; its successor: 1 job written",
    "write_after_the_successor": "its successor: 1 job written; the one that woke up: scope_lost",
    "want_the_same_powder": "one scope: 1 job written; the other one: 0 job written",
    "send_twice_at_once": "placed, replayed",
    "ask_for_what_is_others": "8 requests, answered 404",
    "damage_a_file": "its owner: 500 print_file_damaged; its node: 500 print_file_damaged",
    "repeat_a_key": "201, then 201",
    "report_under_an_old_lease": "409 lease_lost",
}


def test_every_guard_is_tried_and_every_removal_used() -> None:
    in_routing = {case.guard for case in ROUTING if case.red}
    of_clients = {case.guard for case in REQUESTS if case.red}
    taken = frozenset[str]().union(*(case.without for case in ROUTING), *(case.without for case in REQUESTS))

    assert in_routing | of_clients == set(GUARDS)
    assert taken == set(REMOVALS)


def test_a_guard_that_was_taken_away_is_there_again_afterwards() -> None:
    before = (lines._LOCK_FENCED, Relay.sweep, object_storage._require_same)
    with removed(set(REMOVALS)):
        during = (lines._LOCK_FENCED, Relay.sweep, object_storage._require_same)

    assert (lines._LOCK_FENCED, Relay.sweep, object_storage._require_same) == before
    assert all(there is not here for there, here in zip(before, during, strict=True))


def test_a_program_runs_without_the_guards_that_its_environment_names_and_so_do_its_children(tmp_path: Path) -> None:
    once, imports = ("timeit", "-n", "1", "-r", "1", "-s"), "from fabroute.integrations import object_storage as it"
    child = [*once, imports, "print('its child:', it._require_same('a', 'b'), flush=True)"]
    look = f"print(it._require_same('a', 'b'), flush=True); fork_module({child}, dies_by=9).join()"
    found = run_module(
        *("tests.faults.unguarded", *once, f"{imports}; from fabroute_workers.forks import fork_module", look),
        environment={"CHAOS_WITHOUT": "hash_check"},
    )

    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[:2] == ["0", "its child: 0"]
