"""Quotes over HTTP: what is asked, what is offered, what is ruled out, and reading them again."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest

from fabroute.api.schemas.quotes import RuledOutOut
from fabroute.database import unit_of_work
from fabroute.logistics.rules import ExchangeRate
from fabroute.logistics.service import LogisticsData, save_logistics
from tests.conftest import Database
from tests.factories.api import Api, Json, served_api
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_owner, given_revision
from tests.factories.problems import Refusal, refusal_of
from tests.factories.routable import given_routable_network

LANDED = 5_000 + 997
"""The node's minimum order, and (8 + 0.5 x 0.9) x 1.18 to Hamburg."""
SWISS = ExchangeRate(
    currency="CHF", per_eur=0.94, valid_from=date(2020, 1, 1), valid_to=date(2099, 12, 31), source="a test"
)
BERLIN, POTSDAM = a_node(), a_node(node_id="N102", city="Potsdam", packaging=("esd",))


@pytest.fixture
def api(database: Database, owner_in_template: Owner) -> Iterator[Api]:
    """An API whose network can make the owner's part in Berlin, but not in Potsdam, and knows the Swiss franc."""
    with served_api(database.url, owner=owner_in_template, quote_snapshot_seconds=0) as served:
        given_routable_network(served.engine, nodes=(BERLIN, POTSDAM), today=datetime.now(UTC).date())
        with unit_of_work(served.engine) as session:
            save_logistics(session, data=LogisticsData(exchange_rates=(SWISS,)))
        yield served


def a_question(**changes: object) -> Json:
    """Return a body for POST /v1/quotes: one door stopper to Hamburg, with ``changes``."""
    return {"part": "RL-0001", "ship_to": {"city": "Hamburg", "country": "DE"}} | changes


def asked(api: Api, **changes: object) -> httpx.Response:
    """Ask for a quote."""
    return api.client.post("/v1/quotes", json=a_question(**changes))


def quoted(api: Api, **changes: object) -> dict[str, Any]:
    """Ask for a quote, which must be made, and return it."""
    response = asked(api, **changes)
    assert response.status_code == 201, response.text
    body: dict[str, Any] = response.json()
    return body


def test_a_quote_says_who_makes_it_for_how_much_and_when_it_is_there(api: Api) -> None:
    response = asked(api)

    assert response.status_code == 201
    quote = response.json()
    assert response.headers["Location"] == f"/v1/quotes/{quote['id']}"
    assert (quote["state"], quote["order_id"], quote["part"], quote["revision"]) == ("open", None, "RL-0001", "A")
    (quantity,) = quote["quantities"]
    (offer,) = quantity["offers"]
    assert (quantity["quantity"], quantity["candidates"]) == (1, 1)
    assert offer["labels"] == ["cheapest", "fastest", "greenest"]
    assert offer["node"] == {"node_id": "N101", "kind": "service_bureau", "city": "Berlin", "country": "DE"}
    assert (offer["process"], offer["material"], offer["service"]) == ("MJF", "PA12-MJF", "express")
    assert offer["landed"] == offer["price"] == offer["unit"] == {"amount_minor": LANDED, "currency": "EUR"}
    assert (offer["production"]["amount_minor"], offer["freight"]["amount_minor"]) == (5_000, 997)
    assert offer["earliest_at"] <= offer["expected_at"] <= offer["promised_at"]
    assert offer["on_time_probability"] is None


def test_the_price_is_broken_down_by_row_and_by_what_it_is_for(api: Api) -> None:
    quote = quoted(api)

    ((offer,),) = [quantity["offers"] for quantity in quote["quantities"]]
    rows_of_it = {row["code"]: row["amount_minor"] for row in offer["rows"]}
    groups = {row["code"]: row["amount_minor"] for row in offer["breakdown"]}
    assert sum(rows_of_it.values()) == sum(groups.values()) == LANDED
    assert groups["freight"] == rows_of_it["freight_base"] + rows_of_it["freight_weight"] + rows_of_it["fuel"] == 997
    assert groups["labour"] == sum(rows_of_it[code] for code in ("operator", "setup_and_unloading", "file_preparation"))
    assert groups["minimum_order"] == rows_of_it["minimum_order_top_up"]
    (sources,) = quote["sources"]
    figures = {figure["code"]: figure for figure in sources["figures"]}
    assert (sources["node_id"], sources["machine_offer_id"]) == ("N101", offer["machine_offer_id"])
    assert (figures["layer_fixed_s"]["value"], figures["layer_fixed_s"]["mark"]) == (6.2, "vendor")


