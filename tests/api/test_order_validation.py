import json

import httpx
import pytest

from tests.factories.api import Api, Json, an_order
from tests.factories.databases import in_transaction, rows
from tests.factories.problems import Refusal, messages_of, problem_of, refusal_of

QUANTITY_RANGE = "must be a whole number from 1 to 100,000"
A_LINE = {"part": "RL-0001", "quantity": 1}
SHIP_TO = {"city": "Hamburg", "country": "DE"}
A_DATE_AND_TIME = "must be a date and time with an offset, as in 2026-06-15T12:00:00+02:00"


def post(api: Api, content: bytes, *, media_type: str = "application/json") -> Refusal:
    headers = {"Content-Type": media_type, "Idempotency-Key": "refused"}
    return refusal_of(api.client.post("/v1/orders", content=content, headers=headers))


def nothing_is_stored(api: Api) -> bool:
    stored = "SELECT count(*) FROM idempotency_keys WHERE key = 'refused'"
    return in_transaction(api.engine, lambda session: rows(session, stored)) == [(0,)]


def refused(api: Api, **changes: object) -> httpx.Response:
    return api.place(an_order(**changes), key="refused")


@pytest.mark.parametrize("quantity", [0, -1, 100_001, 10**9, 10**30, 1.5, 1.0, "1", True, None])
def test_a_quantity_out_of_range_is_named_with_the_range(standing_api: Api, quantity: object) -> None:
    response = refused(standing_api, lines=[{"part": "RL-0001", "quantity": quantity}])

    assert refusal_of(response) == Refusal(status=422, code="quantity_out_of_range", pointers=("/lines/0/quantity",))
    assert messages_of(response) == [QUANTITY_RANGE]
    assert nothing_is_stored(standing_api)


def test_the_smallest_and_the_largest_quantity_are_taken(standing_api: Api) -> None:
    for quantity in (1, 100_000):
        response = standing_api.place(an_order(lines=[{"part": "RL-0001", "quantity": quantity}]), key=str(quantity))
        assert response.status_code == 201
        assert response.json()["lines"][0]["quantity"] == quantity


@pytest.mark.parametrize(
    ("changes", "pointer", "message"),
    [
        ({"colour": "red"}, "/colour", "is no field of this object: leave it out"),
        ({"ship_to": SHIP_TO | {"zip": "20095"}}, "/ship_to/zip", "is no field of this object: leave it out"),
        ({"lines": [A_LINE | {"a/b~c": 1}]}, "/lines/0/a~1b~0c", "is no field of this object: leave it out"),
        ({"lines": []}, "/lines", "must hold at least 1 of them"),
        ({"lines": [A_LINE] * 21}, "/lines", "must hold at most 20 of them"),
        ({"lines": [{"quantity": 1}]}, "/lines/0/part", "is required"),
        ({"lines": [A_LINE | {"part": ""}]}, "/lines/0/part", "must not be empty"),
        ({"lines": [A_LINE | {"part": 7}]}, "/lines/0/part", "must be a string"),
        ({"lines": [A_LINE | {"part": "a\0b"}]}, "/lines/0/part", "must not hold control characters"),
        ({"reference": "x" * 121}, "/reference", "must have at most 120 characters"),
        ({"batch": "a\nb"}, "/batch", "must not hold control characters"),
        ({"objective": "quick"}, "/objective", "must be 'cheapest', 'fastest', 'balanced' or 'greenest'"),
        ({"packaging": "gold"}, "/packaging", "must be 'plain', 'brand', 'esd' or 'medical_clean'"),
        (
            {"criticality": "high"},
            "/criticality",
            "must be 'routine', 'line_down', 'aog', 'consumer', 'patient' or 'safety'",
        ),
        ({"need_by": "2030-06-15"}, "/need_by", A_DATE_AND_TIME),
        ({"need_by": "2030-06-15T12:00:00"}, "/need_by", "needs an offset from UTC, as in 2026-06-15T12:00:00+02:00"),
        ({"need_by": 1_900_000_000}, "/need_by", A_DATE_AND_TIME),
        ({"need_by": "soon"}, "/need_by", A_DATE_AND_TIME),
        ({"need_by_hard": "yes"}, "/need_by_hard", "must be true or false"),
        ({"max_price": 12}, "/max_price", "must be a JSON object"),
        ({"max_price": {"amount_minor": 0, "currency": "EUR"}}, "/max_price/amount_minor", "must be at least 1"),
        (
            {"max_price": {"amount_minor": 10**10, "currency": "EUR"}},
            "/max_price/amount_minor",
            "must be at most 1,000,000,000",
        ),
        ({"ship_to": {"country": "DE"}}, "/ship_to/city", "is required"),
        ({"ship_to": SHIP_TO | {"city": "  "}}, "/ship_to/city", "must not be empty"),
        ({"ship_to": SHIP_TO | {"name": "a\tb"}}, "/ship_to/name", "must not hold control characters"),
        ({"ship_to": SHIP_TO | {"latitude": 1}}, "/ship_to", "needs both latitude and longitude, or neither"),
        ({"ship_to": SHIP_TO | {"latitude": 91, "longitude": 0}}, "/ship_to/latitude", "must be at most 90"),
        ({"ship_to": SHIP_TO | {"latitude": 0, "longitude": -181}}, "/ship_to/longitude", "must be at least -180"),
    ],
)
def test_a_field_that_can_not_be_taken_is_pointed_at_and_says_what_may_be_there(
    standing_api: Api, changes: Json, pointer: str, message: str
) -> None:
    response = refused(standing_api, **changes)

    assert refusal_of(response) == Refusal(status=422, code="validation_failed", pointers=(pointer,))
    assert messages_of(response) == [message]
    assert nothing_is_stored(standing_api)


