"""From a planned job to an offered one: sweep, errand and task, without the processes around them."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from sqlalchemy import Engine

from fabroute_workers.delivery import Relay
from fabroute_workers.subscriptions import DISPATCH_PLANNED, Errand
from fabroute_workers.work import dispatch
from tests.factories.spares_database import Shop, given_shop
from tests.fakes.ringers import FakeClock, FakeRinger

WEDNESDAY = datetime(2026, 6, 17, 8, tzinfo=UTC)
WINDOW = timedelta(hours=36)


@pytest.fixture
def clock() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(WEDNESDAY, tick=False) as clock:
        yield clock


@pytest.fixture
def shop(engine: Engine, clock: time_machine.Traveller) -> Shop:
    """A shop with one planned job, to be dispatched on Thursday evening."""
    assert clock is not None
    shop = given_shop(engine)
    shop.ordered(shop.owner(), at=WEDNESDAY)
    assert shop.table("SELECT state, dispatch_at FROM jobs") == [("planned", WEDNESDAY + WINDOW)]
    return shop


def test_the_relay_rings_for_planned_jobs_only_when_their_wait_is_over(shop: Shop) -> None:
    """By the clock of the database, which no test moves."""
    ringer = FakeRinger()
    relay = Relay(shop.engine, ringer=ringer, clock=FakeClock())
    shop.table("UPDATE jobs SET dispatch_at = clock_timestamp() + interval '1 hour' RETURNING 1")
    relay.sweep()
    before = list(ringer.errands)
    shop.table("UPDATE jobs SET dispatch_at = clock_timestamp() RETURNING 1")
    relay.sweep()

    assert Errand(task=DISPATCH_PLANNED) not in before
    assert Errand(task=DISPATCH_PLANNED) in ringer.errands


def test_the_task_offers_all_that_is_due_and_nothing_else(shop: Shop, clock: time_machine.Traveller) -> None:
    assert dispatch(shop.engine) == 0
    clock.move_to(WEDNESDAY + WINDOW)

    assert dispatch(shop.engine) == 1
    assert dispatch(shop.engine) == 0
    assert shop.table("SELECT state FROM jobs") == [("offered",)]
    assert len(shop.table("SELECT id FROM outbox_events WHERE name = 'job.offered'")) == 1
