"""The gate over HTTP: who is served while others flood, what is refused, and that a refusal leaves nothing behind."""

import asyncio
import socket as sockets
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest
from sqlalchemy import Engine

from fabroute.api.errors import IntakeFull
from fabroute.api.intake.queue import Intake
from fabroute.api.keys import KeyCache
from fabroute.api.resources import open_intake_connection
from fabroute.identity.rules import Principal, Unauthenticated, make_token
from fabroute.kernel.time import utc_now
from fabroute.orders.service import Placed
from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.credentials import Keyed, given_keyed
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.orders import given_owner, make_order
from tests.factories.problems import Refusal, problem_of, refusal_of
from tests.factories.statements import statements_sent

BUSY = Refusal(status=429, code="too_busy")
SLOW, QUICK = "/v1/parts", "/v1/organisation"


@contextmanager
def locked(engine: Engine, table: str) -> Iterator[None]:
    """Let everybody who touches a table wait while the block runs."""
    with engine.begin() as connection:
        connection.exec_driver_sql(f"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE")
        yield


def wait_until(condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        time.sleep(0.005)
    raise AssertionError("it did not happen within ten seconds")


@pytest.fixture
def narrow(database: Database, api: Api) -> Iterator[Api]:
    """An API that answers two requests of an organisation at once, four in all, and lets nobody wait."""
    bounds = {"requests_at_once": 4, "requests_at_once_of_one": 2, "requests_waiting": 0}
    with served_api(database.url, owner=api.owner, **bounds) as served:
        assert served.client.get(QUICK).status_code == 200  # from now on its key is known
        yield served


@pytest.fixture
def other(narrow: Api) -> Keyed:
    """Another organisation, whose key is known as well."""
    found = given_keyed(narrow.engine)
    with narrow.as_(found.token) as client:
        assert client.get(QUICK).status_code == 200
    return found


def test_while_one_has_as_many_in_service_as_it_may_its_next_is_refused_and_another_is_served(
    narrow: Api, other: Keyed
) -> None:
    with ThreadPoolExecutor(2) as clients, narrow.as_(other.token) as beside:
        with locked(narrow.engine, "parts"):
            slow = [clients.submit(narrow.client.get, SLOW) for _ in range(2)]
            wait_until(lambda: narrow.resources.turns.serving == 2)
            refused = [narrow.client.get(QUICK), narrow.place(key="refused"), narrow.client.get(SLOW)]
            served = [beside.get(QUICK) for _ in range(3)]
            health = narrow.client.get("/healthz")
        answered = [it.result().status_code for it in slow]

    assert {refusal_of(it) for it in refused} == {BUSY}
    assert [it.status_code for it in (*served, health)] == [200] * 4
    assert answered == [200, 200]
    wait_until(lambda: narrow.resources.turns.serving == 0)


def test_a_refusal_says_when_to_come_back_and_the_same_request_is_taken_then(narrow: Api) -> None:
    with ThreadPoolExecutor(2) as clients:
        with locked(narrow.engine, "parts"), statements_sent(narrow.resources.engine) as asked:
            slow = [clients.submit(narrow.client.get, SLOW) for _ in range(2)]
            wait_until(lambda: narrow.resources.turns.serving == 2)
            before = len(asked)
            refused = narrow.place(None, key="k1", **{"X-Request-Id": "mine"})
            queries = len(asked) - before
        for it in slow:
            it.result()
    taken = narrow.place(key="k1")

    assert (refusal_of(refused), queries) == (BUSY, 0)
    assert 1 <= int(refused.headers["Retry-After"]) <= 30
    assert f"in {refused.headers['Retry-After']} s" in problem_of(refused)["detail"]
    assert (refused.headers["X-Request-Id"], problem_of(refused)["request_id"]) == ("mine", "mine")
    assert (taken.status_code, "Idempotency-Replayed" in taken.headers) == (201, False)


def test_strangers_share_one_place_and_take_none_of_those_who_are_known(narrow: Api, other: Keyed) -> None:
    def guess(number: int) -> httpx.Response:
        with narrow.as_(make_token(environment="test", key_id=f"key_{number}")) as client:
            return client.get(QUICK)

    with ThreadPoolExecutor(2) as clients, narrow.as_(other.token) as beside, narrow.as_(None) as visitor:
        with locked(narrow.engine, "api_keys"):
            slow = [clients.submit(guess, number) for number in range(2)]
            wait_until(lambda: narrow.resources.turns.serving == 2)
            stranger, nobody = guess(2), visitor.get("/v1/passports/none")
        known = beside.get(QUICK)
        answered = [it.result().status_code for it in slow]

    assert refusal_of(stranger) == refusal_of(nobody) == BUSY
    assert (known.status_code, answered) == (200, [401, 401])


@pytest.mark.slow
def test_those_who_wait_for_events_jobs_and_changes_take_no_place(narrow: Api) -> None:
    order = narrow.place().headers["Location"]
    waits = ["/v1/events?wait=4&type=order.parked", f"{order}?wait=20"]
    with ThreadPoolExecutor(2) as clients:
        parked = [clients.submit(narrow.client.get, path) for path in waits]
        resources = narrow.resources
        wait_until(lambda: (resources.feed.parked, resources.changes.parked) == (1, 1))
        served = [narrow.client.get(QUICK).status_code for _ in range(3)]
        wait_until(lambda: resources.turns.serving == 0)  # a place is given back just after the answer
        serving = resources.turns.serving
        in_transaction(narrow.engine, lambda session: rows(session, "UPDATE orders SET state = 'parked' RETURNING id"))
        in_transaction(
            narrow.engine,
            lambda session: rows(session, "UPDATE order_lines SET state = 'parked' RETURNING id"),
        )
        changed = parked[1].result()

    assert (served, serving) == ([200, 200, 200], 0)
    assert (changed.status_code, changed.json()["state"]) == (200, "parked")
    assert parked[0].result().json()["data"] == []


def test_a_body_that_comes_drop_by_drop_takes_no_place(narrow: Api) -> None:
    body = b'{"ship_to":{"city":"Hamburg","country":"DE"},"lines":[{"part":"RL-0001","quantity":1}]}'
    head = (
        f"POST /v1/orders HTTP/1.1\r\nHost: fabroute\r\nAuthorization: Bearer {narrow.owner.token}\r\n"
        f"Idempotency-Key: drops\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    with sockets.socket(sockets.AF_UNIX) as slow:
        slow.connect(narrow.socket)
        slow.sendall(head.encode() + body[:10])
        served = [narrow.client.get(QUICK).status_code for _ in range(2)]
        wait_until(lambda: narrow.resources.turns.serving == 0)
        serving = narrow.resources.turns.serving
        slow.sendall(body[10:])
        answer = slow.recv(65_536)

    assert (served, serving) == ([200, 200], 0)
    assert answer.startswith(b"HTTP/1.1 201 ")


# ---------------------------------------------------------------- keys


def test_a_key_that_many_requests_bring_at_once_is_looked_up_once(database: Database) -> None:
    with engine_for(database.url) as engine:
        keyed = given_keyed(engine)
        keys = KeyCache(engine=engine, seconds=0)

        async def find(times: int) -> list[Principal]:
            return await asyncio.gather(*(keys.find(keyed.token, now=utc_now(), address="here") for _ in range(times)))

        asyncio.run(find(1))
        with statements_sent(engine) as asked:
            found = asyncio.run(find(20))

    assert {it.organisation_id for it in found} == {keyed.organisation_id}
    assert sum("api_keys" in it for it in asked) == 1


def test_what_can_not_be_a_key_is_refused_without_a_query_and_without_waiting_for_strangers(database: Database) -> None:
    with engine_for(database.url) as engine:
        keys, guess = KeyCache(engine=engine, seconds=0), make_token(environment="test", key_id="key_1")
        mistyped = guess[:-1] + ("0" if guess[-1] != "0" else "1")

        async def both() -> list[Unauthenticated]:
            async with asyncio.TaskGroup() as group, keys._strangers, keys._strangers, keys._strangers, keys._strangers:
                asking = group.create_task(_refused(keys, mistyped))
                return [await asyncio.wait_for(asking, 10)]

        with statements_sent(engine) as asked:
            (refusal,) = asyncio.run(both())

    assert refusal.message.startswith("this is not an API key")
    assert asked == []


async def _refused(keys: KeyCache, token: str) -> Unauthenticated:
    with pytest.raises(Unauthenticated) as found:
        await keys.find(token, now=utc_now(), address="here")
    return found.value


# ---------------------------------------------------------------- the intake


def test_an_order_that_would_wait_too_long_for_a_writer_is_refused_and_an_idle_writer_takes_it(
    database: Database,
) -> None:
    with engine_for(database.url) as engine:
        owner, seconds = given_owner(engine), iter(range(0, 10_000, 2))  # each batch takes two seconds by this clock
        intake = Intake(
            connect=lambda: open_intake_connection(engine),
            capacity=1_000,
            writers=1,
            on_committed=lambda: None,
            patience_seconds=0.2,
            clock=lambda: float(next(seconds)),
        )

        async def orders() -> list[object]:
            intake.start()
            first = await intake.submit(make_order(owner))
            with locked(engine, "idempotency_keys"):
                writing = asyncio.create_task(intake.submit(make_order(owner)))
                await asyncio.sleep(0.05)
                (late,) = await asyncio.gather(intake.submit(make_order(owner)), return_exceptions=True)
            last = [await writing, await intake.submit(make_order(owner))]
            await intake.stop()
            return [first, late, *last]

        outcomes = asyncio.run(orders())

    assert [type(it) for it in outcomes] == [Placed, IntakeFull, Placed, Placed]
    assert isinstance(outcomes[1], IntakeFull)
    assert "takes long" in outcomes[1].message
