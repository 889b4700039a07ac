"""How long builds took: kept beside their estimate, once for each number, and only where it can be true."""

import math
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from fabroute.identity.rules import Principal
from fabroute.network.service import save_network
from fabroute.production.service import (
    BuildReport,
    BuildsOverlap,
    BuildTimeConflict,
    BuildTimeImplausible,
    BuildTimeView,
    BuildWithdrawal,
    FileNotFetched,
    InvalidBuildTime,
    JobStateConflict,
    NoPartsLeft,
    NotTheNode,
    OfferGone,
    UnknownBuild,
    UnknownJob,
    list_builds,
    report_build,
    withdraw_build,
)
from tests.factories.concurrency import at_once
from tests.factories.network import a_network, a_node
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, RIVAL_KEY, Floor, key_of

FULL_BED_MINUTES = 641
"""0.5 h set-up, 1 h warm-up, 4,750 layers of 80 um at 6.2 s, 1 h unloading: 640.83 minutes; it cools elsewhere."""
HALF_BED_MINUTES = 395
"""The same with 2,375 layers: 395.4 minutes."""


def a_report(
    *,
    parts: int = 1,
    machine_minutes: int = 700,
    height_mm: float | None = 380.0,
    printed_cm3: float | None = None,
    finished_at: datetime | None = None,
    number: int | None = None,
) -> BuildReport:
    return BuildReport(
        parts=parts,
        machine_minutes=machine_minutes,
        height_mm=height_mm,
        printed_cm3=printed_cm3,
        finished_at=finished_at,
        number=number,
    )


def report(
    floor: Floor, job_id: str, told: BuildReport, *, by: Principal = BUREAU_KEY, now: datetime = NOW
) -> BuildTimeView:
    return floor.do(lambda session: report_build(session, principal=by, job_id=job_id, report=told, now=now))


def a_fetched_job(floor: Floor, quantity: int = 4) -> str:
    return floor.fetched_long_ago(quantity)


def builds(floor: Floor, job_id: str, *, by: Principal = BUREAU_KEY) -> list[tuple[int, int, int]]:
    found = floor.do(lambda session: list_builds(session, principal=by, job_id=job_id, cursor=None, limit=50))
    return [(build.number, build.machine_minutes, build.estimated_minutes) for build in found.items]


# ---------------------------------------------------------------- what is kept


