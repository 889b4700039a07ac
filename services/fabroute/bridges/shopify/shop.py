"""The Admin API of a Shopify shop, and how its orders read.

https://shopify.dev/docs/api/admin-rest/latest/resources/order, …/resources/fulfillmentorder, …/resources/fulfillment.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fabroute.bridges.journal import Entry, Report
from fabroute.bridges.orders import Address, ForeignLine, ForeignOrder
from fabroute.bridges.payloads import decimal_of, degrees_of, joined, object_of, objects_of, price_of, text_of
from fabroute.bridges.tracking import tracking_url
from fabroute.bridges.wire import JsonObject, JsonWire, Refused, objects

API_VERSION = "2025-10"
_OPEN = frozenset({"open", "in_progress", "scheduled"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ShopifyShop:
    """One shop. Its custom app needs ``read_orders``, ``write_orders`` and the fulfilment orders' scopes."""

    shop: str
    wire: JsonWire
    """With the header ``X-Shopify-Access-Token``."""
    api_version: str = API_VERSION
    fulfillment_service: str = ""
    """Only lines of this service are ours; empty: all of them."""
    notify_customer: bool = True
    carriers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "shopify"
    wants_certificates: bool = False

    def read(self, payload: Mapping[str, Any]) -> ForeignOrder:
        """Return what an order of the shop says, in the currency that the shop keeps its books in."""
        address = object_of(payload, "shipping_address")
        return ForeignOrder(
            account=self.shop,
            foreign_id=text_of(payload, "id"),
            number=text_of(payload, "name"),
            lines=[self._line(line) for line in objects_of(payload, "line_items")],
            ship_to=_address(address) if address else None,
            currency=text_of(payload, "currency"),
            note=text_of(payload, "note"),
        )

    def tell(self, entry: Entry, report: Report) -> None:
        """Tell the shop of a shipment by a fulfilment, of everything else by the order's additional details."""
        if report.kind == "shipment":
            self._fulfil(entry, report.facts)
        elif report.kind == "delivered":
            self._arrived(entry, report.facts)
        else:
            self._note(entry, _details(report))

    def _line(self, line: Mapping[str, Any]) -> ForeignLine:
        elsewhere = self.fulfillment_service and text_of(line, "fulfillment_service") != self.fulfillment_service
        goods = line.get("requires_shipping") is not False and line.get("gift_card") is not True
        return ForeignLine(
            foreign_id=text_of(line, "id"),
            number=text_of(line, "sku"),
            quantity=decimal_of(text_of(line, "quantity"), "quantity"),
            unit_price=price_of(line, "price"),
            shipped_goods=goods and not elsewhere,
        )

    def _path(self, entry: Entry, rest: str) -> str:
        return f"/admin/api/{self.api_version}/orders/{entry.foreign_id}{rest}.json"

    def _fulfil(self, entry: Entry, facts: Mapping[str, Any]) -> None:
        """Make a fulfilment, unless one with this tracking number is there: then an answer was lost on its way."""
        if self._fulfilment(entry, facts) is not None:
            return
        wanted = self.wire.get(self._path(entry, "/fulfillment_orders"))
        items = _items_of(objects(wanted.get("fulfillment_orders")), str(facts["line_id"]), int(facts["quantity"]))
        if not items:
            words = f"nothing of line {facts['line_id']} is left to fulfil in {entry.number}"
            raise Refused(code="nothing_to_fulfil", status=422, message=words)
        number, carrier = str(facts["tracking_number"]), str(facts["carrier"])
        tracking = {"number": number, "company": carrier.upper(), "url": tracking_url(carrier, number, self.carriers)}
        body = {"line_items_by_fulfillment_order": items, "notify_customer": self.notify_customer}
        told = body | {"tracking_info": {name: text for name, text in tracking.items() if text}}
        self.wire.send("POST", f"/admin/api/{self.api_version}/fulfillments.json", {"fulfillment": told})

    def _fulfilment(self, entry: Entry, facts: Mapping[str, Any]) -> JsonObject | None:
        there = objects(self.wire.get(self._path(entry, "/fulfillments")).get("fulfillments"))
        return next((it for it in there if _is_of(it, facts)), None)

    def _arrived(self, entry: Entry, facts: Mapping[str, Any]) -> None:
        """Say that a fulfilment arrived; the shop takes the same event twice for the same state."""
        fulfilment = self._fulfilment(entry, facts)
        if fulfilment is None:
            words = f"the fulfilment of {facts['tracking_number']} is not there any more"
            raise Refused(code="no_fulfilment", status=404, message=words)
        if fulfilment.get("shipment_status") == "delivered":
            return
        event = {"status": "delivered", "happened_at": facts["delivered_at"]}
        self.wire.send("POST", self._path(entry, f"/fulfillments/{fulfilment['id']}/events"), {"event": event})

    def _note(self, entry: Entry, details: Mapping[str, str]) -> None:
        """Put details into the order's own, which stay as they are beside ours."""
        order = object_of(self.wire.get(self._path(entry, "")), "order")
        kept = [it for it in objects_of(order, "note_attributes") if it.get("name") not in details]
        told = [*kept, *({"name": name, "value": text} for name, text in details.items())]
        if told != list(objects_of(order, "note_attributes")):
            body = {"order": {"id": int(entry.foreign_id), "note_attributes": told}}
            self.wire.send("PUT", self._path(entry, ""), body)


def _address(told: Mapping[str, Any]) -> Address:
    return Address(
        name=text_of(told, "name") or joined(text_of(told, "first_name"), text_of(told, "last_name")),
        company=text_of(told, "company"),
        street=joined(text_of(told, "address1"), text_of(told, "address2"), by=", "),
        postal_code=text_of(told, "zip"),
        city=text_of(told, "city"),
        country=text_of(told, "country_code"),
        latitude=degrees_of(told, "latitude"),
        longitude=degrees_of(told, "longitude"),
    )


def _is_of(fulfilment: JsonObject, facts: Mapping[str, Any]) -> bool:
    """Say whether a fulfilment is the one of a shipment: its tracking number and its line, and still standing."""
    lines = {str(item.get("id")) for item in objects(fulfilment.get("line_items"))}
    same = fulfilment.get("tracking_number") == facts["tracking_number"] and str(facts["line_id"]) in lines
    return same and fulfilment.get("status") != "cancelled"


def _items_of(orders: Sequence[JsonObject], line_id: str, quantity: int) -> list[JsonObject]:
    """Return which pieces of which fulfilment orders a shipment fulfils: no more than is left of each."""
    found, left = [], quantity
    for order in orders:
        for item in objects(order.get("line_items")):
            pieces = min(left, int(item.get("fulfillable_quantity", 0)))
            if order.get("status") in _OPEN and str(item.get("line_item_id")) == line_id and pieces > 0:
                items = [{"id": item["id"], "quantity": pieces}]
                found.append({"fulfillment_order_id": order["id"], "fulfillment_order_line_items": items})
                left -= pieces
    return found


def _details(report: Report) -> dict[str, str]:
    facts = report.facts
    if report.kind == "trouble":
        return {"fabroute problem": str(facts["text"])}
    details = {"fabroute order": facts["order_id"], "fabroute status": facts["state"]}
    details |= {"fabroute promise": facts["promised_at"] or "", "fabroute problem": facts["reason"]}
    if facts["landed_minor"] is not None:
        details["fabroute cost"] = f"{Decimal(facts['landed_minor']) / 100:.2f} {facts['currency']}"
    return {name: str(text) for name, text in details.items() if text}
