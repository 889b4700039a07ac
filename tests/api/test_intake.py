import asyncio
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest
from psycopg import Connection
from sqlalchemy import Engine, event
from structlog.testing import capture_logs

from fabroute.api.app import build_app
from fabroute.api.errors import (
    IdempotencyKeyInFlight,
    IntakeFull,
    InternalError,
    TemporarilyUnavailable,
)
from fabroute.api.intake.desk import OrderDesk
from fabroute.api.intake.doorbell import Doorbell
from fabroute.api.intake.places import Places
from fabroute.api.intake.queue import MANY_WAIT, Intake
from fabroute.api.keys import KeyCache
from fabroute.api.resources import make_resources, open_connection, open_intake_connection
from fabroute.orders.service import Catalogue, KeyContended, NewOrder, Placed
from fabroute.outbox.service import NOTIFY_CHANNEL
from fabroute.settings import Settings
from tests.conftest import Database
from tests.factories.api import an_order, client_on, served, served_api
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import SWALLOW_KEYS, given_owner, make_order
from tests.factories.problems import Refusal, refusal_of
from tests.factories.statements import counted_statements
from tests.factories.writers import a_writer_waits, keys_locked, wait_until

Outcome = object


def make_intake(engine: Engine, *, capacity: int = 1000, writers: int = 2, rings: list[int] | None = None) -> Intake:
    return Intake(
        connect=lambda: open_intake_connection(engine),
        capacity=capacity,
        writers=writers,
        on_committed=lambda: (rings if rings is not None else []).append(1),
    )


async def submit_all(intake: Intake, orders: Sequence[NewOrder]) -> list[Outcome]:
    return list(await asyncio.gather(*(intake.submit(order) for order in orders), return_exceptions=True))


def run(intake: Intake, *batches: Sequence[NewOrder]) -> list[list[Outcome]]:
    """Return what becomes of orders that are submitted batch after batch."""

    async def all_batches() -> list[list[Outcome]]:
        intake.start()
        outcomes = [await submit_all(intake, batch) for batch in batches]
        await intake.stop()
        return outcomes

    return asyncio.run(all_batches())


def stored(engine: Engine) -> int:
    found = in_transaction(engine, lambda session: rows(session, "SELECT count(*)::int FROM orders"))[0][0]
    assert isinstance(found, int)
    return found


# ---------------------------------------------------------------- statements


def test_a_post_costs_exactly_one_statement_and_no_transaction_control(database: Database) -> None:
    with served_api(database.url) as api:
        traced: list[Connection[Any]] = []

        def connect() -> Connection[Any]:
            traced.append(open_intake_connection(api.engine))
            return traced[-1]

        resources = make_resources(Settings(database_url=database.url, profile="embedded"))
        intake = Intake(connect=connect, capacity=10, writers=1, on_committed=lambda: None)
        desk = OrderDesk(tenants=resources.tenants, intake=intake, catalogue=Catalogue(), places=Places())
        pooled: list[str] = []
        keys = KeyCache(engine=resources.engine, seconds=60)  # so that a slow machine does not look the key up again
        app = build_app(replace(resources, intake=intake, desk=desk, keys=keys))
        for pool in (resources.engine, resources.tenants):
            event.listen(pool, "before_cursor_execute", lambda *args: pooled.append(args[2]))
        with served(app) as socket, client_on(socket, api.owner.token, {}) as client:
            headers = {"Idempotency-Key": "warm"}
            assert client.post("/v1/orders", json=an_order(), headers=headers).status_code == 201
            cold = len(pooled)
            pooled.clear()
            with counted_statements(traced[0]) as statements:
                for key in ("a", "b", "c"):
                    headers = {"Idempotency-Key": key}
                    assert client.post("/v1/orders", json=an_order(), headers=headers).status_code == 201

        assert (statements.executed, pooled, len(traced)) == (3, [], 1)
        assert cold == 5  # the key, the places, whose rows they are, the part, its revisions


