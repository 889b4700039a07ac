"""What foreign systems send: their published samples, cut to the fields that matter here and some that don't."""

import base64
import hashlib
import hmac
import json
from copy import deepcopy
from datetime import timedelta
from typing import Any

from fabroute.kernel.time import utc_now

Payload = dict[str, Any]
DUE = (utc_now() + timedelta(days=60)).date()
"""A day in the future, but not too far: what orders are needed by."""
SHOP, SITE, PLANT = "apple.myshopify.com", "example.com", "BEDFORD"
SECRET = "a secret that both know"

SHOPIFY_ORDER: Payload = {
    # https://shopify.dev/docs/api/webhooks, topic orders/create
    "id": 820982911946154508,
    "name": "#9999",
    "order_number": 1234,
    "email": "jon@example.com",
    "note": "ring twice",
    "currency": "USD",
    "presentment_currency": "USD",
    "total_price": "388.00",
    "line_items": [
        {
            "id": 866550311766439020,
            "variant_id": 808950810,
            "sku": "SKU2006-001",
            "name": "IPod Nano - 8GB",
            "quantity": 3,
            "price": "199.00",
            "requires_shipping": True,
            "gift_card": False,
            "fulfillment_service": "manual",
        },
        {
            "id": 141249953214522974,
            "sku": "SHIRT-L",
            "name": "T-shirt",
            "quantity": 1,
            "price": "12.00",
            "requires_shipping": True,
            "gift_card": False,
            "fulfillment_service": "manual",
        },
        {"id": 257004973105704598, "sku": "", "name": "Gift card", "quantity": 1, "price": "10.00", "gift_card": True},
    ],
    "billing_address": {"name": "Bob Biller", "city": "Billtown", "zip": "K2P0B0", "country_code": "US"},
    "shipping_address": {
        "first_name": "Steve",
        "last_name": "Shipper",
        "name": "Steve Shipper",
        "company": "Shipping Company",
        "address1": "123 Shipping Street",
        "address2": None,
        "city": "Shippington",
        "zip": "40003",
        "province_code": "KY",
        "country": "United States",
        "country_code": "US",
        "latitude": 38.09,
        "longitude": -85.34,
    },
}
WOOCOMMERCE_ORDER: Payload = {
    # https://woocommerce.github.io/woocommerce-rest-api-docs/#retrieve-an-order
    "id": 727,
    "parent_id": 0,
    "number": "727",
    "order_key": "wc_order_58d2d042d1d",
    "status": "processing",
    "currency": "USD",
    "total": "29.35",
    "prices_include_tax": False,
    "customer_note": "",
    "billing": {
        "first_name": "John",
        "last_name": "Doe",
        "company": "",
        "address_1": "969 Market",
        "address_2": "",
        "city": "San Francisco",
        "state": "CA",
        "postcode": "94103",
        "country": "US",
        "email": "john.doe@example.com",
    },
    "shipping": {
        "first_name": "John",
        "last_name": "Doe",
        "company": "",
        "address_1": "969 Market",
        "address_2": "",
        "city": "San Francisco",
        "state": "CA",
        "postcode": "94103",
        "country": "US",
    },
    "line_items": [
        {
            "id": 315,
            "name": "Woo Single #1",
            "product_id": 93,
            "quantity": 3,
            "subtotal": "9.00",
            "total": "9.00",
            "sku": "WOO-SINGLE-1",
            "price": 3,
        },
    ],
    "meta_data": [],
}
EDIFACT_ORDER = b"""UNA:+.? '
UNB+UNOC:3+Senderkennung+Empfaengerkennung+060620:0931+1++1234567'
UNH+1+ORDERS:D:96A:UN'
BGM+220+B10001'
DTM+4:20060620:102'
NAD+BY+++Bestellername+Strasse+Stadt++23436+xx'
LIN+1++Produkt Schrauben:SA'
QTY+1:1000'
UNS+S'
CNT+2:1'
UNT+9+1'
UNZ+1+1234567'
"""
"""https://de.wikipedia.org/wiki/EDIFACT, the example of an order."""
WORK_ORDER: Payload = {
    # https://ibm-maximo-dev.github.io/maximo-restapi-documentation/, object structure mxapiwodetail, lean=1
    "wonum": "1000",
    "siteid": PLANT,
    "description": "Door of car 4 does not close",
    "status": "WMATL",
    "assetnum": "pump P-17",
    "location": "HALL-2",
    "wopriority": 1,
    "downtime": True,
    "targcompdate": f"{DUE}T12:00:00+02:00",
    "wpmaterial": [{"wpitemid": 41, "itemnum": "4711-0815", "itemqty": 3.0, "unitcost": 80.0}],
}


def changed(payload: Payload, **changes: object) -> Payload:
    """Return a copy of a payload with other values at its first level."""
    return deepcopy(payload) | changes


def with_line(payload: Payload, number: int, **changes: object) -> Payload:
    """Return a copy of an order with another value in one of its lines."""
    told = deepcopy(payload)
    told["line_items"][number] |= changes
    return told


def body_of(payload: Payload) -> bytes:
    """Return a payload as bytes, in a form that no two JSON libraries write alike."""
    return json.dumps(payload, indent=1).replace("/", "\\/").encode()


def signature_of(body: bytes, secret: str = SECRET) -> str:
    """Return the base64 of the HMAC-SHA256 of a body."""
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def shopify_headers(body: bytes, **changes: str) -> dict[str, str]:
    """Return the headers of a delivery of a Shopify shop."""
    told = {
        "X-Shopify-Topic": "orders/create",
        "X-Shopify-Hmac-Sha256": signature_of(body),
        "X-Shopify-Shop-Domain": SHOP,
        "X-Shopify-Webhook-Id": "b54557e4-bdd9-4b37-8a5f-bf7d70bcd043",
    }
    return told | {f"X-Shopify-{name.replace('_', '-')}": value for name, value in changes.items()}


def woocommerce_headers(body: bytes, **changes: str) -> dict[str, str]:
    """Return the headers of a delivery of a WooCommerce shop."""
    told = {
        "X-WC-Webhook-Source": f"https://{SITE}/",
        "X-WC-Webhook-Topic": "order.created",
        "X-WC-Webhook-Resource": "order",
        "X-WC-Webhook-Event": "created",
        "X-WC-Webhook-Signature": signature_of(body),
        "X-WC-Webhook-ID": "3",
        "X-WC-Webhook-Delivery-ID": "36e520ebabc2fa725092ff4a47acedf2",
    }
    return told | {f"X-WC-Webhook-{name.replace('_', '-')}": value for name, value in changes.items()}


def maintenance_headers(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Return the headers of a message of a maintenance system."""
    return {"X-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()}
