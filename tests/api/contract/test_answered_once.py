"""A POST with an Idempotency-Key: its effect and its answer are there together, once, or neither is."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from functools import partial

import httpx
import pytest
from sqlalchemy import Connection, event, text
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES
from fabroute.identity.service import issue_api_key
from fabroute.identity.service.idempotency import KEPT_FOR, purge_answers
from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.api import Api, Json, served_api
from tests.factories.concurrency import at_once
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import given_owner
from tests.factories.problems import Refusal, refusal_of
from tests.factories.routable import given_routable_network

PARTS = "part_no,name,sector,hs_code\nAB-1,Impeller,water,8413.91\nAB-2,Cover,water,8413.91\n"
REVISION: Json = {
    "revision": "A",
    "process_materials": ["MJF:PA12-MJF"],
    "box": {"x_mm": 20.0, "y_mm": 20.0, "z_mm": 20.0},
    "volume_cm3": 2.0,
}


def a_part(number: str = "PU-1", name: str = "Impeller") -> Json:
    """Return a body for POST /v1/parts."""
    return {"part_no": number, "name": name, "sector": "water", "hs_code": "8413.91"}


def add(client: httpx.Client, body: Json | None = None, *, key: str = "k-1", path: str = "/v1/parts") -> httpx.Response:
    """Add a part under a key."""
    return client.post(path, json=body or a_part(), headers={"Idempotency-Key": key})


def count(api: Api, table: str, where: str = "true") -> object:
    """Return how many rows a table has."""
    return in_transaction(api.engine, lambda session: rows(session, f"SELECT count(*) FROM {table} WHERE {where}"))[0][
        0
    ]


def is_replay(answer: httpx.Response) -> bool:
    """Tell whether an answer says that it was given before."""
    marks = [answer.headers.get(name) for name in ("Idempotent-Replayed", "Idempotency-Replayed")]
    assert marks[0] == marks[1]
    return bool(marks[0])


def seen(answer: httpx.Response) -> tuple[int, bytes, str | None, str | None]:
    """Return what must be the same at every repetition."""
    return answer.status_code, answer.content, answer.headers.get("Location"), answer.headers.get("Content-Type")


def another_key(session: Session, api: Api) -> str:
    """Return the token of a second key of the owner."""
    issued = issue_api_key(
        session, organisation_id=api.owner.organisation_id, name="second", scopes=ALL_SCOPES, now=utc_now()
    )
    return issued.token


def withdraw_all(session: Session) -> None:
    """Let nothing be orderable any more."""
    session.connection().execute(text("UPDATE part_revisions SET state = 'withdrawn'"))


@contextmanager
def failing_commits(api: Api) -> Iterator[list[str]]:
    """Have PostgreSQL end the connection of each caller's transaction that stored an answer, just before it commits."""
    killed: list[str] = []

    def kill(connection: Connection) -> None:
        kept = connection.scalar(text("SELECT count(*) FROM idempotency_keys WHERE xmin = pg_current_xact_id()::xid"))
        if kept:
            pid = connection.scalar(text("SELECT pg_backend_pid()"))
            in_transaction(api.engine, lambda session: rows(session, "SELECT pg_terminate_backend(:pid)", pid=pid))
            killed.append(str(pid))

    event.listen(api.resources.tenants, "commit", kill)
    try:
        yield killed
    finally:
        event.remove(api.resources.tenants, "commit", kill)


def test_a_repeated_request_gets_the_first_answer_byte_for_byte_and_does_nothing(api: Api) -> None:
    first, again = add(api.client), add(api.client)

    assert (first.status_code, first.headers["Location"]) == (201, "/v1/parts/PU-1")
    assert seen(again) == seen(first)
    assert (is_replay(first), is_replay(again)) == (False, True)
    assert count(api, "parts", "part_no = 'PU-1'") == 1


def test_the_answer_stays_the_first_when_the_thing_has_changed_or_the_process_is_another(
    database: Database, api: Api
) -> None:
    first = add(api.client)
    changed = api.client.patch("/v1/parts/PU-1", json={"name": "Other"}, headers={"If-Match": "*"})

    with served_api(database.url, owner=api.owner) as restarted:
        again = add(restarted.client)

    assert (changed.status_code, changed.json()["name"]) == (200, "Other")
    assert seen(again) == seen(first)
    assert is_replay(again)


def test_sixteen_at_once_do_it_once_and_all_hear_the_same_in_the_end(api: Api) -> None:
    answers = at_once(*[partial(add, api.client) for _ in range(16)])
    later = [add(api.client) for _ in range(2)]

    done = [answer for answer in answers if answer.status_code == 201]
    waiting = [answer for answer in answers if answer.status_code != 201]
    assert len([answer for answer in done if not is_replay(answer)]) == 1
    assert {refusal_of(answer) for answer in waiting} <= {Refusal(status=409, code="idempotency_key_in_flight")}
    assert {answer.headers["Retry-After"] for answer in waiting} <= {"1"}
    assert len({seen(answer) for answer in (*done, *later)}) == 1
    assert count(api, "parts", "part_no = 'PU-1'") == 1


def test_a_key_belongs_to_one_body_path_and_organisation(api: Api) -> None:
    first = add(api.client)
    reused = Refusal(status=422, code="idempotency_key_reused")
    stranger = given_owner(api.engine, name="Other", part_no="OT-1")

    assert refusal_of(add(api.client, a_part(name="Other"))) == reused
    assert refusal_of(add(api.client, {"kind": "old", "number": "x"}, path="/v1/parts/PU-1/aliases")) == reused
    assert refusal_of(api.place(key="k-1")) == reused
    with api.as_(stranger.token) as client:
        assert (add(client).status_code, is_replay(add(client))) == (201, True)
    assert first.status_code == 201


