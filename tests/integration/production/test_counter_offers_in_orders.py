"""An accepted counter-offer reaches the order: its price, and its arrival where that is later than promised."""

from datetime import UTC, datetime, timedelta

from fabroute.api.order_answers import read_order
from fabroute.api.schemas.agreed import RoutingOut
from fabroute.production.service.phases.countering import NewCounterOffer, counter_job, decide_counter
from tests.factories.decisions import given_decisions_of_jobs
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, PRODUCE_BY, Floor, key_of

IN_TWO_WEEKS = PRODUCE_BY + timedelta(days=14)


def countered(floor: Floor, job_id: str, wanted: NewCounterOffer) -> str:
    return floor.do(
        lambda session: counter_job(session, principal=BUREAU_KEY, job_id=job_id, wanted=wanted, lease=None, now=NOW)
    ).counter.counter_id


def accept(floor: Floor, counter_id: str) -> None:
    owner = key_of(floor.owner)
    floor.do(
        lambda session: decide_counter(session, principal=owner, counter_id=counter_id, accept=True, reason="", now=NOW)
    )


def read_order_of(floor: Floor, order_id: str) -> RoutingOut:
    owner = floor.owner.organisation_id
    order = floor.do(lambda session: read_order(session, organisation_id=owner, order_id=order_id))
    assert order.lines[0].routing is not None
    return order.lines[0].routing


def test_an_accepted_counter_offer_reaches_the_order_with_its_price_and_its_later_day(floor: Floor) -> None:
    (offer,) = floor.offered()
    given_decisions_of_jobs(floor.engine)
    decision_id = str(floor.table("SELECT decision_id FROM jobs")[0][0])
    floor.table(
        "UPDATE order_lines SET promised_at = '2026-06-18T15:00Z', decision_id = :it RETURNING id", it=decision_id
    )
    floor.table("UPDATE jobs SET promised_at = '2026-06-18T15:00Z' RETURNING id")
    before = read_order_of(floor, offer.order_id)
    assert before.landed is not None
    assert before.promised_at == datetime(2026, 6, 18, 15, 0, tzinfo=UTC)

    counter_id = countered(floor, offer.job_id, NewCounterOffer(price_minor=4_501, produce_by=IN_TWO_WEEKS))
    assert read_order_of(floor, offer.order_id).landed == before.landed
    assert floor.table("SELECT 1 FROM outbox_events WHERE name = 'order.promise_changed'") == []
    accept(floor, counter_id)

    after = read_order_of(floor, offer.order_id)
    assert after.landed is not None
    assert after.landed.amount_minor == before.landed.amount_minor + 2_501
    assert after.promised_at == after.jobs[0].promised_at == before.promised_at + timedelta(days=14)
    figures = "data ->> 'outcome', data ->> 'position', data ->> 'arrives_at'"
    told = floor.table(f"SELECT {figures} FROM outbox_events WHERE name = 'order.promise_changed'")
    kept = floor.table(f"SELECT {figures} FROM audit_entries WHERE action = 'order.promise_changed'")
    assert told == kept == [("late", "1", "2026-07-02T15:00:00+00:00")]
    # Duty is paid on the dearer price too: a tenth of it here, and the last cent is rounded up.
    floor.table(
        "UPDATE routing_decisions SET document = jsonb_set(document, '{chosen}', document -> 'chosen'"
        ' || \'{"duty_minor": 200, "production_minor": 2000}\') RETURNING id'
    )
    assert (dutiable := read_order_of(floor, offer.order_id).landed) is not None
    assert dutiable.amount_minor == before.landed.amount_minor + 2_501 + 251