def test_quantities_are_quoted_each_for_itself_with_price_breaks(api: Api) -> None:
    quote = quoted(api, quantities=[10, 1])

    offers = {quantity["quantity"]: quantity["offers"][0] for quantity in quote["quantities"]}
    assert list(offers) == [1, 10]
    first, second = quote["price_breaks"]
    assert (first["quantity"], first["landed"]["amount_minor"], first["saving"]) == (1, LANDED, 0)
    landed = offers[10]["landed"]["amount_minor"]
    assert (second["quantity"], second["landed"]["amount_minor"]) == (10, landed)
    assert second["unit"]["amount_minor"] == (landed + 5) // 10
    assert second["saving"] == round(1 - landed / 10 / LANDED, 4)
    assert offers[10]["id"] == f"{quote['id']}.10.cheapest"


def test_a_node_that_is_ruled_out_is_named_with_codes_figures_and_quantities(api: Api) -> None:
    quote = quoted(api, quantities=[1, 10])

    (ruled_out,) = quote["ruled_out"]
    assert ruled_out["nodes"] == [{"node_id": "N102", "city": "Potsdam", "country": "DE"}]
    assert ruled_out["quantities"] == [1, 10]
    (reason,) = ruled_out["reasons"]
    assert (reason["code"], reason["figures"]) == ("PACKAGING", {"wanted": "plain", "offered": "esd"})
    assert (reason["message"], reason["machine_id"]) == ("packaging plain is not offered, only esd", None)


def test_a_need_by_shows_how_likely_it_is_met(api: Api) -> None:
    need_by = datetime.now(UTC).replace(microsecond=0) + timedelta(days=30)

    quote = quoted(api, need_by=need_by.isoformat(), need_by_hard=False)

    ((offer,),) = [quantity["offers"] for quantity in quote["quantities"]]
    assert offer["on_time_probability"] == 1.0
    assert datetime.fromisoformat(quote["need_by"]) == need_by
    assert quote["need_by_hard"] is False


def test_prices_are_shown_in_another_currency_beside_euro(api: Api) -> None:
    quote = quoted(api, quantities=[1, 10], currency="CHF")

    one, ten = (quantity["offers"][0] for quantity in quote["quantities"])
    assert (quote["currency"], quote["per_eur"]) == ("CHF", 0.94)
    assert one["landed"] == {"amount_minor": LANDED, "currency": "EUR"}
    assert one["price"] == {"amount_minor": 5_637, "currency": "CHF"}  # 59.97 x 0.94 = 56.3718
    assert ten["price"]["amount_minor"] == round(ten["landed"]["amount_minor"] * 0.94)
    assert ten["unit_price"]["amount_minor"] == round(ten["landed"]["amount_minor"] * 0.094)


def test_a_currency_without_a_rate_is_refused(api: Api) -> None:
    response = asked(api, currency="ISK")

    assert refusal_of(response) == Refusal(status=422, code="currency_without_rate", pointers=("/currency",))
    assert response.json()["detail"].endswith(
        ": ask the operator for a rate (fabroute import exchange-rates), or ask in EUR"
    )


@pytest.mark.parametrize(
    ("currency", "per_eur", "price"),
    [
        ("USD", 1.16, 6_957),  # 59.97 x 1.16 = 69.5652
        ("JPY", 163.0, 9_775),  # 59.97 x 163 = 9,775.11
        ("KWD", 0.355, 21_289),  # 59.97 x 0.355 = 21.28935
    ],
)
def test_a_price_is_in_the_smallest_unit_of_its_currency(api: Api, currency: str, per_eur: float, price: int) -> None:
    rate = ExchangeRate(currency=currency, per_eur=per_eur, valid_from=date(2020, 1, 1), source="a test")
    in_transaction(api.engine, lambda session: save_logistics(session, data=LogisticsData(exchange_rates=(rate,))))

    quote = quoted(api, currency=currency)

    (offer,), (price_break,) = quote["quantities"][0]["offers"], quote["price_breaks"]
    for shown in (offer, price_break):
        assert shown["landed"] == {"amount_minor": LANDED, "currency": "EUR"}
        assert shown["price"] == shown["unit_price"] == {"amount_minor": price, "currency": currency}


