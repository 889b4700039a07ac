"""Silence is an event: a reminder, a claim that comes back once, a line that goes to another node, a suspicion."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from sqlmodel import Session

from fabroute.cli.invariants import check_invariants
from fabroute.kernel.errors import DomainError
from fabroute.production.service import accept_job, hold_unqualified, resume_job, revoke_certificate
from fabroute.production.service.leases import LeaseLost
from fabroute.production.service.phases.beating import heartbeat
from fabroute.production.service.phases.countering import NewCounterOffer, counter_job
from fabroute.production.service.phases.declining import Decline, decline_job
from fabroute.production.service.phases.watching import Watched, silent_jobs_wait, watch_leases
from tests.factories.concurrency import at_once
from tests.factories.organisations import NOW
from tests.factories.phases import claimed, job_of, time_passes, watched
from tests.factories.production import BUREAU_KEY, CERTIFICATE, Floor, a_certificate, given_certificates

NOTHING = Watched(nudged=0, returned=0, lapsed=0, suspect=0)


def waits(floor: Floor) -> bool:
    return floor.do(silent_jobs_wait)


def doubtful(floor: Floor) -> int:
    """Return how many jobs the doctor finds that don't know whether they are suspect."""
    name = "a suspect job knows where it was, and no other does"
    return next(finding.broken for finding in check_invariants(floor.engine) if finding.invariant.name == name)


def test_half_way_through_its_time_a_node_is_reminded_once(floor: Floor) -> None:
    (offer,) = floor.offered()
    time_passes(floor, offer.job_id, over="fresh")
    assert (waits(floor), watched(floor)) == (False, NOTHING)
    time_passes(floor, offer.job_id, over="half")
    assert waits(floor)

    assert watched(floor) == Watched(nudged=1, returned=0, lapsed=0, suspect=0)
    assert (waits(floor), watched(floor)) == (False, NOTHING)
    assert floor.told("job.nudged") == [offer.job_id]
    assert (job_of(floor, offer.job_id).nudged_at, job_of(floor, offer.job_id).state) == (NOW, "offered")


def test_an_unanswered_offer_lapses_and_its_line_goes_to_another_node(floor: Floor) -> None:
    (offer,) = floor.offered()
    time_passes(floor, offer.job_id, over="offer")

    assert watched(floor) == Watched(nudged=0, returned=0, lapsed=1, suspect=0)

    job = job_of(floor, offer.job_id)
    assert (job.state, job.end_reason) == ("lapsed", "its node did not answer the offer in time")
    assert floor.table("SELECT state FROM order_lines") == [("pending",)]
    assert floor.table("SELECT node_id, cause FROM line_exclusions") == [("N101", "lapsed")]
    assert floor.told("job.lapsed") == [offer.job_id]
    assert watched(floor) == NOTHING


def test_a_claim_that_is_not_answered_comes_back_once_and_then_lapses(floor: Floor) -> None:
    (offer,) = floor.offered()
    first = claimed(floor, offer.job_id)
    time_passes(floor, offer.job_id, over="claim")
    late = job_of(floor, offer.job_id).lease_until
    assert late is not None
    with pytest.raises(LeaseLost, match="lapsed"):
        floor.do(lambda session: accept_job(session, principal=BUREAU_KEY, job_id=offer.job_id, lease=first, now=late))

    assert watched(floor) == Watched(nudged=0, returned=1, lapsed=0, suspect=0)
    job = job_of(floor, offer.job_id)
    assert (job.state, job.lease_id, job.lease_kind, job.offer_rounds) == ("offered", None, "", 1)
    assert floor.table("SELECT offer_until > clock_timestamp() + interval '800 seconds' FROM jobs") == [(True,)]

    second = claimed(floor, offer.job_id)
    assert second.epoch > first.epoch
    with pytest.raises(LeaseLost):
        floor.do(lambda session: accept_job(session, principal=BUREAU_KEY, job_id=offer.job_id, lease=first, now=NOW))
    time_passes(floor, offer.job_id, over="claim")
    assert watched(floor) == Watched(nudged=0, returned=0, lapsed=1, suspect=0)
    assert job_of(floor, offer.job_id).end_reason == "its node claimed it twice and did not answer"
    assert floor.told("job.returned") == [offer.job_id]


def test_a_counter_offer_that_nobody_answers_lapses_and_its_node_may_get_the_line_again(floor: Floor) -> None:
    (offer,) = floor.offered()
    wanted = NewCounterOffer(price_minor=9_000, produce_by=None)
    floor.do(
        lambda session: counter_job(
            session, principal=BUREAU_KEY, job_id=offer.job_id, wanted=wanted, lease=None, now=NOW
        )
    )
    time_passes(floor, offer.job_id, over="offer")

    assert watched(floor).lapsed == 1
    assert floor.table("SELECT state FROM counter_offers") == [("lapsed",)]
    assert floor.table("SELECT node_id FROM line_exclusions") == []


