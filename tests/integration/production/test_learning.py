"""Machines learn from builds and prints: from all of them, each once, in any order, and never from another's."""

import math
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from sqlmodel import Session

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.estimation.calibration import time_spread
from fabroute.network.service import evidence_of, read_offerings, save_network
from fabroute.production.service import BuildReport, BuildWithdrawal, learn_calibrations, report_build, withdraw_build
from tests.factories.concurrency import at_once
from tests.factories.network import TODAY, a_machine, a_network, a_node, an_offer
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, Floor

FULL_BED_MINUTES = 641
LATER = NOW + timedelta(hours=2)
SUMS = "SELECT builds, log_ratio_sum, log_ratio_sum_squares, good_prints, failed_prints FROM calibrations"


def learn(floor: Floor, *, node_id: str | None = "N101", now: datetime = NOW) -> int:
    return floor.do(lambda session: learn_calibrations(session, node_id=node_id, now=now))


def timed(floor: Floor, job_id: str, *minutes: int) -> None:
    """Have the bureau report builds of one part each, in beds that were full, one after the other."""
    for each in minutes:
        end = floor.next_end(job_id, each)
        told = BuildReport(parts=1, machine_minutes=each, height_mm=380.0, finished_at=end)
        floor.do(_reporting(job_id, told))


def _reporting(job_id: str, told: BuildReport) -> Callable[[Session], object]:
    return lambda session: report_build(session, principal=BUREAU_KEY, job_id=job_id, report=told, now=NOW)


def a_fetched_job(floor: Floor, quantity: int = 10) -> str:
    return floor.fetched_long_ago(quantity)


def expected(minutes: Sequence[int]) -> tuple[float, float]:
    """Return the two sums over builds, worked out by another way: exactly rounded sums of logarithms."""
    ratios = [math.log(each / FULL_BED_MINUTES) for each in minutes]
    return math.fsum(ratios), math.fsum(ratio * ratio for ratio in ratios)


def learnt(floor: Floor, machine_id: str = "N101-A", parameter_set: str = "PS-1") -> tuple[Any, ...]:
    (row,) = floor.table(
        f"{SUMS} WHERE machine_id = :machine AND parameter_set = :it", machine=machine_id, it=parameter_set
    )
    return row


