"""From a fact in the outbox to a receiver, by the code that relays and workers run."""

from pathlib import Path

import pytest
from sqlalchemy import Engine
from standardwebhooks.webhooks import Webhook

from fabroute.database import unit_of_work
from fabroute.integrations.sign_in.secret_key import configured_sealer
from fabroute.kernel.time import utc_now
from fabroute.outbox.service import record_all
from fabroute.settings import Settings
from fabroute.webhooks.service.endpoints import AddedEndpoint, Desk, NewEndpoint, add_endpoint
from fabroute_workers import telling
from fabroute_workers.bells import REPEAT_SECONDS
from fabroute_workers.delivery import HELD_BACK_SECONDS, POLL_SECONDS, Relay
from fabroute_workers.doorbell import BrokerDown
from fabroute_workers.forgetting import forget_events
from fabroute_workers.subscriptions import DELIVER_DUE, PURGE_EVENTS, ROUTE_PENDING
from tests.conftest import Database
from tests.factories.databases import in_transaction, rows
from tests.factories.webhooks import a_principal, an_event, feed_of, given_organisation
from tests.fakes.receivers import answering, by_turns, running_receiver
from tests.fakes.ringers import FakeClock, FakeRinger


@pytest.fixture
def owner(engine: Engine) -> str:
    return given_organisation(engine, "org_owner")


@pytest.fixture
def here(database: Database, tmp_path: Path) -> Settings:
    """Settings under which this machine may be told, with a secret key of the test's."""
    return Settings.model_validate(
        {
            "profile": "embedded",
            "database_url": database.url,
            "webhooks_to_this_machine": True,
            "secret_key_file": tmp_path / "secret-key",
        }
    )


def given_endpoint_at(engine: Engine, settings: Settings, url: str) -> AddedEndpoint:
    desk = Desk(principal=a_principal("org_owner"), sealer=configured_sealer(settings), loopback=True, now=utc_now())
    with unit_of_work(engine) as session:
        return add_endpoint(session, desk, NewEndpoint(url=url, description="", types=("*",)))


def record(engine: Engine, *names: str, scope: str | None = None) -> None:
    with unit_of_work(engine) as session:
        record_all(session, [an_event(name, scope=scope) for name in names])


def test_a_fact_is_told_by_relay_and_worker_signed_and_again_after_a_failure(
    engine: Engine, owner: str, here: Settings
) -> None:
    ringer = FakeRinger()
    with running_receiver(by_turns(answering(500), answering(204))) as receiver:
        added = given_endpoint_at(engine, here, receiver.url)
        record(engine, "order.cancelled")
        Relay(engine, ringer=ringer).sequence()
        first = telling.deliver(engine, here)
        with engine.begin() as connection:
            connection.exec_driver_sql("UPDATE webhook_deliveries SET next_attempt_at = now()")
        second = telling.deliver(engine, here)

    assert ringer.tasks() == [DELIVER_DUE]
    assert ((first.delivered, first.failed), (second.delivered, second.failed)) == ((0, 1), (1, 0))
    [event] = feed_of(engine, owner).events
    assert receiver.ids() == [event.event_id] * 2
    for received in receiver.received:
        assert Webhook(added.secrets[0].text).verify(received.body, dict(received.headers)) == event.told


def test_with_the_broker_down_feeds_go_on_and_the_bell_rings_later(engine: Engine, owner: str, here: Settings) -> None:
    given_endpoint_at(engine, here, "https://hooks.example.com/")
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock)
    record(engine, "order.placed", scope="global")
    ringer.down = True
    with pytest.raises(BrokerDown):
        relay.turn()
    told = [it.type for it in feed_of(engine, owner).events]
    ringer.down = False
    clock.pass_seconds(1)
    relay.turn()

    assert told == ["order.placed"]
    assert {DELIVER_DUE, ROUTE_PENDING} <= set(ringer.tasks())


def test_a_feed_does_not_wait_for_a_bell_that_rang_just_now(engine: Engine, owner: str) -> None:
    relay = Relay(engine, ringer=FakeRinger(), clock=FakeClock())
    record(engine, "order.placed", scope="global")
    relay.turn()
    record(engine, "order.placed", "order.cancelled", scope="global")
    relay.turn()

    waiting = in_transaction(
        engine, lambda session: rows(session, "SELECT name FROM outbox_events WHERE published_at IS NULL")
    )
    assert waiting == [("order.placed",)]  # its bell rang within the last 50 ms
    assert [it.type for it in feed_of(engine, owner).events] == ["order.placed", "order.placed", "order.cancelled"]


def test_bells_for_deliveries_are_spaced_and_none_is_forgotten(engine: Engine, owner: str, here: Settings) -> None:
    given_endpoint_at(engine, here, "https://hooks.example.com/")
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock)
    turns = []
    for _ in range(3):
        record(engine, "order.cancelled")
        turns.append(relay.sequence())
        clock.pass_seconds(0.125)

    assert ringer.tasks() == [DELIVER_DUE, DELIVER_DUE]
    assert [turn.sent for turn in turns] == [1, 0, 1]
    assert [turn.wait_seconds for turn in turns] == [POLL_SECONDS, HELD_BACK_SECONDS, POLL_SECONDS]


def test_the_sweep_rings_for_deliveries_that_are_due(engine: Engine, owner: str, here: Settings) -> None:
    given_endpoint_at(engine, here, "https://hooks.example.com/")
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock)
    record(engine, "order.cancelled")
    relay.sequence()
    relay.sweep()
    clock.pass_seconds(REPEAT_SECONDS)
    relay.sweep()

    assert ringer.tasks() == [DELIVER_DUE, DELIVER_DUE]


def test_old_events_are_purged_by_the_hour(engine: Engine, owner: str, here: Settings) -> None:
    record(engine, "order.cancelled", "order.placed")
    relay, ringer = Relay(engine, ringer=FakeRinger()), FakeRinger()
    relay.sequence()
    with engine.begin() as connection:
        connection.exec_driver_sql("UPDATE events SET told_at = now() - interval '31 days' WHERE position = 1")
    Relay(engine, ringer=ringer).keep_up()

    assert PURGE_EVENTS in ringer.tasks()
    assert forget_events(engine, here).rows == 1
    assert len(feed_of(engine, owner).events) == 1
    assert forget_events(engine, here).rows == 0
