"""Limits over HTTP: told in every answer that is somebody's, whatever path it took; one too many is 429."""

import httpx

from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.orders import given_owner
from tests.factories.problems import Refusal, refusal_of

CLAIM = {"max": 1, "wait_seconds": 0}


def remaining(headers: httpx.Headers) -> int:
    """Return what an answer says is left."""
    return int(headers["RateLimit"].split("r=")[1].split(";")[0])


def test_every_answer_to_a_key_tells_the_limits_and_no_other_does(api: Api) -> None:
    found = api.client.get("/v1/parts")
    known = api.client.get("/v1/parts/RL-0001")
    unchanged = api.client.get("/v1/parts/RL-0001", headers={"If-None-Match": known.headers["ETag"]})
    missing, refused = api.client.get("/v1/parts/NO"), api.client.post("/v1/orders", json={})
    with api.as_(None) as nobody:
        unknown = nobody.get("/v1/parts")
        health = nobody.get("/health")

    assert [it.status_code for it in (found, unchanged, missing, refused, unknown)] == [200, 304, 404, 400, 401]
    assert [remaining(it.headers) for it in (found, known, unchanged, missing, refused)] == [
        599_999 - number for number in range(5)
    ]
    assert {it.headers["RateLimit-Policy"] for it in (found, unchanged, missing, refused)} == {
        '"default";q=600000;w=60'
    }
    assert [it.headers.get("RateLimit") for it in (unknown, health)] == [None, None]


def test_one_request_too_many_is_refused_and_others_are_served(database: Database, api: Api) -> None:
    with served_api(database.url, owner=api.owner, rate_limit_default=2) as strict:
        other = given_owner(strict.engine, name="Other", part_no="OT-1")
        answers = [strict.client.get("/v1/parts") for _ in range(3)]
        order = strict.place()
        polled = strict.client.get("/v1/orders/ord_x?wait=0")
        with strict.as_(other.token) as client:
            served = client.get("/v1/parts")

    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert refusal_of(answers[2]) == refusal_of(order) == Refusal(status=429, code="rate_limited")
    assert 1 <= int(answers[2].headers["Retry-After"]) <= 60
    assert answers[2].headers["RateLimit"].startswith('"default";r=0;t=')
    assert (served.status_code, remaining(served.headers)) == (200, 1)
    assert polled.headers["RateLimit-Policy"].startswith('"polling";')


def test_polls_and_claims_that_never_reach_a_route_are_counted_once_each(database: Database, api: Api) -> None:
    with served_api(database.url, owner=api.owner, rate_limit_polling=4) as strict:
        path = "/v1/nodes/N404/claims"
        claims = [strict.client.post(path, json=CLAIM, headers={"Idempotency-Key": f"k{n}"}) for n in range(6)]

    assert [it.status_code for it in claims[4:]] == [429, 429]
    assert [remaining(it.headers) for it in claims] == [3, 2, 1, 0, 0, 0]
    assert {it.headers["RateLimit-Policy"] for it in claims} == {'"polling";q=4;w=60'}
