"""The REST API (wc/v3) of a WooCommerce shop, and how its orders read.

https://woocommerce.github.io/woocommerce-rest-api-docs/#orders and #order-notes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from fabroute.bridges.journal import Entry, Report
from fabroute.bridges.orders import Address, ForeignLine, ForeignOrder
from fabroute.bridges.payloads import decimal_of, joined, object_of, objects_of, price_of, text_of
from fabroute.bridges.tracking import tracking_url
from fabroute.bridges.wire import JsonWire

_API = "/wp-json/wc/v3"


@dataclass(frozen=True, slots=True, kw_only=True)
class WooCommerceShop:
    """One shop; its REST key needs read and write."""

    site: str
    wire: JsonWire
    """With the consumer's key and secret as HTTP Basic."""
    completed_status: str = "completed"
    """What an order becomes once all its printed lines have arrived; empty: it stays as it is."""
    carriers: Mapping[str, str] = field(default_factory=dict)
    kind: str = "woocommerce"
    wants_certificates: bool = False

    def read(self, payload: Mapping[str, Any]) -> ForeignOrder:
        """Return what an order of the shop says. Without a shipping address it goes to the billing address."""
        shipping, billing = object_of(payload, "shipping"), object_of(payload, "billing")
        address = shipping if text_of(shipping, "city") else billing
        return ForeignOrder(
            account=self.site,
            foreign_id=text_of(payload, "id"),
            number=text_of(payload, "number"),
            lines=[_line(line) for line in objects_of(payload, "line_items")],
            ship_to=_address(address) if address else None,
            currency=text_of(payload, "currency"),
            note=text_of(payload, "customer_note"),
        )

    def tell(self, entry: Entry, report: Report) -> None:
        """Tell the shop by meta data what can be set again, and by notes, each once, what people should read."""
        if report.kind == "status":
            self.wire.send("PUT", f"{_API}/orders/{entry.foreign_id}", {"meta_data": _meta(report.facts)})
        if report.kind == "delivered" and self.completed_status and _is_all_there(entry, report):
            self.wire.send("PUT", f"{_API}/orders/{entry.foreign_id}", {"status": self.completed_status})
        self._note(entry, report)

    def _note(self, entry: Entry, report: Report) -> None:
        """Write a note that ends with its own mark, unless one with that mark is there."""
        mark, path = f"[fabroute {report.key}]", f"{_API}/orders/{entry.foreign_id}/notes"
        if any(mark in text_of(note, "note") for note in self.wire.get_list(path)):
            return
        shows_customer = report.kind == "shipment"
        text = f"{_words(report, self.carriers)} {mark}"
        self.wire.send("POST", path, {"note": text, "customer_note": shows_customer})


def _is_all_there(entry: Entry, report: Report) -> bool:
    """Say whether all that was printed has arrived and nothing else is in the order: other goods have their own way."""
    lines = {text_of(line, "id") for line in objects_of(entry.payload, "line_items")}
    return bool(report.facts["all_delivered"]) and lines == set(entry.line_ids)


def _line(line: Mapping[str, Any]) -> ForeignLine:
    quantity = decimal_of(text_of(line, "quantity"), "quantity")
    total = price_of(line, "total")
    return ForeignLine(
        foreign_id=text_of(line, "id"),
        number=text_of(line, "sku"),
        quantity=quantity,
        unit_price=total / quantity if total is not None and quantity else None,
    )


def _address(told: Mapping[str, Any]) -> Address:
    return Address(
        name=joined(text_of(told, "first_name"), text_of(told, "last_name")),
        company=text_of(told, "company"),
        street=joined(text_of(told, "address_1"), text_of(told, "address_2"), by=", "),
        postal_code=text_of(told, "postcode"),
        city=text_of(told, "city"),
        country=text_of(told, "country"),
    )


def _meta(facts: Mapping[str, Any]) -> list[dict[str, str]]:
    told = {
        "_fabroute_order": facts["order_id"],
        "_fabroute_status": facts["state"],
        "_fabroute_promised_at": facts["promised_at"] or "",
    }
    return [{"key": key, "value": str(value)} for key, value in told.items()]


def _words(report: Report, carriers: Mapping[str, str]) -> str:
    facts = report.facts
    if report.kind == "trouble":
        return str(facts["text"])
    if report.kind in ("shipment", "delivered"):
        return _parcel_words(report, carriers)
    cost = facts["landed_minor"]
    said = [f"fabroute order {facts['order_id']} is {facts['state']}"]
    said += [f"promised for {facts['promised_at']}"] if facts["promised_at"] else []
    said += [f"{Decimal(cost) / 100:.2f} {facts['currency']}"] if cost is not None else []
    return ", ".join(said + ([facts["reason"]] if facts["reason"] else []))


def _parcel_words(report: Report, carriers: Mapping[str, str]) -> str:
    facts = report.facts
    number, carrier = str(facts["tracking_number"]), str(facts["carrier"])
    verb = "is on its way" if report.kind == "shipment" else "arrived"
    url = tracking_url(carrier, number, carriers)
    return joined(f"{facts['quantity']} × {facts['part']} {verb} with {carrier.upper()}, {number}", url, by=": ")
