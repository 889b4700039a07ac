"""What PostgreSQL gets to do for requests that place orders, by its own log: a bound on what an order costs it."""

import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import httpx
import pytest
from sqlalchemy import Engine

from fabroute.api.keys import KeyCache
from fabroute.database import unit_of_work
from fabroute.inventory.service import withdraw_revision
from fabroute.orders.rules import MAXIMUM_LINES
from fabroute_embedded import EmbeddedServers
from tests.conftest import Database
from tests.factories.api import Api, Json, an_order, served_api
from tests.factories.databases import engine_for
from tests.factories.organisations import NOW
from tests.factories.postgres_log import StatementLog, logged_statements
from tests.factories.problems import Refusal, refusal_of
from tests.factories.writers import a_writer_waits, keys_locked, wait_until

INTAKE = "the intake's statement"
PING = ";"
"""A pooled connection is tested when it leaves the pool."""
LOOK_UP_OF_AN_UNKNOWN_PART = ("BEGIN", "set_config", "parts", "part_aliases", "part_revisions", "ROLLBACK")
LOOK_UP = ("BEGIN", "set_config", "parts", "part_revisions", "ROLLBACK")
ANSWER_OF_BEFORE = ("BEGIN", "set_config", "idempotency_keys", "COMMIT")
_BY_ITSELF = ("NOTIFY", "installation")
"""The bell, at most once in ten milliseconds, and the look for changed queues, four times a second."""
_TABLE = re.compile(r"SELECT (set_config)|.*?\bFROM (\w+)")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """An API that looked up its key, the part and the places, and the log of its database."""

    api: Api
    log: StatementLog
    owner_of_tables: Engine
    """Its statements are not told of."""

    def after(self, work: Callable[[], httpx.Response]) -> tuple[httpx.Response, list[tuple[str, ...]]]:
        """Return an answer, and what PostgreSQL did for it, in short."""
        began = self.log.position()
        return work(), self.done_since(began)

    def done_since(self, position: int) -> list[tuple[str, ...]]:
        """Return what PostgreSQL did for requests since a position of the log, in short, by transactions."""
        found = [tuple(map(short, statements)) for statements in self.log.transactions(since=position)]
        return [statements for statements in found if statements[0] not in _BY_ITSELF]


def short(statement: str) -> str:
    """Return the table that a statement asks, or what else it does."""
    if statement.startswith("WITH asked AS"):
        return INTAKE
    found = _TABLE.match(statement)
    if found is None:
        return statement.partition(" ")[0]
    return found[1] or ("installation" if "queue_epoch FROM installation" in statement else found[2])


@pytest.fixture
def watched(servers: EmbeddedServers, database: Database) -> Iterator[Watched]:
    with (
        logged_statements(servers.postgres, database.url) as log,
        served_api(database.url, intake_writers=1) as api,
        engine_for(database.migration_url) as owner_of_tables,
    ):
        keys = KeyCache(engine=api.resources.engine, seconds=3600)  # where the machine is slow, too
        api.app.state.resources = replace(api.resources, keys=keys)
        began = log.position()
        assert api.place(key="warm").status_code == 201
        wait_until(lambda: any(text.startswith("NOTIFY") for text in log.statements(since=began)))
        yield Watched(api=api, log=log, owner_of_tables=owner_of_tables)


def of_part(part: str) -> Json:
    return an_order(lines=[{"part": part, "quantity": 1}])


def test_a_first_order_is_one_statement(watched: Watched) -> None:
    answer, done = watched.after(lambda: watched.api.place(key="k1"))

    assert (answer.status_code, done) == (201, [(INTAKE,)])


def test_an_order_of_as_many_lines_as_it_may_have_is_one_statement_too(watched: Watched) -> None:
    long = an_order(lines=[{"part": "RL-0001", "quantity": number} for number in range(1, MAXIMUM_LINES + 1)])
    answer, done = watched.after(lambda: watched.api.place(long, key="k1"))

    assert (answer.status_code, done) == (201, [(INTAKE,)])


def test_a_request_that_is_repeated_is_one_statement_as_it_was_at_first(watched: Watched) -> None:
    first = watched.api.place(key="k1")
    answer, done = watched.after(lambda: watched.api.place(key="k1"))

    assert (answer.content, answer.headers["Idempotency-Replayed"]) == (first.content, "true")
    assert done == [(INTAKE,)]


def test_a_key_of_another_order_is_refused_by_one_statement(watched: Watched) -> None:
    watched.api.place(key="k1")
    answer, done = watched.after(lambda: watched.api.place(an_order(reference="another"), key="k1"))

    assert refusal_of(answer) == Refusal(status=422, code="idempotency_key_reused")
    assert done == [(INTAKE,)]


@pytest.mark.parametrize(
    ("body", "refusal"),
    [
        ({"lines": []}, Refusal(status=422, code="validation_failed", pointers=("/lines",))),
        (
            {"ship_to": {"city": "Paris", "country": "FR"}},
            Refusal(status=422, code="unknown_destination", pointers=("/ship_to/latitude",)),
        ),
    ],
)
def test_what_is_wrong_with_an_order_alone_is_never_queued(watched: Watched, body: Json, refusal: Refusal) -> None:
    answer, done = watched.after(lambda: watched.api.place(an_order(**body), key="k1"))

    assert refusal_of(answer) == refusal
    assert done == ([] if refusal.code == "validation_failed" else [(PING,), ANSWER_OF_BEFORE])


def test_an_order_of_an_unknown_part_is_refused_after_two_looks_and_never_queued(watched: Watched) -> None:
    answer, done = watched.after(lambda: watched.api.place(of_part("NO-SUCH"), key="k1"))

    assert refusal_of(answer) == Refusal(status=422, code="unknown_part", pointers=("/lines/0/part",))
    assert done == [(PING,), LOOK_UP_OF_AN_UNKNOWN_PART, (PING,), ANSWER_OF_BEFORE]


def test_an_order_of_a_revision_that_was_withdrawn_a_moment_ago_is_refused_by_the_statement_itself(
    watched: Watched,
) -> None:
    owner = watched.api.owner
    with unit_of_work(watched.owner_of_tables) as session:
        withdraw_revision(session, revision_id=owner.revision_id, actor=owner.key_id, now=NOW)
    answer, done = watched.after(lambda: watched.api.place(key="k1"))

    assert refusal_of(answer) == Refusal(status=422, code="revision_not_released", pointers=("/lines/0/part",))
    assert done == [(INTAKE,), (PING,), LOOK_UP, (PING,), ANSWER_OF_BEFORE]


def test_sixteen_orders_at_once_are_one_statement(watched: Watched) -> None:
    api, names = watched.api, [f"k{number}" for number in range(16)]
    with ThreadPoolExecutor(17) as clients:
        began = watched.log.position()
        with keys_locked(watched.owner_of_tables):
            ahead = clients.submit(api.place, key="ahead")
            wait_until(lambda: a_writer_waits(watched.owner_of_tables))
            crowd = [clients.submit(api.place, key=name) for name in names]
            wait_until(lambda: api.resources.intake.waiting == 16)
        statuses = [placing.result().status_code for placing in (ahead, *crowd)]

    assert (statuses, watched.done_since(began)) == ([201] * 17, [(INTAKE,)] * 2)  # who was ahead, and the sixteen
