"""Webhooks of a WooCommerce shop: https://woocommerce.github.io/woocommerce-rest-api-docs/#webhooks."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from fabroute.bridges.journal import Heard
from fabroute.bridges.payloads import text_of
from fabroute.bridges.receiving import NotGenuine, NotReadable, json_object, require_base64_signature, required_id

_CREATED, _UPDATED, _DELETED = "order.created", "order.updated", "order.deleted"
_CANCELLED = frozenset({"cancelled", "refunded", "failed", "trash"})
_PING = b"webhook_id="


@dataclass(frozen=True, slots=True, kw_only=True)
class WooCommerceInbox:
    """Opens the messages of one shop, signed with its webhooks' secret."""

    site: str
    """Its host, such as ``shop.example``."""
    secret: str
    paid_only: bool = True
    """Whether an order waits until it is ``processing``: then it is paid, or needs no payment first."""

    def open(self, headers: Mapping[str, str], body: bytes) -> Heard | None:
        """Return the order that a message tells of; ``None`` for the first ping and for what changes nothing here."""
        if body.startswith(_PING) and "x-wc-webhook-topic" not in headers:
            return None  # sent once, unsigned, when the webhook is saved; it says nothing
        require_base64_signature(body, secret=self.secret, signature=headers.get("x-wc-webhook-signature", ""))
        if urlsplit(headers.get("x-wc-webhook-source", "")).hostname != self.site:
            raise NotGenuine(f"the message is not of {self.site}")
        topic = headers.get("x-wc-webhook-topic", "")
        if topic not in (_CREATED, _UPDATED, _DELETED):
            return None
        delivery = headers.get("x-wc-webhook-delivery-id") or headers.get("x-wc-delivery-id", "")
        if not delivery:
            raise NotReadable("the header X-WC-Webhook-Delivery-ID is missing")
        return self._heard(json_object(body), topic, delivery)

    def _heard(self, told: Mapping[str, object], topic: str, delivery: str) -> Heard | None:
        status = text_of(told, "status")
        cancelled = topic == _DELETED or status in _CANCELLED
        if not cancelled and self.paid_only and status != "processing":
            return None
        return Heard(
            account=self.site,
            foreign_id=required_id(told, "id"),
            number=text_of(told, "number"),
            payload=told,
            cancelled=cancelled,
            delivery_id=delivery,
        )