def test_a_held_job_keeps_its_time_until_it_goes_on(floor: Floor) -> None:
    (offer,) = floor.offered()
    before = job_of(floor, offer.job_id).offer_until
    assert before is not None
    floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit", principal=BUREAU_KEY, now=NOW
        )
    )
    time_passes(floor, offer.job_id, over="offer")
    assert (job_of(floor, offer.job_id).state, watched(floor)) == ("held", NOTHING)

    floor.table("UPDATE jobs SET offer_until = :it RETURNING id", it=before)
    given_certificates(floor.engine, a_certificate(certificate_id="crt_new"))
    later = NOW + timedelta(hours=2)
    floor.do(lambda session: hold_unqualified(session, now=later))
    job = floor.do(lambda session: resume_job(session, principal=BUREAU_KEY, job_id=offer.job_id, now=later))
    assert (job.state, job.offer_until) == ("offered", before + timedelta(hours=2))


def test_a_suspect_job_that_is_held_stays_suspect_when_it_goes_on(floor: Floor) -> None:
    (offer,) = floor.offered()
    lease = claimed(floor, offer.job_id)
    floor.do(lambda session: accept_job(session, principal=BUREAU_KEY, job_id=offer.job_id, lease=lease, now=NOW))
    time_passes(floor, offer.job_id, over="claim")
    assert watched(floor).suspect == 1

    floor.do(
        lambda session: revoke_certificate(
            session, certificate_id=CERTIFICATE, reason="audit", principal=BUREAU_KEY, now=NOW
        )
    )
    assert (job_of(floor, offer.job_id).state, job_of(floor, offer.job_id).held_from) == ("held", "suspect")
    assert doubtful(floor) == 0

    given_certificates(floor.engine, a_certificate(certificate_id="crt_new"))
    floor.do(lambda session: resume_job(session, principal=BUREAU_KEY, job_id=offer.job_id, now=NOW))
    assert (job_of(floor, offer.job_id).state, job_of(floor, offer.job_id).suspect_from) == ("suspect", "accepted")
    assert doubtful(floor) == 0


def test_many_workers_at_once_treat_every_silent_job_once(floor: Floor) -> None:
    offers = floor.offered(*(1,) * 18)
    for number, offer in enumerate(offers):
        if number % 3 == 0:
            time_passes(floor, offer.job_id, over="offer")
        elif number % 3 == 1:
            claimed(floor, offer.job_id)
            time_passes(floor, offer.job_id, over="claim")
        else:
            time_passes(floor, offer.job_id, over="half")

    done = at_once(*[lambda: floor.do(lambda session: watch_leases(session, now=NOW, limit=4))] * 6)
    while (more := watched(floor)).jobs:
        done.append(more)

    sums = [sum(getattr(each, kind) for each in done) for kind in ("lapsed", "returned", "nudged", "suspect")]
    assert sums == [6, 6, 6, 0]
    for name in ("job.lapsed", "job.returned", "job.nudged"):
        assert len(floor.told(name)) == len(set(floor.told(name))) == 6
    assert floor.table("SELECT state, count(*) FROM jobs GROUP BY state ORDER BY state") == [
        ("lapsed", 6),
        ("offered", 12),
    ]


def outcome_of(floor: Floor, work: Callable[[Session], object]) -> str:
    try:
        floor.do(work)
    except DomainError as refusal:
        return refusal.code
    return "done"


def test_acceptance_decline_lapse_and_heartbeat_at_once_leave_one_story(floor: Floor) -> None:
    """Of what happens in the same instant to a claim whose time is just over, one thing happened first."""
    told = Decline(reason="capacity")
    stories: dict[str, int] = {}
    for _ in range(8):
        (offer,) = floor.offered()
        job_id = offer.job_id
        lease = claimed(floor, job_id)
        floor.table("UPDATE jobs SET offer_rounds = 1 WHERE id = :it RETURNING id", it=job_id)
        time_passes(floor, job_id, over="claim")
        known: dict[str, Any] = {"principal": BUREAU_KEY, "job_id": job_id, "lease": lease, "now": NOW}
        found = at_once(
            partial(outcome_of, floor, partial(accept_job, **known)),
            partial(outcome_of, floor, partial(decline_job, decline=told, **known)),
            partial(outcome_of, floor, partial(watch_leases, now=NOW)),
            partial(outcome_of, floor, partial(heartbeat, **known)),
        )
        state = job_of(floor, job_id).state
        stories[state] = stories.get(state, 0) + 1
        assert found[2] == "done"
        assert {"accepted": found[0], "declined": found[1], "lapsed": "done"}[state] == "done"
        assert (found[1] == "done") == (state == "declined")
        if state == "lapsed":
            assert found[0] == "lease_lost"
        ended = floor.table("SELECT count(*) FROM reroutes WHERE job_id = :it", it=job_id)
        assert ended == [(0 if state == "accepted" else 1,)]
    assert sum(stories.values()) == 8
    assert len(floor.told("job.declined")) == stories.get("declined", 0)
