"""``?wait=`` over HTTP: answers come when something changed, and a request that waits holds nothing meanwhile."""

import threading
import time
from collections.abc import Callable

import httpx
import pytest
from sqlalchemy import QueuePool
from sqlmodel import Session

from tests.factories.api import Api
from tests.factories.concurrency import at_once
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, refusal_of

SCREENING = "part_no,name\nAB-1,Knob\n"


def placed(api: Api) -> str:
    """Place an order and return where it is read."""
    return api.place().headers["Location"]


def until(condition: Callable[[], bool]) -> None:
    """Return once something is the case."""
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    assert condition()


def later(api: Api, work: Callable[[], object], *, waiting: int = 1) -> threading.Thread:
    """Begin to do something as soon as so many requests wait."""

    def run() -> None:
        until(lambda: api.resources.changes.parked == waiting)
        time.sleep(0.1)
        work()

    thread = threading.Thread(target=run)
    thread.start()
    return thread


def touch(api: Api, state: str) -> None:
    """Change an order's only line, as a worker does."""

    def change(session: Session) -> None:
        rows(session, f"UPDATE orders SET state = '{state}' RETURNING id")
        rows(session, f"UPDATE order_lines SET state = '{state}' RETURNING id")

    in_transaction(api.engine, change)


def test_a_pending_order_is_answered_when_it_is_decided(api: Api) -> None:
    path = placed(api)
    worker = later(api, lambda: touch(api, "no_route"))
    answer = api.client.get(f"{path}?wait=20")
    worker.join()

    assert (answer.status_code, answer.json()["state"]) == (200, "no_route")
    assert answer.headers["ETag"] == api.client.get(path).headers["ETag"]
    until(lambda: api.resources.changes.parked == 0)


def test_what_the_client_has_is_waited_for_and_then_not_modified(api: Api) -> None:
    path = placed(api)
    known = {"If-None-Match": api.client.get(path).headers["ETag"]}
    unchanged = api.client.get(f"{path}?wait=1", headers=known)
    other = api.client.get(f"{path}?wait=20", headers={"If-None-Match": '"other"'})

    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert unchanged.headers["ETag"] == known["If-None-Match"]
    assert unchanged.headers["RateLimit-Policy"] == '"polling";q=1200000;w=60'
    assert (other.status_code, other.json()["state"]) == (200, "pending")


def test_a_final_state_and_a_time_of_nought_are_answered_at_once(api: Api) -> None:
    path = placed(api)
    pending = api.client.get(f"{path}?wait=0")
    api.client.post(f"{path}/cancel")
    cancelled = api.client.get(f"{path}?wait=25")
    again = api.client.get(f"{path}?wait=25", headers={"If-None-Match": cancelled.headers["ETag"]})

    assert (pending.status_code, pending.json()["state"]) == (200, "pending")
    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    assert again.status_code == 304


def test_errors_are_answered_at_once_and_times_that_can_not_be_are_refused(api: Api) -> None:
    path = placed(api)
    with api.as_(None) as nobody:
        unknown = nobody.get(f"{path}?wait=25")

    assert refusal_of(api.client.get("/v1/orders/ord_x?wait=25")).code == "unknown_order"
    assert unknown.status_code == 401
    for seconds in ("26", "-1", "1.5", "x", "100"):
        refusal = refusal_of(api.client.get(f"{path}?wait={seconds}"))
        assert refusal == Refusal(status=422, code="validation_failed", pointers=("",))
    assert refusal_of(api.client.get("/v1/parts?wait=1")).status == 422


def test_twenty_that_wait_hold_no_connection_and_are_all_told(api: Api) -> None:
    path = placed(api)
    held: list[tuple[int, int]] = []

    def look_and_change() -> None:
        pool = api.resources.tenants.pool
        assert isinstance(pool, QueuePool)
        held.append((pool.checkedout(), api.resources.changes.parked))
        touch(api, "no_route")

    worker = later(api, look_and_change, waiting=20)
    answers = at_once(*[lambda: api.client.get(f"{path}?wait=20") for _ in range(20)])
    worker.join()

    assert held == [(0, 20)]
    assert [answer.json()["state"] for answer in answers] == 20 * ["no_route"]
    assert len({answer.headers["ETag"] for answer in answers}) == 1


def test_a_client_that_hangs_up_waits_no_longer(api: Api) -> None:
    path = placed(api)
    with pytest.raises(httpx.ReadTimeout):
        api.client.get(f"{path}?wait=25", timeout=0.5)

    until(lambda: api.resources.changes.parked == 0)
    assert api.client.get(path).json()["state"] == "pending"


def test_a_screening_and_the_readiness_of_an_organisation_can_be_waited_for(api: Api) -> None:
    headers = {"Content-Type": "text/csv"}
    path = api.client.post("/v1/advice/screenings", content=SCREENING, headers=headers).headers["Location"]
    done = "UPDATE screenings SET state = 'done' RETURNING id"
    worker = later(api, lambda: in_transaction(api.engine, lambda session: rows(session, done)))
    screened = api.client.get(f"{path}?wait=20")
    worker.join()

    assert (screened.status_code, screened.json()["state"]) == (200, "done")
    assert refusal_of(api.client.get("/v1/readiness?wait=1")).code == "no_readiness_report"