def test_a_build_is_kept_beside_its_estimate_audited_and_told(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    build = report(floor, job_id, a_report(parts=3, machine_minutes=833))

    assert (build.number, build.parts, build.machine_minutes, build.estimated_minutes) == (1, 3, 833, FULL_BED_MINUTES)
    assert (build.node_id, build.machine_id, build.parameter_set) == ("N101", "N101-A", "PS-1")
    assert (build.height_mm, build.printed_cm3) == (380.0, 3 * 24.5)
    assert (build.finished_at, build.reported_at, build.reported_by) == (NOW, NOW, BUREAU_KEY.key_id)
    assert math.isclose(build.ratio, 1.29953, abs_tol=1e-5)
    assert floor.told("build.timed") == [job_id]
    ((actor, subject, data),) = floor.audited("build.timed")
    assert (actor, subject) == (BUREAU_KEY.key_id, job_id)
    assert data == {"node_id": "N101", "number": 1, "machine_minutes": 833, "estimated_minutes": FULL_BED_MINUTES}


def test_the_estimate_is_that_of_the_height_and_volume_that_were_reported(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    half = report(floor, job_id, a_report(height_mm=190.0, printed_cm3=2_000.0))

    assert (half.height_mm, half.printed_cm3, half.estimated_minutes) == (190.0, 2_000.0, HALF_BED_MINUTES)
    assert builds(floor, job_id) == [(1, 700, HALF_BED_MINUTES)]


def test_what_was_learnt_before_does_not_change_the_estimate(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    floor.table(
        "INSERT INTO calibrations VALUES ('N101-A', 'PS-1', 10, 7, 5, 0, 0, :now) RETURNING machine_id", now=NOW
    )

    assert report(floor, job_id, a_report()).estimated_minutes == FULL_BED_MINUTES
    assert builds(floor, job_id) == [(1, 700, FULL_BED_MINUTES)]


def test_the_builds_of_a_job_are_listed_in_pages_to_those_who_see_it(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    for days, minutes in ((3, 600), (2, 700), (1, 800)):
        report(floor, job_id, a_report(machine_minutes=minutes, finished_at=NOW - timedelta(days=days)))
    owner = key_of(floor.owner)

    first = floor.do(lambda session: list_builds(session, principal=owner, job_id=job_id, cursor=None, limit=2))
    second = floor.do(
        lambda session: list_builds(session, principal=owner, job_id=job_id, cursor=first.next_cursor, limit=2)
    )

    assert [build.machine_minutes for build in (*first.items, *second.items)] == [600, 700, 800]
    assert (first.next_cursor, second.next_cursor) == ("2", None)
    assert builds(floor, job_id, by=OPERATOR_KEY) == builds(floor, job_id)
    with pytest.raises(UnknownJob):
        builds(floor, job_id, by=RIVAL_KEY)


# ---------------------------------------------------------------- once


def test_a_report_that_is_sent_again_counts_once(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    told = a_report(number=1, finished_at=NOW)
    first = report(floor, job_id, told)
    again = report(floor, job_id, told, now=NOW + timedelta(minutes=3))

    assert again == first
    assert builds(floor, job_id) == [(1, 700, FULL_BED_MINUTES)]
    assert len(floor.told("build.timed")) == 1


@pytest.mark.parametrize(
    ("other", "word"),
    [
        (a_report(number=1, machine_minutes=701), "machine_minutes"),
        (a_report(number=1, parts=2), "parts"),
        (a_report(number=1, height_mm=379.0), "height_mm"),
        (a_report(number=1, printed_cm3=25.0), "printed_cm3"),
        (a_report(number=1, finished_at=NOW + timedelta(seconds=1)), "finished_at"),
    ],
)
def test_other_facts_under_the_same_number_are_refused(floor: Floor, other: BuildReport, word: str) -> None:
    job_id = a_fetched_job(floor)
    report(floor, job_id, a_report(number=1))

    with pytest.raises(
        BuildTimeConflict, match=f"with another {word}: a report never changes, 2 comes next"
    ) as refusal:
        report(floor, job_id, other)

    assert (refusal.value.status, refusal.value.code) == (409, "build_time_conflict")
    assert builds(floor, job_id) == [(1, 700, FULL_BED_MINUTES)]


def test_builds_are_numbered_without_gaps(floor: Floor) -> None:
    job_id = a_fetched_job(floor)

    with pytest.raises(BuildTimeConflict, match=r"build 2 of job .* can't be reported yet: 1 comes next"):
        report(floor, job_id, a_report(number=2))
    days = {1: 3, None: 2, 3: 1}
    told = [a_report(number=number, finished_at=NOW - timedelta(days=ago)) for number, ago in days.items()]
    assert [report(floor, job_id, each).number for each in told] == [1, 2, 3]


def test_the_same_report_from_many_sides_counts_once(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    found = at_once(*[lambda: report(floor, job_id, a_report(number=1)) for _ in range(8)])

    assert len(set(found)) == 1
    assert builds(floor, job_id) == [(1, 700, FULL_BED_MINUTES)]
    assert len(floor.told("build.timed")) == 1


def test_a_repeated_report_is_answered_even_when_the_job_is_over(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    first = report(floor, job_id, a_report(number=1))
    floor.table("UPDATE jobs SET state = 'cancelled' RETURNING id")

    assert report(floor, job_id, a_report(number=1)) == first
    with pytest.raises(JobStateConflict, match="is cancelled, so it can't be timed"):
        report(floor, job_id, a_report(number=2))


# ---------------------------------------------------------------- who, and when


def test_only_the_node_and_the_operator_report_builds(floor: Floor) -> None:
    job_id = a_fetched_job(floor)

    with pytest.raises(NotTheNode):
        report(floor, job_id, a_report(), by=key_of(floor.owner))
    with pytest.raises(UnknownJob):
        report(floor, job_id, a_report(), by=RIVAL_KEY)
    assert report(floor, job_id, a_report(), by=OPERATOR_KEY).reported_by == OPERATOR_KEY.key_id
    assert len(builds(floor, job_id)) == 1


def test_nothing_is_built_of_a_file_that_was_never_fetched(floor: Floor) -> None:
    (offer,) = floor.offered(2)
    with pytest.raises(JobStateConflict, match="its node has to accept it first"):
        report(floor, offer.job_id, a_report())
    accepted = floor.accepted(2)
    with pytest.raises(FileNotFetched, match="nothing can have been built of it"):
        report(floor, accepted, a_report())

    assert builds(floor, offer.job_id) == builds(floor, accepted) == []


def test_builds_hold_no_more_parts_than_the_job_has(floor: Floor) -> None:
    job_id = a_fetched_job(floor, 4)
    report(floor, job_id, a_report(parts=3, finished_at=NOW - timedelta(days=1)))

    with pytest.raises(NoPartsLeft, match="3 of them are in builds that were reported: 1 are left, not 2") as refusal:
        report(floor, job_id, a_report(parts=2))
    assert refusal.value.status == 409
    floor.table("UPDATE jobs SET granted_reprints = 1 RETURNING id")
    assert report(floor, job_id, a_report(parts=2)).number == 2
    with pytest.raises(NoPartsLeft):
        report(floor, job_id, a_report())


@pytest.mark.parametrize("minutes", [64, 6_411])
def test_a_time_out_of_all_proportion_is_refused(floor: Floor, minutes: int) -> None:
    job_id = a_fetched_job(floor)

    with pytest.raises(
        BuildTimeImplausible, match=f"{minutes:,} minutes against an estimate of 641: .* tenth or over 10"
    ) as refusal:
        report(floor, job_id, a_report(machine_minutes=minutes))

    assert [problem.pointer for problem in refusal.value.problems] == ["/machine_minutes"]
    assert builds(floor, job_id) == []


@pytest.mark.parametrize("minutes", [65, 6_410])
def test_a_time_just_within_proportion_is_taken(floor: Floor, minutes: int) -> None:
    job_id = a_fetched_job(floor)
    build = report(floor, job_id, a_report(machine_minutes=minutes))

    assert build.machine_minutes == minutes
    assert 1 / 10 <= build.ratio <= 10


@pytest.mark.parametrize(
    "finished_at", [NOW + timedelta(minutes=6), NOW - timedelta(days=101), datetime(1970, 1, 1, tzinfo=UTC)]
)
def test_a_build_ends_after_its_file_was_fetched_and_not_in_the_future(floor: Floor, finished_at: datetime) -> None:
    job_id = a_fetched_job(floor)

    with pytest.raises(InvalidBuildTime, match="when the file was fetched, until now") as refusal:
        report(floor, job_id, a_report(finished_at=finished_at))

    assert [problem.pointer for problem in refusal.value.problems] == ["/finished_at"]
    assert builds(floor, job_id) == []


@pytest.mark.parametrize("name", ["parts", "machine_minutes", "height_mm", "printed_cm3"])
@pytest.mark.parametrize("value", [0, -1, math.inf, math.nan])
def test_a_figure_that_is_no_number_above_0_is_pointed_at(name: str, value: float) -> None:
    figures: dict[str, Any] = {"parts": 1, "machine_minutes": 700, name: value}
    with pytest.raises(InvalidBuildTime) as refusal:
        BuildReport(**figures)

    assert [problem.pointer for problem in refusal.value.problems] == [f"/{name}"]
    assert refusal.value.status == 422


def test_a_build_that_is_shared_with_other_orders_has_to_say_how_high_it_was(floor: Floor) -> None:
    job_id = a_fetched_job(floor)

    with pytest.raises(InvalidBuildTime, match="height_mm missing: MJF builds hold other orders") as refusal:
        report(floor, job_id, a_report(height_mm=None))
    with pytest.raises(InvalidBuildTime, match=r"HP MJF 5200 builds up to 380 mm, not 380\.1"):
        report(floor, job_id, a_report(height_mm=380.1))

    assert [problem.pointer for problem in refusal.value.problems] == ["/height_mm"]
    assert builds(floor, job_id) == []


def test_a_job_whose_material_is_not_offered_any_more_has_no_estimate(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    floor.do(lambda session: save_network(session, data=a_network(nodes=(a_node(),))))
    floor.table("DELETE FROM machine_offers RETURNING id")

    with pytest.raises(OfferGone, match="N101 does not print PA12-MJF on N101-A any more") as refusal:
        report(floor, job_id, a_report())

    assert refusal.value.status == 409
    assert builds(floor, job_id) == []


# ---------------------------------------------------------------- machines of other kinds


def becomes(floor: Floor, process: str, *, rate_cm3_per_hour: float, layer_fixed_s: float) -> None:
    """Make the machine one of another process, with a material of it that needs a tenth for supports."""
    floor.table(
        "UPDATE machine_models SET process = :process, layer_um = 200, layer_fixed_s = :layer,"
        " rate_cm3_per_hour = :rate, warmup_hours = 0.15, cooldown_hours = 0.1, setup_hours = 0.3, unload_hours = 0.2"
        " RETURNING model",
        process=process,
        rate=rate_cm3_per_hour,
        layer=layer_fixed_s,
    )
    floor.table("UPDATE materials SET process = :process, support_fraction = 0.1 RETURNING code", process=process)


def test_a_build_of_its_own_is_taken_for_the_job_s_parts_alone_as_they_stand(floor: Floor) -> None:
    """Three parts of 24.5 cm3 and a tenth for supports, lying 54 mm high, at 75 % of 20 cm3/h: 5.39 h, and 0.75 h."""
    job_id = a_fetched_job(floor)
    becomes(floor, "MEX", rate_cm3_per_hour=20, layer_fixed_s=0)
    build = report(floor, job_id, a_report(parts=3, machine_minutes=400, height_mm=None))

    assert (build.height_mm, round(build.printed_cm3, 9), build.estimated_minutes) == (54.0, 80.85, 368)
    assert builds(floor, job_id) == [(1, 400, 368)]


def test_layers_count_where_every_layer_takes_its_time(floor: Floor) -> None:
    """270 layers of 36 s are 2.7 h; with exposure and the rest 8.84 h. Twice as high, 540 layers: 11.54 h."""
    job_id = a_fetched_job(floor)
    becomes(floor, "MEX", rate_cm3_per_hour=20, layer_fixed_s=36)
    low = report(floor, job_id, a_report(parts=3, machine_minutes=400, height_mm=None))
    earlier = NOW - timedelta(days=1)
    high = report(floor, job_id, a_report(height_mm=108.0, printed_cm3=80.85, machine_minutes=400, finished_at=earlier))

    assert (low.estimated_minutes, high.estimated_minutes) == (530, 692)
    assert (low.height_mm, high.height_mm) == (54.0, 108.0)


def test_a_sintered_build_has_to_say_what_it_exposed_too(floor: Floor) -> None:
    """Half a metre of bed has 1,900 layers of 10 s; 1,000 cm3 at 80 % of 500 cm3/h are 2.5 h."""
    job_id = a_fetched_job(floor)
    becomes(floor, "SLS", rate_cm3_per_hour=500, layer_fixed_s=10)

    with pytest.raises(InvalidBuildTime, match="height_mm and printed_cm3 missing") as refusal:
        report(floor, job_id, a_report(height_mm=None))
    with pytest.raises(InvalidBuildTime, match="printed_cm3 missing"):
        report(floor, job_id, a_report())
    build = report(floor, job_id, a_report(printed_cm3=1_000.0))

    assert [problem.pointer for problem in refusal.value.problems] == ["/height_mm", "/printed_cm3"]
    assert build.estimated_minutes == round((0.3 + 0.15 + 1900 * 10 / 3600 + 2.5 + 0.2) * 60)


# ---------------------------------------------------------------- when it can have been


def a_job_of_today(floor: Floor) -> str:
    """Return a job that was accepted three hours ago, and whose file was fetched now."""
    job_id = floor.accepted(9)
    floor.fetched(job_id)
    floor.table("UPDATE jobs SET accepted_at = :it RETURNING id", it=NOW - timedelta(hours=3))
    return job_id


@pytest.mark.parametrize(("after_minutes", "taken"), [(0, False), (604, False), (605, True), (700, True)])
def test_only_set_up_and_warm_up_can_begin_before_the_file_was_fetched(
    floor: Floor, after_minutes: int, taken: bool
) -> None:
    """An hour and a half of 700 minutes, and five minutes by which clocks differ: 605 minutes after the fetch."""
    job_id = a_job_of_today(floor)
    end = NOW + timedelta(minutes=after_minutes)
    if taken:
        assert report(floor, job_id, a_report(finished_at=end), now=end).finished_at == end
    else:
        with pytest.raises(
            InvalidBuildTime, match=r"can have begun at 2026-06-15T06:30:00\+00:00 at the earliest"
        ) as no:
            report(floor, job_id, a_report(finished_at=end), now=end)
        assert [problem.pointer for problem in no.value.problems] == ["/finished_at"]
    assert len(builds(floor, job_id)) == taken


def test_no_build_began_before_its_job_was_accepted(floor: Floor) -> None:
    """Set-up and warm-up could have begun at half past six, but the node took the job at seven."""
    job_id = a_job_of_today(floor)
    floor.table("UPDATE jobs SET accepted_at = :it RETURNING id", it=NOW - timedelta(hours=1))
    early, end = NOW + timedelta(minutes=634), NOW + timedelta(minutes=635)

    with pytest.raises(InvalidBuildTime, match=r"can have begun at 2026-06-15T07:00:00\+00:00 at the earliest"):
        report(floor, job_id, a_report(finished_at=early), now=end)
    assert report(floor, job_id, a_report(finished_at=end), now=end).machine_minutes == 700


@pytest.mark.parametrize(
    ("minutes_before", "taken"), [(0, False), (684, False), (685, True), (700, True), (-685, True)]
)
def test_builds_of_two_jobs_share_no_machine_but_for_a_quarter_of_an_hour(
    floor: Floor, minutes_before: int, taken: bool
) -> None:
    one, two = a_fetched_job(floor), a_fetched_job(floor)
    end = NOW - timedelta(days=5)
    report(floor, one, a_report(finished_at=end))
    told = a_report(finished_at=end - timedelta(minutes=minutes_before))
    if taken:
        assert report(floor, two, told).number == 1
    else:
        with pytest.raises(BuildsOverlap, match=f"N101-A was at build 1 of job {one} from 2026-06-09T20:20:00") as no:
            report(floor, two, told)
        assert (no.value.status, no.value.code) == (409, "builds_overlap")
    assert len(builds(floor, two)) == taken


def test_another_machine_is_free_at_the_same_time(floor: Floor) -> None:
    one, two = a_fetched_job(floor), a_fetched_job(floor)
    report(floor, one, a_report())
    floor.table("UPDATE build_times SET machine_id = 'N101-B' RETURNING job_id")

    assert report(floor, two, a_report()).machine_id == "N101-A"
    assert (len(builds(floor, one)), len(builds(floor, two))) == (1, 1)


def test_of_overlapping_builds_that_many_report_at_once_one_is_taken(floor: Floor) -> None:
    jobs = [a_fetched_job(floor, 1) for _ in range(6)]

    def told(job_id: str) -> str:
        try:
            return f"build {report(floor, job_id, a_report()).number}"
        except BuildsOverlap as refused:
            return refused.code

    found = at_once(*[partial(told, job_id) for job_id in jobs])

    assert sorted(found) == ["build 1"] + ["builds_overlap"] * 5
    assert sum(len(builds(floor, job_id)) for job_id in jobs) == 1


# ---------------------------------------------------------------- what was wrong


def withdraw(
    floor: Floor, job_id: str, number: int, *, reason: str = "hours as minutes", by: Principal = BUREAU_KEY
) -> BuildTimeView:
    told = BuildWithdrawal(number=number, reason=reason)
    return floor.do(lambda session: withdraw_build(session, principal=by, job_id=job_id, withdrawal=told, now=NOW))


def test_a_withdrawn_build_is_kept_audited_and_told_once(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    report(floor, job_id, a_report())
    gone, again = withdraw(floor, job_id, 1), withdraw(floor, job_id, 1, reason="other", by=OPERATOR_KEY)

    assert again == gone
    assert (gone.withdrawn_at, gone.withdrawn_by, gone.withdrawal_reason) == (
        NOW,
        BUREAU_KEY.key_id,
        "hours as minutes",
    )
    assert builds(floor, job_id) == [(1, 700, FULL_BED_MINUTES)]
    assert floor.told("build.withdrawn") == [job_id]
    ((actor, _, data),) = floor.audited("build.withdrawn")
    assert (actor, data) == (BUREAU_KEY.key_id, {"node_id": "N101", "number": 1, "reason": "hours as minutes"})


def test_a_withdrawn_build_leaves_its_parts_and_its_time_but_not_its_number(floor: Floor) -> None:
    job_id = a_fetched_job(floor, 4)
    report(floor, job_id, a_report(parts=4, number=1))
    withdraw(floor, job_id, 1)

    with pytest.raises(BuildTimeConflict, match="was withdrawn, and its number is not given again: 2 comes next"):
        report(floor, job_id, a_report(parts=4, number=1))
    assert report(floor, job_id, a_report(parts=4, machine_minutes=701)).number == 2
    assert builds(floor, job_id) == [(1, 700, FULL_BED_MINUTES), (2, 701, FULL_BED_MINUTES)]


def test_a_build_is_withdrawn_by_node_or_operator_even_when_the_job_is_over(floor: Floor) -> None:
    job_id = a_fetched_job(floor)
    report(floor, job_id, a_report())
    floor.table("UPDATE jobs SET state = 'cancelled' RETURNING id")

    with pytest.raises(NotTheNode, match="its own organisation, or the operator on its behalf, to do"):
        withdraw(floor, job_id, 1, by=key_of(floor.owner))
    with pytest.raises(UnknownJob):
        withdraw(floor, job_id, 1, by=RIVAL_KEY)
    with pytest.raises(UnknownBuild, match="has no build 2"):
        withdraw(floor, job_id, 2)
    assert withdraw(floor, job_id, 1, by=OPERATOR_KEY).withdrawn_by == OPERATOR_KEY.key_id
