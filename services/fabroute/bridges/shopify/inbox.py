"""Webhooks of a Shopify shop: https://shopify.dev/docs/apps/build/webhooks/subscribe/https."""

from collections.abc import Mapping
from dataclasses import dataclass

from fabroute.bridges.journal import Heard
from fabroute.bridges.payloads import text_of
from fabroute.bridges.receiving import NotGenuine, NotReadable, json_object, require_base64_signature, required_id

_CREATED, _CANCELLED = "orders/create", "orders/cancelled"


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopifyInbox:
    """Opens the messages of one shop, signed with its app's secret."""

    shop: str
    """Its domain, such as ``example.myshopify.com``."""
    secret: str

    def open(self, headers: Mapping[str, str], body: bytes) -> Heard | None:
        """Return the order that a message tells of; ``None`` for a topic that is none of ours."""
        require_base64_signature(body, secret=self.secret, signature=headers.get("x-shopify-hmac-sha256", ""))
        if headers.get("x-shopify-shop-domain", "").lower() != self.shop:
            raise NotGenuine(f"the message is not of {self.shop}")
        topic, delivery = headers.get("x-shopify-topic", ""), headers.get("x-shopify-webhook-id", "")
        if topic not in (_CREATED, _CANCELLED):
            return None
        if not delivery:
            raise NotReadable("the header X-Shopify-Webhook-Id is missing")
        told = json_object(body)
        return Heard(
            account=self.shop,
            foreign_id=required_id(told, "id"),
            number=text_of(told, "name"),
            payload=told,
            cancelled=topic == _CANCELLED,
            delivery_id=delivery,
        )
