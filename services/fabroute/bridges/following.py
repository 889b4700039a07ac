"""Follows placed orders: the event feed says which to look at, and a look says what the foreign system has to be told.

Events are a doorbell only. What is told comes from the order itself, so one that was missed or came twice does no harm.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from fabroute.bridges.bench import Bench
from fabroute.bridges.journal import Entry, ReportKind
from fabroute.bridges.wire import JsonObject

Told = tuple[ReportKind, str, Mapping[str, Any]]
_ON_THEIR_WAY = frozenset({"handed_over", "in_transit", "exception", "lost", "delivered"})


def read_feed(bench: Bench) -> int:
    """Remember which orders the new events are about, and return how many events' pages were read."""
    pages = 0
    while True:
        answer = bench.fabroute.events(cursor=bench.journal.cursor())
        bench.journal.mark(answer.order_ids, cursor=answer.cursor)
        pages += 1
        if not answer.has_more:
            return pages


def look_at_all(bench: Bench) -> int:
    """Look at every order of which something was told, and return how many."""
    entries = bench.journal.to_look_at()
    for entry in entries:
        _look_at(bench, entry)
    return len(entries)


def _look_at(bench: Bench, entry: Entry) -> None:
    order_id = str(entry.order_id)
    order = bench.fabroute.order(order_id)
    reports = [_status(order), *_shipments(bench, entry, order)]
    bench.journal.looked(entry, state=str(order["state"]), reports=reports)
    if order["state"] == "cancelled":
        bench.journal.change(entry.id, stage="cancelled")


def _status(order: JsonObject) -> Told:
    routings = [line.get("routing") or {} for line in order["lines"]]
    promises = [routing.get("promised_at") for routing in routings]
    landed = [routing["landed"]["amount_minor"] for routing in routings if routing.get("landed")]
    whole = all(promises) and len(landed) == len(routings)
    facts = {
        "order_id": order["id"],
        "state": order["state"],
        "promised_at": max(map(str, promises)) if whole else None,
        "landed_minor": sum(landed) if whole else None,
        "currency": "EUR",
        "reason": "; ".join(dict.fromkeys(line["state_reason"] for line in order["lines"] if line["state_reason"])),
    }
    return "status", "status", facts


def _shipments(bench: Bench, entry: Entry, order: JsonObject) -> Iterator[Told]:
    lines = {line["id"]: line for line in order["lines"]}
    found = [it for it in bench.fabroute.shipments(str(entry.order_id)) if it["state"] in _ON_THEIR_WAY]
    arrived = sum(it["quantity"] for it in found if it["state"] == "delivered")
    whole = arrived >= sum(line["quantity"] for line in order["lines"] if line["state"] != "cancelled")
    for shipment in found:
        line = lines[bench.fabroute.job(shipment["job_id"])["order_line_id"]]
        facts = _shipment_facts(entry, order, shipment, line)
        yield "shipment", f"shipment:{shipment['id']}", facts
        if bench.foreign.wants_certificates:
            yield from _certificates(bench, facts)
        if shipment["state"] == "delivered":
            yield "delivered", f"delivered:{shipment['id']}", _delivered(facts, shipment, whole)


def _delivered(facts: Mapping[str, Any], shipment: JsonObject, whole: bool) -> dict[str, Any]:
    return {**facts, "delivered_at": shipment["delivered_at"], "all_delivered": whole}


def _shipment_facts(entry: Entry, order: JsonObject, shipment: JsonObject, line: JsonObject) -> dict[str, Any]:
    position = int(line["position"]) - 1
    return {
        "order_id": order["id"],
        "shipment_id": shipment["id"],
        "job_id": shipment["job_id"],
        "carrier": shipment["carrier"],
        "tracking_number": _tracking_number(shipment),
        "quantity": shipment["quantity"],
        "part": line["part"],
        "line_id": entry.line_ids[position],
        "handed_over_at": shipment["handed_over_at"],
    }


def _tracking_number(shipment: JsonObject) -> str:
    """Return the shipment's own number, else its parcels', else fabroute's: there is always something to find it by."""
    parcels = [parcel["tracking_number"] for parcel in shipment["parcels"] if parcel["tracking_number"]]
    return str(shipment["tracking_number"] or ", ".join(parcels) or shipment["id"])


def _certificates(bench: Bench, facts: Mapping[str, Any]) -> Iterator[Told]:
    for certificate in bench.fabroute.certificates(str(facts["job_id"])):
        told = {"certificate_id": certificate["id"], "sha256": certificate["sha256"], "part": facts["part"]}
        yield "certificate", f"certificate:{certificate['id']}", told | {"order_id": facts["order_id"]}
