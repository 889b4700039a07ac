"""The wire: what is a refusal, what is asked again, and who is sent no key."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from fabroute.bridges.bench import pause_seconds
from fabroute.bridges.fabroute import FabrouteWire
from fabroute.bridges.tracking import tracking_url
from fabroute.bridges.wire import JsonWire, Refused, Unavailable

Handler = Callable[[httpx.Request], httpx.Response]


def wire(handler: Handler) -> JsonWire:
    return JsonWire(
        name="the shop", url="http://shop.example/api", headers={"X-Key": "k"}, transport=httpx.MockTransport(handler)
    )


def answering(status: int, **answer: Any) -> JsonWire:
    return wire(lambda _request: httpx.Response(status, **answer))


@pytest.mark.parametrize("status", [408, 425, 429, 500, 502, 503, 504])
def test_a_server_that_is_busy_or_broken_is_asked_again(status: int) -> None:
    with answering(status, headers={"Retry-After": "2.0"}) as it, pytest.raises(Unavailable) as silence:
        it.send("POST", "/orders", {})
    assert (silence.value.retry_after, silence.value.status) == (2.0, 503)


@pytest.mark.parametrize(
    ("status", "answer", "said"),
    [
        (422, {"errors": [{"pointer": "/lines", "message": "too many"}]}, "/lines: too many"),
        (422, {"errors": {"tracking": ["is bad"]}}, "{'tracking': ['is bad']}"),
        (404, {"code": "rest_no_route", "message": "No route"}, "No route"),
        (400, {}, "the shop answered 400"),
        (302, {}, "the shop answered 302"),
    ],
)
def test_every_other_no_is_a_refusal_in_the_servers_words(status: int, answer: object, said: str) -> None:
    with answering(status, json=answer) as it, pytest.raises(Refused) as refusal:
        it.get("/orders")
    assert (refusal.value.status, refusal.value.message) == (status, said)
    assert refusal.value.is_about_access is False


def test_a_request_in_flight_is_asked_again_and_a_wrong_key_is_about_access() -> None:
    with answering(409, json={"code": "idempotency_key_in_flight"}) as busy, pytest.raises(Unavailable):
        busy.send("POST", "/v1/orders", {})
    with answering(401) as locked, pytest.raises(Refused) as refusal:
        locked.get("/orders")
    assert (refusal.value.is_about_access, refusal.value.code) == (True, "http_401")


def test_an_address_of_another_server_is_not_followed() -> None:
    asked: list[httpx.Request] = []

    def note(request: httpx.Request) -> httpx.Response:
        asked.append(request)
        return httpx.Response(200, json={"page": len(asked)})

    with wire(note) as it:
        assert it.follow("https://shop.example/next") is None
        assert it.follow("http://thief.example/next") is None
        assert it.follow("/api/os/next?start=2") == {"page": 1}
        assert it.follow("http://shop.example/api/os/next") == {"page": 2}
    assert [str(request.url) for request in asked] == [
        "http://shop.example/api/os/next?start=2",
        "http://shop.example/api/os/next",
    ]
    assert {request.headers["X-Key"] for request in asked} == {"k"}


def test_an_answer_that_is_no_object_is_an_empty_one() -> None:
    with answering(200, content=b"<html>") as it:
        assert (it.get("/"), it.get_list("/")) == ({}, [])
    with answering(200, json=[{"id": 1}, 2]) as it:
        assert (it.get("/"), it.get_list("/")) == ({}, [{"id": 1}])


def test_a_cursor_that_is_too_old_begins_anew() -> None:
    def feed(request: httpx.Request) -> httpx.Response:
        if "cursor" in request.url.params:
            return httpx.Response(422, json={"code": "unusable_cursor"})
        events = [{"data": {"order_id": "ord_1"}}, {"data": {"order_id": None}}, {"data": {}}]
        return httpx.Response(200, json={"data": events, "has_more": False, "next_cursor": "c-9"})

    fabroute = FabrouteWire(url="http://fabroute", key="k", transport=httpx.MockTransport(feed))
    answer = fabroute.events(cursor="old")
    fabroute.close()
    assert (answer.order_ids, answer.cursor, answer.has_more) == (frozenset({"ord_1"}), "c-9", False)


def test_pauses_double_up_to_five_minutes_unless_the_server_says() -> None:
    assert [pause_seconds(it) for it in (0, 1, 2, 8, 9, 99)] == [1, 2, 4, 256, 300, 300]
    assert (pause_seconds(5, retry_after=2.5), pause_seconds(5, retry_after=-1)) == (2.5, 0)


def test_parcels_are_followed_where_their_carrier_shows_them() -> None:
    assert tracking_url("ups", "1Z 9/9", {}) == "https://www.ups.com/track?tracknum=1Z%209%2F9"
    assert tracking_url("ups", "1", {"ups": "https://us.example/{number}"}) == "https://us.example/1"
    assert tracking_url("courier", "1", {}) == ""
