"""Turns of the relay, on a real database with a doorbell that only remembers."""

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.kernel.events import DomainEvent
from fabroute.outbox.service import record_all
from fabroute.routing.service.readiness import ask_readiness
from fabroute.routing.service.scopes import claim_scope
from fabroute_workers.bells import REPEAT_SECONDS
from fabroute_workers.delivery import HELD_BACK_SECONDS, POLL_SECONDS, RECHECK_SECONDS, UPKEEP_SECONDS, Relay
from fabroute_workers.doorbell import BrokerDown
from fabroute_workers.subscriptions import (
    ASK_READINESS,
    EXTEND_CAPACITY,
    HOLD_UNQUALIFIED,
    LEARN_CALIBRATIONS,
    MAKE_READINESS,
    PURGE_ANSWERS,
    PURGE_ARCHIVES,
    PURGE_EVENTS,
    REQUEUE_UNROUTABLE,
    ROUTE_PENDING,
    Errand,
)
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.fakes.ringers import FakeClock, FakeRinger

GLOBAL = Errand(task=ROUTE_PENDING, scope="global")


@pytest.fixture
def ringer() -> FakeRinger:
    return FakeRinger()


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def relay(engine: Engine, ringer: FakeRinger, clock: FakeClock) -> Relay:
    return Relay(engine, ringer=ringer, clock=clock, now=lambda: NOW)


def given_events(engine: Engine, *names: str, scope: str = "global") -> None:
    events = [
        DomainEvent(name=name, subject_type="order", subject_id="ord_1", occurred_at=NOW, data={"scope": scope})
        for name in names
    ]
    in_transaction(engine, lambda session: record_all(session, events))


def unpublished(engine: Engine) -> list[str]:
    query = "SELECT name FROM outbox_events WHERE published_at IS NULL ORDER BY id"
    return [str(name) for (name,) in in_transaction(engine, lambda session: rows(session, query))]


def test_a_hundred_orders_ring_once(engine: Engine, relay: Relay, ringer: FakeRinger) -> None:
    given_events(engine, *["order.placed"] * 100)

    turn = relay.publish()

    assert ringer.errands == [GLOBAL]
    assert turn.sent == 1
    assert turn.wait_seconds == POLL_SECONDS
    assert unpublished(engine) == []


def test_each_planning_scope_is_rung_for(engine: Engine, relay: Relay, ringer: FakeRinger) -> None:
    given_events(engine, "order.placed", scope="north")
    given_events(engine, "order.placed", scope="south")

    relay.publish()

    assert ringer.errands == [Errand(task=ROUTE_PENDING, scope="north"), Errand(task=ROUTE_PENDING, scope="south")]


def test_events_without_a_listener_are_published_to_nobody(engine: Engine, relay: Relay, ringer: FakeRinger) -> None:
    given_events(engine, "order.routed", "job.offered")

    assert relay.publish().sent == 0
    assert ringer.errands == []
    assert unpublished(engine) == []


def test_with_the_broker_down_events_stay_and_are_sent_later(engine: Engine, relay: Relay, ringer: FakeRinger) -> None:
    given_events(engine, "order.placed", "network.changed")
    ringer.down = True
    with pytest.raises(BrokerDown, match="nobody answers"):
        relay.turn()
    kept = unpublished(engine)

    ringer.down = False
    relay.publish()

    assert kept == ["order.placed", "network.changed"]
    assert ringer.tasks() == [ROUTE_PENDING, REQUEUE_UNROUTABLE]
    assert unpublished(engine) == []


def test_a_second_event_right_after_the_first_is_held_back_not_lost(
    engine: Engine, relay: Relay, ringer: FakeRinger, clock: FakeClock
) -> None:
    given_events(engine, "network.changed")
    relay.publish()
    given_events(engine, "network.changed")

    clock.pass_seconds(0.5)
    held = relay.publish()
    kept = unpublished(engine)
    clock.pass_seconds(0.5)
    relay.publish()

    assert (held.sent, held.wait_seconds) == (0, HELD_BACK_SECONDS)
    assert kept == ["network.changed"]
    assert ringer.tasks() == [REQUEUE_UNROUTABLE, REQUEUE_UNROUTABLE]
    assert unpublished(engine) == []


def test_two_relays_publish_each_event_once(engine: Engine, ringer: FakeRinger, clock: FakeClock) -> None:
    given_events(engine, "order.placed")
    other = Relay(engine, ringer=ringer, clock=clock, now=lambda: NOW)
    with unit_of_work(engine) as session:
        session.connection().exec_driver_sql("SELECT id FROM outbox_events FOR UPDATE")
        skipped = other.publish()
    published = Relay(engine, ringer=ringer, clock=clock, now=lambda: NOW).publish()

    assert (skipped.sent, published.sent) == (0, 1)
    assert ringer.errands == [GLOBAL]


def test_lines_that_nobody_works_on_are_rung_for_again_and_again(
    engine: Engine, relay: Relay, ringer: FakeRinger, clock: FakeClock
) -> None:
    owner = given_owner(engine)
    given_orders(engine, make_order(owner))

    relay.turn()
    clock.pass_seconds(POLL_SECONDS)
    relay.turn()
    rung_soon = ringer.tasks().count(ROUTE_PENDING)
    clock.pass_seconds(REPEAT_SECONDS)
    relay.turn()

    assert rung_soon == 1
    assert ringer.tasks().count(ROUTE_PENDING) == 2
    assert unpublished(engine) == []


def test_a_quiet_relay_sweeps_once_a_second(relay: Relay, ringer: FakeRinger, clock: FakeClock) -> None:
    first = relay.turn()
    clock.pass_seconds(0.4)
    second = relay.turn()

    assert (first.sent, second.sent) == (7, 0)
    assert ringer.errands == [
        Errand(task=it)
        for it in (
            EXTEND_CAPACITY,
            LEARN_CALIBRATIONS,
            PURGE_ARCHIVES,
            ASK_READINESS,
            PURGE_ANSWERS,
            PURGE_EVENTS,
            HOLD_UNQUALIFIED,
        )
    ]


def test_calendar_evidence_and_proofs_are_looked_after_at_the_start_then_hourly_and_every_minute(
    relay: Relay, ringer: FakeRinger, clock: FakeClock
) -> None:
    sent = [relay.keep_up()]
    for seconds in (RECHECK_SECONDS - 1, 1, UPKEEP_SECONDS - RECHECK_SECONDS - 1, 1):
        clock.pass_seconds(seconds)
        sent.append(relay.keep_up())

    assert sent == [7, 0, 1, 1, 6]
    hourly = [EXTEND_CAPACITY, LEARN_CALIBRATIONS, PURGE_ARCHIVES, ASK_READINESS, PURGE_ANSWERS, PURGE_EVENTS]
    every_minute = [HOLD_UNQUALIFIED]
    assert ringer.tasks() == [*hourly, *(3 * every_minute), *hourly]
    assert (RECHECK_SECONDS, UPKEEP_SECONDS) == (60, 3600)


def test_a_scope_whose_worker_died_and_a_report_that_waits_are_rung_for(
    engine: Engine, relay: Relay, ringer: FakeRinger
) -> None:
    owner = given_owner(engine)
    with unit_of_work(engine) as session:
        claim_scope(session, name="metal/europe", lease_seconds=0)
        claim_scope(session, name="metal/rest", lease_seconds=60)
        ask_readiness(session, organisation_id=owner.organisation_id, actor="key_1", now=NOW)

    assert relay.sweep() == 2
    assert ringer.errands == [Errand(task=ROUTE_PENDING, scope="metal/europe"), Errand(task=MAKE_READINESS)]
