"""The relay has sandboxes played while something is due there, at their pace."""

from sqlalchemy import Engine

from fabroute.settings import Settings
from fabroute_workers import sandbox_work
from fabroute_workers.delivery import Relay
from fabroute_workers.subscriptions import PLAY_SANDBOXES
from tests.factories.organisations import NOW
from tests.factories.production import given_floor
from tests.fakes.ringers import FakeClock, FakeRinger

_OF_A_SANDBOX = (
    "INSERT INTO organisations (id, name, kind, created_at) VALUES ('org_sandbox_1_bureau', 'Try', 'bureau', now());"
    " UPDATE nodes SET organisation_id = 'org_sandbox_1_bureau'"
)
_NOW = (
    "UPDATE jobs SET updated_at = clock_timestamp(), offered_at = clock_timestamp(),"
    " offer_until = clock_timestamp() + interval '1 minute'"
)
_LONG_AGO = "UPDATE jobs SET updated_at = now() - interval '6 seconds', offered_at = now() - interval '6 seconds'"


def run(engine: Engine, *statements: str) -> None:
    """Run statements."""
    with engine.begin() as connection:
        for statement in statements:
            connection.exec_driver_sql(statement)


def test_it_is_rung_for_what_is_due_at_nodes_of_sandboxes_only(engine: Engine) -> None:
    given_floor(engine).offered(1)
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock, now=lambda: NOW)
    run(engine, _LONG_AGO)
    sent = [relay.play()]
    run(engine, _OF_A_SANDBOX, _NOW)
    sent.append(relay.play())
    run(engine, _LONG_AGO)
    sent += [relay.play(), relay.play()]
    clock.pass_seconds(1.0)
    sent.append(relay.play())

    assert sent == [0, 0, 1, 0, 1]
    assert ringer.tasks() == [PLAY_SANDBOXES] * 2


def test_a_real_order_that_came_to_a_sandbox_is_held_at_the_first_step(engine: Engine) -> None:
    """Whatever brought it there: the gate is asked again when the job is claimed."""
    floor = given_floor(engine)
    floor.offered(1)
    run(engine, _OF_A_SANDBOX, _NOW)
    done = [sandbox_work.play_sandboxes(engine, Settings(sandbox_step_seconds=pace)) for pace in (3600.0, 0.0, 0.0)]

    assert done == [0, 1, 0]
    assert floor.told("job.claimed") == []
    ((state, reason),) = floor.table("SELECT state, held_reason FROM jobs")
    assert (state, str(reason).partition(":")[0]) == ("held", "SANDBOX")
