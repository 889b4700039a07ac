"""Planned jobs: their nodes know nothing of them, they are dispatched in time, held, cancelled and raced for."""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from fabroute.api.schemas.jobs import job_out
from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.production.service import (
    JobStateConflict,
    JobView,
    UnknownJob,
    accept_job,
    cancel_order,
    get_job,
    hold_unqualified,
    list_jobs,
    planned_jobs_wait,
    resume_job,
    take_back_held,
    take_back_job,
)
from tests.conftest import Database
from tests.factories.concurrency import at_once
from tests.factories.databases import engine_for
from tests.factories.orders import Owner
from tests.factories.production import BUREAU_KEY, OPERATOR_KEY, key_of
from tests.factories.spares_database import Shop, given_shop

WEDNESDAY = datetime(2026, 6, 17, 8, tzinfo=UTC)
DISPATCH_AT = WEDNESDAY + timedelta(hours=36)
NOT_OF_THIS_TIME = {"the outbox is being emptied", "a planned job is dispatched when its wait is over"}
WAITING = {"an open line waits for something"}


@pytest.fixture
def shop(database: Database) -> Iterator[Shop]:
    with engine_for(database.url, connections=12) as engine:
        yield given_shop(engine)


@pytest.fixture
def owner(shop: Shop) -> Owner:
    return shop.owner()


def planned(shop: Shop, owner: Owner, *, quantity: int = 4) -> str:
    """Return the id of the planned job of a new order."""
    order = shop.ordered(owner, at=WEDNESDAY, quantity=quantity)
    ((job_id, state),) = shop.table("SELECT id, state FROM jobs WHERE order_id = :it", it=order.id)
    assert state == "planned"
    return str(job_id)


def queue(shop: Shop, principal: object = BUREAU_KEY, *, state: str | None = None) -> list[JobView]:
    assert isinstance(principal, type(BUREAU_KEY))
    with unit_of_work(shop.engine) as session:
        return list(list_jobs(session, principal=principal, node_id="N101", state=state, cursor=None, limit=50).items)


def queue_version(shop: Shop) -> object:
    return shop.table("SELECT queue_version FROM nodes WHERE id = 'N101'")


def told(shop: Shop, name: str) -> int:
    return len(shop.table("SELECT subject_id FROM outbox_events WHERE name = :it", it=name))


def broken(engine: Engine) -> set[str]:
    return {finding.invariant.name for finding in check_invariants(engine) if finding.broken} - NOT_OF_THIS_TIME


# ---------------------------------------------------------------- who knows of them


def test_a_node_knows_nothing_of_a_planned_job(shop: Shop, owner: Owner) -> None:
    version = queue_version(shop)
    job_id = planned(shop, owner)

    assert queue(shop) == []
    assert queue(shop, state="planned") == []
    assert queue_version(shop) == version
    assert told(shop, "job.offered") == 0
    with unit_of_work(shop.engine) as session:
        for ask in (get_job, lambda session, **who: accept_job(session, **who, now=WEDNESDAY)):
            with pytest.raises(UnknownJob):
                ask(session, principal=BUREAU_KEY, job_id=job_id)


def test_its_owner_and_the_operator_see_it_with_the_time_of_its_dispatch(shop: Shop, owner: Owner) -> None:
    job_id = planned(shop, owner)

    for principal in (key_of(owner), OPERATOR_KEY):
        (job,) = queue(shop, principal, state="planned")
        assert (job.job_id, job.state, job.dispatch_at, job.build_key) == (job_id, "planned", DISPATCH_AT, None)
        assert (job.known_to_node, job_out(job).offered_at) == (False, None)
    assert queue(shop, key_of(shop.owner(2))) == []


def test_nobody_accepts_a_planned_job_not_even_the_operator(shop: Shop, owner: Owner) -> None:
    job_id = planned(shop, owner)

    with unit_of_work(shop.engine) as session, pytest.raises(JobStateConflict) as refusal:
        accept_job(session, principal=OPERATOR_KEY, job_id=job_id, now=WEDNESDAY)
    assert refusal.value.message.endswith("it waits for others that share its build, and its node is told later")


