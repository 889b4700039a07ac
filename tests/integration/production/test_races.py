"""Everybody at once: nodes accept and print, owners cancel, gates close, workers take back, runs route.

Whatever happens first, nothing hangs, and what is held is what live jobs hold.
"""

import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial

import pytest
from sqlmodel import Session

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.inventory.service import NewLicence, grant_licence
from fabroute.kernel.errors import DomainError
from fabroute.production.service import (
    PrintReport,
    accept_job,
    cancel_order,
    hold_unqualified,
    issue_ticket,
    offer_jobs,
    redeem_ticket,
    report_print,
    resume_job,
    revoke_certificate,
    take_back_held,
    take_back_job,
)
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.network import a_node
from tests.factories.orders import given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, Floor, a_certificate, given_certificates
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

LIMITS = RoutingLimits(batch_lines=10, deterministic_seconds=0.5, wall_seconds=10.0, attempt_cap=1000)
SECONDS = 6.0
ORDERS = 16
NODES = (a_node(), a_node(node_id="N102"))


@pytest.fixture
def floor(database: Database) -> Iterator[Floor]:
    with engine_for(database.url, connections=16) as engine:
        given_routable_network(engine, nodes=NODES)
        yield Floor(engine=engine, owner=given_owner(engine))


class Actor:
    """Does one kind of thing to random jobs until the time is over, and counts what came of it."""

    def __init__(self, floor: Floor, work: Callable[[Session, random.Random], None], *, seed: int) -> None:
        self.floor, self.work, self.chance = floor, work, random.Random(seed)
        self.done, self.refused = 0, 0

    def act(self, until: float) -> None:
        while time.monotonic() < until:
            try:
                with unit_of_work(self.floor.engine) as session:
                    self.work(session, self.chance)
                self.done += 1
            except DomainError:
                self.refused += 1
            time.sleep(self.chance.random() / 50)


def a_job(floor: Floor, chance: random.Random) -> str:
    ids = [str(job_id) for (job_id,) in floor.table("SELECT id FROM jobs WHERE state <> 'cancelled'")]
    return chance.choice(ids) if ids else "job_none"


def accept(floor: Floor, session: Session, chance: random.Random) -> None:
    accept_job(session, principal=BUREAU_KEY, job_id=a_job(floor, chance), now=NOW)


def produce(floor: Floor, session: Session, chance: random.Random) -> None:
    job_id, report = a_job(floor, chance), PrintReport(result=chance.choice(["good", "good", "failed"]))
    token = issue_ticket(session, principal=BUREAU_KEY, job_id=job_id, now=NOW).token
    redeem_ticket(session, principal=BUREAU_KEY, token=token, now=NOW)
    report_print(session, principal=BUREAU_KEY, job_id=job_id, report=report, now=NOW)


def cancel(floor: Floor, session: Session, chance: random.Random) -> None:
    orders = [str(order_id) for (order_id,) in floor.table("SELECT id FROM orders WHERE state <> 'cancelled'")]
    if len(orders) > ORDERS // 2:
        cancel_order(
            session,
            organisation_id=floor.owner.organisation_id,
            order_id=chance.choice(orders),
            actor=floor.owner.key_id,
            now=NOW,
        )


def close_a_gate(floor: Floor, session: Session, chance: random.Random) -> None:
    nodes = ("N101", "N102")
    number = chance.randrange(10**9)
    for node_id in nodes:
        certificate = replace(a_certificate(node_id=node_id), certificate_id=f"crt_{node_id}_{number}")
        given_certificates(floor.engine, certificate)
    valid = floor.table(
        "SELECT id FROM certificates WHERE revoked_at IS NULL AND node_id = :it", it=chance.choice(nodes)
    )
    for (certificate_id,) in valid:
        revoke_certificate(session, certificate_id=str(certificate_id), reason="audit", principal=OPERATOR_KEY, now=NOW)


def let_go(floor: Floor, session: Session, chance: random.Random) -> None:
    if chance.random() < 0.3:
        take_back_job(session, principal=OPERATOR_KEY, job_id=a_job(floor, chance), reason="asked", now=NOW)
    else:
        resume_job(session, principal=OPERATOR_KEY, job_id=a_job(floor, chance), now=NOW)


def clear(floor: Floor, session: Session, chance: random.Random) -> None:
    if chance.random() < 0.5:
        hold_unqualified(session, now=NOW)
    else:
        take_back_held(session, now=NOW, limit=chance.randrange(1, 5))


def run(floor: Floor, until: float) -> int:
    runs = 0
    while time.monotonic() < until:
        runs += route_pending(floor.engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS) is not None
        time.sleep(0.02)
    return runs


