"""Which builds a node could make of its jobs, without any database: how much is left, who stands where, and when."""

import random
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from fractions import Fraction
from typing import Any

import pytest

from fabroute.estimation.facts import PartGeometry
from fabroute.network.service import NodeDetail
from fabroute.production.service.builds.jobs import BuildJob, Workshop, prints_missing, prints_to_build
from fabroute.production.service.builds.proposing import PlannedPart, Proposals, fill_plates, propose
from tests.factories.build_jobs import a_build_job, a_job, on
from tests.factories.spares import a_cap_printer, a_spares_node

MORNING = on(17)


class _Shop(Workshop):
    """A workshop with the cap printer, and no database behind it."""

    def __init__(self, *, machines: Sequence[str] = ("N101-A",)) -> None:
        offers = tuple(a_cap_printer(node_id="N101", machine_id=machine) for machine in machines)
        place = a_spares_node(node_id="N101")
        columns = {name: getattr(place, name) for name in type(place).__dataclass_fields__}
        self.node = NodeDetail(**columns, machines=(), offers=offers, lots=())


def proposed(*jobs: BuildJob, machines: Sequence[str] = ("N101-A",)) -> Proposals:
    return propose(jobs, _Shop(machines=machines), free_from={}, now=MORNING)


def held(parts: Sequence[PlannedPart]) -> dict[str, int]:
    return {part.job.job.id: part.parts for part in parts}


def builds_of(found: Proposals) -> list[dict[str, int]]:
    return [held(build.parts) for build in found.builds]


# ---------------------------------------------------------------- what is left


@pytest.mark.parametrize(
    ("columns", "in_open", "in_closed", "left"),
    [
        ({}, 0, 0, 10),
        ({"good_prints": 3}, 0, 0, 7),
        ({"good_prints": 3}, 2, 0, 5),
        ({"good_prints": 10}, 0, 0, 0),
        ({}, 0, 4, 6),
        ({"good_prints": 4}, 0, 4, 6),
        ({"good_prints": 1}, 0, 4, 6),
        ({"good_prints": 2, "failed_prints": 1}, 0, 3, 7),
        ({"good_prints": 9, "failed_prints": 1}, 0, 10, 0),
        ({"good_prints": 9, "failed_prints": 1, "granted_reprints": 1}, 0, 10, 1),
        ({}, 12, 0, 0),
    ],
)
def test_what_is_left_is_what_no_build_has_and_nobody_made(
    columns: dict[str, Any], in_open: int, in_closed: int, left: int
) -> None:
    """Ten are ordered. Prints of builds that are over count before they are reported, and not twice after."""
    job = a_job(quantity=10, **columns)

    assert prints_to_build(job, in_open=in_open, in_closed=in_closed) == left
    assert prints_missing(job, in_closed=in_closed) >= left


@pytest.mark.parametrize(
    ("columns", "in_open", "in_closed", "left"),
    [
        ({}, 0, 0, 1),
        ({}, 1, 0, 0),
        ({}, 0, 1, 0),
        ({"good_prints": 1}, 0, 1, 0),
        ({"failed_prints": 1, "granted_reprints": 1}, 0, 1, 1),
        ({"good_prints": 1, "first_article_approved_at": MORNING}, 0, 1, 23),
    ],
)
def test_a_first_article_is_one_print_until_it_is_approved(
    columns: dict[str, Any], in_open: int, in_closed: int, left: int
) -> None:
    job = a_job(quantity=24, first_article=True, **columns)

    assert prints_to_build(job, in_open=in_open, in_closed=in_closed) == left
    assert prints_missing(job, in_closed=0) == 24 - job.good_prints


# ---------------------------------------------------------------- who stands where


def test_s4_is_one_part_and_then_23_in_three_builds() -> None:
    ten = {"job_1": 10}
    first = fill_plates([a_build_job(quantity=24, first_article=True)], ten)
    rest = fill_plates(
        [a_build_job(quantity=24, first_article=True, first_article_approved_at=MORNING, good_prints=1)], ten
    )

    assert [held(plate) for plate in first] == [{"job_1": 1}]
    assert [held(plate) for plate in rest] == [{"job_1": 10}, {"job_1": 10}, {"job_1": 3}]


def test_seven_orders_are_one_build_of_28() -> None:
    found = proposed(*(a_build_job(f"job_{number}", organisation_id=f"org_{number}") for number in range(7)))

    assert builds_of(found) == [{f"job_{number}": 4 for number in range(7)}]
    (build,) = found.builds
    assert (build.size.fill, build.size.machine_minutes) == (Fraction(1), 443)
    assert (build.start_at, build.ready_at) == (MORNING, MORNING + timedelta(minutes=443))
    assert build.late == ()


def test_what_fits_into_one_build_is_never_cut() -> None:
    found = proposed(a_build_job("job_1", 20), a_build_job("job_2", 20), a_build_job("job_3", 8))

    assert builds_of(found) == [{"job_1": 20, "job_3": 8}, {"job_2": 20}]


def test_jobs_of_one_shared_build_stay_together_though_others_are_due_before() -> None:
    pair = [a_build_job(f"job_{number}", 10, build_key="build_k") for number in (3, 4)]
    early = a_build_job("job_1", 12, produce_by=date(2026, 6, 18))
    found = proposed(early, *pair)

    assert builds_of(found) == [{"job_1": 12}, {"job_3": 10, "job_4": 10}]
    assert [build.build_key for build in found.builds] == [None, "build_k"]


