from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import httpx
import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import withdraw_revision
from fabroute.kernel.time import utc_now
from tests.conftest import Database
from tests.factories.api import Api, an_order, client_on, served_api
from tests.factories.databases import in_transaction, rows
from tests.factories.orders import given_part, given_revision
from tests.factories.organisations import NOW
from tests.factories.problems import Refusal, messages_of, refusal_of


def read(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def withdraw(api: Api) -> None:
    with unit_of_work(api.engine) as session:
        withdraw_revision(session, revision_id=api.owner.revision_id, actor="system:test", now=NOW)


def test_a_placed_order_is_answered_with_itself_and_where_it_is(api: Api) -> None:
    before = utc_now()
    response = api.place(
        an_order(
            reference="PO 7",
            batch="spring",
            need_by="2030-06-15T12:00:00+02:00",
            need_by_hard=False,
            max_price={"amount_minor": 12_050, "currency": "EUR"},
            packaging="esd",
            ship_to={"name": "Werkstatt 4", "city": "Hamburg", "country": "DE"},
            lines=[{"part": "RL-0001", "quantity": 3}, {"part": "RL-0001", "revision": "A", "quantity": 1}],
        )
    )

    order = response.json()
    assert response.status_code == 201
    assert response.headers["Location"] == f"/v1/orders/{order['id']}"
    assert "Idempotency-Replayed" not in response.headers
    assert (order["state"], order["reference"], order["batch"]) == ("pending", "PO 7", "spring")
    assert (order["objective"], order["criticality"], order["packaging"]) == ("cheapest", "routine", "esd")
    assert (order["need_by"], order["need_by_hard"]) == ("2030-06-15T10:00:00Z", False)
    assert order["max_price"] == {"amount_minor": 12_050, "currency": "EUR"}
    assert order["ship_to"] == {
        "name": "Werkstatt 4",
        "street": None,
        "postal_code": None,
        "city": "Hamburg",
        "country": "DE",
        "latitude": 53.5507,
        "longitude": 9.993,
        "location_assumed": False,
    }
    assert [(line["position"], line["part"], line["revision"], line["quantity"]) for line in order["lines"]] == [
        (1, "RL-0001", "A", 3),
        (2, "RL-0001", "A", 1),
    ]
    assert {(line["state"], line["state_reason"], line["routing"]) for line in order["lines"]} == {
        ("pending", "", None)
    }
    assert before <= datetime.fromisoformat(order["placed_at"]) <= utc_now()
    assert order["updated_at"] == order["placed_at"]


def test_the_order_reads_back_exactly_as_it_was_answered(api: Api) -> None:
    placed = api.place(an_order(need_by="2030-06-15T12:00:00.123456+02:00", reference="ä „7“"))

    assert api.client.get(placed.headers["Location"]).content == placed.content


def test_what_waits_for_the_part_sets_the_objective(api: Api) -> None:
    for criticality, objective in (("aog", "fastest"), ("consumer", "balanced"), ("safety", "cheapest")):
        order = api.place(an_order(criticality=criticality), key=criticality).json()
        assert (order["criticality"], order["objective"]) == (criticality, objective)
    named = api.place(an_order(criticality="aog", objective="greenest"), key="named").json()
    assert named["objective"] == "greenest"


def test_without_a_word_the_first_lines_part_says_how_critical_it_is(api: Api) -> None:
    part_id = given_part(api.engine, organisation_id=api.owner.organisation_id, part_no="LD-1", criticality="line_down")
    given_revision(api.engine, part_id=part_id, revision="A")
    lines = [{"part": "LD-1", "quantity": 1}, {"part": "RL-0001", "quantity": 1}]

    order = api.place(an_order(lines=lines)).json()

    assert (order["criticality"], order["objective"]) == ("line_down", "fastest")


def test_a_city_that_nobody_knows_is_taken_to_be_at_the_capital(api: Api) -> None:
    unknown = api.place(an_order(ship_to={"city": "Hintertupfingen", "country": "DE"}), key="1").json()["ship_to"]
    accents = api.place(an_order(ship_to={"city": "HÄMBURG", "country": "DE"}), key="2").json()["ship_to"]
    point = {"city": "Insel", "country": "DE", "latitude": 54.18, "longitude": 7.89}
    given = api.place(an_order(ship_to=point), key="3").json()["ship_to"]

    assert (unknown["city"], unknown["latitude"], unknown["longitude"]) == ("Hintertupfingen", 52.5244, 13.4105)
    assert (accents["latitude"], accents["longitude"]) == (53.5507, 9.993)
    assert (unknown["location_assumed"], accents["location_assumed"]) == (True, False)
    assert given == point | {"name": None, "street": None, "postal_code": None, "location_assumed": False}


def test_an_assumed_place_is_kept_and_shown_as_such_ever_after(api: Api) -> None:
    placed = api.place(an_order(ship_to={"city": "Gotham", "country": "DE"}))
    (listed,) = api.client.get("/v1/orders").json()["data"]

    assert placed.json()["ship_to"]["location_assumed"] is True
    assert api.client.get(placed.headers["Location"]).content == placed.content
    assert listed["ship_to"] == placed.json()["ship_to"]
    assert read(api.engine, "SELECT ship_to_city, ship_to_assumed FROM orders") == [("Gotham", True)]


def test_street_and_postal_code_are_kept_for_the_label(api: Api) -> None:
    door = {"street": " Am Sandtorkai 4 ", "postal_code": "20457", "city": "Hamburg", "country": "DE"}
    placed = api.place(an_order(ship_to=door))

    ship_to = placed.json()["ship_to"]
    assert (ship_to["street"], ship_to["postal_code"]) == ("Am Sandtorkai 4", "20457")
    assert api.client.get(placed.headers["Location"]).content == placed.content
    columns = "SELECT ship_to_street, ship_to_postal_code FROM orders"
    assert read(api.engine, columns) == [("Am Sandtorkai 4", "20457")]


@pytest.mark.parametrize("code", ["20\n457", "*", "12345678901234567"])
def test_a_postal_code_that_is_none_is_refused(api: Api, code: str) -> None:
    refused = api.place(an_order(ship_to={"postal_code": code, "city": "Hamburg", "country": "DE"}))

    assert refusal_of(refused) == Refusal(status=422, code="validation_failed", pointers=("/ship_to/postal_code",))


def test_spaces_around_the_name_and_the_city_are_dropped(api: Api) -> None:
    spaced = api.place(an_order(ship_to={"name": " Gate 4  ", "city": "  Hamburg\u00a0", "country": "DE"}))
    plain = api.place(an_order(ship_to={"name": "Gate 4", "city": "Hamburg", "country": "DE"}))

    ship_to = spaced.json()["ship_to"]
    assert (ship_to["name"], ship_to["city"], ship_to["location_assumed"]) == ("Gate 4", "Hamburg", False)
    assert plain.content == spaced.content  # the same request
    assert read(api.engine, "SELECT ship_to_name, ship_to_city FROM orders") == [("Gate 4", "Hamburg")]


def test_a_repeated_request_gets_the_same_bytes_and_no_second_order(api: Api) -> None:
    first = api.place()
    again = api.place()

    assert (again.status_code, again.content) == (201, first.content)
    assert (again.headers["Location"], again.headers["Idempotency-Replayed"]) == (first.headers["Location"], "true")
    assert read(api.engine, "SELECT count(*) FROM orders") == [(1,)]


def test_the_same_order_written_differently_is_the_same_request(api: Api) -> None:
    first = api.place()
    spaced = b'{ "lines": [{"quantity": 1, "part": "RL-0001"}], "ship_to": {"country":"DE","city":"Hamb\\u0075rg"} }'
    again = api.client.post(
        "/v1/orders", content=spaced, headers={"Idempotency-Key": "key-1", "Content-Type": "application/json"}
    )

    assert again.content == first.content


def test_a_key_used_for_another_order_is_refused(api: Api) -> None:
    api.place()
    reused = api.place(an_order(lines=[{"part": "RL-0001", "quantity": 2}]))

    assert refusal_of(reused) == Refusal(status=422, code="idempotency_key_reused")
    assert read(api.engine, "SELECT count(*) FROM orders") == [(1,)]


def test_an_order_that_would_be_refused_today_is_still_answered_if_it_was_taken_once(api: Api) -> None:
    soon = an_order(need_by=(utc_now() + timedelta(seconds=1)).isoformat())
    placed_in_time, placed_before = api.place(soon, key="soon"), api.place(key="withdrawn")
    withdraw(api)
    while utc_now().isoformat() < str(soon["need_by"]):
        pass

    assert api.place(soon, key="soon").content == placed_in_time.content
    assert api.place(key="withdrawn").content == placed_before.content
    assert refusal_of(api.place(soon, key="new")) == Refusal(
        status=422, code="need_by_out_of_range", pointers=("/need_by",)
    )
    reused = api.place(an_order(reference="other"), key="withdrawn")
    assert refusal_of(reused) == Refusal(status=422, code="idempotency_key_reused")


def test_a_revision_withdrawn_since_it_was_last_seen_is_refused_and_named(api: Api) -> None:
    api.place(key="warm")
    withdraw(api)

    named = api.place(an_order(lines=[{"part": "RL-0001", "revision": "A", "quantity": 1}]), key="named")
    unnamed = api.place(key="unnamed")

    assert refusal_of(named) == Refusal(status=422, code="revision_withdrawn", pointers=("/lines/0/revision",))
    assert refusal_of(unnamed) == Refusal(status=422, code="revision_not_released", pointers=("/lines/0/part",))
    assert read(api.engine, "SELECT count(*) FROM orders") == [(1,)]


def test_a_revision_released_since_the_part_was_last_seen_is_ordered_instead(api: Api) -> None:
    assert api.place(key="warm").json()["lines"][0]["revision"] == "A"
    revision_b = given_revision(api.engine, part_id=api.owner.part_id, revision="B")

    order = api.place(key="next").json()

    assert order["lines"][0]["revision"] == "B"
    assert read(api.engine, "SELECT revision_id FROM order_lines ORDER BY id DESC LIMIT 1") == [(revision_b,)]


def test_every_part_that_can_not_be_ordered_is_pointed_at(api: Api) -> None:
    lines = [{"part": part, "quantity": 1} for part in ("RL-0001", "XX-1", "XX-2")]
    response = api.place(an_order(lines=lines))

    assert refusal_of(response) == Refusal(status=422, code="unknown_part", pointers=("/lines/1/part", "/lines/2/part"))
    assert messages_of(response)[0] == "you have no part XX-1: GET /v1/parts"
    assert read(api.engine, "SELECT count(*) FROM idempotency_keys") == [(0,)]


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({}, "idempotency_key_missing"),
        ({"Idempotency-Key": ""}, "idempotency_key_missing"),
        ({"Idempotency-Key": "x" * 256}, "idempotency_key_invalid"),
        ({"Idempotency-Key": "a\tb"}, "idempotency_key_invalid"),
    ],
)
def test_without_a_good_idempotency_key_nothing_is_placed(api: Api, headers: dict[str, str], code: str) -> None:
    response = api.client.post("/v1/orders", json=an_order(), headers=headers)

    assert refusal_of(response) == Refusal(status=400, code=code)
    assert read(api.engine, "SELECT count(*) FROM orders") == [(0,)]


