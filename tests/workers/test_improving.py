"""Improve runs as the relay rings for them and the worker does them."""

from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.settings import Settings
from fabroute_workers.delivery import IMPROVE_EVERY_SECONDS, Relay
from fabroute_workers.subscriptions import IMPROVE_PROMISED, Errand
from fabroute_workers.work import drain, improve
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.routable import given_free_minutes, given_routable_network
from tests.fakes.ringers import FakeClock, FakeRinger

SETTINGS = Settings(routing_deterministic_seconds=1.0)
NODES = (
    a_node(node_id="N101", minimum_order_minor=0, labour_minor_per_hour=9_000),
    a_node(node_id="N102", minimum_order_minor=0, labour_minor_per_hour=1_500),
)
GLOBAL = Errand(task=IMPROVE_PROMISED, scope="global")


def given_promised_line(engine: Engine) -> None:
    """Promise a line at the dear node while the cheap one is full; then the cheap one has room again."""
    today = utc_now().date()
    given_routable_network(engine, nodes=NODES, today=today)
    given_free_minutes(engine, [0], machine_id="N102-A", today=today)
    given_orders(engine, make_order(given_owner(engine), quantities=(3,)))
    drain(engine, SETTINGS, scope="global")
    given_free_minutes(engine, [720] * 40, machine_id="N102-A", today=today)


def test_the_worker_moves_a_promised_line_once(engine: Engine) -> None:
    assert improve(engine, SETTINGS, scope="global") == 0
    given_promised_line(engine)
    assert [improve(engine, SETTINGS, scope="global") for _ in range(2)] == [1, 0]
    jobs = in_transaction(engine, lambda session: rows(session, "SELECT node_id, state FROM jobs ORDER BY id"))
    assert jobs == [("N101", "cancelled"), ("N102", "offered")]


def test_the_relay_rings_every_minute_for_scopes_in_which_jobs_stand(engine: Engine) -> None:
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock, now=utc_now)
    given_promised_line(engine)
    sent = [relay.improve()]
    for seconds in (IMPROVE_EVERY_SECONDS - 1, 1, IMPROVE_EVERY_SECONDS - 1, 1):
        clock.pass_seconds(seconds)
        sent.append(relay.improve())
    assert sent == [0, 0, 1, 0, 1]
    assert ringer.errands == [GLOBAL] * 2


def test_the_relay_does_not_ring_where_nothing_could_move(engine: Engine) -> None:
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock, now=utc_now)
    clock.pass_seconds(IMPROVE_EVERY_SECONDS)
    assert relay.improve() == 0
    assert ringer.errands == []
