"""What was learnt about a machine: replaced as a whole, under a lock, told when it doubled, read with its offers."""

import threading
from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest
from psycopg import Connection
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.estimation.calibration import NO_EVIDENCE, Evidence
from fabroute.network.service import (
    CalibrationView,
    Gather,
    LearntSums,
    evidence_of,
    get_node,
    learn,
    read_network,
    save_network,
)
from tests.factories.databases import in_transaction, rows
from tests.factories.network import TODAY, a_machine, a_network, an_offer
from tests.factories.organisations import NOW
from tests.factories.statements import counted_statements

KEY = ("N101-A", "PS-1")
LATER = NOW + timedelta(hours=1)
SUMS = LearntSums(
    machine_id="N101-A",
    parameter_set="PS-1",
    builds=2,
    log_ratio_sum=0.5,
    log_ratio_sum_squares=0.13,
    good_prints=5,
    failed_prints=1,
)
EVENTS = "SELECT subject_type, subject_id, data FROM outbox_events WHERE name = 'network.changed' ORDER BY id"
TABLE = "SELECT machine_id, parameter_set, builds, good_prints, failed_prints, learnt_at FROM calibrations ORDER BY 1"


def learnt(engine: Engine, *sums: LearntSums, now: datetime = NOW) -> int:
    """Have these sums learnt and return how many calibrations changed."""
    keys = [(it.machine_id, it.parameter_set) for it in sums]
    return in_transaction(engine, lambda session: learn(session, keys=keys, gather=lambda _: sums, now=now))


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def test_a_machine_of_which_nothing_was_learnt_has_no_calibration(network: Engine) -> None:
    with unit_of_work(network) as session:
        (offer,) = read_network(session, first_day=TODAY, last_day=TODAY).offers

    assert offer.calibration is None
    assert evidence_of(offer) is NO_EVIDENCE
    assert learnt(network) == 0


def test_what_was_learnt_comes_with_the_offers_of_its_machine_and_parameter_set_only(network: Engine) -> None:
    more = a_network(
        machines=(a_machine(), a_machine(machine_id="N101-B")),
        offers=(an_offer(), an_offer(parameter_set="PS-2"), an_offer(machine_id="N101-B")),
    )
    in_transaction(network, lambda session: save_network(session, data=more))
    assert learnt(network, SUMS) == 1

    with unit_of_work(network) as session:
        found = read_network(session, first_day=TODAY, last_day=TODAY).offers
        detail = get_node(session, node_id="N101", on=TODAY).offers
        plain = get_node(session, node_id="N101").offers

    view = CalibrationView(
        builds=2, log_ratio_sum=0.5, log_ratio_sum_squares=0.13, good_prints=5, failed_prints=1, learnt_at=NOW
    )
    by_place = {(offer.machine_id, offer.parameter_set): offer.calibration for offer in found}
    assert by_place == {("N101-A", "PS-1"): view, ("N101-A", "PS-2"): None, ("N101-B", "PS-1"): None}
    assert detail == found
    assert {offer.calibration for offer in plain} == {None}
    assert evidence_of(next(offer for offer in found if offer.calibration)) == Evidence(
        builds=2, log_ratio_sum=0.5, log_ratio_sum_squares=0.13, good_prints=5, failed_prints=1
    )


def test_learning_the_same_again_leaves_the_row_as_it_is(network: Engine) -> None:
    first, again = learnt(network, SUMS), learnt(network, SUMS, now=LATER)
    changed = learnt(network, replace(SUMS, failed_prints=2), now=LATER)

    assert (first, again, changed) == (1, 0, 1)
    assert table(network, TABLE) == [("N101-A", "PS-1", 2, 5, 2, LATER)]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ((0, 0), (1, 0), True),
        ((1, 0), (2, 0), True),
        ((2, 0), (3, 0), False),
        ((3, 0), (4, 0), True),
        ((4, 0), (7, 0), False),
        ((0, 7), (0, 8), True),
        ((0, 8), (0, 15), False),
        ((8, 8), (9, 16), True),
    ],
)
def test_lines_without_a_route_are_woken_whenever_the_evidence_has_doubled(
    network: Engine, before: tuple[int, int], after: tuple[int, int], told: bool
) -> None:
    if any(before):
        learnt(network, replace(SUMS, builds=before[0], good_prints=before[1], failed_prints=0))
    already = len(table(network, EVENTS))

    assert learnt(network, replace(SUMS, builds=after[0], good_prints=after[1], failed_prints=0), now=LATER) == 1

    new = table(network, EVENTS)[already:]
    assert new == ([("machine", "N101-A", {"reason": "calibration_learnt"})] if told else [])


def test_a_machine_with_two_parameter_sets_is_told_of_once(network: Engine) -> None:
    assert learnt(network, SUMS, replace(SUMS, parameter_set="PS-2")) == 2
    assert table(network, EVENTS) == [("machine", "N101-A", {"reason": "calibration_learnt"})]


def test_who_learns_second_waits_and_gathers_what_was_committed_meanwhile(network: Engine) -> None:
    """The first holds the row while it gathers; the second must not read its evidence before the first has ended."""
    order: list[str] = []
    gathering, release = threading.Event(), threading.Event()

    def slow(_: Collection[tuple[str, str]]) -> Sequence[LearntSums]:
        order.append("first gathers")
        gathering.set()
        assert release.wait(10)
        order.append("first is done")
        return [SUMS]

    def quick(_: Collection[tuple[str, str]]) -> Sequence[LearntSums]:
        order.append("second gathers")
        return [replace(SUMS, builds=3)]

    def run(gather: Gather, now: datetime) -> None:
        with unit_of_work(network) as session:
            learn(session, keys=[KEY], gather=gather, now=now)

    first = threading.Thread(target=run, args=(slow, NOW))
    second = threading.Thread(target=run, args=(quick, LATER))
    first.start()
    assert gathering.wait(10)
    second.start()
    second.join(0.3)
    release.set()
    first.join(10)
    second.join(10)

    assert order == ["first gathers", "first is done", "second gathers"]
    assert table(network, TABLE) == [("N101-A", "PS-1", 3, 5, 1, LATER)]


def test_what_was_learnt_and_stated_costs_two_statements_whatever_the_size_of_the_network(network: Engine) -> None:
    learnt(network, SUMS)

    def statements(on: date | None) -> int:
        with unit_of_work(network) as session:
            driver = session.connection().connection.driver_connection
            assert isinstance(driver, Connection)
            with counted_statements(driver) as counted:
                get_node(session, node_id="N101", on=on)
        return counted.executed

    few = statements(TODAY) - statements(None)
    more = a_network(
        machines=tuple(a_machine(machine_id=f"N101-{number:02}") for number in range(30)),
        offers=tuple(an_offer(machine_id=f"N101-{number:02}") for number in range(30)),
        lots=(),
    )
    in_transaction(network, lambda session: save_network(session, data=more))

    assert (few, statements(TODAY) - statements(None)) == (2, 2)