# ---------------------------------------------------------------- dispatch


def test_nothing_is_dispatched_before_its_time(shop: Shop, owner: Owner) -> None:
    planned(shop, owner)

    assert shop.dispatched(at=DISPATCH_AT - timedelta(seconds=1)).jobs == 0
    assert shop.table("SELECT state FROM jobs") == [("planned",)]


def test_a_job_whose_wait_is_over_is_offered_told_and_may_be_accepted(shop: Shop, owner: Owner) -> None:
    version = queue_version(shop)
    job_id = planned(shop, owner)
    dispatched = shop.dispatched(at=DISPATCH_AT)

    assert (dispatched.offered, dispatched.held, dispatched.taken_back) == (1, 0, 0)
    (job,) = queue(shop, state="offered")
    assert (job.job_id, job.offered_at) == (job_id, DISPATCH_AT)
    assert (job.known_to_node, job_out(job).offered_at) == (True, DISPATCH_AT)
    assert told(shop, "job.offered") == 1
    assert queue_version(shop) != version
    with unit_of_work(shop.engine) as session:
        assert accept_job(session, principal=BUREAU_KEY, job_id=job_id, now=DISPATCH_AT).state == "accepted"
    assert shop.dispatched(at=DISPATCH_AT).jobs == 0


def test_the_relay_is_told_by_the_clock_of_the_database(shop: Shop, owner: Owner) -> None:
    planned(shop, owner)
    shop.table("UPDATE jobs SET dispatch_at = clock_timestamp() + interval '1 hour' RETURNING 1")
    with unit_of_work(shop.engine) as session:
        assert not planned_jobs_wait(session)
    shop.table("UPDATE jobs SET dispatch_at = clock_timestamp() RETURNING 1")
    with unit_of_work(shop.engine) as session:
        assert planned_jobs_wait(session)


def test_a_job_to_which_a_gate_has_closed_is_held_instead_of_offered(shop: Shop, owner: Owner) -> None:
    version = queue_version(shop)
    planned(shop, owner)
    shop.table("UPDATE material_lots SET state = 'quarantined' RETURNING 1")
    dispatched = shop.dispatched(at=DISPATCH_AT)

    assert (dispatched.offered, dispatched.held) == (0, 1)
    ((state, held_from, reason),) = shop.table("SELECT state, held_from, held_reason FROM jobs")
    assert (state, held_from) == ("held", "planned")
    assert str(reason).startswith("LOT_BLOCKED")
    assert queue(shop) == []
    assert queue_version(shop) == version


# ---------------------------------------------------------------- hold, resume, take back, cancel


def test_a_planned_job_is_held_and_resumed_as_planned_without_a_word_to_its_node(shop: Shop, owner: Owner) -> None:
    job_id, version = planned(shop, owner), queue_version(shop)
    shop.table("UPDATE material_lots SET state = 'quarantined' RETURNING 1")
    with unit_of_work(shop.engine) as session:
        assert hold_unqualified(session, now=WEDNESDAY) == 1
    shop.table("UPDATE material_lots SET state = 'available' RETURNING 1")
    with unit_of_work(shop.engine) as session:
        resumed = resume_job(session, principal=key_of(owner), job_id=job_id, now=WEDNESDAY)

    assert (resumed.state, resumed.held_from, resumed.dispatch_at) == ("planned", None, DISPATCH_AT)
    assert (queue(shop), queue_version(shop)) == ([], version)
    assert shop.dispatched(at=DISPATCH_AT).offered == 1