def test_a_calibration_is_the_sum_of_its_evidence(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    timed(floor, job_id, 833, 641, 700)
    for result in ("good", "good", "failed"):
        floor.printed(job_id, result)

    assert learn(floor) == 1

    builds, total, squares, good, failed = learnt(floor)
    assert (builds, good, failed) == (3, 2, 1)
    assert (total, squares) == pytest.approx(expected([833, 641, 700]), abs=1e-12)


def test_a_build_counts_as_three_times_its_estimate_at_most_and_a_third_at_least(floor: Floor) -> None:
    timed(floor, a_fetched_job(floor), 6_400, 65, 833)

    assert learn(floor) == 1

    most, usual = math.log(3), math.log(833 / FULL_BED_MINUTES)
    assert learnt(floor)[1:3] == pytest.approx((usual, 2 * most**2 + usual**2), abs=1e-12)
    assert [
        finding.broken for finding in check_invariants(floor.engine) if "calibration" in finding.invariant.name
    ] == [0]


def test_what_was_withdrawn_is_as_if_it_had_never_been_reported(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    timed(floor, job_id, 833)
    learn(floor)
    before = learnt(floor)
    timed(floor, job_id, 5_000)
    learn(floor)

    def withdraw(number: int) -> None:
        told = BuildWithdrawal(number=number, reason="another build's time")
        floor.do(lambda it: withdraw_build(it, principal=BUREAU_KEY, job_id=job_id, withdrawal=told, now=LATER))

    withdraw(2)
    assert (learn(floor, now=LATER), learnt(floor)) == (1, before)
    withdraw(1)
    assert (learn(floor, now=LATER), learnt(floor)) == (1, (0, 0.0, 0.0, 0, 0))
    # The floor is no whole world: its jobs stand without orders and reservations.
    broken = {finding.invariant.name: finding.broken for finding in check_invariants(floor.engine)}
    assert broken["a calibration is the sum of its evidence"] == 0


def test_learning_twice_is_learning_once(floor: Floor) -> None:
    timed(floor, a_fetched_job(floor), 833, 700)
    first = learn(floor), floor.table("SELECT * FROM calibrations")
    again = learn(floor, now=LATER), floor.table("SELECT * FROM calibrations")

    assert (first[0], again[0]) == (1, 0)
    assert again[1] == first[1]
    assert learn(floor, node_id=None, now=LATER) == 0


def test_whoever_learns_late_or_in_another_order_finds_the_same_row(floor: Floor) -> None:
    """Two jobs' builds and prints, learnt from after each report, or once at the end: bit by bit the same sums."""
    one, two = a_fetched_job(floor), a_fetched_job(floor)
    for job_id, minutes in ((one, 833), (two, 611), (one, 702), (two, 1017)):
        timed(floor, job_id, minutes)
        floor.printed(job_id, "good")
        learn(floor)
    step_by_step = learnt(floor)
    floor.table("UPDATE calibrations SET builds = 1, log_ratio_sum = 0, good_prints = 9 RETURNING builds")

    assert learn(floor, now=LATER) == 1
    assert learnt(floor) == step_by_step
    for order in permutations((833, 611, 702, 1017)):
        assert (step_by_step[1], step_by_step[2]) == pytest.approx(expected(order), abs=1e-12)


def test_many_workers_at_once_leave_what_one_would_have(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    timed(floor, job_id, 833, 700, 650)

    changed = at_once(*[lambda: learn(floor) for _ in range(8)])

    assert sorted(changed) == [0] * 7 + [1]
    assert learnt(floor)[0] == 3
    assert len(floor.table("SELECT 1 FROM outbox_events WHERE data ->> 'reason' = 'calibration_learnt'")) == 1


def test_builds_that_are_reported_while_others_learn_are_not_lost(floor: Floor) -> None:
    """Every report is followed by learning; whoever comes last has seen all."""
    jobs = [a_fetched_job(floor, 4) for _ in range(4)]

    def work(job_id: str) -> Callable[[], None]:
        def report_and_learn() -> None:
            for day, minutes in enumerate((700, 800, 900), start=3 * jobs.index(job_id)):
                told = BuildReport(
                    parts=1, machine_minutes=minutes, height_mm=380.0, finished_at=NOW - timedelta(days=day)
                )
                floor.do(_reporting(job_id, told))
                learn(floor)

        return report_and_learn

    at_once(*map(work, jobs))

    builds, total, squares, _, _ = learnt(floor)
    assert builds == 12
    assert (total, squares) == pytest.approx(expected([700, 800, 900] * 4), abs=1e-12)
    assert learn(floor) == 0


def test_what_one_machine_or_parameter_set_did_is_not_known_of_another(floor: Floor) -> None:
    more = a_network(
        machines=(a_machine(), a_machine(machine_id="N101-B")),
        offers=(an_offer(), an_offer(parameter_set="PS-2"), an_offer(machine_id="N101-B")),
    )
    floor.do(lambda session: save_network(session, data=more))
    slow, quick, other_set = (a_fetched_job(floor, 3) for _ in range(3))
    floor.table("UPDATE jobs SET machine_id = 'N101-B' WHERE id = :it RETURNING id", it=quick)
    floor.table("UPDATE jobs SET parameter_set = 'PS-2' WHERE id = :it RETURNING id", it=other_set)
    timed(floor, slow, 833)
    timed(floor, quick, 500, 510)
    timed(floor, other_set, 641)

    assert learn(floor) == 3

    with unit_of_work(floor.engine) as session:
        offers = read_offerings(session, on=TODAY).offers
    found = {(offer.machine_id, offer.parameter_set): evidence_of(offer) for offer in offers}
    assert {key: evidence.builds for key, evidence in found.items()} == {
        ("N101-A", "PS-1"): 1,
        ("N101-A", "PS-2"): 1,
        ("N101-B", "PS-1"): 2,
    }
    factors = {key: time_spread(evidence).p50_factor for key, evidence in found.items()}
    assert factors["N101-A", "PS-2"] == 1.0
    assert factors["N101-B", "PS-1"] == pytest.approx((500 * 510 / FULL_BED_MINUTES**2) ** (1 / 6), rel=1e-12)
    assert factors["N101-A", "PS-1"] == pytest.approx((833 / FULL_BED_MINUTES) ** (1 / 5), rel=1e-12)


def test_an_event_of_one_node_teaches_the_machines_of_its_jobs_only_and_the_hourly_look_all(floor: Floor) -> None:
    other = a_network(
        nodes=(a_node(), a_node(node_id="N102")),
        machines=(a_machine(machine_id="N102-A", node_id="N102"),),
        offers=(an_offer(machine_id="N102-A"),),
        lots=(),
    )
    floor.do(lambda session: save_network(session, data=other))
    here, there = a_fetched_job(floor), a_fetched_job(floor)
    timed(floor, here, 700)
    floor.table("UPDATE jobs SET node_id = 'N102', machine_id = 'N102-A' WHERE id = :it RETURNING id", it=there)
    floor.table("UPDATE jobs SET failed_prints = 2 WHERE id = :it RETURNING id", it=there)

    assert learn(floor, node_id="N101") == 1
    assert floor.table("SELECT machine_id FROM calibrations") == [("N101-A",)]
    assert learn(floor, node_id=None) == 1
    assert learnt(floor, "N102-A") == (0, 0.0, 0.0, 0, 2)
    assert learn(floor, node_id="N999") == 0


def test_a_machine_takes_its_evidence_along_to_another_node(floor: Floor) -> None:
    timed(floor, a_fetched_job(floor), 700, 720)
    moved = a_network(nodes=(a_node(), a_node(node_id="N102")), machines=(a_machine(node_id="N102"),), lots=())
    floor.do(lambda session: save_network(session, data=moved))

    assert learn(floor, node_id="N101") == 1
    with unit_of_work(floor.engine) as session:
        (offer,) = read_offerings(session, on=TODAY, node_id="N102").offers
    assert (offer.node_id, evidence_of(offer).builds) == ("N102", 2)


def test_prints_of_a_job_that_was_taken_back_still_teach(floor: Floor) -> None:
    job_id = a_fetched_job(floor, 5)
    for result in ("failed", "good", "failed"):
        floor.printed(job_id, result)
    floor.table("UPDATE jobs SET state = 'cancelled' RETURNING id")

    assert learn(floor) == 1
    assert learnt(floor)[3:] == (1, 2)


def test_a_job_that_has_done_nothing_teaches_nothing(floor: Floor) -> None:
    a_fetched_job(floor)

    assert learn(floor) == 0
    assert floor.table("SELECT * FROM calibrations") == []


def test_a_job_of_a_machine_that_is_not_in_the_network_keeps_nobody_from_learning(floor: Floor) -> None:
    gone, here = a_fetched_job(floor), a_fetched_job(floor)
    floor.printed(gone, "good")
    floor.printed(here, "good")
    floor.table("UPDATE jobs SET machine_id = 'N101-GONE' WHERE id = :it RETURNING id", it=gone)

    assert (learn(floor), learn(floor)) == (1, 0)
    assert floor.table("SELECT machine_id, good_prints FROM calibrations") == [("N101-A", 1)]


def test_the_doctor_finds_a_calibration_that_is_not_what_its_evidence_says(floor: Floor) -> None:
    """Evidence of the last minutes may not have been learnt from yet: that is no fault."""
    job_id = a_fetched_job(floor)
    timed(floor, job_id, 833, 641)
    learn(floor)
    rule = "a calibration is the sum of its evidence"

    def broken() -> list[int]:
        return [finding.broken for finding in check_invariants(floor.engine) if finding.invariant.name == rule]

    right = broken()
    floor.table("UPDATE calibrations SET log_ratio_sum = log_ratio_sum + 0.001, learnt_at = now() RETURNING builds")
    wrong = broken()
    learn(floor, now=LATER)

    assert (right, wrong, broken()) == ([0], [1], [0])