@contextmanager
def first_writer_stuck(engine: Engine) -> Iterator[tuple[Callable[[], Connection[Any]], threading.Event]]:
    """Yield a way to connect that lets the first writer wait, and what lets it go on."""
    go_on, first = threading.Event(), threading.Lock()

    def connect() -> Connection[Any]:
        if first.acquire(blocking=False):
            go_on.wait(20)
        return open_intake_connection(engine)

    try:
        yield connect, go_on
    finally:
        go_on.set()


@pytest.mark.parametrize(("slow_seconds", "count"), [(0.001, 1), (60, MANY_WAIT)])
def test_a_second_statement_goes_beside_one_that_takes_long_or_when_many_wait(
    database: Database, slow_seconds: float, count: int
) -> None:
    with engine_for(database.url) as engine, first_writer_stuck(engine) as (connect, go_on):
        owner = given_owner(engine)
        rings: list[int] = []
        intake = Intake(
            connect=connect, capacity=100, writers=2, on_committed=lambda: rings.append(1), slow_seconds=slow_seconds
        )

        async def beside() -> tuple[int, list[Outcome], list[Outcome]]:
            intake.start()
            stuck = asyncio.create_task(submit_all(intake, [make_order(owner)]))
            await asyncio.sleep(0.05)
            others = [asyncio.create_task(submit_all(intake, [make_order(owner) for _ in range(count - 1)]))]
            await asyncio.sleep(0.2)
            waiting = intake.waiting
            others.append(asyncio.create_task(submit_all(intake, [make_order(owner)])))
            placed = [it for task in others for it in await task]
            go_on.set()
            last = await stuck
            await intake.stop()
            return waiting, placed, last

        waiting, placed, last = asyncio.run(beside())

        assert waiting == count - 1
        assert [type(it) for it in (*placed, *last)] == [Placed] * (count + 1)
        assert len(rings) == 2
        assert stored(engine) == count + 1


