"""A process quotes from a book that it keeps: what this process itself changes is in the next quotes nevertheless."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import Database
from tests.factories.api import Api, an_order, served_api
from tests.factories.api_jobs import token_of
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner
from tests.factories.routable import given_routable_network

NODES = (a_node(), a_node(node_id="N102", city="Potsdam", minimum_order_minor=6_000))
DOWN = {"status": "down", "reason": "power cut"}
RATES = "currency,per_eur,valid_from,valid_to,source\nCHF,0.95,2026-01-01,2027-12-31,ECB\n"


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """An API that keeps its book for ten minutes, with a cheap node in Berlin and a dearer one in Potsdam."""
    with served_api(database.url, owner=owner_in_template, quote_snapshot_seconds=600) as served:
        given_routable_network(served.engine, nodes=NODES, today=datetime.now(UTC).date())
        yield served


def quoted(api: Api) -> dict[str, Any]:
    body = {"part": "RL-0001", "ship_to": {"city": "Hamburg", "country": "DE"}}
    quote: dict[str, Any] = api.client.post("/v1/quotes", json=body).json()
    return quote


def cheapest(quote: dict[str, Any]) -> str:
    """Return the node of a quote's cheapest offer."""
    node: str = quote["quantities"][0]["offers"][0]["node"]["node_id"]
    return node


def table(api: Api, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(api.engine, lambda session: rows(session, sql))


def test_after_a_refusal_the_same_customer_is_not_offered_what_is_gone_again(api: Api) -> None:
    quote = quoted(api)
    table(api, "UPDATE nodes SET status = 'down', status_reason = 'flooded' WHERE id = 'N101' RETURNING 1")
    unaware = quoted(api)

    refused = api.place(an_order(quote_id=quote["id"]))

    assert (refused.status_code, refused.json()["code"]) == (409, "quote_not_kept")
    assert (cheapest(quote), cheapest(unaware), cheapest(quoted(api))) == ("N101", "N101", "N102")


def test_an_acceptance_outdates_the_book_and_a_refusal_of_the_request_does_not(api: Api) -> None:
    quote, books = quoted(api), api.resources.quotes.books
    held = books.book()
    api.place(an_order(quote_id="qte_never"), key="key-2")
    assert books.book() is held
    placed = api.place(an_order(quote_id=quote["id"]))
    books.outdated(told="org_asks")

    assert placed.status_code == 201
    assert books.book(asked_by="org_asks") is not held


def test_who_takes_a_node_down_finds_it_down_in_the_next_quote(api: Api) -> None:
    before, books = quoted(api), api.resources.quotes.books
    with api.as_(token_of(api.engine, "org_operator", "operator")) as operator:
        version = operator.get("/v1/nodes/N101").headers["ETag"]
        changed = operator.patch("/v1/nodes/N101", json=DOWN, headers={"If-Match": version})
        found = operator.get("/v1/nodes/N101").json()["status"]

    assert (changed.status_code, found) == (200, "down")
    nodes = books.book(asked_by="org_operator").snapshot.network.nodes
    assert nodes["N101"].status == "down"
    assert (cheapest(before), cheapest(quoted(api))) == ("N101", "N102")


def test_an_import_of_rates_is_in_the_operators_next_quote_and_a_dry_run_reads_nothing(api: Api) -> None:
    quoted(api)
    books = api.resources.quotes.books
    held = books.book()
    with api.as_(token_of(api.engine, "org_operator", "operator"), **{"Content-Type": "text/csv"}) as operator:
        dry = operator.post("/v1/imports/exchange-rates?dry_run=true", content=RATES)
        same = books.book(asked_by="org_operator")
        done = operator.post("/v1/imports/exchange-rates", content=RATES)

    assert (dry.status_code, done.status_code) == (200, 200), (dry.text, done.text)
    assert same is held
    assert "CHF" not in str(held.snapshot.logistics.rates)
    assert "CHF" in str(books.book(asked_by="org_operator").snapshot.logistics.rates)
