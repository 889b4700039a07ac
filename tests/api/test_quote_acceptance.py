"""Accepting a quote over HTTP: one order with its job in the answer, once, or a refusal that says everything."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from fabroute.api.app import build_app
from fabroute.api.resources import make_resources
from tests.conftest import Database
from tests.factories.api import Api, Json, an_order, client_on, served, served_api
from tests.factories.concurrency import at_once
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_owner
from tests.factories.problems import Refusal, refusal_of
from tests.factories.routable import given_free_minutes, given_routable_network, held_and_taken

LANDED = 5_000 + 997
BERLIN, POTSDAM = a_node(packaging=("plain", "esd")), a_node(node_id="N102", city="Potsdam", minimum_order_minor=6_000)
ACCEPTERS = 16


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """An API on a network with a cheap node in Berlin and a dearer one in Potsdam."""
    with served_api(database.url, owner=owner_in_template, quote_snapshot_seconds=0) as served:
        given_routable_network(served.engine, nodes=(BERLIN, POTSDAM), today=datetime.now(UTC).date())
        yield served


def quoted(api: Api, **changes: object) -> dict[str, Any]:
    """Ask for a quote to Hamburg and return it."""
    body = {"part": "RL-0001", "ship_to": {"city": "Hamburg", "country": "DE"}} | changes
    response = api.client.post("/v1/quotes", json=body)
    assert response.status_code == 201, response.text
    quote: dict[str, Any] = response.json()
    return quote


def accepting(quote: dict[str, Any], *, quantity: int = 1, **changes: object) -> Json:
    """Return the body of an order that accepts a quote."""
    return an_order(quote_id=quote["id"], lines=[{"part": "RL-0001", "quantity": quantity}]) | changes


def post(client: httpx.Client, body: Json, key: str) -> httpx.Response:
    return client.post("/v1/orders", json=body, headers={"Idempotency-Key": key})


@contextmanager
def another_process(api: Api) -> Iterator[httpx.Client]:
    """Yield a client of a second API on the same database, with caches and connections of its own."""
    app = build_app(make_resources(api.resources.settings))
    with served(app) as socket, client_on(socket, api.owner.token, {}) as client:
        yield client


def table(api: Api, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(api.engine, lambda session: rows(session, sql))


def test_accepting_a_quote_answers_with_the_routed_order_and_its_job(api: Api) -> None:
    quote = quoted(api, quantities=[1, 10])
    offer = quote["quantities"][1]["offers"][0]

    response = api.place(accepting(quote, quantity=10, reference="PO-7"))

    assert response.status_code == 201
    order = response.json()
    (line,) = order["lines"]
    assert (order["state"], line["state"], line["quantity"], order["reference"]) == ("routed", "routed", 10, "PO-7")
    assert order["quote"] == {
        "quote_id": quote["id"],
        "offer": "cheapest",
        "price": offer["landed"],
        "arrival": offer["promised_at"],
        "arrival_at_risk": False,
        "arrival_note": f"arrival by {offer['promised_at'][:10]} stands as agreed",
    }
    assert (line["routing"]["node_id"], line["routing"]["landed"]) == ("N101", offer["landed"])
    assert table(api, "SELECT id, state, quantity FROM jobs") == [(line["routing"]["job_id"], "offered", 10)]
    assert response.headers["Location"] == f"/v1/orders/{order['id']}"
    assert api.client.get(response.headers["Location"]).json() == order
    after = api.client.get(f"/v1/quotes/{quote['id']}").json()
    assert (after["state"], after["order_id"], after["accepted_offer"]) == ("accepted", order["id"], "cheapest")


def test_an_agreed_date_is_at_risk_while_the_job_is_held_and_where_there_is_no_route(api: Api) -> None:
    order = api.place(accepting(quoted(api))).json()
    path, day = f"/v1/orders/{order['id']}", order["quote"]["arrival"][:10]

    table(api, "UPDATE jobs SET state = 'held', held_reason = 'CERT_EXPIRED' RETURNING 1")
    held = api.client.get(path).json()
    table(api, "UPDATE order_lines SET state = 'no_route', state_reason = 'CAPACITY' RETURNING 1")
    unrouted = api.client.get(path).json()

    assert [it["quote"]["arrival_at_risk"] for it in (order, held, unrouted)] == [False, True, True]
    begins = f"the price stands, but arrival by {day} is at risk: "
    assert held["quote"]["arrival_note"] == f"{begins}its job is held (CERT_EXPIRED)"
    assert unrouted["quote"]["arrival_note"] == f"{begins}the line is without a route"
    assert held["quote"]["price"] == unrouted["quote"]["price"] == order["quote"]["price"]


def test_the_decision_can_be_read_as_any_other(api: Api) -> None:
    order = api.place(accepting(quoted(api))).json()

    (decision,) = api.client.get(f"/v1/orders/{order['id']}/decision").json()["decisions"]

    assert decision["chosen"]["node_id"] == "N101"
    assert (decision["solver"]["engine"], decision["solver"]["lines"], decision["solver"]["gap"]) == ("quote", 1, 0.0)
    assert [candidate["node_id"] for candidate in decision["candidates"]] == ["N101", "N102"]
    (next_best,) = [other for other in decision["alternatives"] if other["label"] == "next_best"]
    assert next_best["difference"]["landed_minor"] == 1_000


def test_a_repetition_gets_the_same_bytes_from_any_process_and_after_a_restart(api: Api) -> None:
    body = accepting(quoted(api))
    first, again = api.place(body), api.place(body)
    table(api, "UPDATE quotes SET valid_until = created_at RETURNING 1")

    with another_process(api) as client:
        elsewhere = post(client, body, "key-1")

    assert (first.status_code, again.status_code, elsewhere.status_code) == (201, 201, 201)
    assert first.content == again.content == elsewhere.content
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == elsewhere.headers["Idempotency-Replayed"] == "true"
    assert first.headers["Location"] == elsewhere.headers["Location"]
    assert table(api, "SELECT count(*) FROM orders") == [(1,)]


def test_a_key_stands_for_one_body(api: Api) -> None:
    quote = quoted(api, quantities=[1, 10])
    api.place(accepting(quote))

    others = [
        api.place(accepting(quote, quantity=10)),
        api.place(accepting(quote, quote_offer="fastest")),
        api.place(accepting(quote, packaging="plain")),
        api.place(accepting(quote, ship_to={"city": "Atlantis", "country": "DE"})),
        api.place(an_order()),
    ]

    assert [refusal_of(other) for other in others] == [Refusal(status=422, code="idempotency_key_reused")] * 5
    assert table(api, "SELECT count(*) FROM orders") == [(1,)]


def test_a_key_that_is_being_answered_is_in_flight(api: Api) -> None:
    body = accepting(quoted(api))
    api.resources.acceptances.in_flight.keys.add((api.owner.organisation_id, "key-1"))
    waiting = api.place(body)
    api.resources.acceptances.in_flight.keys.clear()

    assert refusal_of(waiting) == Refusal(status=409, code="idempotency_key_in_flight")
    assert waiting.headers["Retry-After"] == "1"
    assert api.place(body).status_code == 201
    assert api.resources.acceptances.in_flight.keys == set()


def test_a_refusal_leaves_the_key_free(api: Api) -> None:
    quote = quoted(api)
    wrong, right = api.place(accepting(quote, packaging="esd")), api.place(accepting(quote))

    assert refusal_of(wrong) == Refusal(status=422, code="quote_mismatch", pointers=("/packaging",))
    assert right.status_code == 201
    assert table(api, "SELECT subject_id FROM idempotency_keys") == [(right.json()["id"],)]


def test_what_is_left_out_is_as_quoted(api: Api) -> None:
    need_by = (datetime.now(UTC) + timedelta(days=30)).replace(microsecond=0)
    quote = quoted(api, packaging="esd", criticality="line_down", need_by=need_by.isoformat(), need_by_hard=False)

    order = api.place(accepting(quote)).json()

    assert (order["packaging"], order["criticality"], order["need_by_hard"]) == ("esd", "line_down", False)
    assert datetime.fromisoformat(order["need_by"]) == need_by
    assert table(api, "SELECT packaging FROM jobs") == [("esd",)]


def test_what_differs_from_the_quote_is_pointed_at(api: Api) -> None:
    quote = quoted(api)
    bremen = {"city": "Bremen", "country": "DE", "latitude": 53.08, "longitude": 8.8}

    response = api.place(
        accepting(quote, ship_to=bremen, need_by="2040-01-01T00:00:00Z", lines=[{"part": "RL-2", "quantity": 2}])
    )

    assert refusal_of(response) == Refusal(
        status=422, code="quote_mismatch", pointers=("/lines/0/part", "/lines/0/quantity", "/ship_to/city", "/need_by")
    )
    assert "must be RL-0001, as quoted" in response.json()["detail"]


def test_an_objective_must_not_contradict_the_offer(api: Api) -> None:
    quote = quoted(api)
    (offer,) = quote["quantities"][0]["offers"]
    table(
        api,
        "UPDATE quotes SET document = jsonb_set(document::jsonb, '{quantities,0,offers,0,labels}', "
        "'[\"cheapest\"]') RETURNING 1",
    )

    refused = api.place(accepting(quote, quote_offer="cheapest", objective="fastest"))
    balanced = api.place(accepting(quote, quote_offer="cheapest", objective="balanced"))

    assert offer["labels"] == ["cheapest", "fastest", "greenest"]
    assert refusal_of(refused) == Refusal(status=422, code="quote_mismatch", pointers=("/objective",))
    assert "/objective must be cheapest, as the quote_offer, or balanced, or left out" in refused.json()["detail"]
    assert (balanced.status_code, balanced.json()["objective"]) == (201, "balanced")


def test_an_offer_that_is_the_best_in_several_things_goes_with_each_of_these_objectives(api: Api) -> None:
    placed = api.place(accepting(quoted(api), quote_offer="cheapest", objective="fastest"))

    assert (placed.status_code, placed.json()["objective"]) == (201, "fastest")
    assert placed.json()["quote"]["offer"] == "cheapest"


def test_what_differs_is_told_in_sentences(api: Api) -> None:
    quote = quoted(api, packaging="medical_clean", quantities=[3])
    munich = {"city": "Hamburg", "country": "DE", "latitude": 48.1, "longitude": 11.5}

    response = api.place(accepting(quote, quantity=3, ship_to=munich, quote_offer="cheapest"))

    offer, place = response.json()["errors"]
    assert offer == {
        "pointer": "/quote_offer",
        "message": "asks for the cheapest offer for 3, but no node could make that many",
    }
    assert place == {"pointer": "/ship_to/latitude", "message": "must be 53.5507, at longitude 9.993, as quoted"}


def test_a_quote_that_was_accepted_before_names_its_order(api: Api) -> None:
    body = accepting(quoted(api))
    order = api.place(body).json()

    second = api.place(body, key="key-2")

    assert refusal_of(second) == Refusal(status=409, code="quote_already_accepted")
    assert second.json()["details"]["order_id"] == order["id"]
    assert f"GET /v1/orders/{order['id']}" in second.json()["detail"]


def test_an_expired_quote_says_since_when_and_how_to_renew_it(api: Api) -> None:
    quote = quoted(api)
    table(api, "UPDATE quotes SET valid_until = created_at + interval '1 us' RETURNING 1")

    response = api.place(accepting(quote))

    assert refusal_of(response) == Refusal(status=409, code="quote_expired")
    since = datetime.fromisoformat(response.json()["details"]["valid_until"])
    assert since == datetime.fromisoformat(quote["created_at"]) + timedelta(microseconds=1)
    assert "POST /v1/quotes" in response.json()["detail"]


def test_a_quote_that_can_not_be_kept_says_why_in_codes_and_figures_and_what_comes_nearest(api: Api) -> None:
    quote = quoted(api)
    given_free_minutes(api.engine, [0] * 45, today=datetime.now(UTC).date())

    response = api.place(accepting(quote))

    assert refusal_of(response) == Refusal(status=409, code="quote_not_kept", pointers=("/quote_id",))
    details = response.json()["details"]
    (reason,) = details["reasons"]
    assert (details["quote_id"], details["offer"], details["quantity"]) == (quote["id"], "cheapest", 1)
    assert (reason["code"], reason["machine_id"], reason["figures"]["free_minutes"]) == ("CAPACITY", "N101-A", 0)
    assert (details["alternative"]["node_id"], details["alternative"]["more_minor"]) == ("N102", 1_000)
    assert set(reason) == {"code", "message", "figures", "machine_id"}
    assert response.json()["errors"][0]["message"] == f"CAPACITY: {reason['message']}"
    assert "Nearest is Potsdam: 10.00 EUR more, at the same time" in response.json()["detail"]
    assert table(api, "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM idempotency_keys)") == [(0, 0)]


def test_a_quote_that_is_not_there_or_not_ones_own_is_unknown(api: Api) -> None:
    quote, stranger = quoted(api), given_owner(api.engine, name="Südbahn")

    with api.as_(stranger.token, **{"Idempotency-Key": "key-1"}) as client:
        foreign = client.post("/v1/orders", json=accepting(quote))
        never = client.post("/v1/orders", json=accepting({"id": "qte_never"}))

    expected = Refusal(status=422, code="unknown_quote", pointers=("/quote_id",))
    assert refusal_of(foreign) == refusal_of(never) == expected
    assert foreign.json()["detail"].replace(quote["id"], "qte_never") == never.json()["detail"]


def test_an_offer_is_of_a_quote(api: Api) -> None:
    without, unknown = api.place(an_order(quote_offer="fastest")), api.place(an_order(quote_id="q", quote_offer="best"))

    assert refusal_of(without) == Refusal(status=422, code="validation_failed", pointers=("",))
    assert refusal_of(unknown) == Refusal(status=422, code="validation_failed", pointers=("/quote_offer",))


def test_an_order_without_a_quote_is_told_apart_as_it_was_before_there_were_quotes(api: Api) -> None:
    placed = api.place()

    body = {
        "reference": None,
        "batch": None,
        "objective": None,
        "criticality": None,
        "need_by": None,
        "need_by_hard": True,
        "max_price": None,
        "packaging": "plain",
        "ship_to": {"name": None, "city": "Hamburg", "country": "DE", "latitude": None, "longitude": None},
        "lines": [{"part": "RL-0001", "revision": None, "quantity": 1}],
    }
    digest = hashlib.sha256(json.dumps(body, separators=(",", ":")).encode()).hexdigest()
    assert table(api, "SELECT request_sha256 FROM idempotency_keys") == [(digest,)]
    assert (placed.json()["quote"], placed.json()["state"]) == (None, "pending")


def test_sixteen_clients_of_two_processes_accept_one_quote_and_one_of_them_gets_it(api: Api) -> None:
    body = accepting(quoted(api))
    with another_process(api) as second:
        clients = (api.client, second) * (ACCEPTERS // 2)
        responses = at_once(*(partial(post, client, body, f"key-{n}") for n, client in enumerate(clients)))

    codes = Counter(response.json().get("code", "placed") for response in responses)
    assert codes == {"placed": 1, "quote_already_accepted": ACCEPTERS - 1}
    orders = {response.json().get("details", response.json()).get("order_id") for response in responses} - {None}
    assert [(order,) for order in orders] == table(api, "SELECT id FROM orders")
    assert table(api, "SELECT count(*) FROM jobs") == [(1,)]
    held = in_transaction(api.engine, held_and_taken)
    assert (held["grams"], held["minutes"]) == (held["held_grams"], held["held_minutes"])


def test_one_request_sent_sixteen_times_at_once_is_one_order_with_the_same_bytes(api: Api) -> None:
    body = accepting(quoted(api))
    with another_process(api) as second:
        clients = (api.client, second) * (ACCEPTERS // 2)
        responses = at_once(*(partial(post, client, body, "one") for client in clients))
    last = post(api.client, body, "one")

    waiting = [response for response in responses if response.status_code == 409]
    answered = [response for response in responses if response.status_code == 201]
    assert {response.json()["code"] for response in waiting} <= {"idempotency_key_in_flight"}
    assert len(waiting) + len(answered) == ACCEPTERS
    assert {response.content for response in answered} == {last.content}
    assert sum("Idempotency-Replayed" not in response.headers for response in answered) == 1
    assert table(api, "SELECT count(*) FROM orders") == [(1,)]


def test_an_accepted_order_is_cancelled_as_any_other_and_its_quote_stays_accepted(api: Api) -> None:
    quote = quoted(api)
    order = api.place(accepting(quote)).json()

    cancelled = api.client.post(f"/v1/orders/{order['id']}/cancel")

    assert (cancelled.status_code, cancelled.json()["state"]) == (200, "cancelled")
    unchanged = {name: value for name, value in order["quote"].items() if name != "arrival_note"}
    assert cancelled.json()["quote"] == unchanged | {"arrival_note": "the order is cancelled"}
    assert in_transaction(api.engine, held_and_taken) == dict.fromkeys(
        ("grams", "minutes", "held_grams", "held_minutes"), 0
    )
    assert api.client.get(f"/v1/quotes/{quote['id']}").json()["state"] == "accepted"
