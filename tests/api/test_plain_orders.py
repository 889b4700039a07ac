"""Orders that are answered before the application: what that takes them for, and that nobody can tell by the answer."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import replace

import httpx
import pytest
from starlette.types import Scope

from fabroute.api.contract.deprecation import DEPRECATED, NOTICE, Deprecation
from fabroute.api.contract.limits import RateLimits
from fabroute.api.intake.desk import OrderDesk, Submission
from fabroute.api.keys import KeyCache
from fabroute.api.plain import plain_request
from fabroute.database import unit_of_work
from fabroute.identity.service import issue_api_key
from fabroute.kernel.time import utc_now
from fabroute.orders.service import Placed, Placing, Replayed
from tests.conftest import Database
from tests.factories.api import Api, Json, an_order, served_api
from tests.factories.databases import allow_connections, refuse_connections
from tests.factories.organisations import NOW
from tests.factories.problems import Refusal, refusal_of

BY_THE_ROUTE = {"Content-Type": "application/json; charset=utf-8"}
"""What only the application reads."""
USUAL: dict[str, str | None] = {
    "authorization": "Bearer {token}",
    "content-type": "application/json",
    "content-length": "86",
    "idempotency-key": "k1",
}


@pytest.fixture
def api(database: Database) -> Iterator[Api]:
    """An API that knows its owner's key for an hour, however slow the machine is."""
    with served_api(database.url) as served:
        keys = KeyCache(engine=served.resources.engine, seconds=3600)
        keys.look_up(served.owner.token, now=utc_now())
        served.app.state.resources = replace(served.resources, keys=keys)
        yield served


def scope_of(api: Api, changes: Mapping[str, str | None] = USUAL, *, query: bytes = b"") -> Scope:
    """Return a request's scope with usual headers but for ``changes``; ``None`` leaves one out."""
    headers = {name: value for name, value in (USUAL | dict(changes)).items() if value is not None}
    return {
        "type": "http",
        "method": "POST",
        "path": "/v1/orders",
        "query_string": query,
        "headers": [(name.encode(), value.format(token=api.owner.token).encode()) for name, value in headers.items()],
        "app": api.app,
        "state": {},
    }


def place_by_the_route(api: Api, body: Json | None = None, *, key: str) -> httpx.Response:
    """Place an order that only the application reads."""
    headers = {"Idempotency-Key": key, **BY_THE_ROUTE}
    return api.client.post("/v1/orders", json=body or an_order(), headers=headers)


def is_plain(api: Api, scope: Scope) -> bool:
    found = plain_request(scope, operation="place_order", opened_by="orders:write", most_bytes=1_000)
    assert found is None or (found.principal.key_id, found.key) == (api.owner.key_id, "k1")
    return found is not None


def test_a_usual_request_is_plain(api: Api) -> None:
    assert is_plain(api, scope_of(api))


@pytest.mark.parametrize(
    "changes",
    [
        {"authorization": None},
        {"authorization": "Basic {token}"},
        {"authorization": "Bearer fr_unknown"},
        {"content-type": None},
        {"content-type": "text/plain"},
        {"content-type": BY_THE_ROUTE["Content-Type"]},
        {"content-encoding": "gzip"},
        {"content-length": None},
        {"content-length": "1001"},
        {"content-length": "-1"},
        {"idempotency-key": None},
        {"idempotency-key": ""},
        {"idempotency-key": "k" * 256},
        {"idempotency-key": "a\tb"},
    ],
    ids=str,
)
def test_what_is_unusual_is_not(api: Api, changes: dict[str, str | None]) -> None:
    assert not is_plain(api, scope_of(api, changes))


def test_a_query_is_not_plain_for_the_route_tells_what_it_does_not_know(api: Api) -> None:
    assert not is_plain(api, scope_of(api, query=b"wait=3"))


def test_a_key_that_must_be_looked_up_again_is_not(api: Api) -> None:
    api.app.state.resources = replace(api.resources, keys=KeyCache(engine=api.resources.engine, seconds=0))
    api.app.state.resources.keys.look_up(api.owner.token, now=utc_now())

    assert not is_plain(api, scope_of(api))


def test_a_key_without_the_scope_is_not(api: Api) -> None:
    with unit_of_work(api.engine) as session:
        reading = issue_api_key(
            session, organisation_id=api.owner.organisation_id, name="reads", scopes={"orders:read"}, now=NOW
        )
    api.app.state.resources.keys.look_up(reading.token, now=utc_now())

    assert not is_plain(api, scope_of(api, {"authorization": f"Bearer {reading.token}"}))


