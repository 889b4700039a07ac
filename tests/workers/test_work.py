"""What the tasks do, on a real database, without the processes around them."""

import threading
import time
from datetime import timedelta

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.kernel.events import DomainEvent
from fabroute.kernel.time import utc_now
from fabroute.network.service import add_lot
from fabroute.outbox.service import record
from fabroute.settings import Settings
from fabroute_workers.delivery import Relay
from fabroute_workers.relay import BACKOFF_SECONDS, Outage, serve
from fabroute_workers.subscriptions import ROUTE_PENDING
from fabroute_workers.work import (
    ask_readiness,
    drain,
    extend_capacity,
    report_readiness,
    requeue,
    routing_limits,
)
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_lot
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.processes import wait_until
from tests.factories.routable import given_routable_network
from tests.fakes.ringers import FakeRinger

SETTINGS = Settings(routing_batch_lines=4, routing_deterministic_seconds=2.0)


def states(engine: Engine) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, "SELECT state, count(*) FROM order_lines GROUP BY 1"))


def test_a_scope_is_drained_run_after_run(engine: Engine) -> None:
    given_routable_network(engine, today=utc_now().date())
    owner = given_owner(engine)
    given_orders(engine, *(make_order(owner) for _ in range(10)))

    assert drain(engine, SETTINGS, scope="elsewhere") == 0
    assert drain(engine, SETTINGS, scope="global") == 10
    assert drain(engine, SETTINGS, scope="global") == 0
    assert states(engine) == [("routed", 10)]
    assert len(in_transaction(engine, lambda session: rows(session, "SELECT id FROM routing_runs"))) == 3


def test_lines_without_a_route_are_looked_at_again(engine: Engine) -> None:
    given_routable_network(engine, today=utc_now().date(), lot_grams=1)
    owner = given_owner(engine)
    given_orders(engine, make_order(owner), make_order(owner))

    assert requeue(engine, SETTINGS, scope="global") == 0
    assert drain(engine, SETTINGS, scope="global") == 2
    with unit_of_work(engine) as session:
        add_lot(session, lot=a_lot(lot_id="lot_new", node_id="N101"), actor="key_1", now=utc_now())
    assert requeue(engine, SETTINGS, scope="global") == 2
    assert states(engine) == [("routed", 2)]


def test_the_calendar_reaches_to_the_end_of_the_horizon(engine: Engine) -> None:
    today = utc_now().date()
    given_routable_network(engine, today=today - timedelta(days=5))

    assert extend_capacity(engine, SETTINGS) == 5
    assert extend_capacity(engine, SETTINGS) == 0


def test_a_run_ends_before_its_task_has_to() -> None:
    plenty = routing_limits(Settings(), seconds_left=34.0)
    little = routing_limits(Settings(), seconds_left=3.5)

    assert (plenty.wall_seconds, plenty.lease_seconds, plenty.attempt_cap, plenty.horizon_days) == (30.0, 60, 8, 45)
    assert little.wall_seconds == 3.5


def test_a_serving_relay_delivers_through_an_outage_and_stops_when_told(engine: Engine) -> None:
    event = DomainEvent(
        name="order.placed", subject_type="order", subject_id="ord_1", occurred_at=utc_now(), data={"scope": "global"}
    )
    in_transaction(engine, lambda session: record(session, event))
    ringer, stop = FakeRinger(), threading.Event()
    ringer.down = True
    thread = threading.Thread(target=serve, args=(engine, Relay(engine, ringer=ringer)), kwargs={"stop": stop})
    thread.start()
    time.sleep(0.3)
    before = list(ringer.errands)
    ringer.down = False

    assert wait_until(lambda: ROUTE_PENDING in ringer.tasks(), seconds=10)
    stop.set()
    thread.join(timeout=5)
    assert not thread.is_alive()
    assert before == []


def test_a_relay_waits_longer_with_every_failure_and_at_once_after_a_success() -> None:
    outage = Outage()
    pauses = [outage.failed(server="broker", error=ConnectionError("gone")) for _ in range(7)]
    outage.over()

    assert pauses == [*BACKOFF_SECONDS, BACKOFF_SECONDS[-1], BACKOFF_SECONDS[-1]]
    assert outage.failed(server="broker", error=ConnectionError("gone")) == BACKOFF_SECONDS[0]


def test_reports_are_asked_for_once_a_day_and_made_until_none_waits(engine: Engine) -> None:
    given_routable_network(engine, today=utc_now().date())
    owner = given_owner(engine)
    given_orders(engine, make_order(owner, quantities=(2,)))

    assert ask_readiness(engine) == 1
    assert report_readiness(engine, SETTINGS) == 1
    assert report_readiness(engine, SETTINGS) == 0
    assert ask_readiness(engine) == 0
    entries = in_transaction(engine, lambda session: rows(session, "SELECT region, quantity FROM readiness_entries"))
    assert entries == [("europe", 2)]


def test_what_has_no_route_is_looked_at_again_in_every_scope(engine: Engine) -> None:
    given_routable_network(engine, today=utc_now().date(), lot_grams=1)
    owner = given_owner(engine)
    for scope in ("metal/europe", "metal/rest/1of2"):
        given_orders(engine, make_order(owner, planning_scope=scope))
        assert drain(engine, SETTINGS, scope=scope) == 1
    with unit_of_work(engine) as session:
        add_lot(session, lot=a_lot(lot_id="lot_new", node_id="N101"), actor="key_1", now=utc_now())

    assert requeue(engine, SETTINGS) == 2
    assert states(engine) == [("routed", 2)]
    scopes = in_transaction(
        engine, lambda session: rows(session, "SELECT DISTINCT planning_scope FROM order_lines ORDER BY 1")
    )
    assert scopes == [("metal/europe",), ("metal/rest",)]
