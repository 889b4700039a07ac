"""Advice beside quotes: printed or conventional, for what the cheapest offer costs to print."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

from tests.conftest import Database
from tests.factories.api import Api, served_api
from tests.factories.api_advice import eur
from tests.factories.orders import Owner
from tests.factories.routable import given_routable_network


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """An API whose network of one node can make the owner's part."""
    with served_api(database.url, owner=owner_in_template, quote_snapshot_seconds=0) as served:
        given_routable_network(served.engine, today=datetime.now(UTC).date())
        yield served


def quoted(api: Api, *quantities: int) -> dict[str, Any]:
    """Return a quote to Hamburg."""
    body = {"part": "RL-0001", "quantities": [*quantities], "ship_to": {"city": "Hamburg", "country": "DE"}}
    answer = api.client.post("/v1/quotes", json=body)
    assert answer.status_code == 201, answer.text
    quote: dict[str, Any] = answer.json()
    return quote


def given_conventional(api: Api, *, unit: int, tooling: int) -> None:
    """State what the part costs conventionally."""
    method = {"unit": eur(unit), "tooling": eur(tooling)}
    changed = api.client.patch("/v1/parts/RL-0001", json={"conventional": method}, headers={"If-Match": "*"})
    assert changed.status_code == 200, changed.text


def test_each_quantity_is_advised_for_itself_without_freight(api: Api) -> None:
    given_conventional(api, unit=100, tooling=20_000)
    one, many = quoted(api, 1, 60)["quantities"]
    production = many["offers"][0]["production"]["amount_minor"]
    unit = production / 60

    assert one["offers"][0]["production"] == eur(5_000)
    assert one["advice"] == {
        "zone": "additive",
        "crossover": 4.08,
        "unit": eur(5_000),
        "cheaper": "print",
        "cheaper_from": 60,
        "saving": eur(20_100 - 5_000),
        "conventional": eur(20_100),
        "meaning": "printing saves 151.00 EUR here; at this quantity's piece price of 50.00 EUR the crossover is at 4 "
        "pieces; of the quantities asked, the conventional way is cheaper from 60 on",
    }
    assert many["advice"]["crossover"] == round(20_000 / (unit - 100), 2)
    assert (many["advice"]["cheaper"], many["advice"]["conventional"]) == ("conventional", eur(26_000))
    assert many["advice"]["saving"] == eur(production - 26_000)


def test_advice_stays_with_the_quote_as_it_was_made(api: Api) -> None:
    given_conventional(api, unit=100, tooling=20_000)
    quote = quoted(api, 1)
    given_conventional(api, unit=1, tooling=0)
    again = api.client.get(f"/v1/quotes/{quote['id']}").json()

    assert again["quantities"] == quote["quantities"]
    assert quoted(api, 1)["quantities"][0]["advice"]["cheaper"] == "conventional"


def test_a_quote_of_a_part_without_a_conventional_price_has_none(api: Api) -> None:
    (quantity,) = quoted(api, 1)["quantities"]

    assert (len(quantity["offers"]), quantity["advice"]) == (1, None)


def test_a_quantity_that_nobody_can_make_is_told_what_it_costs_conventionally(api: Api) -> None:
    given_conventional(api, unit=100, tooling=20_000)
    (quantity,) = quoted(api, 90_000)["quantities"]

    assert (quantity["offers"], quantity["advice"]["conventional"]) == ([], eur(9_020_000))
    assert (quantity["advice"]["zone"], quantity["advice"]["unit"], quantity["advice"]["saving"]) == (None,) * 3
    assert quantity["advice"]["meaning"].startswith("no node can print 90,000 as asked; conventionally they cost")


def test_a_quote_beyond_its_crossover_is_accepted_and_its_order_told(api: Api) -> None:
    given_conventional(api, unit=100, tooling=0)
    quote = quoted(api, 10)
    body = {
        "quote_id": quote["id"],
        "lines": [{"part": "RL-0001", "quantity": 10}],
        "ship_to": {"city": "Hamburg", "country": "DE"},
    }
    placed = api.place(body)

    assert placed.status_code == 201, placed.text
    (line,) = api.client.get(placed.headers["Location"]).json()["lines"]
    assert line["advice"] == quote["quantities"][0]["advice"]
    assert (line["state"], line["advice"]["cheaper"]) == ("routed", "conventional")
