"""Shares of a split line in the database: all of them or nothing, each with its licence, its material and its time."""

from collections.abc import Iterator
from datetime import timedelta
from functools import partial

import pytest
from sqlalchemy import Engine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.inventory.service import NewLicence, grant_licence
from fabroute.kernel.ids import new_id
from fabroute.orders.service import claim_lines, get_order
from fabroute.production.service import (
    accept_job,
    hold_unqualified,
    jobs_of_lines,
    offer_jobs,
    take_back_held,
    take_back_job,
)
from fabroute.routing.service.commit import RunFacts, Written, write_run
from fabroute.routing.service.decide import decide
from fabroute.routing.service.decided import Decided
from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot
from fabroute.solver.limits import SolveLimits
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.line_down_database import SCOPE, given_line_down
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY
from tests.factories.routing import MONDAY_MORNING

LINE_DOWN = (
    "UPDATE orders SET split_max_nodes = 2, need_by = :by, ship_to_latitude = 53.0, ship_to_longitude = 10.0"
    " RETURNING 1"
)
OF_THE_CAP = "UPDATE order_lines SET revision_id = :revision, part_id = :part, planning_scope = :scope RETURNING id"


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url, connections=8) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


@pytest.fixture
def revision_id(engine: Engine, owner: Owner) -> str:
    return given_line_down(engine, organisation_id=owner.organisation_id)


def table(engine: Engine, sql: str, **values: object) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql, **values))


def ordered(engine: Engine, owner: Owner, revision_id: str, *, quantity: int = 60) -> str:
    """Place an order of caps within twelve hours that two nodes may share; return its line."""
    given_orders(engine, make_order(owner, quantities=(quantity,)))
    table(engine, LINE_DOWN, by=MONDAY_MORNING + timedelta(hours=12))
    ((part_id,),) = table(engine, "SELECT part_id FROM part_revisions WHERE id = :it", it=revision_id)
    ((line_id,),) = table(engine, OF_THE_CAP, revision=revision_id, part=part_id, scope=SCOPE)
    return str(line_id)


def claimed_and_decided(engine: Engine) -> tuple[RoutingSnapshot, Decided]:
    with unit_of_work(engine) as session:
        lines = claim_lines(session, scope=SCOPE, limit=10, lease_seconds=60, attempt_cap=8)
    with unit_of_work(engine, repeatable_read=True) as session:
        snapshot = read_snapshot(session, lines=lines, now=MONDAY_MORNING, horizon_days=45)
    return snapshot, decide(snapshot, SolveLimits(seed=3, deterministic_seconds=1.0, wall_seconds=20.0))


def write(engine: Engine, snapshot: RoutingSnapshot, decided: Decided) -> Written:
    facts = RunFacts(run_id=new_id("run"), scope=SCOPE, limits={}, wall_ms=1)
    with unit_of_work(engine) as session:
        return write_run(session, facts=facts, snapshot=snapshot, decided=decided, dispatch=offer_jobs)


def route(engine: Engine) -> Written:
    return write(engine, *claimed_and_decided(engine))


def shares(engine: Engine, line_id: str) -> dict[int, tuple[str, str, int, str]]:
    """Return job, machine, pieces and state of each live share."""
    with unit_of_work(engine) as session:
        jobs = jobs_of_lines(session, line_ids=[line_id]).get(line_id, ())
    return {job.share_no: (job.job_id, job.machine_id, job.quantity, job.state) for job in jobs}


def held(engine: Engine) -> tuple[object, ...]:
    """Return grams, minutes and licensed prints that are held."""
    (found,) = table(
        engine,
        "SELECT (SELECT coalesce(sum(grams), 0)::int FROM material_allocations WHERE released_at IS NULL),"
        " (SELECT coalesce(sum(minutes), 0)::int FROM capacity_allocations WHERE released_at IS NULL),"
        " (SELECT coalesce(sum(prints), 0)::int FROM print_licence_leases WHERE released_at IS NULL)",
    )
    return found


