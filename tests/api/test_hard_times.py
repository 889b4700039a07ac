"""The intake while connections die, while more comes than it can take, and on input that nobody would send."""

import threading
import uuid
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import psycopg
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Engine
from sqlalchemy.engine import make_url
from structlog.testing import capture_logs

from fabroute.cli.invariants import INVARIANTS
from fabroute.database import unit_of_work
from tests.conftest import Database
from tests.factories.api import Api, Json, an_order, client_on, served_api
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import problem_of

ORDERS = 300
BUSY = (409, 429, 503)


@contextmanager
def connections_dying(database: Database) -> Iterator[list[int]]:
    """Kill every connection to the database again and again while the block runs; yield the numbers of the killed."""
    url, over, killed = make_url(database.url), threading.Event(), list[int]()
    kill = (
        "SELECT count(pg_terminate_backend(pid))::int FROM pg_stat_activity"
        f" WHERE datname = '{url.database}' AND pid <> pg_backend_pid()"
    )

    def kill_on() -> None:
        with psycopg.connect(f"host={url.query['host']} user=postgres dbname=postgres", autocommit=True) as superuser:
            while not over.wait(0.03):
                row = superuser.execute(kill.encode()).fetchone()
                killed.append(0 if row is None else row[0])

    killer = threading.Thread(target=kill_on)
    killer.start()
    try:
        yield killed
    finally:
        over.set()
        killer.join()


def place_until_taken(client: httpx.Client, key: str) -> list[int]:
    """Repeat an order until it is taken, as a client should; return the statuses on the way."""
    statuses: list[int] = []
    while not statuses or statuses[-1] in BUSY:
        response = client.post("/v1/orders", json=an_order(reference=key), headers={"Idempotency-Key": key})
        statuses.append(response.status_code)
    return statuses


def placed_references(engine: Engine) -> list[str]:
    found = in_transaction(engine, lambda session: rows(session, "SELECT reference FROM orders"))
    return [str(reference) for (reference,) in found]


def broken_invariants(engine: Engine) -> list[str]:
    names = ("every acknowledged key has its order", "one key, one order", "every order has lines")
    checked = [rule for rule in INVARIANTS if rule.name in (*names, "every placed order is on the audit log")]
    assert len(checked) == 4
    with unit_of_work(engine) as session:
        return [rule.name for rule in checked if rows(session, rule.query)]


def test_while_connections_die_every_order_is_placed_once_in_the_end(database: Database) -> None:
    keys = [f"order {number}" for number in range(ORDERS)]
    with served_api(database.url) as api:
        api.place(an_order(reference="warm"), key="warm")
        with connections_dying(database) as killed, ThreadPoolExecutor(12) as clients:
            statuses = list(clients.map(lambda key: place_until_taken(api.client, key), keys))

        assert {found[-1] for found in statuses} == {201}
        assert Counter(placed_references(api.engine)) == Counter([*keys, "warm"])
        assert broken_invariants(api.engine) == []
    assert sum(killed) > 10


def test_twice_as_much_as_it_can_take_is_placed_or_told_to_come_back_and_nothing_else(database: Database) -> None:
    with served_api(database.url, intake_queue_size=4, intake_writers=1) as api, ThreadPoolExecutor(32) as clients:
        keys = [f"order {number}" for number in range(ORDERS)]
        responses = list(clients.map(lambda key: api.place(an_order(reference=key), key=key), keys))

        by_status = Counter(response.status_code for response in responses)
        placed = {key for key, response in zip(keys, responses, strict=True) if response.status_code == 201}
        assert set(by_status) <= {201, 429}
        assert by_status[201] > 0
        assert set(placed_references(api.engine)) == placed
        assert all(problem_of(response)["code"] == "intake_full" for response in responses if response.is_error)
        assert broken_invariants(api.engine) == []


# ---------------------------------------------------------------- strange input, through the whole stack

TEXTS = st.text(max_size=130) | st.sampled_from(["RL-0001", "Hamburg", "DE", "A", "x" * 121])
NUMBERS = st.integers(-5, 5) | st.sampled_from([10**9, 10**30, 2**31, 2**63]) | st.floats()
VALUES = st.none() | st.booleans() | TEXTS | NUMBERS
ADDRESSES = st.fixed_dictionaries(
    {"city": TEXTS, "country": st.sampled_from(["DE", "NO", "XX"]) | TEXTS},
    optional={"name": VALUES, "latitude": VALUES, "longitude": VALUES},
)
LINES = st.lists(
    st.fixed_dictionaries(
        {"part": st.just("RL-0001") | TEXTS, "quantity": st.integers(1, 9) | VALUES}, optional={"revision": VALUES}
    ),
    max_size=4,
)
ORDERS_OF_ALL_KINDS = st.fixed_dictionaries(
    {"ship_to": ADDRESSES, "lines": LINES},
    optional={
        "reference": VALUES,
        "batch": VALUES,
        "objective": st.sampled_from(["fastest", "greenest"]) | VALUES,
        "need_by": st.datetimes().map(lambda moment: f"{moment.isoformat()}Z") | VALUES,
        "max_price": st.fixed_dictionaries({"amount_minor": VALUES, "currency": st.just("EUR") | TEXTS}),
    },
)


@settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
@given(body=ORDERS_OF_ALL_KINDS)
def test_no_order_at_all_makes_the_api_fail(standing_api: Api, body: Json) -> None:
    content = httpx.Request("POST", "http://x", json=body).content if is_json(body) else repr(body).encode()
    headers = {"Idempotency-Key": uuid.uuid4().hex, "Content-Type": "application/json"}
    response = standing_api.client.post("/v1/orders", content=content, headers=headers)

    assert response.status_code in (201, 400, 422)
    if response.status_code == 201:
        again = standing_api.client.get(response.headers["Location"])
        assert again.content == response.content
    else:
        assert problem_of(response)["code"] != "internal_error"


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    path=st.sampled_from(["orders", "parts", "nodes", "order-statistics", "nodes/N1/jobs"]),
    query=st.dictionaries(st.sampled_from(["cursor", "limit", "state", "batch", "reference", "kind"]), st.text()),
)
def test_no_query_at_all_makes_the_api_fail(standing_api: Api, path: str, query: dict[str, str]) -> None:
    clean = {name: value.encode("utf-8", "replace").decode() for name, value in query.items()}
    response = standing_api.client.get(f"/v1/{path}", params=clean)

    assert response.status_code in (200, 404, 422)
    assert response.headers["X-Request-Id"]


def is_json(body: Json) -> bool:
    """Tell whether the client can write the body down: it has no infinite number and no half character."""
    try:
        httpx.Request("POST", "http://x", json=body)
    except ValueError:
        return False
    return True


def test_a_client_that_stops_in_the_middle_of_its_order_leaves_nothing(standing_api: Api) -> None:
    def half_an_order() -> Iterator[bytes]:
        yield b'{"ship_to": {"city": "Hamburg", "cou'
        raise ConnectionAbortedError

    before = placed_references(standing_api.engine)
    with (
        capture_logs() as log,
        client_on(standing_api.socket, standing_api.owner.token, {"Content-Type": "application/json"}) as client,
    ):
        for _ in range(3):
            try:
                client.post("/v1/orders", content=half_an_order(), headers={"Idempotency-Key": "half"})
            except ConnectionAbortedError:
                continue

    assert placed_references(standing_api.engine) == before
    assert standing_api.place(key="whole").status_code == 201
    # Half an order is a refused request like any other, noted when the server sees the end of the connection.
    assert {(entry["log_level"], entry["code"]) for entry in log} <= {("info", "malformed_json")}
    assert len(log) <= 3
