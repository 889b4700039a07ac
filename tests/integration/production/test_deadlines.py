"""An offer ends before its work would be too late: the node's time to answer is bounded by when work must begin."""

from datetime import UTC, datetime, timedelta

import pytest

from fabroute.production.service import JobView, hold_unqualified, resume_job, revoke_certificate
from tests.factories.orders import given_orders, make_order
from tests.factories.organisations import NOW
from tests.factories.phases import claimed, job_of, time_passes, watched
from tests.factories.production import (
    BUREAU_KEY,
    CERTIFICATE,
    Floor,
    a_certificate,
    given_certificates,
    given_routed_lines,
)

TODAY = NOW.date()
CUTOFF = datetime(2026, 6, 15, 13, 0, tzinfo=UTC)
"""15:00 in Berlin, where the node is: what it hears of later, it begins the next day."""
A_DAY = 86_400


def offered_for_today(floor: Floor, *, minutes: int, seconds: int = A_DAY) -> JobView:
    """Return a job that has to be made today, at a node that may take so many seconds to answer."""
    floor.table("UPDATE nodes SET offer_seconds = :it RETURNING id", it=seconds)
    given_orders(floor.engine, make_order(floor.owner))
    (offer,) = given_routed_lines(floor.engine, minutes=minutes, produce_by=TODAY)
    return job_of(floor, offer.job_id)


def test_an_offer_ends_at_the_cut_off_of_the_last_day_on_which_its_work_can_begin(floor: Floor) -> None:
    assert offered_for_today(floor, minutes=120).offer_until == CUTOFF


def test_long_work_begins_early_enough_to_be_made_by_the_midnight_of_its_last_day(floor: Floor) -> None:
    assert offered_for_today(floor, minutes=700).offer_until == datetime(2026, 6, 15, 10, 20, tzinfo=UTC)


def test_a_node_that_answers_quicker_keeps_its_own_time(floor: Floor) -> None:
    assert offered_for_today(floor, minutes=120, seconds=3_600).offer_until == NOW + timedelta(hours=1)


@pytest.mark.parametrize(("seconds", "least"), [(A_DAY, 900), (60, 60)])
def test_an_urgent_offer_stands_for_a_quarter_of_an_hour_or_its_nodes_own_shorter_time(
    floor: Floor, seconds: int, least: int
) -> None:
    floor.table("UPDATE nodes SET timezone = 'Asia/Tokyo' RETURNING id")  # where it is 17:00
    job = offered_for_today(floor, minutes=120, seconds=seconds)
    assert job.offer_until == NOW + timedelta(seconds=least)


def test_a_claim_and_an_offer_that_came_back_end_when_the_work_must_begin(floor: Floor) -> None:
    job = offered_for_today(floor, minutes=60, seconds=864_000)
    floor.table(
        "UPDATE jobs SET produce_by = CAST(clock_timestamp() AT TIME ZONE 'Europe/Berlin' AS date) + 1 RETURNING id"
    )
    ends = "SELECT (produce_by + time '15:00') AT TIME ZONE 'Europe/Berlin' FROM jobs"
    claimed(floor, job.job_id)
    assert floor.table("SELECT lease_until FROM jobs") == floor.table(ends)

    time_passes(floor, job.job_id, over="claim")
    assert watched(floor).returned == 1
    assert floor.table("SELECT offer_until FROM jobs") == floor.table(ends)


@pytest.mark.parametrize(
    ("hours", "ends"),
    [(3, CUTOFF), (13, NOW + timedelta(hours=13, seconds=900))],
)
def test_the_time_that_an_offer_was_held_does_not_put_it_off_until_it_is_too_late(
    floor: Floor, hours: int, ends: datetime
) -> None:
    job = offered_for_today(floor, minutes=120)
    floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit", principal=BUREAU_KEY, now=NOW
        )
    )
    given_certificates(floor.engine, a_certificate(certificate_id="crt_new"))
    later = NOW + timedelta(hours=hours)
    floor.do(lambda session: hold_unqualified(session, now=later))
    resumed = floor.do(lambda session: resume_job(session, principal=BUREAU_KEY, job_id=job.job_id, now=later))
    assert (resumed.state, resumed.offer_until) == ("offered", ends)
