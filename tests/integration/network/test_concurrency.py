"""Several people and processes at once: one change wins, every count arrives, a snapshot is of one instant."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from threading import Barrier, Event

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.network.service import (
    NetworkData,
    NetworkView,
    Reservation,
    StaleVersion,
    StatusChange,
    add_lot,
    bump_queue_versions,
    extend_capacity,
    find_node,
    list_nodes,
    read_network,
    reserve,
    save_network,
    set_node_status,
)
from tests.factories.databases import rows
from tests.factories.network import TODAY, a_lot, a_machine, a_network, a_node, an_offer
from tests.factories.organisations import NOW

MANY = 16


def together(work: Callable[[int], object], *, count: int = MANY) -> list[object]:
    """Return what ``work(number)`` returned or raised in ``count`` threads that begin at once."""
    start = Barrier(count)

    def run(number: int) -> object:
        start.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(max_workers=count) as pool:
        futures: list[Future[object]] = [pool.submit(run, number) for number in range(count)]
    return [future.exception() or future.result() for future in futures]


def test_of_many_changes_of_one_version_exactly_one_wins(network: Engine) -> None:
    def change(number: int) -> int:
        wanted = StatusChange(status="down", reason=f"person {number}", expected_version=1)
        with unit_of_work(network) as session:
            return set_node_status(session, node_id="N101", change=wanted, actor=f"key_{number}", now=NOW).version

    found = together(change)
    assert [result for result in found if not isinstance(result, Exception)] == [2]
    assert sum(isinstance(result, StaleVersion) for result in found) == MANY - 1
    with unit_of_work(network) as session:
        assert find_node(session, node_id="N101").version == 2
        assert rows(session, "SELECT count(*) FROM outbox_events") == [(1,)]
        assert rows(session, "SELECT count(*) FROM audit_entries") == [(1,)]


def test_every_change_of_a_queue_counts_and_no_two_wait_for_each_other(network: Engine) -> None:
    names = [f"N{number}" for number in range(201, 206)]
    with unit_of_work(network) as session:
        nodes = tuple(a_node(node_id=name) for name in names)
        save_network(session, data=a_network(nodes=nodes, machines=(), offers=(), lots=()))

    def bump(number: int) -> None:
        turned = names[number % 5 :] + names[: number % 5]
        for _ in range(5):
            with unit_of_work(network) as session:
                bump_queue_versions(session, node_ids=turned if number % 2 else turned[::-1])

    assert together(bump) == [None] * MANY
    with unit_of_work(network) as session:
        versions = {node.node_id: node.queue_version for node in list_nodes(session).items}
    assert versions == {"N101": 1} | dict.fromkeys(names, 1 + MANY * 5)


def test_capacity_that_is_extended_by_many_at_once_is_planned_once(network: Engine) -> None:
    def extend(_: int) -> int:
        with unit_of_work(network) as session:
            return extend_capacity(session, today=TODAY + timedelta(days=5), horizon_days=30)

    found = together(extend)
    assert sum(result for result in found if isinstance(result, int)) == 25
    with unit_of_work(network) as session:
        assert rows(session, "SELECT count(*), count(DISTINCT day) FROM capacity_slots") == [(35, 35)]


def test_a_network_that_is_saved_by_many_at_once_is_saved_once(engine: Engine, network: Engine) -> None:
    def save(data: NetworkData, _: int) -> int:
        with unit_of_work(network) as session:
            return save_network(session, data=data)

    for turn in range(10):
        machines = tuple(a_machine(machine_id=f"N101-{turn}{number:02d}") for number in range(20))
        offers = tuple(an_offer(machine_id=machine.machine_id) for machine in machines)
        lots = tuple(a_lot(lot_id=f"lot_{turn}{number:02d}") for number in range(20))
        data = a_network(machines=machines, offers=offers, lots=lots)
        found = together(partial(save, data), count=8)
        assert sorted(found, key=str) == [0] * 7 + [60]
        with unit_of_work(engine) as session:
            assert rows(session, "SELECT count(*) FROM material_lots") == [(1 + 20 * (turn + 1),)]


def test_a_repeatable_snapshot_does_not_see_what_happens_while_it_is_read(network: Engine) -> None:
    wanted = Reservation(
        job_id="job_1", lot_id="lot_1", grams=1000, machine_id="N101-A", minutes_by_day=((TODAY, 700),)
    )
    began, changed = Event(), Event()

    def read_slowly() -> tuple[NetworkView, NetworkView]:
        with unit_of_work(network, repeatable_read=True) as session:
            first = read_network(session, first_day=TODAY, last_day=TODAY)
            began.set()
            assert changed.wait(timeout=30)
            return first, read_network(session, first_day=TODAY, last_day=TODAY)

    with ThreadPoolExecutor(max_workers=1) as pool:
        reading = pool.submit(read_slowly)
        assert began.wait(timeout=30)
        with unit_of_work(network) as session:
            assert reserve(session, reservations=(wanted,), now=NOW) == frozenset()
            add_lot(session, lot=a_lot(lot_id=None), actor="key_1", now=NOW)
        changed.set()
        first, second = reading.result(timeout=30)
    assert first == second
    assert (first.capacity["N101-A"], len(first.lots)) == ((720,), 1)
    with unit_of_work(network) as session:
        later = read_network(session, first_day=TODAY, last_day=TODAY)
    assert (later.capacity["N101-A"], len(later.lots)) == ((20,), 2)


def test_a_transaction_that_fails_after_reserving_holds_nothing(network: Engine) -> None:
    wanted = Reservation(
        job_id="job_1", lot_id="lot_1", grams=1000, machine_id="N101-A", minutes_by_day=((TODAY, 700),)
    )

    def fail() -> float:
        with unit_of_work(network) as session:
            return 1 / len(reserve(session, reservations=(wanted,), now=NOW))

    with pytest.raises(ZeroDivisionError):
        fail()
    with unit_of_work(network) as session:
        view = read_network(session, first_day=TODAY, last_day=TODAY)
        assert (view.capacity["N101-A"], view.lots[0].remaining_grams) == ((720,), 10_000)
        assert rows(session, "SELECT * FROM capacity_allocations") == []
        assert reserve(session, reservations=(wanted,), now=NOW) == frozenset()