def line_of(engine: Engine, line_id: str) -> tuple[object, ...]:
    (line,) = table(
        engine,
        "SELECT state, kept_quantity, kept_nodes, next_share_no FROM order_lines WHERE id = :it",
        it=line_id,
    )
    return line


def nothing_is_wrong(engine: Engine) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    assert broken <= {"the outbox is being emptied", "an open line waits for something"}, broken
    return True


def test_every_share_has_a_job_and_holds_its_own(engine: Engine, owner: Owner, revision_id: str) -> None:
    line_id = ordered(engine, owner, revision_id)
    written = route(engine)
    found = shares(engine, line_id)

    assert (written.routed, written.deferred) == (1, 0)
    assert [(number, *share[1:]) for number, share in found.items()] == [
        (0, "A-1", 18, "offered"),
        (1, "A-2", 18, "offered"),
        (2, "A-3", 18, "offered"),
        (3, "B-1", 6, "offered"),
    ]
    assert held(engine) == (600, 3 * 533 + 178, 0)
    assert nothing_is_wrong(engine)


def test_every_node_of_a_split_counts_as_one_that_can(engine: Engine, owner: Owner, revision_id: str) -> None:
    ordered(engine, owner, revision_id)
    snapshot, decided = claimed_and_decided(engine)
    write(engine, snapshot, decided)
    ((document, candidates, excluded),) = table(engine, "SELECT document, candidates, excluded FROM routing_decisions")

    assert isinstance(document, dict)
    able = {share["node_id"] for candidate in document["candidates"] for share in candidate["shares"]}
    ruled_out = {exclusion["node_id"] for exclusion in document["exclusions"]}
    assert (candidates, excluded) == (len(able), len(ruled_out))
    assert (able, len(able)) == (set(snapshot.network.nodes) - ruled_out, 2)


def test_a_line_of_which_one_share_lost_its_machine_gets_nothing(
    engine: Engine, owner: Owner, revision_id: str
) -> None:
    line_id = ordered(engine, owner, revision_id)
    snapshot, decided = claimed_and_decided(engine)
    table(engine, "UPDATE machines SET status = 'down' WHERE id = 'B-1' RETURNING id")
    written = write(engine, snapshot, decided)

    assert (written.routed, written.deferred) == (0, 1)
    assert (shares(engine, line_id), held(engine)) == ({}, (0, 0, 0))
    assert line_of(engine, line_id)[0] == "pending"
    assert route(engine).routed == 1
    assert {share[1] for share in shares(engine, line_id).values()} == {"A-1", "A-2", "A-3", "B-2"}
    assert nothing_is_wrong(engine)


def test_each_share_leases_its_prints_and_gives_back_what_it_did_not_print(
    engine: Engine, owner: Owner, revision_id: str
) -> None:
    table(engine, "UPDATE part_revisions SET licence_required = true RETURNING id")
    licence = NewLicence(revision_id=revision_id, prints=60, valid_to=None, node_ids=())
    with unit_of_work(engine) as session:
        grant_licence(session, organisation_id=owner.organisation_id, licence=licence, actor="key_1", now=NOW)
    line_id = ordered(engine, owner, revision_id)
    assert route(engine).routed == 1
    first = shares(engine, line_id)[0][0]
    with unit_of_work(engine) as session:
        accept_job(session, principal=BUREAU_KEY, job_id=first, now=MONDAY_MORNING)
        before = held(engine)
        take_back_job(session, principal=OPERATOR_KEY, job_id=first, reason="it broke", now=MONDAY_MORNING)

    assert before == (600, 3 * 533 + 178, 60)
    assert held(engine) == (0, 0, 0)
    assert line_of(engine, line_id) == ("pending", 0, "", 0)


