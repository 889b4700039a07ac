"""A short run of the machine, by a fixed seed; and short sequences in which it finds out that a guard is missing."""

from collections.abc import Callable, Iterator

import pytest
from sqlalchemy.exc import DBAPIError

from fabroute_embedded import EmbeddedServers
from tests.faults.machine.deeds import CLIENTS
from tests.faults.machine.guards import GUARDS, without
from tests.faults.machine.machine import Product, machine_in
from tests.faults.machine.place import Template, make_template
from tests.faults.machine.running import run_once
from tests.faults.machine.state import SCOPE, SUSPECTS, Illegal

RUNS, STEPS, SEED = 6, 50, 11


@pytest.fixture(scope="module")
def template(servers: EmbeddedServers, migrated_template: str) -> Iterator[Template]:
    made = make_template(servers, copy_of=migrated_template)
    yield made
    servers.postgres.drop_database(made.name)


@pytest.mark.slow
def test_after_every_step_the_database_is_as_the_model_has_it(servers: EmbeddedServers, template: Template) -> None:
    machine = machine_in(servers, template)
    run_once(machine, runs=RUNS, seed=SEED, steps=STEPS)
    tally = machine.tally
    assert tally.runs >= RUNS
    assert tally.done >= 250
    assert {"place order", "route", "claim"} <= tally.steps.keys()
    assert {code for _, code in tally.answers} >= {"ok", "job_state_conflict", "crashed"}


def stale_acceptance(machine: Product) -> None:
    machine.go_on(1, 1, False)
    machine.work_at_a_node(1, "old", CLIENTS[1], False, 2)


def stale_sign_of_life(machine: Product) -> None:
    machine.go_on(1, 2, False)
    machine.work_at_a_node(1, "old", CLIENTS[1], False, 0)


def zombie_run(machine: Product) -> None:
    machine.place_order([1], False)
    machine.route_slowly(3, SCOPE)
    machine.pass_time(65)
    machine.route(3, SCOPE)
    machine.write_slow_run(0)


def two_runs_for_the_last_material(machine: Product) -> None:
    machine.place_order([1], False)
    machine.route_slowly(3, SCOPE)
    machine.pass_time(65)
    machine.route(3, SCOPE)  # makes a suspect of the line, which is decided in a scope of its own
    machine.route_slowly(3, SUSPECTS)
    machine.place_order([1, 1], False)
    machine.place_order([1, 1], False)
    machine.route(3, SCOPE)
    machine.route(3, SCOPE)
    machine.write_slow_run(1)


def revoked_certificate(machine: Product) -> None:
    machine.lose_or_get_back("N101", 0, "blocked", False)


FOUND_BY: dict[str, tuple[Callable[[Product], None], str]] = {
    "lease": (stale_acceptance, "accept: the product says ok, the model lease_lost"),
    "heartbeat": (stale_sign_of_life, "heartbeat: the product says ok, the model lease_lost"),
    "fence": (zombie_run, "finish run: the product says ok, the model scope_lost"),
    "dispatch": (zombie_run, "finish run: the product says ok, the model scope_lost"),
    "decrement": (two_runs_for_the_last_material, "37 g were taken of lot_N102, which has 12"),
    "hold": (revoked_certificate, "'held'"),
}
"""By guard, what to do, and how the machine finds out that it is missing."""


def played(servers: EmbeddedServers, template: Template, name: str, *, removed: str) -> str:
    """Return what the machine found when a sequence was played, with a guard or without it; empty if nothing."""
    machine = machine_in(servers, template, removed=removed)()
    try:
        with without(removed):
            machine.two_orders([1, 1])
            FOUND_BY[name][0](machine)
    except (Illegal, DBAPIError) as found:
        return str(found)
    finally:
        machine.teardown()
    return ""


@pytest.mark.parametrize("name", sorted(GUARDS))
def test_the_machine_finds_a_missing_guard_and_nothing_with_it(
    servers: EmbeddedServers, template: Template, name: str
) -> None:
    assert played(servers, template, name, removed="") == ""
    assert FOUND_BY[name][1] in played(servers, template, name, removed=name)