def test_the_key_of_an_order_is_taken_for_everything_else(api: Api) -> None:
    placed = api.place(key="k-1")

    assert placed.status_code == 201
    assert refusal_of(add(api.client)) == Refusal(status=422, code="idempotency_key_reused")
    assert api.place(key="k-1").content == placed.content


def test_a_server_that_dies_before_the_commit_has_done_nothing_and_said_nothing(api: Api) -> None:
    with failing_commits(api) as killed:
        failed = add(api.client)
    before = count(api, "parts", "part_no = 'PU-1'"), count(api, "idempotency_keys")
    again = add(api.client)

    assert (len(killed), failed.status_code) == (1, 503)
    assert before == (0, 0)
    assert (again.status_code, is_replay(again)) == (201, False)
    assert seen(add(api.client)) == seen(again)


def test_an_error_is_not_kept_so_that_the_same_request_may_succeed_later(api: Api) -> None:
    revise = partial(add, api.client, REVISION, key="k-2", path="/v1/parts/PU-1/revisions")
    refused = revise()
    add(api.client)
    made = revise()

    assert refusal_of(refused).status == 404
    assert (made.status_code, is_replay(made)) == (201, False)
    assert count(api, "idempotency_keys") == 2


@pytest.mark.parametrize("key", ["x" * 256, "ä", "a\tb"])
def test_a_key_that_can_not_be_is_refused(api: Api, key: str) -> None:
    answer = api.client.post("/v1/parts", json=a_part(), headers=[(b"Idempotency-Key", key.encode())])

    assert refusal_of(answer) == Refusal(status=400, code="idempotency_key_invalid")
    assert count(api, "parts", "part_no = 'PU-1'") == 0


def test_who_has_no_key_of_the_api_hears_so_before_anything_is_read(api: Api) -> None:
    add(api.client)
    with api.as_(None) as nobody:
        assert refusal_of(add(nobody)) == Refusal(status=401, code="unauthenticated")


@pytest.mark.parametrize("dry_run", ["true", "false"])
def test_a_table_is_imported_once(api: Api, dry_run: str) -> None:
    def send() -> httpx.Response:
        headers = {"Idempotency-Key": "k-3", "Content-Type": "text/csv"}
        return api.client.post(f"/v1/imports/parts?dry_run={dry_run}", content=PARTS, headers=headers)

    first, again = send(), send()

    assert (first.status_code, first.json()["created"]) == (200, 2)
    assert seen(again) == seen(first)
    assert (is_replay(first), is_replay(again)) == (False, True)
    assert count(api, "parts", "part_no LIKE 'AB-%'") == (0 if dry_run == "true" else 2)


def test_a_list_is_screened_once(api: Api) -> None:
    def send() -> httpx.Response:
        headers = {"Idempotency-Key": "k-4", "Content-Type": "text/csv"}
        return api.client.post("/v1/advice/screenings", content="part_no,name\nAB-1,Knob\n", headers=headers)

    first, again = send(), send()

    assert first.status_code == 202
    assert seen(again) == seen(first)
    assert (is_replay(again), count(api, "screenings")) == (True, 1)


def test_a_quote_is_made_once_and_stays_what_it_was_when_its_part_is_withdrawn(
    database: Database, owner_in_template: object
) -> None:
    with served_api(database.url) as api:
        given_routable_network(api.engine, nodes=(a_node(),), today=utc_now().date())
        body: Json = {"part": "RL-0001", "ship_to": {"city": "Hamburg", "country": "DE"}}
        first = add(api.client, body, path="/v1/quotes")
        in_transaction(api.engine, withdraw_all)
        again = add(api.client, body, path="/v1/quotes")

    assert first.status_code == 201
    assert seen(again) == seen(first)
    assert is_replay(again)


def test_a_new_key_is_told_again_to_who_asked_for_it_and_to_nobody_who_reads_the_database(api: Api) -> None:
    body: Json = {"name": "for the shop", "scopes": ["orders:read"]}
    first = add(api.client, body, path="/v1/api-keys")
    again = add(api.client, body, path="/v1/api-keys")
    stored = in_transaction(api.engine, lambda session: rows(session, "SELECT body, is_sealed FROM idempotency_keys"))
    other = in_transaction(api.engine, lambda session: another_key(session, api))
    with api.as_(other) as colleague:
        refused = add(colleague, body, path="/v1/api-keys")

    assert (first.status_code, seen(again), is_replay(again)) == (201, seen(first), True)
    assert first.json()["token"].startswith("fr_test_")
    ((content, is_sealed),) = stored
    assert isinstance(content, bytes)
    assert (is_sealed, first.json()["token"].encode() in content) == (True, False)
    assert refusal_of(refused) == Refusal(status=409, code="idempotency_answer_sealed")


def test_answers_are_forgotten_after_thirty_days_the_oldest_first(api: Api) -> None:
    for number in range(3):
        add(api.client, a_part(f"PU-{number}"), key=f"k-{number}")
    later = utc_now() + KEPT_FOR + timedelta(seconds=1)
    with unit_of_work(api.engine) as session:
        early = purge_answers(session, now=utc_now())
        some = purge_answers(session, now=later, limit=2)
    left = in_transaction(api.engine, lambda session: rows(session, "SELECT key FROM idempotency_keys"))
    with unit_of_work(api.engine) as session:
        rest = purge_answers(session, now=later)

    assert (early, some, rest) == (0, 2, 1)
    assert left == [("k-2",)]
    assert timedelta(days=30) == KEPT_FOR