def test_the_longest_idempotency_key_is_taken(api: Api) -> None:
    assert api.place(key="k" * 255).status_code == 201


def test_sixty_four_repetitions_at_once_place_one_order_and_all_answers_are_the_same_bytes(api: Api) -> None:
    with ThreadPoolExecutor(64) as clients:
        responses = list(clients.map(lambda _: api.place(key="storm"), range(64)))

    by_status = Counter(response.status_code for response in responses)
    assert set(by_status) <= {201, 409}
    assert by_status[201] >= 1
    assert len({response.content for response in responses if response.status_code == 201}) == 1
    for response in responses:
        if response.status_code == 409:
            assert refusal_of(response) == Refusal(status=409, code="idempotency_key_in_flight")
            assert response.headers["Retry-After"] == "1"
    assert read(api.engine, "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM order_lines)") == [(1, 1)]


def test_two_processes_hit_by_the_same_keys_place_each_order_once(api: Api, database: Database) -> None:
    keys = [f"k{number % 40}" for number in range(160)]
    with served_api(database.url) as other, client_on(other.socket, api.owner.token, {}) as second:
        clients = (api.client, second)

        def place(number: int) -> httpx.Response:
            return clients[number % 2].post(
                "/v1/orders", json=an_order(), headers={"Idempotency-Key": keys[number // 2 % len(keys)]}
            )

        with ThreadPoolExecutor(16) as pool:
            responses = list(pool.map(place, range(160)))

    answers: dict[str, set[bytes]] = {}
    for number, response in enumerate(responses):
        if response.status_code == 201:
            answers.setdefault(keys[number // 2 % len(keys)], set()).add(response.content)
    assert {response.status_code for response in responses} <= {201, 409}
    assert len(answers) == 40
    assert all(len(bodies) == 1 for bodies in answers.values())
    assert read(api.engine, "SELECT count(*) FROM orders") == [(40,)]