def test_a_held_planned_job_goes_back_to_routing(shop: Shop, owner: Owner) -> None:
    planned(shop, owner)
    shop.table("UPDATE material_lots SET state = 'quarantined' RETURNING 1")
    with unit_of_work(shop.engine) as session:
        hold_unqualified(session, now=WEDNESDAY)
    with unit_of_work(shop.engine) as session:
        assert take_back_held(session, now=WEDNESDAY) == 1

    assert shop.table("SELECT j.state, l.state FROM jobs j JOIN order_lines l ON l.id = j.order_line_id") == [
        ("cancelled", "pending")
    ]
    assert queue(shop) == []
    assert broken(shop.engine) <= WAITING


def test_an_owner_takes_a_planned_job_back_and_all_it_held_is_free(shop: Shop, owner: Owner) -> None:
    job_id = planned(shop, owner)
    with unit_of_work(shop.engine) as session:
        taken = take_back_job(
            session, principal=key_of(owner), job_id=job_id, reason="a new drawing comes", now=WEDNESDAY
        )

    assert taken.state == "cancelled"
    assert shop.table("SELECT count(*) FROM capacity_allocations WHERE released_at IS NULL") == [(0,)]
    assert shop.table("SELECT state FROM order_lines") == [("pending",)]
    assert queue(shop) == []


def test_a_cancelled_order_takes_its_planned_job_with_it_and_its_node_never_hears_of_it(
    shop: Shop, owner: Owner
) -> None:
    order = shop.ordered(owner, at=WEDNESDAY)
    version = queue_version(shop)
    with unit_of_work(shop.engine) as session:
        cancelled = cancel_order(
            session, organisation_id=owner.organisation_id, order_id=order.id, actor=owner.key_id, now=WEDNESDAY
        )

    (job,) = cancelled.cancelled
    assert job.state == "cancelled"
    assert shop.dispatched(at=DISPATCH_AT).jobs == 0
    assert (queue(shop), queue(shop, state="cancelled"), queue_version(shop)) == ([], [], version)
    assert [each.job_id for each in queue(shop, key_of(owner))] == [job.job_id]
    assert broken(shop.engine) == set()


# ---------------------------------------------------------------- races


def test_of_several_workers_that_dispatch_at_once_one_offers_each_job(shop: Shop, owner: Owner) -> None:
    for _ in range(3):
        planned(shop, owner)
    results = at_once(*(lambda: shop.dispatched(at=DISPATCH_AT) for _ in range(4)))

    assert sum(result.offered for result in results) == 3
    assert told(shop, "job.offered") == 3
    assert broken(shop.engine) == set()


@pytest.mark.parametrize("seed", range(3))
def test_dispatch_cancellation_and_improvement_at_once_leave_nothing_half_done(shop: Shop, seed: int) -> None:
    """Whoever is first: a cancelled order has no live job, a build is dispatched whole or its lines go back."""
    chance = random.Random(seed)
    orders = [shop.ordered(shop.owner(number), at=WEDNESDAY) for number in range(3)]
    if seed:
        shop.improved(at=WEDNESDAY + timedelta(hours=1))
    lost = chance.choice(orders)

    def cancelled() -> int:
        with unit_of_work(shop.engine) as session:
            ended = cancel_order(
                session, organisation_id=lost.organisation_id, order_id=lost.id, actor="key", now=DISPATCH_AT
            )
            return len(ended.cancelled)

    at_once(
        lambda: shop.dispatched(at=DISPATCH_AT).jobs,
        cancelled,
        lambda: 0 if shop.improved(at=DISPATCH_AT - timedelta(hours=2)) is None else 1,
        lambda: shop.dispatched(at=DISPATCH_AT).jobs,
    )
    while shop.dispatched(at=DISPATCH_AT).jobs:
        pass

    live = shop.table("SELECT order_id FROM jobs WHERE state <> 'cancelled'")
    assert (lost.id,) not in live
    assert shop.table("SELECT count(*) FROM jobs WHERE state = 'planned'") == [(0,)]
    states = shop.table("SELECT DISTINCT state FROM order_lines WHERE order_id <> :it", it=lost.id)
    assert {str(state) for (state,) in states} <= {"routed", "pending"}
    assert broken(shop.engine) <= WAITING
