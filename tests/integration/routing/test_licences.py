"""Print licences in routing: leased with the job in one transaction, never given away twice, given back on failure."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.inventory.service import LicenceView, NewLicence, grant_licence, read_licences, revoke_licence
from fabroute.kernel.ids import new_id
from fabroute.orders.service import claim_lines
from fabroute.production.service import cancel_order, offer_jobs
from fabroute.routing.service import get_decisions
from fabroute.routing.service.commit import RunFacts, Written, write_run
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.service.run import RoutingLimits, RunReport, route_pending
from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot
from fabroute.solver.limits import SolveLimits
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

LIMITS = RoutingLimits(seed=3, batch_lines=6, deterministic_seconds=1.0, wall_seconds=20.0, attempt_cap=100)
THREADS = 4
TAKEN = "another order took the machine time, material or print licence in the same moment: routed again"


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url, connections=3 * THREADS) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    """An owner whose part may be printed under a licence only."""
    owner = given_owner(engine)
    table(engine, "UPDATE part_revisions SET licence_required = true RETURNING id")
    return owner


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def given_licence(
    engine: Engine, owner: Owner, prints: int, *, valid_to: date | None = None, node_ids: tuple[str, ...] = ()
) -> str:
    """Grant so many prints and return the licence's id."""
    wanted = NewLicence(revision_id=owner.revision_id, prints=prints, valid_to=valid_to, node_ids=node_ids)
    with unit_of_work(engine) as session:
        granted = grant_licence(session, organisation_id=owner.organisation_id, licence=wanted, actor="key_1", now=NOW)
    return granted.licence_id


def licences_of(engine: Engine, owner: Owner) -> tuple[LicenceView, ...]:
    with unit_of_work(engine) as session:
        return read_licences(session, revision_ids=[owner.revision_id])[owner.revision_id]


def leased(engine: Engine, owner: Owner) -> int:
    return sum(licence.leased_prints for licence in licences_of(engine, owner))


def route(engine: Engine, limits: RoutingLimits = LIMITS) -> RunReport:
    report = route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=limits)
    assert report is not None
    return report


def route_until_over(engine: Engine, limits: RoutingLimits = LIMITS) -> int:
    """Run until no line is due; return the number of runs."""
    runs = 0
    while table(engine, "SELECT id FROM order_lines WHERE state IN ('pending', 'routing')"):
        runs += route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=limits) is not None
    return runs


def states(engine: Engine) -> dict[str, int]:
    found = table(engine, "SELECT state, count(*) FROM order_lines GROUP BY 1")
    return {str(state): int(str(count)) for state, count in found}


def claimed_and_decided(engine: Engine, *, limit: int = 50) -> tuple[RoutingSnapshot, Decided]:
    with unit_of_work(engine) as session:
        lines = claim_lines(session, scope="global", limit=limit, lease_seconds=60, attempt_cap=8)
    with unit_of_work(engine, repeatable_read=True) as session:
        snapshot = read_snapshot(session, lines=lines, now=NOW, horizon_days=45)
    return snapshot, decide(snapshot, SolveLimits(seed=3, deterministic_seconds=1.0, wall_seconds=20.0))


def write(engine: Engine, snapshot: RoutingSnapshot, decided: Decided) -> Written:
    facts = RunFacts(run_id=new_id("run"), scope="global", limits={}, wall_ms=1)
    with unit_of_work(engine) as session:
        return write_run(session, facts=facts, snapshot=snapshot, decided=decided, dispatch=offer_jobs)


def all_invariants_hold(engine: Engine) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    held = in_transaction(engine, held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])
    return broken <= {"the outbox is being emptied"}  # no relay runs here


