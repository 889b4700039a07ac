"""What a bridge asks of fabroute: to place, cancel and read orders, and what happened to them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import httpx

from fabroute.bridges.wire import JsonObject, JsonWire, Refused, objects

_PAGE = 200
_UNUSABLE_CURSOR = ("unusable_cursor", "cursor_invalid", "feed_restored")
SCOPES = ("orders:read", "orders:write", "jobs:read", "events:read", "inventory:read")
"""What the key of a bridge has to be allowed; ``inventory:read`` for maintenance requests alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedAnswer:
    """A page of the event feed."""

    order_ids: frozenset[str]
    cursor: str
    has_more: bool


class FabrouteWire:
    """Calls fabroute at ``url`` with an API key. Safe to share between threads. ``Refused``, ``Unavailable``."""

    def __init__(self, *, url: str, key: str, transport: httpx.BaseTransport | None = None) -> None:
        headers = {"Authorization": f"Bearer {key}"}
        self._wire = JsonWire(name="fabroute", url=url, headers=headers, transport=transport, seconds=30)

    def close(self) -> None:
        """Let go of the connections."""
        self._wire.close()

    def place(self, body: Mapping[str, Any], *, idempotency_key: str) -> JsonObject:
        """Place an order; again with the same key and body it is the same order."""
        return self._wire.send("POST", "/v1/orders", body, {"Idempotency-Key": idempotency_key})

    def cancel(self, order_id: str) -> bool:
        """Cancel an order; ``False`` if nodes that have started are asked to stop first."""
        return "lines" in self._wire.send("POST", f"{_order(order_id)}/cancel")

    def order(self, order_id: str) -> JsonObject:
        """Return an order as it is now."""
        return self._wire.get(_order(order_id))

    def shipments(self, order_id: str) -> list[JsonObject]:
        """Return the shipments of an order, oldest first."""
        return objects(self._wire.get(f"{_order(order_id)}/shipments").get("data"))

    def job(self, job_id: str) -> JsonObject:
        """Return a job: which part of which line it makes."""
        return self._wire.get(f"/v1/jobs/{quote(job_id, safe='')}")

    def certificates(self, job_id: str) -> list[JsonObject]:
        """Return the certificates of conformity of a job that stand."""
        found = objects(self._wire.get(f"/v1/jobs/{quote(job_id, safe='')}/conformity-certificates").get("data"))
        return [it for it in found if it.get("withdrawn_at") is None]

    def find_parts(self, *, asset: str | None = None, number: str | None = None) -> list[JsonObject]:
        """Return parts by where they are installed, or by words in any of their numbers and names."""
        params = {"limit": _PAGE} | {name: it for name, it in (("asset", asset), ("q", number)) if it is not None}
        return objects(self._wire.get("/v1/parts", params).get("data"))

    def events(self, *, cursor: str | None) -> FeedAnswer:
        """Return the orders that the next events are about. A cursor that is too old begins anew."""
        params = {"limit": _PAGE} | ({} if cursor is None else {"cursor": cursor})
        try:
            page = self._wire.get("/v1/events", params)
        except Refused as refusal:
            if cursor is None or refusal.code not in _UNUSABLE_CURSOR:
                raise
            return self.events(cursor=None)
        told = (event["data"].get("order_id") for event in objects(page.get("data")))
        return FeedAnswer(
            order_ids=frozenset(str(it) for it in told if it),
            cursor=str(page["next_cursor"]),
            has_more=bool(page.get("has_more")),
        )


def _order(order_id: str) -> str:
    return f"/v1/orders/{quote(order_id, safe='')}"
