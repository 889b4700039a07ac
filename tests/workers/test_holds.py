"""From a revoked certificate to a job at another node: events, errands and tasks, without the processes around them."""

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.kernel.time import utc_now
from fabroute.production.service import accept_job, issue_ticket, redeem_ticket, revoke_certificate
from fabroute.settings import Settings
from fabroute_workers.delivery import POLL_SECONDS, Relay
from fabroute_workers.subscriptions import HOLD_UNQUALIFIED, ROUTE_PENDING, SEAL_AUDIT_LOG, TAKE_BACK_HELD, Errand
from fabroute_workers.work import drain, hold, take_back
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY
from tests.factories.routable import given_routable_network
from tests.fakes.ringers import FakeClock, FakeRinger

SETTINGS = Settings(routing_deterministic_seconds=1.0)
NEAR_AND_FAR = (a_node(city="Hamburg", latitude=53.55, longitude=9.99), a_node(node_id="N102", city="Munich"))


@pytest.fixture
def owner(engine: Engine) -> Owner:
    given_routable_network(engine, nodes=NEAR_AND_FAR, today=utc_now().date())
    return given_owner(engine)


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def given_a_job(engine: Engine, owner: Owner) -> str:
    """Have an order routed and accepted; return the job."""
    given_orders(engine, make_order(owner))
    assert drain(engine, SETTINGS, scope="global") == 1
    ((job_id, node_id),) = table(engine, "SELECT id, node_id FROM jobs WHERE state = 'offered'")
    in_transaction(engine, lambda session: accept_job(session, principal=BUREAU_KEY, job_id=str(job_id), now=utc_now()))
    assert node_id in ("N101", "N102")
    return str(job_id)


def revoke_at_its_node(engine: Engine, job_id: str) -> int:
    ((certificate_id,),) = table(
        engine,
        "SELECT certificate.id FROM certificates certificate JOIN jobs ON jobs.node_id = certificate.node_id"
        f" WHERE jobs.id = '{job_id}'",
    )
    with unit_of_work(engine) as session:
        return revoke_certificate(
            session, certificate_id=str(certificate_id), reason="audit", principal=OPERATOR_KEY, now=utc_now()
        ).held


def broken(engine: Engine) -> set[str]:
    found = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    return found - {"the outbox is being emptied"}  # no relay runs here


def test_a_revoked_certificate_brings_the_job_to_another_node(engine: Engine, owner: Owner) -> None:
    job_id = given_a_job(engine, owner)
    assert revoke_at_its_node(engine, job_id) == 1

    assert take_back(engine) == 1
    assert drain(engine, SETTINGS, scope="global") == 1

    found = table(engine, "SELECT state, node_id FROM jobs ORDER BY offered_at")
    assert [state for state, _ in found] == ["cancelled", "offered"]
    assert {node_id for _, node_id in found} == {"N101", "N102"}
    assert table(engine, "SELECT state FROM orders") == [("routed",)]
    assert (take_back(engine), hold(engine)) == (0, 0)
    assert broken(engine) == set()


def test_a_started_job_stays_held_for_a_person(engine: Engine, owner: Owner) -> None:
    job_id = given_a_job(engine, owner)
    with unit_of_work(engine) as session:
        token = issue_ticket(session, principal=BUREAU_KEY, job_id=job_id, now=utc_now()).token
        redeem_ticket(session, principal=BUREAU_KEY, token=token, now=utc_now())
    assert revoke_at_its_node(engine, job_id) == 1

    assert take_back(engine) == 0
    assert table(engine, "SELECT state, held_from FROM jobs") == [("held", "accepted")]
    assert broken(engine) == set()


def test_a_lapse_is_found_by_the_regular_look(engine: Engine, owner: Owner) -> None:
    given_a_job(engine, owner)
    assert hold(engine) == 0
    table(engine, "UPDATE certificates SET valid_to = '2020-12-31' RETURNING 1")

    assert hold(engine) == 1
    ((reason,),) = table(engine, "SELECT held_reason FROM jobs")
    assert str(reason).startswith("CERTIFICATE_EXPIRES: certificate ISO9001 ends 2020-12-31")


def test_a_relay_rings_for_held_jobs_at_the_event_and_until_they_are_gone(engine: Engine, owner: Owner) -> None:
    ringer, clock = FakeRinger(), FakeClock()
    relay = Relay(engine, ringer=ringer, clock=clock, now=utc_now)
    job_id = given_a_job(engine, owner)
    relay.turn()
    ringer.errands.clear()
    revoke_at_its_node(engine, job_id)

    clock.pass_seconds(POLL_SECONDS)
    relay.turn()
    at_the_event = list(ringer.errands)
    ringer.errands.clear()
    clock.pass_seconds(5 * POLL_SECONDS)
    relay.turn()
    at_the_sweep = list(ringer.errands)
    take_back(engine)
    ringer.errands.clear()
    clock.pass_seconds(5 * POLL_SECONDS)
    relay.turn()

    assert Errand(task=TAKE_BACK_HELD) in at_the_event
    assert Errand(task=HOLD_UNQUALIFIED) in at_the_event
    assert at_the_sweep == [Errand(task=TAKE_BACK_HELD), Errand(task=SEAL_AUDIT_LOG)]
    assert Errand(task=TAKE_BACK_HELD) not in ringer.errands
    assert Errand(task=ROUTE_PENDING, scope="global") in ringer.errands
