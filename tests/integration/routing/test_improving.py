"""Promised lines move to better places before a node accepts their jobs, and never break what was promised."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.inventory.service import NewLicence, grant_licence
from fabroute.production.service import JobStateConflict, accept_job, cancel_order, offer_jobs
from fabroute.production.service.moving import MovableJobs, standing_scopes
from fabroute.routing.service import get_decisions, list_runs
from fabroute.routing.service.improving import ImproveLimits, ImproveReport, improve_promised
from fabroute.routing.service.policies import PolicyView, set_policy
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

DEAR, CHEAP = "N101", "N102"
NODES = (
    a_node(node_id=DEAR, city="Berlin", minimum_order_minor=0, labour_minor_per_hour=9_000),
    a_node(node_id=CHEAP, city="Leipzig", minimum_order_minor=0, labour_minor_per_hour=1_500),
)
PLENTY = [720] * 40
LIMITS = ImproveLimits(deterministic_seconds=1.0, wall_seconds=10.0)
RUN_LIMITS = RoutingLimits(deterministic_seconds=1.0, wall_seconds=10.0, attempt_cap=100)
NOTED_ELSEWHERE = {"the outbox is being emptied"}


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url, connections=12) as engine:
        given_routable_network(engine, nodes=NODES)
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def table(engine: Engine, sql: str, **values: object) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql, **values))


def given_promised(engine: Engine, owner: Owner, *quantities: int) -> list[str]:
    """Promise an order for each quantity at the dear node, because the cheap one is full; then it has room again."""
    given_free_minutes(engine, [0], machine_id=f"{CHEAP}-A")
    orders = given_orders(engine, *(make_order(owner, quantities=(quantity,)) for quantity in quantities))
    while route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=RUN_LIMITS) is not None:
        pass
    given_free_minutes(engine, PLENTY, machine_id=f"{CHEAP}-A")
    return [order.id for order in orders]


def improve(engine: Engine, *, limits: ImproveLimits = LIMITS) -> ImproveReport | None:
    later = NOW + timedelta(minutes=5)
    return improve_promised(engine, scope="global", now=later, jobs=MovableJobs(), dispatch=offer_jobs, limits=limits)


def live_jobs(engine: Engine) -> list[tuple[object, ...]]:
    sql = "SELECT node_id, state, count(*) FROM jobs WHERE state <> 'cancelled' GROUP BY 1, 2 ORDER BY 1, 2"
    return table(engine, sql)


def nothing_is_wrong(engine: Engine) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(engine) if finding.broken}
    held = in_transaction(engine, held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])
    return broken <= NOTED_ELSEWHERE


def test_a_promised_line_moves_where_it_is_cheaper_and_nothing_is_held_twice(engine: Engine, owner: Owner) -> None:
    (order_id,) = given_promised(engine, owner, 2)
    assert live_jobs(engine) == [(DEAR, "offered", 1)]
    report = improve(engine)
    assert report is not None
    assert (report.looked_at, report.moved, report.contended) == (1, 1, 0)
    assert live_jobs(engine) == [(CHEAP, "offered", 1)]
    assert table(engine, "SELECT state, node_id FROM jobs ORDER BY id") == [("cancelled", DEAR), ("offered", CHEAP)]
    first, second = in_transaction(
        engine, lambda session: get_decisions(session, organisation_id=owner.organisation_id, order_id=order_id)
    )
    assert first.landed_minor is not None
    assert second.landed_minor is not None
    assert first.landed_minor - second.landed_minor == report.saved_minor
    assert nothing_is_wrong(engine)


def test_the_history_says_where_it_moved_from_and_what_that_saved(engine: Engine, owner: Owner) -> None:
    (order_id,) = given_promised(engine, owner, 2)
    improve(engine)
    first, second = in_transaction(
        engine, lambda session: get_decisions(session, organisation_id=owner.organisation_id, order_id=order_id)
    )
    moved_from = second.document["moved_from"]
    assert (first.kind, second.kind, second.fence) == ("first", "improved", first.fence + 1)
    assert moved_from["decision_id"] == first.id
    assert (moved_from["node_id"], moved_from["city"], moved_from["job_state"]) == (DEAR, "Berlin", "offered")
    assert moved_from["saves"]["landed_minor"] == (first.landed_minor or 0) - (second.landed_minor or 0)
    assert set(second.document["explanation"]) == {"rules", "changes", "no_route", "scarcity"}
    assert {change["node_id"] for change in second.document["explanation"]["changes"]} == {DEAR}
    assert moved_from["saves"]["hours"] == 0.0
    assert "moved from Berlin" in second.why
    assert len(second.why.encode()) <= 200


def test_the_first_promise_stays_with_the_line(engine: Engine, owner: Owner) -> None:
    given_promised(engine, owner, 2)
    sql = "SELECT promised_at, promised_minor FROM order_lines"
    (promised,) = table(engine, sql)
    assert table(engine, "SELECT promised_at, landed_minor FROM routing_decisions") == [promised]
    improve(engine)
    assert table(engine, sql) == [promised]
    current = table(engine, "SELECT promised_at, landed_minor FROM routing_decisions WHERE kind = 'improved'")
    assert len(current) == 1
    assert str(current[0][0]) <= str(promised[0])
    assert int(str(current[0][1])) < int(str(promised[1]))


def test_a_run_is_kept_with_its_kind_and_what_it_changed(engine: Engine, owner: Owner) -> None:
    given_promised(engine, owner, 2, 3)
    report = improve(engine)
    assert report is not None
    runs = in_transaction(engine, lambda session: list_runs(session)).items
    assert [run.kind for run in runs] == ["improve", "joint"]
    assert (runs[0].id, runs[0].routed, runs[0].lines) == (report.run_id, 2, 2)
    assert runs[0].baseline_landed_minor - runs[0].landed_minor == report.saved_minor


def test_what_nothing_is_better_than_stays_and_leaves_no_trace(engine: Engine, owner: Owner) -> None:
    given_promised(engine, owner, 2)
    improve(engine)
    report = improve(engine)
    assert report is not None
    assert (report.run_id, report.looked_at, report.moved) == (None, 1, 0)
    assert table(engine, "SELECT kind, count(*) FROM routing_decisions GROUP BY 1 ORDER BY 1") == [
        ("first", 1),
        ("improved", 1),
    ]


def test_there_is_nothing_to_do_where_no_line_could_move(engine: Engine, owner: Owner) -> None:
    assert improve(engine) is None
    assert in_transaction(engine, standing_scopes) == ()
    given_promised(engine, owner, 1)
    assert in_transaction(engine, standing_scopes) == ("global",)


def test_an_accepted_job_is_never_moved(engine: Engine, owner: Owner) -> None:
    given_promised(engine, owner, 2)
    ((job_id,),) = table(engine, "SELECT id FROM jobs")
    with unit_of_work(engine) as session:
        accept_job(session, principal=BUREAU_KEY, job_id=str(job_id), now=NOW)
    assert improve(engine) is None
    assert live_jobs(engine) == [(DEAR, "accepted", 1)]


def test_a_move_must_gain_more_than_its_stability_price(engine: Engine, owner: Owner) -> None:
    saved = _given_one_of_two_moved(engine, owner)
    _given_policy(engine, owner, stability_minor=saved)
    report = improve(engine)
    assert report is not None
    assert (report.moved, live_jobs(engine)) == (0, [(DEAR, "offered", 1), (CHEAP, "offered", 1)])
    _given_policy(engine, owner, stability_minor=saved - 1)
    report = improve(engine)
    assert report is not None
    assert (report.moved, live_jobs(engine)) == (1, [(CHEAP, "offered", 2)])
    assert nothing_is_wrong(engine)


def test_a_planned_job_moves_for_any_gain(engine: Engine, owner: Owner) -> None:
    _given_policy(engine, owner, stability_minor=_given_one_of_two_moved(engine, owner))
    day = NOW + timedelta(days=1)
    table(engine, "UPDATE jobs SET state = 'planned', dispatch_at = :day WHERE state = 'offered' RETURNING 1", day=day)
    report = improve(engine)
    assert report is not None
    assert report.moved == 1
    assert live_jobs(engine) == [(CHEAP, "planned", 2)]
    assert table(engine, "SELECT DISTINCT dispatch_at FROM jobs WHERE state = 'planned'") == [(day,)]


def test_a_cheaper_place_that_is_later_than_promised_is_not_taken(engine: Engine, owner: Owner) -> None:
    given_promised(engine, owner, 2)
    given_free_minutes(engine, [0] * 20 + PLENTY, machine_id=f"{CHEAP}-A")
    report = improve(engine)
    assert report is not None
    assert (report.looked_at, report.moved) == (1, 0)
    assert live_jobs(engine) == [(DEAR, "offered", 1)]


def test_of_two_lines_that_want_the_last_room_the_one_that_gains_more_gets_it(engine: Engine, owner: Owner) -> None:
    given_promised(engine, owner, 1, 5)
    ((need,),) = table(engine, "SELECT machine_minutes FROM jobs WHERE quantity = 5")
    given_free_minutes(engine, [int(str(need))], machine_id=f"{CHEAP}-A")
    report = improve(engine)
    assert report is not None
    assert report.moved == 1
    assert table(engine, "SELECT quantity, node_id FROM jobs WHERE state <> 'cancelled' ORDER BY 1") == [
        (1, DEAR),
        (5, CHEAP),
    ]
    assert nothing_is_wrong(engine)


def test_a_cancelled_order_is_left_alone_and_a_moved_one_can_be_cancelled(engine: Engine, owner: Owner) -> None:
    first, second = given_promised(engine, owner, 1, 2)
    with unit_of_work(engine) as session:
        cancel_order(session, organisation_id=owner.organisation_id, order_id=first, actor="key_1", now=NOW)
    report = improve(engine)
    assert report is not None
    assert report.looked_at == 1
    with unit_of_work(engine) as session:
        cancel_order(session, organisation_id=owner.organisation_id, order_id=second, actor="key_1", now=NOW)
    assert in_transaction(engine, held_and_taken) == dict.fromkeys(
        ("grams", "minutes", "held_grams", "held_minutes"), 0
    )
    assert nothing_is_wrong(engine)


def test_a_licensed_line_moves_with_its_prints_and_only_where_its_licence_counts(engine: Engine, owner: Owner) -> None:
    table(engine, "UPDATE part_revisions SET licence_required = true RETURNING 1")
    wanted = NewLicence(revision_id=owner.revision_id, prints=3, valid_to=None, node_ids=())
    with unit_of_work(engine) as session:
        licence = grant_licence(session, organisation_id=owner.organisation_id, licence=wanted, actor="key_1", now=NOW)
    given_promised(engine, owner, 2)
    report = improve(engine)
    assert report is not None
    assert (report.moved, live_jobs(engine)) == (1, [(CHEAP, "offered", 1)])
    leases = "SELECT licence_id, prints, released_at IS NULL FROM print_licence_leases ORDER BY job_id"
    assert table(engine, leases) == [(licence.licence_id, 2, False), (licence.licence_id, 2, True)]
    assert table(engine, "SELECT leased_prints FROM print_licences") == [(2,)]
    assert nothing_is_wrong(engine)


def test_moves_that_lost_a_race_are_looked_for_again_and_given_up_in_the_end(engine: Engine, owner: Owner) -> None:
    """Jobs that are never as they were seen: nothing is written, and the report says how often that was so."""

    class Restless(MovableJobs):
        def lock(self, session: Session, *, versions: Mapping[str, int]) -> frozenset[str]:
            return super().lock(session, versions={job_id: version + 1 for job_id, version in versions.items()})

    given_promised(engine, owner, 2)
    report = improve_promised(engine, scope="global", now=NOW, jobs=Restless(), dispatch=offer_jobs, limits=LIMITS)
    assert report is not None
    assert (report.run_id, report.moved, report.contended) == (None, 0, LIMITS.rounds)
    assert live_jobs(engine) == [(DEAR, "offered", 1)]
    assert table(engine, "SELECT count(*) FROM routing_decisions") == [(1,)]
    assert nothing_is_wrong(engine)


def test_a_bureau_that_accepts_at_the_same_moment_wins_or_loses_cleanly(engine: Engine, owner: Owner) -> None:
    given_promised(engine, owner, *[1] * 12)
    jobs = [str(job_id) for (job_id,) in table(engine, "SELECT id FROM jobs ORDER BY id")]
    outcomes: list[bool] = []

    def accept_all() -> int:
        for job_id in random.Random(7).sample(jobs, len(jobs)):
            try:
                with unit_of_work(engine) as session:
                    accept_job(session, principal=BUREAU_KEY, job_id=job_id, now=NOW)
                outcomes.append(True)
            except JobStateConflict:
                outcomes.append(False)
        return sum(outcomes)

    def improve_often() -> int:
        reports = [improve(engine) for _ in range(3)]
        return sum(report.moved for report in reports if report is not None)

    accepted, moved = at_once(accept_all, improve_often)

    assert len(outcomes) == len(jobs)
    assert accepted == outcomes.count(True)
    assert moved == 12 - accepted
    assert table(engine, "SELECT count(*) FROM jobs WHERE state = 'accepted'") == [(accepted,)]
    assert table(engine, "SELECT count(*) FROM jobs WHERE state <> 'cancelled'") == [(12,)]
    assert nothing_is_wrong(engine)


def test_improve_runs_beside_runs_and_cancellations_leave_the_books_right(engine: Engine, owner: Owner) -> None:
    orders = given_promised(engine, owner, *[1] * 10)
    over = threading.Event()

    def keep_improving() -> int:
        moved = 0
        while not over.is_set():
            report = improve(engine)
            moved += 0 if report is None else report.moved
        return moved

    def come_and_go() -> int:
        for order_id in orders[::2]:
            with unit_of_work(engine) as session:
                cancel_order(session, organisation_id=owner.organisation_id, order_id=order_id, actor="k", now=NOW)
            given_orders(engine, make_order(owner, quantities=(2,)))
            route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=RUN_LIMITS)
            time.sleep(0.02)
        over.set()
        return len(orders[::2])

    at_once(keep_improving, keep_improving, come_and_go)
    while route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=RUN_LIMITS) is not None:
        pass

    assert table(engine, "SELECT state, count(*) FROM order_lines GROUP BY 1 ORDER BY 1") == [
        ("cancelled", 5),
        ("routed", 10),
    ]
    assert nothing_is_wrong(engine)


def _given_one_of_two_moved(engine: Engine, owner: Owner) -> int:
    """Let one of two equal lines move, and then make room for the other; return what each of them saves, in cents."""
    given_promised(engine, owner, 2, 2)
    ((minutes,),) = table(engine, "SELECT DISTINCT machine_minutes FROM jobs")
    given_free_minutes(engine, [int(str(minutes))], machine_id=f"{CHEAP}-A")
    report = improve(engine)
    assert report is not None
    assert report.moved == 1
    room = "initial_minutes = initial_minutes + :minutes, remaining_minutes = remaining_minutes + :minutes"
    where = "machine_id = :machine AND day = :day"
    day = NOW.date()
    table(
        engine,
        f"UPDATE capacity_slots SET {room} WHERE {where} RETURNING 1",
        minutes=minutes,
        machine=f"{CHEAP}-A",
        day=day,
    )
    return report.saved_minor


def _given_policy(engine: Engine, owner: Owner, *, stability_minor: int) -> None:
    policy = PolicyView(organisation_id=owner.organisation_id, stability_minor=stability_minor)
    with unit_of_work(engine) as session:
        set_policy(session, policy=policy, actor="key_1", now=NOW)