def test_orders_that_come_while_the_writer_is_busy_share_a_statement(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        rings: list[int] = []
        intake = make_intake(engine, writers=1, rings=rings)
        orders = [make_order(owner) for _ in range(200)]

        async def busy() -> list[Outcome]:
            intake.start()
            with keys_locked(engine):
                waiting = asyncio.create_task(submit_all(intake, orders))
                await asyncio.sleep(0.2)
            outcomes = await waiting
            await intake.stop()
            return outcomes

        assert asyncio.run(busy()) == [Placed(answer=order.answer, location=order.location) for order in orders]
        assert len(rings) == 2  # 128 orders and the other 72
        assert stored(engine) == 200


# ---------------------------------------------------------------- bounds


def test_a_full_queue_answers_429_and_loses_nothing_that_it_took(database: Database) -> None:
    with served_api(database.url, intake_queue_size=4, intake_writers=1) as api, ThreadPoolExecutor(20) as clients:
        api.place(key="warm")
        with keys_locked(api.engine):
            waiting = [clients.submit(api.place, key="k0")]
            wait_until(lambda: a_writer_waits(api.engine))
            waiting += [clients.submit(api.place, key=f"k{number}") for number in range(1, 12)]
            wait_until(lambda: sum(place.done() for place in waiting) >= 7)
        answers = [place.result() for place in waiting]

        refused = [answer for answer in answers if answer.status_code != 201]
        assert len(refused) == 7  # one is being written, four wait
        assert {refusal_of(answer) for answer in refused} == {Refusal(status=429, code="intake_full")}
        assert {answer.headers["Retry-After"] for answer in refused} <= {"1", "2", "3"}
        assert stored(api.engine) == 13 - len(refused)
        assert api.place(key="after").status_code == 201


def test_a_key_whose_order_is_being_written_is_told_to_come_back(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        intake = make_intake(engine)
        order, same = make_order(owner, key="k1"), make_order(owner, key="k1")

        async def both() -> tuple[Outcome, Outcome]:
            intake.start()
            with keys_locked(engine):
                first = asyncio.create_task(intake.submit(order))
                await asyncio.sleep(0.05)
                with pytest.raises(IdempotencyKeyInFlight):
                    await intake.submit(same)
            answers = await first, await intake.submit(same)
            await intake.stop()
            return answers

        first, later = asyncio.run(both())
        assert first == Placed(answer=order.answer, location=order.location)
        assert getattr(later, "answer", None) == order.answer
        assert stored(engine) == 1


def test_the_bound_counts_waiting_orders_only(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        outcomes = run(make_intake(engine, capacity=1), *([make_order(owner)] for _ in range(5)))
        (crowd,) = run(make_intake(engine, capacity=3), [make_order(owner) for _ in range(5)])

    assert [type(outcome) for (outcome,) in outcomes] == [Placed] * 5
    assert [type(outcome) for outcome in crowd] == [Placed, Placed, Placed, IntakeFull, IntakeFull]


# ---------------------------------------------------------------- failures


def test_an_order_that_can_not_be_written_does_not_harm_the_others_of_its_batch(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        poison = make_order(owner, quantities=(1, 100_001))
        orders = [make_order(owner), poison, make_order(owner)]
        with capture_logs() as log:
            (outcomes,) = run(make_intake(engine, writers=1), orders)

    assert [type(outcome) for outcome in outcomes] == [Placed, InternalError, Placed]
    assert [entry["order_id"] for entry in log if entry["log_level"] == "error"] == [poison.id]
    assert "quantity_in_range" in str(log[0]["error"])


def test_a_lost_connection_is_replaced_within_the_request(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        intake = make_intake(engine, writers=1)
        first, second = make_order(owner), make_order(owner)

        async def interrupted() -> list[Outcome]:
            intake.start()
            before = await submit_all(intake, [first])
            kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%asked_lines%'"
            with open_connection(engine) as killer:
                killer.execute(kill + " AND pid <> pg_backend_pid()")
            after = await submit_all(intake, [second])
            await intake.stop()
            return before + after

        assert [type(outcome) for outcome in asyncio.run(interrupted())] == [Placed, Placed]
        assert stored(engine) == 2


def test_a_database_that_is_away_fails_a_whole_batch_at_once(database: Database) -> None:
    with engine_for(database.url) as engine, engine_for(database.url.replace("/api_", "/no_api_")) as nowhere:
        owner = given_owner(engine)
        (outcomes,) = run(make_intake(nowhere, writers=1), [make_order(owner) for _ in range(50)])

    assert {type(outcome) for outcome in outcomes} == {TemporarilyUnavailable}
    assert len(outcomes) == 50


def test_a_bug_in_a_writer_fails_its_orders_and_the_next_ones_are_written(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        failures = iter([LookupError("a bug")])

        def connect() -> Connection[Any]:
            for failure in failures:
                raise failure
            return open_intake_connection(engine)

        intake = Intake(connect=connect, capacity=10, writers=1, on_committed=lambda: None)
        with capture_logs() as log:
            first, second = run(intake, [make_order(owner)], [make_order(owner)])

    assert [type(first[0]), type(second[0])] == [InternalError, Placed]
    assert [(entry["event"], str(entry["exc_info"])) for entry in log] == [("a writer failed", "a bug")]


def test_a_contended_key_is_told_to_come_back_and_the_rest_of_its_batch_is_placed(database: Database) -> None:
    with engine_for(database.url) as engine, engine_for(database.migration_url) as owner_of_tables:
        owner = given_owner(engine)
        in_transaction(owner_of_tables, lambda session: session.connection().exec_driver_sql(SWALLOW_KEYS))
        orders = [make_order(owner), make_order(owner, key="contended")]
        (outcomes,) = run(make_intake(engine, writers=1), orders)

    assert [type(outcome) for outcome in outcomes] == [Placed, KeyContended]


def test_a_catalogue_that_lags_behind_for_good_ends_in_a_refusal(database: Database, other_database: Database) -> None:
    with served_api(database.url) as api, engine_for(other_database.url) as elsewhere:
        given_owner(elsewhere)  # the intake writes there, where the owner's part is not known
        intake = make_intake(elsewhere)
        desk = OrderDesk(tenants=api.engine, intake=intake, catalogue=Catalogue(), places=Places())
        app = build_app(replace(make_resources(api.resources.settings), intake=intake, desk=desk))
        with served(app) as socket, client_on(socket, api.owner.token, {}) as client:
            response = client.post("/v1/orders", json=an_order(), headers={"Idempotency-Key": "k"})

    assert refusal_of(response) == Refusal(status=422, code="revision_not_released")
    assert "changing just now" in response.json()["detail"]


def test_a_client_that_hangs_up_gets_its_order_all_the_same(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        intake = make_intake(engine)

        async def hang_up() -> None:
            intake.start()
            with keys_locked(engine):
                client = asyncio.create_task(intake.submit(make_order(owner, key="k1")))
                await asyncio.sleep(0.05)
                client.cancel()
                await asyncio.sleep(0)
            await intake.stop()

        asyncio.run(hang_up())
        assert stored(engine) == 1


def test_stopping_writes_what_waits_and_takes_no_more(database: Database) -> None:
    with engine_for(database.url) as engine:
        owner = given_owner(engine)
        intake = make_intake(engine, writers=1)

        async def stop_at_once() -> list[Outcome]:
            intake.start()
            async with asyncio.TaskGroup() as group:
                queued = group.create_task(submit_all(intake, [make_order(owner) for _ in range(300)]))
                for _ in range(2):  # one turn for the group's task, one for the 300 that it starts
                    await asyncio.sleep(0)
                await intake.stop()
            return queued.result() + await submit_all(intake, [make_order(owner)])

        outcomes = asyncio.run(stop_at_once())
        assert [type(outcome) for outcome in outcomes] == [Placed] * 300 + [TemporarilyUnavailable]
        assert stored(engine) == 300


# ---------------------------------------------------------------- the bell


def rings_heard(listener: Connection[Any], *, seconds: float) -> int:
    return sum(1 for _ in listener.notifies(timeout=seconds))


def test_the_relay_is_told_of_placed_orders_and_of_changes(database: Database) -> None:
    with served_api(database.url) as api, open_connection(api.engine) as listener:
        listener.execute(f"LISTEN {NOTIFY_CHANNEL}")
        location = api.place().headers["Location"]
        placed = rings_heard(listener, seconds=0.3)
        api.client.post(f"{location}/cancel")
        cancelled = rings_heard(listener, seconds=0.3)
        api.client.get(location)

        assert (placed, cancelled) == (1, 1)
        assert rings_heard(listener, seconds=0.1) == 0


def test_a_hundred_rings_become_a_few(database: Database) -> None:
    with engine_for(database.url) as engine, open_connection(engine) as listener:
        listener.execute(f"LISTEN {NOTIFY_CHANNEL}")
        bell = Doorbell(lambda: open_connection(engine))
        bell.start()
        for _ in range(100):
            bell.ring()
        bell.stop()

        assert 1 <= rings_heard(listener, seconds=0.2) <= 3


def test_a_bell_that_was_cut_off_rings_again(database: Database) -> None:
    with engine_for(database.url) as engine, open_connection(engine) as listener:
        listener.execute(f"LISTEN {NOTIFY_CHANNEL}")
        opened: list[Connection[Any]] = []

        def connect() -> Connection[Any]:
            opened.append(open_connection(engine))
            return opened[-1]

        bell = Doorbell(connect)
        bell.start()
        bell.ring()
        assert rings_heard(listener, seconds=0.3) == 1
        with open_connection(engine) as killer:
            killer.execute("SELECT pg_terminate_backend(%s)", (opened[0].info.backend_pid,))
        with capture_logs() as log:
            bell.ring()
            wait_until(lambda: bool(log))
            bell.ring()
            heard = rings_heard(listener, seconds=0.3)
        bell.stop()

        assert (heard, len(opened)) == (1, 2)
        assert log[0]["event"] == "the relay was not notified, it will look by itself"