def test_who_sends_too_much_is_refused_by_the_route(api: Api) -> None:
    api.app.state.resources = replace(api.app.state.resources, limits=RateLimits({"default": 1}))

    assert [is_plain(api, scope_of(api)) for _ in range(2)] == [True, False]


def test_an_operation_that_goes_away_says_so_by_its_route(api: Api) -> None:
    DEPRECATED["place_order"] = Deprecation(since=NOW, sunset=NOW + NOTICE, instead="Another.")
    try:
        assert not is_plain(api, scope_of(api))
    finally:
        del DEPRECATED["place_order"]


# ---------------------------------------------------------------- the same answers


def told(answer: httpx.Response) -> tuple[int, list[str], object]:
    """Return what an answer says but for what differs from one request to the next."""
    body = answer.json()
    for name in ("id", "placed_at", "updated_at", "request_id", "lines"):
        body.pop(name, None)
    return answer.status_code, sorted(answer.headers), body


BODIES: dict[str, Json] = {
    "a plain one": {},
    "with all that is asked": {
        "reference": "PO 7",
        "need_by": "2090-01-01T00:00:00+02:00",
        "max_price": {"amount_minor": 100, "currency": "EUR"},
        "split": {"max_nodes": 1},
        "packaging": "esd",
    },
    "promised now": {"promise": "now"},
    "of a quote that is not there": {"quote_id": "qte_0"},
    "of an unknown part": {"lines": [{"part": "NO-SUCH", "quantity": 1}]},
    "needed yesterday": {"need_by": "2020-01-01T00:00:00Z"},
    "to nowhere": {"ship_to": {"city": "Paris", "country": "FR"}},
    "of too many": {"lines": [{"part": "RL-0001", "quantity": 100_001}]},
    "with an unknown field": {"colour": "blue"},
    "in dollars": {"max_price": {"amount_minor": 100, "currency": "USD"}},
}


@pytest.mark.parametrize("changes", BODIES.values(), ids=BODIES)
def test_nobody_can_tell_by_the_answer_which_way_it_came(api: Api, changes: Json) -> None:
    by_route = place_by_the_route(api, an_order(**changes), key="route")
    plain = api.place(an_order(**changes), key="plain")

    assert told(plain) == told(by_route)


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"lines":[]}', b"\xff"])
def test_a_body_that_is_no_order_is_told_the_same(api: Api, content: bytes) -> None:
    headers = {"Idempotency-Key": "k", "Content-Type": "application/json"}
    plain = api.client.post("/v1/orders", content=content, headers=headers)
    by_route = api.client.post("/v1/orders", content=content, headers=headers | BY_THE_ROUTE)

    assert told(plain) == told(by_route)
    assert plain.status_code in (400, 422)


def test_each_way_replays_and_refuses_what_came_by_the_other(api: Api) -> None:
    first = place_by_the_route(api, key="k1")
    again = api.place(key="k1")
    other = api.place(key="k2")
    replayed = place_by_the_route(api, key="k2")

    assert (again.content, replayed.content) == (first.content, other.content)
    assert [answer.headers.get("Idempotency-Replayed") for answer in (first, again, other, replayed)] == [
        None,
        "true",
        None,
        "true",
    ]
    assert refusal_of(api.place(an_order(reference="another"), key="k1")) == Refusal(
        status=422, code="idempotency_key_reused"
    )


def test_a_database_that_is_away_is_told_in_the_same_words(api: Api, database: Database) -> None:
    asked = an_order(lines=[{"part": "NOT-REMEMBERED", "quantity": 1}])
    refuse_connections(database.url)
    try:
        plain, by_route = api.place(asked, key="k1"), place_by_the_route(api, asked, key="k1")
    finally:
        allow_connections(database.url)

    assert (told(plain), plain.status_code, plain.headers["Retry-After"]) == (told(by_route), 503, "2")


class BrokenDesk(OrderDesk):
    async def place(self, submission: Submission, *, begun: asyncio.Future[Placing] | None = None) -> Placed | Replayed:
        raise LookupError("a bug")


def test_a_bug_is_told_as_one_and_not_what_it_is(api: Api) -> None:
    broken = BrokenDesk(
        tenants=api.resources.tenants,
        intake=api.resources.intake,
        catalogue=api.resources.promises.catalogue,
        places=api.resources.promises.places,
    )
    api.app.state.resources = replace(api.app.state.resources, desk=broken)

    answer = api.place(key="k1")
    assert refusal_of(answer) == Refusal(status=500, code="internal_error")
    assert "bug" not in answer.text