def everybody(floor: Floor, *works: Callable[[Floor, Session, random.Random], None]) -> list[Actor]:
    """Let everybody act for a while beside two routers; return the actors."""
    actors = [Actor(floor, partial(work, floor), seed=seed) for seed, work in enumerate(works)]
    until = time.monotonic() + SECONDS
    with ThreadPoolExecutor(len(actors) + 2) as pool:
        routers = [pool.submit(run, floor, until) for _ in range(2)]
        for acting in [pool.submit(actor.act, until) for actor in actors]:
            acting.result(timeout=60)
        assert sum(router.result(timeout=60) for router in routers) > 1
    return actors


def broken(floor: Floor) -> set[str]:
    found = {finding.invariant.name for finding in check_invariants(floor.engine) if finding.broken}
    held = floor.do(held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])
    # No relay runs here, and all happens in one instant, so that a job may be offered as its certificate is revoked.
    return found - {"the outbox is being emptied", "no job at a node that lacked a required certificate"}


def leases_are_those_of_live_jobs(floor: Floor) -> bool:
    wrong = floor.table(
        "SELECT job.id FROM jobs job LEFT JOIN print_licence_leases lease ON lease.job_id = job.id"
        " WHERE (job.state <> 'cancelled') IS DISTINCT FROM (lease.job_id IS NOT NULL AND lease.released_at IS NULL)"
        " OR lease.good_prints <> job.good_prints"
    )
    sums = floor.table(
        "SELECT licence.good_prints, licence.leased_prints, coalesce(sum(lease.good_prints), 0),"
        " coalesce(sum(lease.prints - lease.good_prints) FILTER (WHERE lease.released_at IS NULL), 0)"
        " FROM print_licences licence LEFT JOIN print_licence_leases lease ON lease.licence_id = licence.id"
        " GROUP BY licence.id"
    )
    assert wrong == []
    assert all((good, leased) == (sum_good, sum_leased) for good, leased, sum_good, sum_leased in sums)
    return True


@pytest.mark.slow
def test_nodes_owners_gates_workers_and_runs_race_and_nothing_is_lost_or_held_twice(floor: Floor) -> None:
    floor.table("UPDATE part_revisions SET licence_required = true RETURNING 1")
    licence = NewLicence(revision_id=floor.owner.revision_id, prints=25)
    with unit_of_work(floor.engine) as session:
        organisation_id, actor = floor.owner.organisation_id, floor.owner.key_id
        grant_licence(session, organisation_id=organisation_id, licence=licence, actor=actor, now=NOW)
    given_orders(floor.engine, *(make_order(floor.owner, quantities=(1, 2)) for _ in range(ORDERS)))

    actors = everybody(floor, accept, accept, produce, produce, cancel, close_a_gate, let_go, clear, clear)

    assert [actor.done + actor.refused > 0 for actor in actors] == [True] * len(actors)
    assert actors[0].done + actors[1].done > 1
    # A run may offer a job in the instant in which its certificate is revoked: the next look finds it.
    floor.do(lambda session: hold_unqualified(session, now=NOW))
    assert leases_are_those_of_live_jobs(floor)
    assert broken(floor) == set()
    fences = floor.table(
        "SELECT count(*) FROM file_tickets ticket JOIN jobs ON jobs.id = ticket.job_id"
        " WHERE ticket.used_at IS NOT NULL AND jobs.file_released_at IS NULL"
    )
    assert fences == [(0,)]


def test_cancel_and_take_back_of_one_order_give_back_once(floor: Floor) -> None:
    given_free_minutes(floor.engine, [0, *[720] * 20])
    for _ in range(6):
        (order,) = given_orders(floor.engine, make_order(floor.owner, quantities=(1, 1, 1)))
        while route_pending(floor.engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS):
            pass
        floor.table("UPDATE certificates SET revoked_at = now() RETURNING 1")
        floor.do(lambda session: hold_unqualified(session, now=NOW))
        start = threading.Barrier(3)

        def drop(order_id: str = order.id, start: threading.Barrier = start) -> int:
            start.wait()
            with unit_of_work(floor.engine) as session:
                return len(
                    cancel_order(
                        session,
                        organisation_id=floor.owner.organisation_id,
                        order_id=order_id,
                        actor=floor.owner.key_id,
                        now=NOW,
                    ).cancelled
                )

        def take(start: threading.Barrier = start) -> int:
            start.wait()
            return floor.do(lambda session: take_back_held(session, now=NOW))

        with ThreadPoolExecutor(3) as pool:
            ended = [future.result() for future in [pool.submit(drop), pool.submit(take), pool.submit(take)]]
        assert sum(ended) == 3
        assert floor.table("SELECT DISTINCT state FROM order_lines") == [("cancelled",)]
        floor.table("UPDATE certificates SET revoked_at = NULL RETURNING 1")
    assert floor.do(held_and_taken) == {"grams": 0, "minutes": 0, "held_grams": 0, "held_minutes": 0}
    assert broken(floor) == set()
