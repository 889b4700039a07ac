"""What becomes of a line's job stands in the order of its owner; nodes accept jobs over HTTP, at once."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import Any

import httpx
import pytest
from sqlalchemy import event

from tests.factories.api import Api, an_order
from tests.factories.api_jobs import CERTIFICATE, JobWorld, a_job_world, given_offered_jobs, token_of
from tests.factories.databases import in_transaction, rows
from tests.factories.decisions import given_decisions_of_jobs
from tests.factories.organisations import BUREAU
from tests.factories.problems import Refusal, refusal_of

AT_ONCE = 8
REVOKED = "certificate ISO9001 was revoked (audit failed)"
REINSTATE = f"UPDATE certificates SET revoked_at = NULL WHERE id = '{CERTIFICATE}' RETURNING 1"


@pytest.fixture
def world(api: Api) -> Iterator[JobWorld]:
    with a_job_world(api) as made:
        given_decisions_of_jobs(api.engine)
        yield made


def job_in_order(world: JobWorld) -> dict[str, Any]:
    """Return what the order says of its job, in the order itself and in the list."""
    order = world.owner.get(f"/v1/orders/{world.order_id}").json()
    assert world.owner.get("/v1/orders").json()["data"] == [order]
    routing = order["lines"][0]["routing"]
    return {key: routing[key] for key in ("job_id", "job_state", "held_reason")}


def revoke(world: JobWorld) -> None:
    answer = world.operator.post(f"/v1/certificates/{CERTIFICATE}/revocation", json={"reason": "audit failed"})
    assert answer.json()["held_jobs"] == 1


def test_an_order_shows_its_job_from_the_offer_to_the_acceptance(world: JobWorld) -> None:
    offered = job_in_order(world)
    world.accepted()

    assert offered == {"job_id": world.job_id, "job_state": "offered", "held_reason": ""}
    assert job_in_order(world) == {"job_id": world.job_id, "job_state": "accepted", "held_reason": ""}


def test_an_order_shows_that_its_job_is_held_and_why_until_it_is_taken_back(world: JobWorld) -> None:
    tag = world.owner.get(f"/v1/orders/{world.order_id}").headers["ETag"]
    revoke(world)

    reason = world.owner.get(world.job).json()["held_reason"]
    held = job_in_order(world)
    changed = world.owner.get(f"/v1/orders/{world.order_id}", headers={"If-None-Match": tag})
    world.owner.post(f"{world.job}/take-back", json={"reason": "not any longer"})

    assert held == {"job_id": world.job_id, "job_state": "held", "held_reason": reason}
    assert reason == f"{REVOKED}; CERTIFICATE_MISSING: has no ISO9001 for MJF:PA12-MJF"
    assert (changed.status_code, changed.json()["state"]) == (200, "routed")
    assert world.owner.get(f"/v1/orders/{world.order_id}").json()["lines"][0]["state"] == "pending"


def test_a_resumed_job_is_held_for_nothing_any_more(world: JobWorld) -> None:
    revoke(world)
    in_transaction(world.api.engine, lambda session: rows(session, REINSTATE))

    assert world.owner.post(f"{world.job}/resumption").json()["state"] == "offered"
    assert job_in_order(world) == {"job_id": world.job_id, "job_state": "offered", "held_reason": ""}


def test_a_cancelled_order_has_no_job_any_more(world: JobWorld) -> None:
    cancelled = world.owner.post(f"/v1/orders/{world.order_id}/cancel").json()

    assert (cancelled["state"], cancelled["lines"][0]["routing"]["node_id"]) == ("cancelled", "N101")
    assert job_in_order(world) == {"job_id": None, "job_state": None, "held_reason": ""}


def test_a_page_of_orders_takes_as_many_statements_as_one_order(world: JobWorld) -> None:
    for number, lines in enumerate((1, 1, 1, 2)):
        body = an_order(lines=[{"part": "RL-0001", "quantity": 1}] * lines)
        assert world.api.place(body, key=f"more-{number}").status_code == 201
    jobs = given_offered_jobs(world.api.engine)
    in_transaction(world.api.engine, lambda session: rows(session, "DELETE FROM routing_decisions RETURNING 1"))
    given_decisions_of_jobs(world.api.engine)

    with statements(world.api) as for_one:
        one = world.owner.get("/v1/orders?limit=1").json()["data"]
    with statements(world.api) as for_all:
        everything = world.owner.get("/v1/orders").json()["data"]

    shown = {line["routing"]["job_id"] for order in everything for line in order["lines"]}
    assert (len(one), len(everything)) == (1, 5)
    assert shown == {world.job_id, *jobs}
    assert len(for_all) == len(for_one)
    assert [sum("FROM jobs" in statement for statement in sent) for sent in (for_one, for_all)] == [1, 1]


def test_one_key_that_accepts_many_times_at_once_is_always_answered_with_the_job(world: JobWorld) -> None:
    answers = at_once(world, [world.bureau] * AT_ONCE)

    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    assert {answer.json()["state"] for answer in answers} == {"accepted"}
    assert len({answer.content for answer in answers}) == 1
    assert fence_and_times_told(world) == [(1, 1)]


def test_of_two_keys_of_an_organisation_that_accept_at_once_one_wins(world: JobWorld) -> None:
    with world.api.as_(token_of(world.api.engine, BUREAU, "bureau")) as second:
        answers = at_once(world, [world.bureau, second])

    (lost,) = [answer for answer in answers if answer.status_code != 200]
    assert refusal_of(lost) == Refusal(status=409, code="job_state_conflict")
    assert fence_and_times_told(world) == [(1, 1)]


def at_once(world: JobWorld, clients: list[httpx.Client]) -> list[httpx.Response]:
    start = Barrier(len(clients))

    def accept(client: httpx.Client) -> httpx.Response:
        start.wait()
        return client.post(f"{world.job}/acceptance")

    with ThreadPoolExecutor(len(clients)) as pool:
        return list(pool.map(accept, clients))


def fence_and_times_told(world: JobWorld) -> list[tuple[object, ...]]:
    told = "SELECT count(*) FROM outbox_events WHERE name = 'job.accepted'"
    return in_transaction(world.api.engine, lambda session: rows(session, f"SELECT fence, ({told}) FROM jobs"))


@contextmanager
def statements(api: Api) -> Iterator[list[str]]:
    """Yield what the API sends to its database, once its key is known."""
    sent: list[str] = []

    def note(connection: object, cursor: object, statement: str, *_: object) -> None:
        if "FROM api_keys" not in statement:  # a known key is asked for again after a while, by the clock
            sent.append(statement)

    api.client.get("/v1/orders?limit=1")
    event.listen(api.resources.tenants, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(api.resources.tenants, "before_cursor_execute", note)