@pytest.mark.parametrize("currency", ["eur", "EURO", "E1R", "ÄÖÜ", ""])
def test_what_is_no_currency_is_told_in_words(api: Api, currency: str) -> None:
    response = asked(api, currency=currency)

    assert refusal_of(response) == Refusal(status=422, code="validation_failed", pointers=("/currency",))
    assert response.json()["detail"] == "/currency must be three capital letters of ISO 4217, such as EUR"


def test_a_quote_is_not_made_before_the_instant_that_it_is_of(api: Api) -> None:
    quote = quoted(api)

    created, as_of = (datetime.fromisoformat(quote[name]) for name in ("created_at", "as_of"))
    assert created >= as_of
    assert datetime.fromisoformat(quote["valid_until"]) - created == api.resources.quotes.valid_for


def test_a_quote_is_read_as_it_was_made_whatever_happens_to_the_network(api: Api) -> None:
    made = asked(api)
    path = made.headers["Location"]
    in_transaction(api.engine, lambda session: rows(session, "UPDATE nodes SET status = 'down' RETURNING 1"))

    read = api.client.get(path)
    again = api.client.get(path, headers={"If-None-Match": read.headers["ETag"]})

    assert (read.status_code, read.content) == (200, made.content)
    assert (again.status_code, again.content) == (304, b"")
    assert quoted(api)["quantities"][0]["offers"] == []


def test_a_quote_says_when_it_has_expired(api: Api) -> None:
    quote = quoted(api)
    stands = datetime.fromisoformat(quote["valid_until"]) - datetime.fromisoformat(quote["created_at"])
    before = api.client.get(f"/v1/quotes/{quote['id']}")
    in_transaction(
        api.engine,
        lambda session: rows(session, "UPDATE quotes SET valid_until = created_at + interval '1 us' RETURNING 1"),
    )

    after = api.client.get(f"/v1/quotes/{quote['id']}")

    assert stands == timedelta(minutes=60)
    assert (before.json()["state"], after.json()["state"]) == ("open", "expired")
    assert before.headers["ETag"] != after.headers["ETag"]


def test_quotes_are_listed_newest_first_in_pages_with_their_cheapest_prices(api: Api) -> None:
    first, second, third = (str(quoted(api)["id"]) for _ in range(3))

    page = api.client.get("/v1/quotes", params={"limit": 2}).json()
    rest = api.client.get("/v1/quotes", params={"limit": 2, "cursor": page["next_cursor"]}).json()

    assert [quote["id"] for quote in page["data"]] == [third, second]
    assert [quote["id"] for quote in rest["data"]] == [first]
    assert (page["has_more"], rest["has_more"]) == (True, False)
    assert [each["landed"]["amount_minor"] for each in page["data"][0]["price_breaks"]] == [LANDED]
    assert "quantities" not in page["data"][0]


def test_an_owner_sees_no_quote_of_another(api: Api) -> None:
    quote, stranger = quoted(api), given_owner(api.engine, name="Südbahn")

    with api.as_(stranger.token) as client:
        read = client.get(f"/v1/quotes/{quote['id']}")
        listed = client.get("/v1/quotes").json()
        never = client.get("/v1/quotes/qte_never")

    assert refusal_of(read) == refusal_of(never) == Refusal(status=404, code="unknown_quote")
    assert read.json()["detail"].replace(str(quote["id"]), "qte_never") == never.json()["detail"]
    assert listed["data"] == []


def test_asking_takes_a_key_that_may_order_and_reading_one_that_may_read(api: Api) -> None:
    quote = quoted(api)
    reader = given_owner(api.engine, name="Westbahn", scopes=("orders:read",))

    with api.as_(reader.token) as client:
        refused = client.post("/v1/quotes", json=a_question())
        listed = client.get("/v1/quotes")
    with api.as_(None) as client:
        nobody = client.get(f"/v1/quotes/{quote['id']}")

    assert refusal_of(refused) == Refusal(status=403, code="missing_scope")
    assert (listed.status_code, nobody.status_code) == (200, 401)


def test_another_number_of_the_part_and_a_named_revision_are_understood(api: Api) -> None:
    given_revision(api.engine, part_id=api.owner.part_id, revision="B")

    latest, superseded = quoted(api, revision="B"), asked(api, revision="A")

    assert (latest["part"], latest["revision"]) == ("RL-0001", "B")
    assert refusal_of(superseded) == Refusal(status=422, code="revision_not_released", pointers=("/revision",))