@pytest.mark.parametrize(
    "other",
    [
        {"machine_id": "N101-B"},
        {"lot_id": "lot_2"},
        {"parameter_set": "PS-2"},
        {"company": "org_2"},
    ],
)
def test_other_machines_lots_parameters_and_companies_are_other_builds(other: dict[str, Any]) -> None:
    found = proposed(a_build_job("job_1"), a_build_job("job_2", **other), machines=("N101-A", "N101-B"))

    assert sorted(map(sorted, builds_of(found))) == [["job_1"], ["job_2"]]


def test_a_job_that_no_machine_prints_any_more_is_told() -> None:
    found = proposed(
        a_build_job("job_1"),
        a_build_job("job_2", machine_id="N101-Z"),
        a_build_job("job_3", part=PartGeometry(box_mm=(900, 20, 20), volume_cm3=10)),
    )

    assert builds_of(found) == [{"job_1": 4}]
    assert {it.job_id for it in found.unplaced} == {"job_2", "job_3"}
    assert "does not print ASA on N101-Z any more" in next(it.reason for it in found.unplaced if it.job_id == "job_2")


def test_a_job_of_which_nothing_is_left_is_in_no_build() -> None:
    assert proposed(a_build_job("job_1", 4, in_open=4)).builds == ()
    assert proposed().builds == ()


@pytest.mark.parametrize("seed", range(30))
def test_random_jobs_are_all_placed_once_and_no_bed_is_over_full(seed: int) -> None:
    chance = random.Random(seed)
    copies = {f"job_{number}": chance.randint(1, 30) for number in range(chance.randint(1, 12))}
    jobs = [
        a_build_job(
            job_id,
            chance.randint(1, 80),
            produce_by=date(2026, 6, chance.randint(17, 25)),
            build_key=chance.choice((None, None, "k1", "k2")),
        )
        for job_id in copies
    ]

    plates = fill_plates(jobs, copies)

    placed: Counter[str] = Counter()
    for plate in plates:
        assert sum((Fraction(part.parts, copies[part.job.job.id]) for part in plate), Fraction(0)) <= 1
        assert all(part.parts > 0 for part in plate)
        placed.update(held(plate))
    assert dict(placed) == {job.job.id: job.job.quantity for job in jobs}
    assert [list(map(held, fill_plates(jobs, copies)))] == [list(map(held, plates))]


# ---------------------------------------------------------------- when


def test_builds_of_a_machine_stand_one_after_the_other_those_due_first_in_front() -> None:
    late = a_build_job("job_1", 28, produce_by=date(2026, 6, 25))
    early = a_build_job("job_2", 28, produce_by=date(2026, 6, 18))
    found = proposed(late, early)

    assert builds_of(found) == [{"job_2": 28}, {"job_1": 28}]
    assert [build.start_at for build in found.builds] == [MORNING, MORNING + timedelta(minutes=443)]
    assert [build.produce_by.day for build in found.builds] == [18, 25]


def test_a_build_waits_for_what_runs_on_its_machine_and_not_for_other_machines() -> None:
    busy = {"N101-A": on(17, 20)}
    jobs = (a_build_job("job_1"), a_build_job("job_2", machine_id="N101-B"))
    found = propose(jobs, _Shop(machines=("N101-A", "N101-B")), free_from=busy, now=MORNING)

    assert {build.bench.machine_id: build.start_at for build in found.builds} == {
        "N101-A": on(17, 20),
        "N101-B": MORNING,
    }


@pytest.mark.parametrize(
    ("hour", "late"),
    # 285 minutes (a build of four) from there, by the calendar of Berlin, two hours ahead.
    [(16, ()), (18, ("job_1",))],
)
def test_a_job_that_is_ready_after_its_last_day_is_late(hour: int, late: tuple[str, ...]) -> None:
    job = a_build_job("job_1", produce_by=date(2026, 6, 17))
    found = propose([job], _Shop(), free_from={"N101-A": on(17, hour)}, now=MORNING)

    (build,) = found.builds
    assert build.late == late
    assert build.ready_at == on(17, hour) + timedelta(minutes=285)


def test_the_same_jobs_in_another_order_are_the_same_builds() -> None:
    jobs = [a_build_job(f"job_{number}", 5 + number) for number in range(9)]
    forward, backward = proposed(*jobs), proposed(*reversed(jobs))

    assert builds_of(forward) == builds_of(backward)
    assert [build.start_at for build in forward.builds] == [build.start_at for build in backward.builds]


def test_a_machine_that_is_slower_than_its_estimate_is_late_sooner() -> None:
    job = a_build_job("job_1", 28)
    quick = proposed(job).builds[0]
    shop = _Shop()
    slow = tuple(replace(offer, model=replace(offer.model, rate_cm3_per_hour=90)) for offer in shop.node.offers)
    shop.node = replace(shop.node, offers=slow)
    (build,) = propose([job], shop, free_from={}, now=MORNING).builds

    assert (quick.size.machine_minutes, build.size.machine_minutes) == (443, 628)
    assert build.ready_at > quick.ready_at
