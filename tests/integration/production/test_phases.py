"""Accepted under a claim or by hand, declined, countered, started, kept alive, stopped: who holds a job says so."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from fabroute.identity.rules import Principal
from fabroute.production.service import (
    FileNotFetched,
    JobStateConflict,
    JobUnqualified,
    NotTheOwner,
    accept_job,
    take_back_held,
)
from fabroute.production.service.leases import Lease, LeaseLost, LeaseRequired, Physical, ReportedLate, lock_for_report
from fabroute.production.service.phases.accepting import OfferLapsed
from fabroute.production.service.phases.beating import Heartbeat, OfflineNotAllowed, go_offline, heartbeat
from fabroute.production.service.phases.cancelling import CancellationAnswer, answer_cancellation, request_cancel
from fabroute.production.service.phases.countering import (
    Countered,
    CounterOfferDecided,
    CounterOfferView,
    InvalidCounterOffer,
    NewCounterOffer,
    UnknownCounterOffer,
    counter_job,
    decide_counter,
    list_counter_offers,
)
from fabroute.production.service.phases.declining import Decline, Declined, decline_job
from fabroute.production.service.phases.notes import NoteClosed, UnknownNote, close_note, list_notes
from fabroute.production.service.phases.policies import BandChange, PolicyChanged, policy_of, state_policy
from fabroute.production.service.phases.reconciling import close_reconciliation, keep_late, list_reconciliations
from fabroute.production.service.phases.revisions import hold_revision, release_hold
from fabroute.production.service.phases.starting import start_job
from fabroute.production.service.phases.suspecting import decide_suspicion
from tests.factories.organisations import NOW
from tests.factories.phases import claimed, given_band, job_of, lease_of, time_passes, watched
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, PRODUCE_BY, RIVAL_KEY, Floor, key_of

OTHER_KEY = replace(BUREAU_KEY, key_id="key_other")
A_LEASE_LEFT = "SELECT extract(epoch FROM lease_until - clock_timestamp()) BETWEEN 200 AND 300 FROM jobs"


def accept(floor: Floor, job_id: str, lease: Lease | None = None, who: Principal = BUREAU_KEY) -> None:
    floor.do(lambda session: accept_job(session, principal=who, job_id=job_id, lease=lease, now=NOW))


def decline(floor: Floor, job_id: str, reason: str, text: str = "", lease: Lease | None = None) -> Declined:
    told = Decline(reason=reason, text=text)
    return floor.do(
        lambda session: decline_job(session, principal=BUREAU_KEY, job_id=job_id, decline=told, lease=lease, now=NOW)
    )


def counter(
    floor: Floor, job_id: str, *, price: int | None = None, day: date | None = None, lease: Lease | None = None
) -> Countered:
    wanted = NewCounterOffer(price_minor=price, produce_by=day, reason="tight")
    return floor.do(
        lambda session: counter_job(session, principal=BUREAU_KEY, job_id=job_id, wanted=wanted, lease=lease, now=NOW)
    )


def counters_of(floor: Floor) -> Sequence[CounterOfferView]:
    owner = key_of(floor.owner)
    return floor.do(
        lambda session: list_counter_offers(session, principal=owner, state=None, cursor=None, limit=9)
    ).items


def decide(floor: Floor, counter_id: str, *, accepted: bool, who: Principal | None = None) -> Countered:
    return floor.do(
        lambda session: decide_counter(
            session,
            principal=who or key_of(floor.owner),
            counter_id=counter_id,
            accept=accepted,
            reason="too dear" if not accepted else "",
            now=NOW,
        )
    )


def beat(floor: Floor, job_id: str, lease: Lease | None, who: Principal = BUREAU_KEY) -> Heartbeat:
    return floor.do(lambda session: heartbeat(session, principal=who, job_id=job_id, lease=lease, now=NOW))


def start(floor: Floor, job_id: str, lease: Lease | None = None) -> None:
    floor.do(lambda session: start_job(session, principal=BUREAU_KEY, job_id=job_id, lease=lease, now=NOW))


def reroutes(floor: Floor) -> list[tuple[object, ...]]:
    return floor.table("SELECT cause, detail FROM reroutes ORDER BY id")


def a_working_job(floor: Floor) -> tuple[str, Lease]:
    (offer,) = floor.offered()
    lease = claimed(floor, offer.job_id)
    accept(floor, offer.job_id, lease)
    return offer.job_id, lease


def test_an_offer_has_a_deadline_after_which_nobody_accepts_it(floor: Floor) -> None:
    (offer,) = floor.offered()
    assert job_of(floor, offer.job_id).offer_until == NOW + timedelta(seconds=900)

    late = NOW + timedelta(seconds=900)
    with pytest.raises(OfferLapsed, match="to be answered by 2026-06-15"):
        floor.do(lambda session: accept_job(session, principal=BUREAU_KEY, job_id=offer.job_id, now=late))
    assert job_of(floor, offer.job_id).state == "offered"


def test_a_node_may_have_a_time_of_its_own_to_answer(floor: Floor) -> None:
    floor.table("UPDATE nodes SET offer_seconds = 86400 RETURNING id")
    (offer,) = floor.offered()
    assert job_of(floor, offer.job_id).offer_until == NOW + timedelta(days=1)


def test_by_hand_a_job_is_held_without_heartbeats_until_after_its_last_day(floor: Floor) -> None:
    (offer,) = floor.offered()
    accept(floor, offer.job_id)
    job = job_of(floor, offer.job_id)
    assert (job.lease_kind, job.lease_epoch, job.fence) == ("hand", 1, 1)
    assert job.lease_until == datetime(2026, 6, 18, tzinfo=UTC)
    start_without_a_file = pytest.raises(FileNotFetched)
    with start_without_a_file:
        start(floor, offer.job_id)


def test_a_claimed_job_is_accepted_under_its_lease_only_and_keeps_it(floor: Floor) -> None:
    (offer,) = floor.offered()
    lease = claimed(floor, offer.job_id)

    with pytest.raises(LeaseRequired, match="Fabroute-Lease"):
        accept(floor, offer.job_id)
    with pytest.raises(LeaseLost):
        accept(floor, offer.job_id, replace(lease, epoch=lease.epoch + 1), OTHER_KEY)
    accept(floor, offer.job_id, lease)
    job = job_of(floor, offer.job_id)
    assert (job.state, job.lease_kind, lease_of(floor, offer.job_id)) == ("accepted", "claim", lease)
    assert floor.table(A_LEASE_LEFT) == [(True,)]


def test_a_declined_job_goes_to_another_node_and_says_why(floor: Floor) -> None:
    (offer,) = floor.offered()

    done = decline(floor, offer.job_id, "capacity", "no operator until Monday")

    assert (done.job.state, done.job.end_reason, done.note) == ("declined", "capacity: no operator until Monday", None)
    assert reroutes(floor) == [("declined", "capacity: no operator until Monday")]
    assert floor.table("SELECT state FROM order_lines") == [("pending",)]
    assert floor.table("SELECT node_id, cause FROM line_exclusions") == [("N101", "declined")]
    assert floor.table("SELECT remaining_grams FROM material_lots") == [(10_000,)]
    with pytest.raises(JobStateConflict, match="declined"):
        decline(floor, offer.job_id, "capacity")


def test_the_same_decline_again_after_a_lost_answer_is_answered_with_the_job(floor: Floor) -> None:
    (offer,) = floor.offered()
    lease = claimed(floor, offer.job_id)
    told = Decline(reason="not_manufacturable", text="the wall is 0.1 mm")

    def declined(what: Decline) -> Declined:
        return floor.do(
            lambda session: decline_job(
                session, principal=BUREAU_KEY, job_id=offer.job_id, decline=what, lease=lease, now=NOW
            )
        )

    first = declined(told)
    assert declined(told) == first
    assert (first.job.state, first.note is None) == ("declined", False)
    assert len(reroutes(floor)) == 1
    with pytest.raises(LeaseLost):
        declined(replace(told, text="no powder"))


def test_a_job_in_production_is_not_declined_any_more(floor: Floor) -> None:
    job_id = floor.accepted()
    floor.fetched(job_id)
    start(floor, job_id)
    with pytest.raises(JobStateConflict, match="in_production"):
        decline(floor, job_id, "capacity")
    assert (job_of(floor, job_id).started_at, floor.told("job.started")) == (NOW, [job_id])


def test_that_a_part_can_not_be_made_opens_a_note_that_its_owner_closes(floor: Floor) -> None:
    (offer,) = floor.offered()
    note = decline(floor, offer.job_id, "not_manufacturable", "wall 0.4 mm").note
    assert note is not None

    owner = key_of(floor.owner)
    for who, seen in ((owner, 1), (BUREAU_KEY, 1), (OPERATOR_KEY, 1), (RIVAL_KEY, 0)):
        page = floor.do(partial(list_notes, principal=who, state="open", cursor=None, limit=9))
        assert len(page.items) == seen
    assert (note.text, note.kind, note.revision_held) == ("wall 0.4 mm", "not_manufacturable", False)
    closing: dict[str, Any] = {"note_id": note.note_id, "now": NOW}
    with pytest.raises(NotTheOwner):
        floor.do(lambda session: close_note(session, principal=BUREAU_KEY, resolution="x", **closing))
    with pytest.raises(UnknownNote):
        floor.do(lambda session: close_note(session, principal=RIVAL_KEY, resolution="x", **closing))
    closed = floor.do(lambda session: close_note(session, principal=owner, resolution="thicker in B", **closing))
    again = floor.do(lambda session: close_note(session, principal=owner, resolution="thicker in B", **closing))
    assert closed == again
    assert (closed.state, closed.resolution, closed.closed_by) == ("closed", "thicker in B", owner.key_id)
    with pytest.raises(NoteClosed, match="thicker in B"):
        floor.do(lambda session: close_note(session, principal=owner, resolution="else", **closing))
    assert floor.told("note.opened") == floor.told("note.closed") == [note.note_id]


def test_a_policy_can_hold_the_revision_that_a_node_can_not_make(floor: Floor) -> None:
    given_band(floor, hold=True)
    first, second = floor.offered(1, 1)
    note = decline(floor, first.job_id, "not_manufacturable", "wall 0.4 mm").note
    assert note is not None
    assert note.revision_held
    assert floor.table("SELECT on_hold_reason FROM part_revisions") == [("wall 0.4 mm",)]
    with pytest.raises(JobUnqualified, match="the revision is on hold"):
        accept(floor, second.job_id)


def test_an_owner_holds_a_revision_with_its_jobs_and_lets_it_go_on(floor: Floor) -> None:
    owner = key_of(floor.owner)
    (offer,) = floor.offered()
    held = floor.do(
        lambda session: hold_revision(session, principal=owner, revision_id=offer.revision_id, reason="crack", now=NOW)
    )
    assert (held.held, held.revision.on_hold_reason) == (1, "crack")
    assert "revision is on hold: crack" in job_of(floor, offer.job_id).held_reason
    assert floor.do(lambda session: take_back_held(session, now=NOW)) == 1
    freed = floor.do(
        lambda session: release_hold(session, principal=owner, revision_id=offer.revision_id, reason="ok", now=NOW)
    )
    assert (freed.revision.on_hold_since, freed.revision.on_hold_reason) == (None, "")
    changed = floor.table("SELECT data ->> 'reason' FROM outbox_events WHERE name = 'network.changed' ORDER BY id")
    assert ("revision_held",) in changed
    assert ("revision_hold_released",) in changed


def test_a_counter_offer_inside_the_band_is_accepted_at_once_with_its_price(floor: Floor) -> None:
    given_band(floor, fraction=0.1)
    (offer,) = floor.offered()
    lease = claimed(floor, offer.job_id)

    done = counter(floor, offer.job_id, price=2_160, lease=lease)

    assert (done.counter.state, done.counter.automatic, done.job.state) == ("accepted", True, "accepted")
    assert (done.job.price_minor, done.job.lease_id) == (2_160, lease.lease_id)
    assert floor.told("job.accepted") == [offer.job_id]


def test_a_counter_offer_beyond_the_band_waits_for_the_owner_who_may_accept_it(floor: Floor) -> None:
    given_band(floor, fraction=0.1)
    (offer,) = floor.offered()
    done = counter(floor, offer.job_id, price=2_500)
    assert (done.counter.state, done.job.state, done.job.price_minor) == ("open", "countered", 2_000)
    assert done.counter.decision_reason == "it waits for the owner's decision"
    assert [it.decision_reason for it in counters_of(floor)] == [
        "25.00 EUR is over the owner's band, which ends at 22.00 EUR"
    ]
    assert done.job.offer_until == NOW + timedelta(seconds=900, hours=24)
    assert counter(floor, offer.job_id, price=2_500).counter == done.counter
    with pytest.raises(JobStateConflict):
        counter(floor, offer.job_id, price=2_400)
    with pytest.raises(NotTheOwner):
        decide(floor, done.counter.counter_id, accepted=True, who=BUREAU_KEY)
    with pytest.raises(UnknownCounterOffer):
        decide(floor, done.counter.counter_id, accepted=True, who=RIVAL_KEY)

    accepted = decide(floor, done.counter.counter_id, accepted=True)

    assert (accepted.job.state, accepted.job.price_minor, accepted.counter.automatic) == ("accepted", 2_500, False)
    assert decide(floor, done.counter.counter_id, accepted=True).counter == accepted.counter
    with pytest.raises(CounterOfferDecided):
        decide(floor, done.counter.counter_id, accepted=False)


def test_a_refused_counter_offer_sends_the_line_to_another_node(floor: Floor) -> None:
    (offer,) = floor.offered()
    counter_id = counter(floor, offer.job_id, day=PRODUCE_BY + timedelta(days=2)).counter.counter_id

    refused = decide(floor, counter_id, accepted=False)

    assert (refused.counter.state, refused.job.state) == ("refused", "declined")
    assert reroutes(floor) == [("counter_refused", "counter-offer refused: too dear")]
    listed = floor.do(
        lambda session: list_counter_offers(session, principal=BUREAU_KEY, state=None, cursor=None, limit=9)
    )
    assert [it.state for it in listed.items] == ["refused"]


def test_an_offer_that_says_nothing_new_or_asks_for_yesterday_is_refused(floor: Floor) -> None:
    (offer,) = floor.offered()
    for price, day in ((None, None), (2_000, PRODUCE_BY), (2_100, NOW.date() - timedelta(days=1))):
        with pytest.raises(InvalidCounterOffer):
            counter(floor, offer.job_id, price=price, day=day)
    assert floor.table("SELECT id FROM counter_offers") == []


def test_a_policy_is_changed_by_who_has_seen_it(floor: Floor) -> None:
    given_band(floor, fraction=0.1, days=2)
    wanted: dict[str, Any] = {
        "organisation_id": floor.owner.organisation_id,
        "change": BandChange(),
        "actor": "key_x",
        "now": NOW,
    }
    with pytest.raises(PolicyChanged, match="version 2"):
        floor.do(lambda session: state_policy(session, expected_version=1, **wanted))
    assert floor.do(lambda session: state_policy(session, expected_version=2, **wanted)).version == 3
    stranger = floor.do(lambda session: policy_of(session, organisation_id="org_stranger"))
    assert (stranger.version, stranger.counter_price_fraction, stranger.hold_not_manufacturable) == (1, 0.0, False)


def test_a_heartbeat_prolongs_the_lease_and_changes_nothing_else(floor: Floor) -> None:
    job_id, lease = a_working_job(floor)
    before = job_of(floor, job_id)
    time_passes(floor, job_id, over="claim")

    answer = beat(floor, job_id, lease)

    after = job_of(floor, job_id)
    assert (answer.until, answer.epoch, answer.heartbeat_seconds) == (after.lease_until, lease.epoch, 100)
    assert floor.table(A_LEASE_LEFT) == [(True,)]
    assert replace(after, lease_until=before.lease_until) == before
    with pytest.raises(LeaseLost):
        beat(floor, job_id, replace(lease, lease_id="lse_other"))
    with pytest.raises(LeaseRequired):
        beat(floor, job_id, None)


def test_a_heartbeat_does_not_put_off_the_answer_to_an_offer(floor: Floor) -> None:
    (offer,) = floor.offered()
    lease = claimed(floor, offer.job_id)
    until = job_of(floor, offer.job_id).lease_until
    assert (beat(floor, offer.job_id, lease).until, job_of(floor, offer.job_id).lease_until) == (until, until)


def test_a_silent_node_is_suspected_and_comes_back_with_a_heartbeat(floor: Floor) -> None:
    job_id, lease = a_working_job(floor)
    time_passes(floor, job_id, over="claim")
    assert watched(floor).suspect == 1
    assert (job_of(floor, job_id).state, job_of(floor, job_id).suspect_from) == ("suspect", "accepted")
    assert floor.table("SELECT state FROM order_lines") == [("routed",)]

    answer = beat(floor, job_id, lease)

    job = job_of(floor, job_id)
    assert (answer.state, job.state, job.suspect_since, job.suspect_from) == ("accepted", "accepted", None, None)
    assert floor.told("job.suspect") == floor.told("job.revived") == [job_id]
    assert watched(floor).jobs == 0


def test_about_a_suspect_job_its_owner_decides(floor: Floor) -> None:
    job_id, lease = a_working_job(floor)
    time_passes(floor, job_id, over="claim")
    watched(floor)
    decision: dict[str, Any] = {"job_id": job_id, "now": NOW}
    with pytest.raises(NotTheOwner):
        floor.do(
            lambda session: decide_suspicion(session, principal=BUREAU_KEY, decision="reroute", reason="x", **decision)
        )
    owner = key_of(floor.owner)
    waited = floor.do(
        lambda session: decide_suspicion(session, principal=owner, decision="wait", reason="phoned", **decision)
    )
    assert (waited.state, floor.table("SELECT state FROM order_lines")) == ("suspect", [("routed",)])
    ended = floor.do(
        lambda session: decide_suspicion(session, principal=owner, decision="reroute", reason="gone", **decision)
    )
    assert (ended.state, reroutes(floor)) == ("failed", [("suspect", "its node fell silent: gone")])
    with pytest.raises(LeaseLost):
        beat(floor, job_id, lease)


def test_a_node_that_may_works_offline_for_hours_and_reports_under_the_same_lease(floor: Floor) -> None:
    job_id, lease = a_working_job(floor)
    wish: dict[str, Any] = {"principal": BUREAU_KEY, "job_id": job_id, "lease": lease, "now": NOW}
    with pytest.raises(OfflineNotAllowed, match="signs of life"):
        floor.do(lambda session: go_offline(session, hours=1, **wish))
    floor.table("UPDATE nodes SET offline_seconds = 36000 RETURNING id")
    with pytest.raises(OfflineNotAllowed, match="10 hours"):
        floor.do(lambda session: go_offline(session, hours=10.5, **wish))
    job = floor.do(lambda session: go_offline(session, hours=8, **wish))
    assert (job.lease_kind, job.lease_id, job.lease_epoch) == ("offline", lease.lease_id, lease.epoch)
    ((hours,),) = floor.table("SELECT round(extract(epoch FROM lease_until - clock_timestamp()) / 3600) FROM jobs")
    assert hours == 8
    assert beat(floor, job_id, lease).until == job.lease_until


def test_a_node_that_is_asked_to_stop_hears_it_and_may_go_on_or_agree(floor: Floor) -> None:
    job_id, lease = a_working_job(floor)
    answer: dict[str, Any] = {"principal": BUREAU_KEY, "job_id": job_id, "lease": lease, "now": NOW}
    with pytest.raises(JobStateConflict, match="nobody has asked"):
        floor.do(lambda session: answer_cancellation(session, answer=CancellationAnswer(agreed=True), **answer))
    for agreed in (False, True):
        asked = floor.do(
            lambda session: request_cancel(session, job_ids=(job_id,), reason="not needed", actor="key_o", now=NOW)
        )
        told = beat(floor, job_id, lease)
        assert (len(asked), told.cancel_requested_at, told.cancel_reason) == (1, NOW, "not needed")
        said = CancellationAnswer(agreed=agreed, reason="printed" if not agreed else "")
        job = floor.do(partial(answer_cancellation, answer=said, **answer))
        assert (job.state, job.cancel_requested_at is None) == (("cancelled", False) if agreed else ("accepted", True))
    assert floor.table("SELECT state FROM order_lines") == [("cancelled",)]
    assert floor.table("SELECT state FROM orders") == [("cancelled",)]
    assert floor.told("job.cancel_refused") == [job_id]


def test_what_is_reported_under_a_lost_lease_is_refused_and_kept_once(floor: Floor) -> None:
    job_id, lease = a_working_job(floor)
    decline(floor, job_id, "machine_down", lease=lease)
    with pytest.raises(ReportedLate, match="not held") as refusal:
        start(floor, job_id, lease)
    assert (refusal.value.code, refusal.value.status) == ("lease_lost", 409)
    kept = floor.do(lambda session: keep_late(session, late=refusal.value.late))
    again = floor.do(lambda session: keep_late(session, late=refusal.value.late))

    assert kept == again
    assert (kept.kind, kept.what, kept.epoch, kept.state) == ("late_report", "start", lease.epoch, "open")
    assert floor.told("job.reported_late") == [job_id]
    assert floor.told("job.duplicate_detected") == []


def test_a_part_that_is_made_elsewhere_meanwhile_is_a_duplicate_that_its_owner_settles(floor: Floor) -> None:
    job_id = floor.accepted()
    decline(floor, job_id, "machine_down")
    floor.table("DELETE FROM line_exclusions RETURNING job_id")
    from_elsewhere = floor.offered()
    assert from_elsewhere
    line = floor.table("SELECT order_line_id FROM jobs WHERE id = :it", it=job_id)
    others = floor.table("SELECT id FROM jobs WHERE order_line_id = :it AND id <> :no", it=line[0][0], no=job_id)
    assert len(others) == 1
    physical = Physical(what="print", at=NOW, quantity=2, facts={"serial": "S-9"})

    with pytest.raises(ReportedLate) as refusal:
        floor.do(
            lambda session: lock_for_report(session, principal=BUREAU_KEY, job_id=job_id, lease=None, physical=physical)
        )
    kept = floor.do(lambda session: keep_late(session, late=refusal.value.late))

    assert (kept.kind, kept.quantity, kept.reported) == ("physical_duplicate", 2, {"serial": "S-9"})
    assert floor.told("job.duplicate_detected") == [job_id]
    owner = key_of(floor.owner)
    closed = floor.do(
        lambda session: close_reconciliation(
            session, principal=owner, reconciliation_id=kept.reconciliation_id, resolution="bought", now=NOW
        )
    )
    assert (closed.state, closed.resolution) == ("closed", "bought")
    for who, seen in ((owner, 1), (BUREAU_KEY, 1), (OPERATOR_KEY, 1), (RIVAL_KEY, 0)):
        page = floor.do(partial(list_reconciliations, principal=who, state="closed", cursor=None, limit=9))
        assert len(page.items) == seen