WRONG: list[tuple[Json, str, tuple[str, ...]]] = [
    ({"part": "RL-9999"}, "unknown_part", ("/part",)),
    ({"revision": "Z"}, "unknown_revision", ("/revision",)),
    ({"quantities": []}, "validation_failed", ("/quantities",)),
    ({"quantities": list(range(1, 12))}, "validation_failed", ("/quantities",)),
    ({"quantities": [1, 1]}, "validation_failed", ("/quantities",)),
    ({"quantities": [0]}, "quantity_out_of_range", ("/quantities/0",)),
    ({"quantities": [1, 100_001]}, "quantity_out_of_range", ("/quantities/1",)),
    ({"quantities": 1}, "validation_failed", ("/quantities",)),
    ({"currency": "eur"}, "validation_failed", ("/currency",)),
    ({"max_price": {"amount_minor": 1, "currency": "USD"}}, "unsupported_currency", ("/max_price/currency",)),
    ({"need_by": "2020-01-01T00:00:00Z"}, "need_by_out_of_range", ("/need_by",)),
    ({"need_by": "2030-01-01"}, "validation_failed", ("/need_by",)),
    ({"ship_to": {"city": "Atlantis", "country": "QQ"}}, "unknown_country", ("/ship_to/country",)),
    ({"packaging": "gift"}, "validation_failed", ("/packaging",)),
    ({"objective": "fastest"}, "validation_failed", ("/objective",)),
]


@pytest.mark.parametrize(("changes", "code", "pointers"), WRONG)
def test_what_can_not_be_quoted_is_refused_where_it_stands(
    standing_api: Api, changes: Json, code: str, pointers: tuple[str, ...]
) -> None:
    response = asked(standing_api, **changes)

    assert refusal_of(response) == Refusal(status=422, code=code, pointers=pointers)
    assert standing_api.client.get("/v1/quotes").json()["data"] == []


def test_a_price_cap_rules_out_what_is_dearer(api: Api) -> None:
    cap = {"amount_minor": LANDED - 1, "currency": "EUR"}

    quote = quoted(api, max_price=cap)

    assert (quote["quantities"][0]["offers"], quote["price_breaks"]) == ([], [])
    reasons = {
        node["node_id"]: [reason["code"] for reason in group["reasons"]]
        for group in quote["ruled_out"]
        for node in group["nodes"]
    }
    assert reasons == {"N101": ["PRICE_CAP"], "N102": ["PACKAGING", "PRICE_CAP"]}
    assert quote["max_price"] == cap


def test_a_quote_holds_nothing(api: Api) -> None:
    quoted(api, quantities=[1, 10, 100])

    held = in_transaction(
        api.engine,
        lambda session: rows(
            session,
            "SELECT (SELECT count(*) FROM orders), (SELECT count(*) FROM material_allocations),"
            " (SELECT count(*) FROM capacity_allocations), (SELECT count(*) FROM routing_runs),"
            " (SELECT count(*) FROM audit_entries WHERE action = 'quote.made')",
        ),
    )

    assert held == [(0, 0, 0, 0, 1)]
    assert len(api.client.get("/v1/quotes").json()["data"]) == 1


def test_quotes_of_one_process_share_a_book_until_it_is_too_old(database: Database) -> None:
    with served_api(database.url, quote_snapshot_seconds=600) as api:
        given_routable_network(api.engine, nodes=(BERLIN,), today=datetime.now(UTC).date())
        first = quoted(api)
        in_transaction(api.engine, lambda session: rows(session, "UPDATE nodes SET status = 'down' RETURNING 1"))
        second = quoted(api)

    assert first["as_of"] == second["as_of"]
    assert [offer["landed"]["amount_minor"] for offer in second["quantities"][0]["offers"]] == [LANDED]


def test_each_offer_says_until_when_it_stands_and_the_quote_says_the_shortest(api: Api) -> None:
    quote = quoted(api, quantities=[1, 10])

    ends = [offer["valid_until"] for each in quote["quantities"] for offer in each["offers"]]
    assert min(ends) == quote["shortest_valid_until"]
    assert all(end <= quote["valid_until"] for end in ends)


def test_old_entries_of_single_nodes_are_read_as_groups_of_one() -> None:
    old = {"node_id": "N1", "kind": "hub", "city": "Ulm", "country": "DE", "quantities": [1], "reasons": []}

    read = RuledOutOut.model_validate(old)

    assert read.model_dump() == {
        "nodes": [{"node_id": "N1", "city": "Ulm", "country": "DE"}],
        "quantities": [1],
        "reasons": [],
    }
    assert RuledOutOut.model_validate(read.model_dump()) == read