def test_another_currency_is_refused_by_name(standing_api: Api) -> None:
    response = refused(standing_api, max_price={"amount_minor": 1000, "currency": "USD"})

    assert refusal_of(response) == Refusal(status=422, code="unsupported_currency", pointers=("/max_price/currency",))
    assert messages_of(response) == ["only EUR is supported: convert the amount first"]


@pytest.mark.parametrize("country", ["XX", "de", "Germany", "", "EU"])
def test_a_country_that_is_none_is_refused(standing_api: Api, country: str) -> None:
    response = refused(standing_api, ship_to={"city": "Hamburg", "country": country})

    assert refusal_of(response) == Refusal(status=422, code="unknown_country", pointers=("/ship_to/country",))
    assert "ISO 3166-1 alpha-2" in messages_of(response)[0]


def test_a_country_in_which_no_place_is_known_needs_coordinates(standing_api: Api) -> None:
    oslo = {"city": "Oslo", "country": "NO"}
    response = refused(standing_api, ship_to=oslo)
    taken = standing_api.place(an_order(ship_to=oslo | {"latitude": 59.91, "longitude": 10.75}), key="oslo")

    assert refusal_of(response).status == 422
    assert refusal_of(response).pointers == ("/ship_to/latitude",)
    assert taken.status_code == 201


@pytest.mark.parametrize("need_by", ["2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z", "9999-12-31T23:59:59-12:00"])
def test_a_need_by_that_makes_no_sense_is_refused(standing_api: Api, need_by: str) -> None:
    response = refused(standing_api, need_by=need_by)

    assert refusal_of(response) == Refusal(status=422, code="need_by_out_of_range", pointers=("/need_by",))
    assert messages_of(response)[0].startswith("must be in the future and within ten years; it is 20")
    assert nothing_is_stored(standing_api)


def test_all_mistakes_are_told_at_once(standing_api: Api) -> None:
    response = standing_api.place({"lines": [{"part": "x", "quantity": 0}], "colour": 1}, key="refused")

    assert refusal_of(response) == Refusal(
        status=422, code="validation_failed", pointers=("/ship_to", "/lines/0/quantity", "/colour")
    )
    assert f"/lines/0/quantity {QUANTITY_RANGE}" in problem_of(response)["detail"]


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"{'a': 1}", b'{"a": 1} x', b'{"ship_to": {"city": "\\ud800"}}', b"[" * 5000]
)
def test_what_is_no_json_is_refused_as_such(standing_api: Api, content: bytes) -> None:
    assert post(standing_api, content) == Refusal(status=400, code="malformed_json")
    assert nothing_is_stored(standing_api)


@pytest.mark.parametrize("content", [b"[]", b"null", b"3", b'"order"'])
def test_json_that_is_no_object_is_refused(standing_api: Api, content: bytes) -> None:
    assert post(standing_api, content) == Refusal(status=422, code="validation_failed", pointers=("",))


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"1e400"])
def test_coordinates_are_finite(standing_api: Api, number: bytes) -> None:
    ship_to = b'{"city":"X","country":"DE","latitude":%s,"longitude":1}' % number
    refusal = post(standing_api, b'{"ship_to":%s,"lines":[{"part":"RL-0001","quantity":1}]}' % ship_to)

    assert refusal == Refusal(status=422, code="validation_failed", pointers=("/ship_to/latitude",))


@pytest.mark.parametrize("media_type", ["", "text/plain", "application/x-www-form-urlencoded", "application/jsonp"])
def test_only_json_is_read(standing_api: Api, media_type: str) -> None:
    assert post(standing_api, json.dumps(an_order()).encode(), media_type=media_type) == Refusal(
        status=415, code="unsupported_media_type"
    )


def test_json_with_a_character_set_is_read(standing_api: Api) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8", "Idempotency-Key": "charset"}
    assert standing_api.client.post("/v1/orders", content=json.dumps(an_order()), headers=headers).status_code == 201


def test_ten_megabytes_are_refused_whether_announced_or_not(standing_api: Api) -> None:
    content = json.dumps(an_order(reference="x" * 10_000_000)).encode()
    headers = {"Content-Type": "application/json", "Idempotency-Key": "refused"}
    announced = standing_api.client.post("/v1/orders", content=content, headers=headers)
    streamed = standing_api.client.post(
        "/v1/orders", content=iter([content[:600_000], content[600_000:]]), headers=headers
    )

    assert refusal_of(announced) == refusal_of(streamed) == Refusal(status=413, code="body_too_large")
    assert "1,000,000 bytes" in problem_of(announced)["detail"]
    assert nothing_is_stored(standing_api)


def test_a_body_of_just_the_limit_is_read(standing_api: Api) -> None:
    order = json.dumps(an_order()).encode()
    content = order + b" " * (1_000_000 - len(order))
    headers = {"Content-Type": "application/json", "Idempotency-Key": "limit"}

    assert standing_api.client.post("/v1/orders", content=content, headers=headers).status_code == 201
    assert post(standing_api, content + b" ") == Refusal(status=413, code="body_too_large")


def test_the_same_part_may_stand_in_several_lines(standing_api: Api) -> None:
    order = standing_api.place(an_order(lines=[A_LINE] * 20), key="twenty lines").json()

    assert [line["position"] for line in order["lines"]] == list(range(1, 21))
    assert len({line["id"] for line in order["lines"]}) == 20
