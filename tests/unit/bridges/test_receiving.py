"""Webhooks: only what the foreign system signed is written down, and what is not is said at once."""

import base64
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest
from starlette.testclient import TestClient

from fabroute.bridges.cmms import MaintenanceInbox
from fabroute.bridges.journal import Journal
from fabroute.bridges.receiving import MOST_BYTES, Inbox, receiver
from fabroute.bridges.shopify import ShopifyInbox
from fabroute.bridges.woocommerce import WooCommerceInbox
from tests.factories.bridge_payloads import (
    PLANT,
    SECRET,
    SHOP,
    SHOPIFY_ORDER,
    SITE,
    WOOCOMMERCE_ORDER,
    WORK_ORDER,
    body_of,
    changed,
    maintenance_headers,
    shopify_headers,
    signature_of,
    woocommerce_headers,
)

SHOPIFY = ShopifyInbox(shop=SHOP, secret=SECRET)
WOO = WooCommerceInbox(site=SITE, secret=SECRET)
CMMS = MaintenanceInbox(site=PLANT, secret=SECRET)
ORDER = body_of(SHOPIFY_ORDER)


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    with closing(Journal(tmp_path / "j.sqlite3", busy_seconds=0.05)) as made:
        yield made


def sent(inbox: Inbox, journal: Journal, body: bytes, headers: dict[str, str]) -> httpx.Response:
    woken: list[int] = []
    client = TestClient(receiver(inbox, journal, wake=lambda: woken.append(1)))
    before = len(journal.all())
    answer = client.post("/hooks/orders", content=body, headers=headers)
    assert len(woken) == len(journal.all()) - before
    return httpx.Response(answer.status_code, content=answer.content)


def test_hmacs_are_the_published_ones() -> None:
    """RFC 4231, test case 2."""
    told = base64.b64decode(signature_of(b"what do ya want for nothing?", "Jefe"))
    assert told.hex() == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    assert len(told) == 32


def test_a_signed_order_is_written_down_before_the_answer(journal: Journal) -> None:
    answer = sent(SHOPIFY, journal, ORDER, shopify_headers(ORDER))
    assert (answer.status_code, answer.json()) == (200, {"ok": True})
    (entry,) = journal.all()
    assert (entry.account, entry.foreign_id, entry.number) == (SHOP, "820982911946154508", "#9999")
    assert entry.payload == SHOPIFY_ORDER


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        (shopify_headers(ORDER, Hmac_Sha256=""), 401),
        (shopify_headers(ORDER, Hmac_Sha256="no base64!"), 401),
        (shopify_headers(ORDER, Hmac_Sha256=signature_of(ORDER, "another secret")), 401),
        (shopify_headers(ORDER, Hmac_Sha256=signature_of(ORDER + b" ")), 401),
        (shopify_headers(ORDER, Shop_Domain="other.myshopify.com"), 401),
        (shopify_headers(ORDER, Webhook_Id=""), 400),
        (shopify_headers(ORDER, Topic="products/update"), 200),
    ],
)
def test_what_is_not_the_shops_or_no_order_is_not_written_down(
    journal: Journal, headers: dict[str, str], status: int
) -> None:
    answer = sent(SHOPIFY, journal, ORDER, headers)
    assert (answer.status_code, journal.all()) == (status, [])


@pytest.mark.parametrize("body", [b"", b"[]", b"{", b'{"id": null}', b'{"id": true}', b"[" * 100_000])
def test_what_can_not_be_read_is_refused(journal: Journal, body: bytes) -> None:
    answer = sent(SHOPIFY, journal, body, shopify_headers(body))
    assert (answer.status_code, answer.json()["code"]) == (400, "not_readable")
    assert journal.all() == []


def test_a_body_that_is_too_large_is_not_taken_into_memory(journal: Journal) -> None:
    body = b" " * (MOST_BYTES + 1)
    answer = sent(SHOPIFY, journal, body, shopify_headers(body))
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_without_a_secret_nothing_is_genuine(journal: Journal) -> None:
    headers = shopify_headers(ORDER, Hmac_Sha256=signature_of(ORDER, ""))
    assert sent(ShopifyInbox(shop=SHOP, secret=""), journal, ORDER, headers).status_code == 401


def test_woocommerce_pings_unsigned_and_signs_everything_else(journal: Journal) -> None:
    body = body_of(WOOCOMMERCE_ORDER)
    assert sent(WOO, journal, b"webhook_id=3", {}).status_code == 200
    assert sent(WOO, journal, body, woocommerce_headers(body, Signature="x")).status_code == 401
    assert sent(WOO, journal, body, woocommerce_headers(body, Source="https://other.example/")).status_code == 401
    assert sent(WOO, journal, body, woocommerce_headers(body, Delivery_ID="")).status_code == 400
    assert journal.all() == []
    assert sent(WOO, journal, body, woocommerce_headers(body)).status_code == 200
    assert [it.foreign_id for it in journal.all()] == ["727"]


def test_a_maintenance_system_asks_once_its_work_order_waits_for_material(journal: Journal) -> None:
    told = [
        changed(WORK_ORDER, status="WAPPR"),
        changed(WORK_ORDER, wpmaterial=[]),
        changed(WORK_ORDER, siteid="OTHER"),
        WORK_ORDER,
    ]
    bodies = [body_of(it) for it in told]
    assert [sent(CMMS, journal, body, maintenance_headers(body)).status_code for body in bodies] == [200, 200, 401, 200]
    assert sent(CMMS, journal, bodies[3], maintenance_headers(bodies[3], "another")).status_code == 401
    assert [it.number for it in journal.all()] == ["1000"]


def test_a_journal_that_can_not_be_written_asks_for_the_message_again(journal: Journal, tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "j.sqlite3", isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        answer = sent(SHOPIFY, journal, ORDER, shopify_headers(ORDER))
    assert (answer.status_code, journal.all()) == (503, [])