def test_shares_whose_lot_is_blocked_go_back_and_accepted_ones_elsewhere_stay(
    engine: Engine, owner: Owner, revision_id: str
) -> None:
    line_id = ordered(engine, owner, revision_id)
    route(engine)
    far = shares(engine, line_id)[3][0]
    with unit_of_work(engine) as session:
        accept_job(session, principal=BUREAU_KEY, job_id=far, now=MONDAY_MORNING)
    table(engine, "UPDATE material_lots SET state = 'blocked' WHERE id = 'lot_A' RETURNING id")
    with unit_of_work(engine) as session:
        assert hold_unqualified(session, now=MONDAY_MORNING) == 3
    with unit_of_work(engine) as session:
        assert take_back_held(session, now=MONDAY_MORNING) == 3

    assert shares(engine, line_id) == {3: (far, "B-1", 6, "accepted")}
    assert line_of(engine, line_id) == ("pending", 6, "B", 4)
    assert held(engine) == (60, 178, 0)
    assert nothing_is_wrong(engine)


def test_a_kept_share_that_comes_back_while_the_rest_waits_adds_to_the_rest(
    engine: Engine, owner: Owner, revision_id: str
) -> None:
    line_id = ordered(engine, owner, revision_id)
    route(engine)
    jobs = {number: share[0] for number, share in shares(engine, line_id).items()}
    with unit_of_work(engine) as session:
        for number in (0, 3):
            accept_job(session, principal=BUREAU_KEY, job_id=jobs[number], now=MONDAY_MORNING)
    for number, left in ((3, ("pending", 18, "A", 1)), (0, ("pending", 0, "", 0))):
        with unit_of_work(engine) as session:
            take_back_job(session, principal=OPERATOR_KEY, job_id=jobs[number], reason="broke", now=MONDAY_MORNING)
        assert line_of(engine, line_id) == left

    assert held(engine) == (0, 0, 0)
    assert route(engine).routed == 1
    assert sum(share[2] for share in shares(engine, line_id).values()) == 60
    assert nothing_is_wrong(engine)


def test_a_run_that_decided_the_rest_before_more_came_back_writes_nothing(
    engine: Engine, owner: Owner, revision_id: str
) -> None:
    line_id = ordered(engine, owner, revision_id)
    route(engine)
    jobs = {number: share[0] for number, share in shares(engine, line_id).items()}
    with unit_of_work(engine) as session:
        for number in (0, 3):
            accept_job(session, principal=BUREAU_KEY, job_id=jobs[number], now=MONDAY_MORNING)
        take_back_job(session, principal=OPERATOR_KEY, job_id=jobs[3], reason="broke", now=MONDAY_MORNING)
    snapshot, decided = claimed_and_decided(engine)
    with unit_of_work(engine) as session:
        take_back_job(session, principal=OPERATOR_KEY, job_id=jobs[0], reason="broke too", now=MONDAY_MORNING)
    late = write(engine, snapshot, decided)

    assert [line.quantity for line in snapshot.lines] == [42]
    assert (late.routed, late.deferred, shares(engine, line_id)) == (0, 0, {})
    assert route(engine).routed == 1
    assert sum(share[2] for share in shares(engine, line_id).values()) == 60


def test_shares_that_come_back_at_once_are_each_counted_once(engine: Engine, owner: Owner, revision_id: str) -> None:
    line_id = ordered(engine, owner, revision_id)
    route(engine)
    jobs = [share[0] for share in shares(engine, line_id).values()]
    for job_id in jobs:
        with unit_of_work(engine) as session:
            accept_job(session, principal=BUREAU_KEY, job_id=job_id, now=MONDAY_MORNING)

    def take_back(job_id: str) -> str:
        with unit_of_work(engine) as session:
            taken = take_back_job(session, principal=OPERATOR_KEY, job_id=job_id, reason="broke", now=MONDAY_MORNING)
        return taken.state

    assert at_once(*(partial(take_back, job_id) for job_id in jobs)) == ["cancelled"] * 4

    assert line_of(engine, line_id) == ("pending", 0, "", 0)
    assert held(engine) == (0, 0, 0)
    ((order_id,),) = table(engine, "SELECT order_id FROM order_lines")
    with unit_of_work(engine) as session:
        order = get_order(session, organisation_id=owner.organisation_id, order_id=str(order_id))
    assert (order.state, order.lines[0].quantity) == ("pending", 60)