def test_a_job_holds_as_many_prints_of_the_licence_as_its_line_wants(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    licence_id = given_licence(engine, owner, 10)
    given_orders(engine, make_order(owner, quantities=(3,)))

    route(engine)

    assert table(
        engine,
        "SELECT l.licence_id, l.prints, l.good_prints, l.released_at FROM print_licence_leases l"
        " JOIN jobs j ON j.id = l.job_id",
    ) == [(licence_id, 3, 0, None)]
    (licence,) = licences_of(engine, owner)
    assert (licence.leased_prints, licence.left) == (3, 7)
    assert all_invariants_hold(engine)


def test_without_a_licence_no_node_may_and_the_decision_says_so(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    (order,) = given_orders(engine, make_order(owner))

    report = route(engine)

    with unit_of_work(engine) as session:
        (decision,) = get_decisions(session, organisation_id=owner.organisation_id, order_id=order.id)
    assert (report.routed, report.no_route) == (0, 1)
    assert decision.why == (
        "the only node can't make it: IP_POLICY; the part may only be printed under a licence, and there is none"
    )
    ((reason,),) = [each["reasons"] for each in decision.document["exclusions"]]
    assert reason["figures"] == {"licence": "none", "state": "none", "left": 0, "granted": 0, "needed": 1}
    assert all_invariants_hold(engine)


def test_a_licence_granted_later_lets_the_line_be_routed(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", city="Potsdam")))
    given_orders(engine, make_order(owner))
    route(engine)
    given_licence(engine, owner, 1, node_ids=("N102",))
    table(engine, "UPDATE order_lines SET state = 'pending', next_attempt_at = now() RETURNING id")

    report = route(engine)

    assert (report.routed, states(engine)) == (1, {"routed": 1})
    assert table(engine, "SELECT node_id FROM jobs") == [("N102",)]
    assert leased(engine, owner) == 1


def test_of_two_lines_in_one_run_the_one_that_gets_no_print_is_decided_again_and_has_no_route(
    engine: Engine, owner: Owner
) -> None:
    given_routable_network(engine)
    given_licence(engine, owner, 1)
    given_orders(engine, make_order(owner), make_order(owner))

    first = route(engine)

    assert (first.routed, first.no_route, first.open) == (1, 1, 0)
    assert states(engine) == {"routed": 1, "no_route": 1}
    assert table(engine, "SELECT state_reason FROM order_lines WHERE state = 'no_route'") == [("IP_POLICY",)]
    assert leased(engine, owner) == 1
    assert all_invariants_hold(engine)


def test_two_runs_at_once_and_one_licensed_print_left_make_one_job(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_licence(engine, owner, 1)
    given_orders(engine, make_order(owner), make_order(owner))
    one_by_one = replace(LIMITS, batch_lines=1)
    decided = [claimed_and_decided(engine, limit=1) for _ in range(2)]

    written = at_once(*[lambda pair=pair: write(engine, *pair) for pair in decided])

    assert sorted((it.routed, it.deferred) for it in written) == [(0, 1), (1, 0)]
    assert states(engine) == {"routed": 1, "pending": 1}
    route_until_over(engine, one_by_one)
    assert table(engine, "SELECT state_reason FROM order_lines WHERE state = 'no_route'") == [("IP_POLICY",)]
    assert leased(engine, owner) == 1
    assert all_invariants_hold(engine)


def test_many_runs_race_for_the_prints_of_two_licences(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(), a_node(node_id="N102", city="Potsdam")))
    given_licence(engine, owner, 4)
    given_licence(engine, owner, 3, valid_to=date(2026, 12, 31))
    given_orders(engine, *(make_order(owner) for _ in range(20)))

    at_once(*[lambda: route_until_over(engine)] * THREADS)

    assert states(engine) == {"routed": 7, "no_route": 13}
    assert table(engine, "SELECT DISTINCT state_reason FROM order_lines WHERE state = 'no_route'") == [("IP_POLICY",)]
    assert sorted(licence.left for licence in licences_of(engine, owner)) == [0, 0]
    assert all_invariants_hold(engine)


def test_orders_that_are_cancelled_while_others_are_routed_give_their_prints_back(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_licence(engine, owner, 6)
    first = given_orders(engine, *(make_order(owner) for _ in range(6)))
    route_until_over(engine)
    given_orders(engine, *(make_order(owner) for _ in range(6)))

    def cancel_all() -> int:
        for order in first:
            with unit_of_work(engine) as session:
                cancel_order(session, organisation_id=owner.organisation_id, order_id=order.id, actor="key_1", now=NOW)
        return len(first)

    at_once(cancel_all, *[lambda: route_until_over(engine)] * (THREADS - 1))
    table(
        engine,
        "UPDATE order_lines SET state = 'pending', next_attempt_at = now() WHERE state = 'no_route' RETURNING id",
    )
    route_until_over(engine)

    assert states(engine) == {"routed": 6, "cancelled": 6}
    assert leased(engine, owner) == 6
    assert all_invariants_hold(engine)


def test_a_licence_that_is_used_up_before_the_run_is_written_holds_nothing_else(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    licence_id = given_licence(engine, owner, 1)
    given_orders(engine, make_order(owner))
    snapshot, decided = claimed_and_decided(engine)
    table(engine, f"UPDATE print_licences SET good_prints = 1 WHERE id = '{licence_id}' RETURNING id")

    written = write(engine, snapshot, decided)

    assert written == Written(routed=0, no_route=0, deferred=1)
    assert table(engine, "SELECT state, state_reason FROM order_lines") == [("pending", TAKEN)]
    assert in_transaction(engine, held_and_taken) == {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}
    assert table(engine, "SELECT job_id FROM print_licence_leases") == []


def test_a_licence_that_is_revoked_before_the_run_is_written_is_not_leased(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    licence_id = given_licence(engine, owner, 5)
    given_orders(engine, make_order(owner))
    snapshot, decided = claimed_and_decided(engine)
    with unit_of_work(engine) as session:
        revoke_licence(
            session,
            organisation_id=owner.organisation_id,
            licence_id=licence_id,
            reason="sold",
            actor="key_1",
            now=NOW,
        )

    written = write(engine, snapshot, decided)
    again = route(engine)

    assert (written.routed, written.deferred) == (0, 1)
    assert (again.routed, again.no_route) == (0, 1)
    assert leased(engine, owner) == 0


def test_prints_are_given_back_where_the_machine_time_is_gone(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    given_licence(engine, owner, 5)
    given_orders(engine, make_order(owner, quantities=(2,)))
    snapshot, decided = claimed_and_decided(engine)
    given_free_minutes(engine, [0])

    written = write(engine, snapshot, decided)

    assert written == Written(routed=0, no_route=0, deferred=1)
    assert leased(engine, owner) == 0
    assert table(engine, "SELECT prints, released_at FROM print_licence_leases") == [(2, NOW)]
    assert in_transaction(engine, held_and_taken) == {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}


def test_the_licence_that_ends_first_is_used_up_first(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    endless = given_licence(engine, owner, 5)
    ending = given_licence(engine, owner, 2, valid_to=date(2026, 12, 31))
    given_orders(engine, *(make_order(owner) for _ in range(3)))

    report = route(engine)

    assert report.routed == 3
    assert {licence.licence_id: licence.leased_prints for licence in licences_of(engine, owner)} == {
        endless: 1,
        ending: 2,
    }


def test_a_job_says_how_the_part_itself_is_packed(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine, nodes=(a_node(packaging=("plain", "esd", "brand")),))
    given_licence(engine, owner, 5)
    table(engine, "UPDATE part_revisions SET packaging = 'esd' RETURNING id")
    given_orders(engine, make_order(owner), replace(make_order(owner), packaging="brand"))

    route(engine)

    assert table(engine, "SELECT packaging FROM jobs ORDER BY packaging") == [("esd",), ("esd, brand",)]
    assert states(engine) == {"routed": 2}
