"""A Shopify shop and the API: orders come in once, fulfilments go back once, whatever breaks between."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest

from fabroute.bridges.shopify import ShopifyInbox, ShopifyShop
from fabroute.bridges.wire import JsonWire
from tests.factories.api import Api
from tests.factories.api_jobs import save_a_qualified_node
from tests.factories.bridge_payloads import (
    SECRET,
    SHOP,
    SHOPIFY_ORDER,
    Payload,
    body_of,
    changed,
    shopify_headers,
    with_line,
)
from tests.factories.bridges import Bridged, bridged, bureau_of, given_delivered, given_shipped, transport_to
from tests.fakes.foreign_systems import TOKEN, FakeShopify
from tests.fakes.web_server import served_by

ORDER_ID, LINE_ID = 820982911946154508, 866550311766439020


@pytest.fixture
def shop() -> FakeShopify:
    return FakeShopify(order_id=ORDER_ID, line_id=LINE_ID, quantity=3)


@contextmanager
def to_shop(
    api: Api, shop: FakeShopify, folder: Path, *, transport: httpx.BaseTransport | None = None
) -> Iterator[Bridged]:
    with ExitStack() as opened:
        url = opened.enter_context(served_by(shop))
        headers = {"X-Shopify-Access-Token": TOKEN}
        wire = opened.enter_context(JsonWire(name=SHOP, url=url, headers=headers))
        desk, inbox = ShopifyShop(shop=SHOP, wire=wire), ShopifyInbox(shop=SHOP, secret=SECRET)
        yield opened.enter_context(bridged(api, folder / "shopify.sqlite3", desk, inbox=inbox, transport=transport))


def sell(bridge: Bridged, payload: Payload = SHOPIFY_ORDER, **headers: str) -> int:
    body = body_of(payload)
    return bridge.hear(body, shopify_headers(body, **headers))


def orders_of(api: Api) -> list[str]:
    return [order["id"] for order in api.client.get("/v1/orders").json()["data"]]


class LostAnswers(httpx.BaseTransport):
    """Does what is asked, and loses so many answers to orders."""

    def __init__(self, inner: httpx.BaseTransport, *, count: int) -> None:
        self._inner, self.left = inner, count

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        answer = self._inner.handle_request(request)
        if request.url.path == "/v1/orders" and request.method == "POST" and self.left:
            self.left -= 1
            answer.close()
            raise httpx.ReadError("the connection was lost")
        return answer

    def close(self) -> None:
        self._inner.close()


def test_a_sale_becomes_an_order_with_its_ids_lines_address_and_cap(
    api: Api, shop: FakeShopify, tmp_path: Path
) -> None:
    with to_shop(api, shop, tmp_path) as bridge:
        assert sell(bridge) == 200
        bridge.work()
        order, entry = bridge.order(), bridge.entry()

    assert (order["reference"], order["batch"]) == ("#9999 820982911946154508", SHOP)
    assert [(line["part"], line["quantity"]) for line in order["lines"]] == [("RL-0001", 3)]
    assert order["ship_to"] == {
        "name": "Shipping Company, Steve Shipper",
        "street": "123 Shipping Street",
        "postal_code": "40003",
        "city": "Shippington",
        "country": "US",
        "latitude": 38.09,
        "longitude": -85.34,
        "location_assumed": False,
    }
    assert order["max_price"] == {"amount_minor": 53_730, "currency": "EUR"}
    assert order["criticality"] == "consumer"
    assert (entry.foreign_id, entry.line_ids, entry.note) == (str(ORDER_ID), (str(LINE_ID),), "ring twice")


def test_the_life_of_an_order_comes_back_to_the_shop_once_though_it_fails_in_every_way(
    api: Api, shop: FakeShopify, tmp_path: Path
) -> None:
    save_a_qualified_node(api.engine)
    with to_shop(api, shop, tmp_path) as bridge:
        sell(bridge)
        bridge.work()
        with bureau_of(api, str(bridge.entry().order_id)) as world:
            shipment = given_shipped(world)
            shop.slips = ["500", "429", "lost", "dropped", "lost"]
            for _ in range(8):
                bridge.work()
                bridge.later(10)
            delivered_at = given_delivered(world, shipment["id"])
            shop.slips = ["lost"]
            for _ in range(3):
                bridge.work()
                bridge.later(10)

    (fulfilment,) = shop.fulfilments
    assert fulfilment["tracking_number"] == "JD014600006281230704"
    assert fulfilment["line_items"] == [{"id": LINE_ID, "quantity": 3}]
    asked = next(body["fulfillment"] for path, body in shop.writes if path.endswith("/fulfillments.json"))
    assert asked["tracking_info"] == {
        "number": "JD014600006281230704",
        "company": "DHL",
        "url": "https://www.dhl.com/global-en/home/tracking.html?tracking-id=JD014600006281230704",
    }
    assert shop.events == [{"status": "delivered", "happened_at": delivered_at}]
    told = {it["name"]: it["value"] for it in shop.note_attributes}
    assert (told["gift"], told["fabroute status"]) == ("yes", "routed")
    assert told["fabroute order"] == world.order_id
    assert (shop.refused, shop.slips) == ([], [])


def test_the_same_sale_told_often_is_one_order(api: Api, shop: FakeShopify, tmp_path: Path) -> None:
    with to_shop(api, shop, tmp_path) as bridge:
        assert [sell(bridge), sell(bridge), sell(bridge, Webhook_Id="another")] == [200, 200, 200]
        bridge.work()
        bridge.work()
        assert len(bridge.bench.journal.all()) == 1
    assert len(orders_of(api)) == 1


def test_killed_after_an_answer_was_lost_it_finds_the_order_that_it_placed(
    api: Api, shop: FakeShopify, tmp_path: Path
) -> None:
    losing = LostAnswers(transport_to(api), count=1)
    with to_shop(api, shop, tmp_path, transport=losing) as first:
        sell(first)
        first.work()
        assert (first.entry().stage, first.entry().order_id) == ("received", None)
        assert first.entry().detail == "no answer from fabroute (ReadError)"
    (placed,) = orders_of(api)
    with to_shop(api, shop, tmp_path) as second:
        second.later(2)
        second.work()
        assert (second.entry().stage, second.entry().order_id) == ("placed", placed)
    assert orders_of(api) == [placed]


def test_killed_before_it_placed_what_it_heard_it_places_it_with_the_next_start(
    api: Api, shop: FakeShopify, tmp_path: Path
) -> None:
    with to_shop(api, shop, tmp_path) as first:
        assert sell(first) == 200
    assert orders_of(api) == []
    with to_shop(api, shop, tmp_path) as second:
        second.work()
        assert orders_of(api) == [second.entry().order_id]


def test_an_order_that_was_taken_back_is_cancelled_whichever_message_comes_first(
    api: Api, shop: FakeShopify, tmp_path: Path
) -> None:
    with to_shop(api, shop, tmp_path) as bridge:
        sell(bridge)
        bridge.work()
        assert sell(bridge, Topic="orders/cancelled", Webhook_Id="second") == 200
        bridge.work()
        assert (bridge.order()["state"], bridge.entry().stage) == ("cancelled", "cancelled")
        sell(bridge, changed(SHOPIFY_ORDER, id=7), Topic="orders/cancelled", Webhook_Id="third")
        sell(bridge, changed(SHOPIFY_ORDER, id=7), Webhook_Id="fourth")
        bridge.work()
        never = bridge.bench.journal.find(account=SHOP, foreign_id="7")
    assert never is not None
    assert (never.stage, never.order_id) == ("cancelled", None)
    assert len(orders_of(api)) == 1


def test_what_can_not_be_ordered_is_told_to_the_shop_and_is_ordered_once_it_is_mended(
    api: Api, shop: FakeShopify, tmp_path: Path
) -> None:
    with to_shop(api, shop, tmp_path) as bridge:
        sell(bridge, with_line(SHOPIFY_ORDER, 1, sku="NEW-1"))
        bridge.work()
        entry = bridge.entry()
        assert (entry.stage, entry.order_id) == ("refused", None)
        assert entry.detail == "unknown article NEW-1: map it in [parts], or list it under left_alone"
        told = {it["name"]: it["value"] for it in shop.note_attributes}
        assert told["fabroute problem"] == f"not ordered: {entry.detail}"
        assert bridge.bench.journal.retry(foreign_id=str(ORDER_ID)) == 1
        bridge.work()
        assert bridge.entry().stage == "refused"
    assert orders_of(api) == []


def test_a_refusal_of_the_api_is_shown_with_its_words(api: Api, shop: FakeShopify, tmp_path: Path) -> None:
    address = SHOPIFY_ORDER["shipping_address"] | {"country_code": "XX"}
    with to_shop(api, shop, tmp_path) as bridge:
        sell(bridge, changed(SHOPIFY_ORDER, shipping_address=address))
        bridge.work()
        entry = bridge.entry()
    assert entry.stage == "refused"
    assert entry.detail.startswith("/ship_to/country: is no country")
    assert orders_of(api) == []


def test_an_order_without_anything_printed_is_left_alone(api: Api, shop: FakeShopify, tmp_path: Path) -> None:
    with to_shop(api, shop, tmp_path) as bridge:
        sell(bridge, with_line(SHOPIFY_ORDER, 0, sku="SHIRT-XL"))
        bridge.work()
        assert (bridge.entry().stage, bridge.entry().detail) == ("left", "nothing of it is printed")
    assert (shop.writes, orders_of(api)) == ([], [])
