"""From a reported build to a machine that knows better: event, errand and task, without the processes around them."""

import pytest
from sqlalchemy import Engine

from fabroute.kernel.time import utc_now
from fabroute.production.service import BuildReport, report_build
from fabroute_workers.delivery import POLL_SECONDS, Relay
from fabroute_workers.subscriptions import LEARN_CALIBRATIONS, REQUEUE_UNROUTABLE, Errand
from fabroute_workers.tasks.production import learn_calibrations
from fabroute_workers.work import learn
from tests.factories.databases import in_transaction, rows
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, Floor, given_floor
from tests.fakes.ringers import FakeClock, FakeRinger

HERE = Errand(task=LEARN_CALIBRATIONS, node_id="N101")


@pytest.fixture
def floor(engine: Engine) -> Floor:
    return given_floor(engine)


def a_timed_build(floor: Floor, *, minutes: int = 833) -> str:
    job_id = floor.fetched_long_ago(3)
    told = BuildReport(parts=1, machine_minutes=minutes, height_mm=380.0)
    floor.do(lambda session: report_build(session, principal=BUREAU_KEY, job_id=job_id, report=told, now=NOW))
    return job_id


def learnt(engine: Engine) -> list[tuple[object, ...]]:
    sql = "SELECT machine_id, parameter_set, builds, good_prints FROM calibrations"
    return in_transaction(engine, lambda session: rows(session, sql))


def test_a_timed_build_has_the_machines_of_its_node_learn(engine: Engine, floor: Floor) -> None:
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock, now=utc_now)
    relay.turn()
    ringer.errands.clear()
    a_timed_build(floor)

    clock.pass_seconds(POLL_SECONDS)
    relay.turn()

    assert HERE in ringer.errands
    assert HERE.arguments == {"node_id": "N101"}
    assert learn(engine, node_id="N101") == 1
    assert learnt(engine) == [("N101-A", "PS-1", 1, 0)]


def test_an_event_that_is_delivered_twice_is_learnt_from_once(engine: Engine, floor: Floor) -> None:
    job_id = a_timed_build(floor)
    floor.printed(job_id, "good")

    assert [learn(engine, node_id="N101") for _ in range(3)] == [1, 0, 0]
    assert learnt(engine) == [("N101-A", "PS-1", 1, 1)]


def test_an_errand_that_the_broker_forgot_is_made_good_within_the_hour(engine: Engine, floor: Floor) -> None:
    ringer = FakeRinger()
    a_timed_build(floor)
    Relay(engine, ringer=ringer, clock=FakeClock(), now=utc_now).keep_up()

    assert Errand(task=LEARN_CALIBRATIONS) in ringer.errands
    assert Errand(task=LEARN_CALIBRATIONS).arguments == {}
    assert learn(engine, node_id=None) == 1


def test_the_task_goes_by_the_name_that_the_relay_sends() -> None:
    assert learn_calibrations.name == LEARN_CALIBRATIONS == "production.learn_calibrations"
    assert set(HERE.arguments) == {"node_id"}


def test_learning_wakes_lines_without_a_route_by_the_relay(engine: Engine, floor: Floor) -> None:
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock, now=utc_now)
    a_timed_build(floor)
    relay.turn()
    learn(engine, node_id="N101")
    ringer.errands.clear()

    clock.pass_seconds(POLL_SECONDS)
    relay.turn()

    assert Errand(task=REQUEUE_UNROUTABLE) in ringer.errands
    assert learn(engine, node_id="N101") == 0
