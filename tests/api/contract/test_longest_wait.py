"""How long requests wait at most is a setting: an installation behind an impatient proxy never waits in vain."""

import time
from collections.abc import Iterator

import pytest

from tests.conftest import Database
from tests.factories.api import served_api
from tests.factories.api_jobs import JobWorld, a_job_world

QUEUE = "/v1/nodes/N101/jobs"
IN_VAIN_SECONDS = 20


@pytest.fixture
def world(database: Database) -> Iterator[JobWorld]:
    """An installation where nobody waits."""
    with served_api(database.url, longest_wait_seconds=0) as api, a_job_world(api) as made:
        yield made


def test_nothing_waits_longer_than_the_setting_says(world: JobWorld) -> None:
    began = time.monotonic()
    order = world.owner.get(f"/v1/orders/{world.order_id}", params={"wait": 25})
    same = world.owner.get(
        f"/v1/orders/{world.order_id}", params={"wait": 25}, headers={"If-None-Match": order.headers["ETag"]}
    )
    events = world.owner.get("/v1/events", params={"wait": 25, "type": "order.parked"})
    claimed = world.bureau.post("/v1/nodes/N101/claims", json={"wait_seconds": 25}, headers={"Idempotency-Key": "1"})
    none = world.bureau.post("/v1/nodes/N101/claims", json={"wait_seconds": 25}, headers={"Idempotency-Key": "2"})
    tag = world.bureau.get(QUEUE).headers["ETag"]
    queue = world.bureau.get(QUEUE, params={"wait": 25}, headers={"If-None-Match": tag})

    assert time.monotonic() - began < IN_VAIN_SECONDS
    assert (events.json()["data"], claimed.status_code, none.status_code) == ([], 200, 204)
    assert 4 <= int(none.headers["Retry-After"]) <= 6
    assert {same.status_code, queue.status_code} == {304}


def test_what_may_be_asked_for_does_not_depend_on_it(world: JobWorld) -> None:
    assert world.owner.get("/v1/events", params={"wait": 26}).status_code == 422
    assert world.owner.get(f"/v1/orders/{world.order_id}", params={"wait": 26}).status_code == 422
    assert world.owner.get(f"/v1/orders/{world.order_id}", params={"wait": 25}).status_code == 200
