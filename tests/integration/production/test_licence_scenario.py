"""A licence of three prints for a depot in Ulm, from the order to the fourth print that is refused."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.inventory.service import NewLicence, get_licence, grant_licence, lease_of, revoke_licence
from fabroute.production.service import (
    JobUnqualified,
    NewReprint,
    NoPrintsLeft,
    ReprintDecision,
    accept_job,
    decide_reprint,
    hold_unqualified,
    offer_jobs,
    request_reprint,
    take_back_held,
    take_back_job,
)
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.network import a_node
from tests.factories.orders import given_orders, given_owner, given_revision, make_order
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, Floor, key_of
from tests.factories.routable import given_routable_network, held_and_taken

ULM = a_node(city="Ulm", latitude=48.4011, longitude=9.9876)
LYON = a_node(node_id="N102", city="Lyon", country="FR", latitude=45.7485, longitude=4.8467)
LIMITS = RoutingLimits(batch_lines=20, deterministic_seconds=1.0, wall_seconds=20.0)


@pytest.fixture
def depot(database: Database) -> Iterator[Floor]:
    with engine_for(database.url) as engine:
        given_routable_network(engine, nodes=(ULM, LYON))
        floor = Floor(engine=engine, owner=given_owner(engine))
        floor.table("UPDATE part_revisions SET licence_required = true RETURNING 1")
        yield floor


def grant(depot: Floor, *, prints: int = 3) -> str:
    licence = NewLicence(
        revision_id=depot.owner.revision_id, prints=prints, node_ids=("N101", "N102"), countries=("DE",)
    )
    with unit_of_work(depot.engine) as session:
        return grant_licence(
            session,
            organisation_id=depot.owner.organisation_id,
            licence=licence,
            actor=depot.owner.key_id,
            now=NOW,
        ).licence_id


def figures(depot: Floor, licence_id: str) -> tuple[str, int, int, int]:
    with unit_of_work(depot.engine) as session:
        it = get_licence(session, organisation_id=depot.owner.organisation_id, licence_id=licence_id)
    return it.state, it.granted_prints, it.good_prints, it.leased_prints


def routed(depot: Floor, quantity: int = 3) -> str:
    """Order, route, accept; return the job."""
    (order,) = given_orders(depot.engine, make_order(depot.owner, quantities=(quantity,)))
    route(depot.engine)
    ((job_id, node_id),) = depot.table("SELECT id, node_id FROM jobs WHERE order_id = :it", it=order.id)
    assert node_id == "N101"
    depot.do(lambda session: accept_job(session, principal=BUREAU_KEY, job_id=str(job_id), now=NOW))
    return str(job_id)


def route(engine: Engine) -> None:
    while route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS):
        pass


def broken(depot: Floor) -> set[str]:
    found = {finding.invariant.name for finding in check_invariants(depot.engine) if finding.broken}
    return found - {"the outbox is being emptied"}


def ask_again(depot: Floor, job_id: str, *, print_number: int) -> None:
    wish = NewReprint(print_number=print_number, reason="cracked", evidence_id=depot.photographed(job_id))
    with unit_of_work(depot.engine) as session:
        asked = request_reprint(session, principal=BUREAU_KEY, job_id=job_id, request=wish, now=NOW)
        decide_reprint(
            session,
            principal=key_of(depot.owner),
            request_id=asked.request_id,
            decision=ReprintDecision(granted=True),
            now=NOW,
        )


def test_three_good_prints_are_made_and_the_fourth_is_refused(depot: Floor) -> None:
    licence_id = grant(depot)
    job_id = routed(depot)
    assert figures(depot, licence_id) == ("active", 3, 0, 3)
    depot.fetched(job_id)

    depot.printed(job_id, "good")
    depot.printed(job_id, "good")
    depot.printed(job_id, "failed")
    assert figures(depot, licence_id) == ("active", 3, 2, 1)
    ask_again(depot, job_id, print_number=3)
    assert depot.printed(job_id, "good").number == 4
    assert figures(depot, licence_id) == ("active", 3, 3, 0)

    with pytest.raises(NoPrintsLeft) as refusal:
        depot.printed(job_id, "good")
    assert (refusal.value.entry.action, refusal.value.entry.subject_id) == ("print.refused", job_id)
    assert refusal.value.entry.organisation_id == depot.owner.organisation_id
    assert figures(depot, licence_id) == ("active", 3, 3, 0)
    assert broken(depot) == set()


def test_a_depot_abroad_and_a_fourth_print_have_no_route(depot: Floor) -> None:
    grant(depot)
    given_orders(depot.engine, make_order(depot.owner, quantities=(4,)))
    route(depot.engine)

    assert depot.table("SELECT state, state_reason FROM order_lines") == [("no_route", "IP_POLICY")]
    assert depot.table("SELECT id FROM jobs") == []


def test_a_new_revision_freezes_the_licence_and_stops_the_file(depot: Floor) -> None:
    licence_id = grant(depot)
    job_id = routed(depot, 2)
    token = depot.token(job_id)

    given_revision(depot.engine, part_id=depot.owner.part_id, revision="B")

    assert figures(depot, licence_id) == ("frozen", 3, 0, 2)
    assert depot.told("print_licence.frozen") == [licence_id]
    with pytest.raises(
        JobUnqualified, match=r"file: IP_POLICY: the print licence is frozen \(superseded by revision B\)"
    ):
        depot.token(job_id)
    assert depot.table("SELECT used_at FROM file_tickets") == [(None,)]
    assert len(token) == 43


def test_good_prints_of_a_file_that_is_out_already_are_refused_once_the_licence_is_frozen(depot: Floor) -> None:
    licence_id = grant(depot)
    job_id = routed(depot)
    depot.fetched(job_id)
    depot.printed(job_id, "good")

    given_revision(depot.engine, part_id=depot.owner.part_id, revision="B")

    with pytest.raises(JobUnqualified, match="licence is frozen"):
        depot.printed(job_id, "good")
    assert figures(depot, licence_id) == ("frozen", 3, 1, 2)
    assert depot.do(lambda session: hold_unqualified(session, now=NOW)) == 1
    assert depot.do(lambda session: take_back_held(session, now=NOW)) == 0  # it waits for a person


def test_a_revoked_licence_takes_unstarted_jobs_away_and_gets_its_prints_back(depot: Floor) -> None:
    licence_id = grant(depot)
    job_id = routed(depot)
    with unit_of_work(depot.engine) as session:
        revoke_licence(
            session,
            organisation_id=depot.owner.organisation_id,
            licence_id=licence_id,
            reason="sold the design",
            actor=depot.owner.key_id,
            now=NOW,
        )
        held = hold_unqualified(session, now=NOW)
    taken = depot.do(lambda session: take_back_held(session, now=NOW))
    route(depot.engine)

    assert (held, taken) == (1, 1)
    assert figures(depot, licence_id) == ("revoked", 3, 0, 0)
    assert depot.table("SELECT state, state_reason FROM order_lines") == [("no_route", "IP_POLICY")]
    assert depot.table("SELECT id, state FROM jobs") == [(job_id, "cancelled")]
    assert broken(depot) == set()


def test_a_job_taken_back_after_one_good_print_returns_the_other_two(depot: Floor) -> None:
    licence_id = grant(depot)
    job_id = routed(depot)
    depot.fetched(job_id)
    depot.printed(job_id, "good")

    depot.do(lambda session: take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="fire", now=NOW))

    assert figures(depot, licence_id) == ("active", 3, 1, 0)
    lease = depot.do(lambda session: lease_of(session, job_id=job_id))
    assert lease is not None
    assert (lease.prints, lease.good_prints, lease.left) == (3, 1, 0)
    assert depot.do(held_and_taken) == {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}
