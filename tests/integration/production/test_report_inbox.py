"""Reports of a client come in any order, and twice: the job ends up as if they had come one after the other."""

import random
from collections import Counter
from dataclasses import replace
from functools import partial

import pytest

from fabroute.production.service.leases import Lease, LeaseLost, LeaseRequired, ReportedLate
from fabroute.production.service.phases.declining import Decline, decline_job
from fabroute.production.service.phases.reconciling import keep_late
from fabroute.production.service.reports.rules import UnknownReport
from fabroute.production.states import may_become
from tests.factories.concurrency import at_once
from tests.factories.organisations import NOW
from tests.factories.phases import a_report, reported, time_passes, watched
from tests.factories.production import BUREAU_KEY, Floor
from tests.factories.reports import EFFECTS, STORY, history_of, shuffled, what_came_of, worked_on


def given_work(floor: Floor, quantity: int = 3) -> tuple[str, Lease]:
    """Return a job that a client claimed, accepted and fetched the file of."""
    (offer,) = floor.offered(quantity)
    return offer.job_id, worked_on(floor, offer.job_id)


def test_in_order_each_report_does_what_its_endpoint_does(floor: Floor) -> None:
    job_id, lease = given_work(floor)

    done = reported(floor, job_id, *STORY, lease=lease)

    assert [(it.sequence, it.state) for it in done.answers] == [(number, "applied") for number in range(1, 6)]
    assert (done.job.state, done.job.good_prints, done.job.failed_prints) == ("in_production", 2, 1)
    assert (done.next_sequence, history_of(floor, job_id)) == (6, EFFECTS)


def test_every_order_with_duplicates_comes_to_the_same_state_without_an_illegal_move(floor: Floor) -> None:
    draw, ends = random.Random(6), Counter[tuple[object, ...]]()
    for offer in floor.offered(*(3,) * 12):
        lease = worked_on(floor, offer.job_id)
        for request in shuffled(draw):
            reported(floor, offer.job_id, *request, lease=lease)
        ends[what_came_of(floor, offer.job_id)] += 1
        assert history_of(floor, offer.job_id) == EFFECTS
    ((end, times),) = ends.items()
    assert (times, end[:3]) == (12, ("in_production", 2, 1))
    assert may_become(present="accepted", wanted="in_production")


def test_the_same_reports_at_once_count_once(floor: Floor) -> None:
    job_id, lease = given_work(floor)
    parts = [STORY[:3], STORY[2:], STORY[::-1], STORY]

    at_once(*[partial(reported, floor, job_id, *part, lease=lease) for part in parts])

    assert history_of(floor, job_id) == EFFECTS
    assert what_came_of(floor, job_id)[:3] == ("in_production", 2, 1)


def test_a_report_that_came_too_early_waits_for_those_before_it(floor: Floor) -> None:
    job_id, lease = given_work(floor)
    early = reported(floor, job_id, STORY[3], STORY[1], lease=lease)
    assert [(it.sequence, it.state) for it in early.answers] == [(4, "waiting"), (2, "waiting")]
    assert (early.next_sequence, early.job.state, history_of(floor, job_id)) == (1, "accepted", [])
    rest = reported(floor, job_id, STORY[0], lease=lease)
    assert (rest.next_sequence, rest.job.good_prints) == (3, 1)


def test_another_content_under_a_known_number_is_refused_and_the_rest_goes_on(floor: Floor) -> None:
    job_id, lease = given_work(floor)
    reported(floor, job_id, *STORY[:2], lease=lease)
    other = a_report(2, "printed", serial="S-7")

    done = reported(floor, job_id, other, STORY[1], STORY[2], lease=lease)

    assert [(it.sequence, it.state) for it in done.answers] == [(2, "refused"), (2, "applied"), (3, "applied")]
    assert "never changes" in done.answers[0].reason
    assert (done.job.good_prints, done.job.failed_prints) == (1, 1)


def test_a_report_that_can_not_count_is_done_and_says_why(floor: Floor) -> None:
    job_id, lease = given_work(floor, quantity=1)
    told = (a_report(1, "printed"), a_report(2, "printed"), a_report(3, "inspected"), a_report(4, "started"))

    done = reported(floor, job_id, *told, lease=lease)

    states = [(it.sequence, it.state, it.reason.partition(":")[0]) for it in done.answers]
    assert states[0] == (1, "applied", "")
    assert [state for _, state, _ in states[1:3]] == ["refused", "refused"]
    assert states[2][2] == "invalid_inspection"
    assert (done.job.good_prints, done.next_sequence) == (1, 5)


def test_unknown_names_and_missing_or_wrong_leases_change_nothing(floor: Floor) -> None:
    job_id, lease = given_work(floor)
    with pytest.raises(UnknownReport):
        reported(floor, job_id, STORY[0], a_report(2, "melted"), lease=lease)
    with pytest.raises(LeaseRequired):
        reported(floor, job_id, STORY[0], lease=None)
    with pytest.raises(LeaseLost):
        reported(floor, job_id, STORY[0], lease=replace(lease, epoch=lease.epoch + 1))
    assert floor.table("SELECT * FROM job_reports") == []


def test_a_report_brings_a_suspect_job_back(floor: Floor) -> None:
    job_id, lease = given_work(floor)
    time_passes(floor, job_id, over="claim")
    assert watched(floor).suspect == 1
    assert reported(floor, job_id, STORY[0], lease=lease).job.state == "in_production"
    assert floor.told("job.revived") == [job_id]


def test_reports_after_a_re_route_are_refused_whole_and_kept_with_the_parts_that_exist(floor: Floor) -> None:
    job_id, lease = given_work(floor)
    gone = Decline(reason="machine_down")
    floor.do(
        lambda session: decline_job(session, principal=BUREAU_KEY, job_id=job_id, decline=gone, lease=lease, now=NOW)
    )
    with pytest.raises(ReportedLate) as refusal:
        reported(floor, job_id, *STORY, lease=lease)
    kept = floor.do(lambda session: keep_late(session, late=refusal.value.late))
    assert (kept.what, kept.quantity, len(kept.reported["reports"])) == ("reports", 2, 5)
    assert kept.reported["reports"][1]["data"] == {"serial": "S-1"}
    assert floor.table("SELECT * FROM job_reports") == []
