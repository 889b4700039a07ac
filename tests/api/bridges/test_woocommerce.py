"""A WooCommerce shop and the API."""

import base64
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest

from fabroute.bridges.wire import JsonWire
from fabroute.bridges.woocommerce import WooCommerceInbox, WooCommerceShop
from fabroute.database import unit_of_work
from fabroute.logistics.service import LogisticsData, PlaceView, save_logistics
from tests.factories.api import Api
from tests.factories.api_jobs import save_a_qualified_node
from tests.factories.bridge_payloads import (
    SECRET,
    SITE,
    WOOCOMMERCE_ORDER,
    Payload,
    body_of,
    changed,
    with_line,
    woocommerce_headers,
)
from tests.factories.bridges import RULES, Bridged, bridged, bureau_of, given_delivered, given_shipped
from tests.fakes.foreign_systems import TOKEN, FakeWooCommerce
from tests.fakes.web_server import served_by

WASHINGTON = PlaceView(city="Washington", country="US", latitude=38.8951, longitude=-77.0364, is_capital=True)


@pytest.fixture
def shop() -> FakeWooCommerce:
    return FakeWooCommerce(order=deepcopy(WOOCOMMERCE_ORDER))


@contextmanager
def to_shop(api: Api, shop: FakeWooCommerce, folder: Path) -> Iterator[Bridged]:
    with unit_of_work(api.engine) as session:
        save_logistics(session, data=LogisticsData(places=(WASHINGTON,)))
    with ExitStack() as opened:
        url = opened.enter_context(served_by(shop))
        basic = base64.b64encode(f"ck_test:{TOKEN}".encode()).decode()
        wire = opened.enter_context(JsonWire(name=SITE, url=url, headers={"Authorization": f"Basic {basic}"}))
        desk, inbox = WooCommerceShop(site=SITE, wire=wire), WooCommerceInbox(site=SITE, secret=SECRET)
        rules = replace(RULES, price_cap_percent=0)
        yield opened.enter_context(bridged(api, folder / "woo.sqlite3", desk, inbox=inbox, rules=rules))


def sell(bridge: Bridged, payload: Payload = WOOCOMMERCE_ORDER, **headers: str) -> int:
    body = body_of(payload)
    return bridge.hear(body, woocommerce_headers(body, **headers))


def meta_of(shop: FakeWooCommerce) -> dict[str, str]:
    return {it["key"]: it["value"] for it in shop.order["meta_data"]}


def test_a_sale_lives_to_its_end_and_the_shop_reads_each_step_once(
    api: Api, shop: FakeWooCommerce, tmp_path: Path
) -> None:
    save_a_qualified_node(api.engine)
    with to_shop(api, shop, tmp_path) as bridge:
        assert [sell(bridge), sell(bridge), sell(bridge, Delivery_ID="another")] == [200, 200, 200]
        bridge.work()
        order = bridge.order()
        with bureau_of(api, order["id"]) as world:
            shipment = given_shipped(world, tracking_number="1Z999AA10123456784")
            shop.slips = ["500", "lost", "500", "lost"]
            for _ in range(7):
                bridge.work()
                bridge.later(10)
            assert (shop.order["status"], meta_of(shop)["_fabroute_status"]) == ("processing", "routed")
            given_delivered(world, shipment["id"])
            for _ in range(2):
                bridge.work()

    assert (order["reference"], order["batch"], order["max_price"]) == ("727", SITE, None)
    assert [(line["part"], line["quantity"]) for line in order["lines"]] == [("RL-0001", 3)]
    place = order["ship_to"]
    assert (place["name"], place["street"], place["postal_code"]) == ("John Doe", "969 Market", "94103")
    assert (place["city"], place["country"], place["location_assumed"]) == ("San Francisco", "US", True)
    assert shop.order["status"] == "completed"
    assert meta_of(shop)["_fabroute_order"] == order["id"]
    on_the_way = [note for note in shop.notes if note["customer_note"]]
    assert [note["note"].split(" [")[0] for note in on_the_way] == [
        "3 × RL-0001 is on its way with DHL, 1Z999AA10123456784: "
        "https://www.dhl.com/global-en/home/tracking.html?tracking-id=1Z999AA10123456784"
    ]
    marks = [note["note"].rpartition(" [")[2] for note in shop.notes]
    assert len(marks) == len(set(marks))
    assert marks[-1] == f"fabroute delivered:{shipment['id']}]"
    assert (shop.refused, shop.slips) == ([], [])


def test_an_order_waits_until_it_is_paid_and_one_that_is_cancelled_is_cancelled(
    api: Api, shop: FakeWooCommerce, tmp_path: Path
) -> None:
    with to_shop(api, shop, tmp_path) as bridge:
        assert sell(bridge, changed(WOOCOMMERCE_ORDER, status="pending"), Delivery_ID="1") == 200
        assert bridge.bench.journal.all() == []
        sell(bridge, Topic="order.updated", Delivery_ID="2")
        bridge.work()
        assert bridge.order()["state"] == "pending"
        sell(bridge, changed(WOOCOMMERCE_ORDER, status="cancelled"), Topic="order.updated", Delivery_ID="3")
        bridge.work()
        assert (bridge.order()["state"], bridge.entry().stage) == ("cancelled", "cancelled")
    assert meta_of(shop)["_fabroute_status"] == "cancelled"


def test_an_unknown_article_is_noted_at_the_order(api: Api, shop: FakeWooCommerce, tmp_path: Path) -> None:
    with to_shop(api, shop, tmp_path) as bridge:
        sell(bridge, with_line(WOOCOMMERCE_ORDER, 0, sku="WOO-9"))
        bridge.work()
        bridge.work()
        assert bridge.entry().stage == "refused"
    (note,) = shop.notes
    assert note["note"].startswith("not ordered: unknown article WOO-9: map it in [parts]")
    assert note["customer_note"] is False
