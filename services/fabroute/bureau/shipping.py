"""Tells fabroute that a carrier has parcels: they are put into a shipment once, whatever is repeated."""

from collections.abc import Mapping
from typing import Any

from fabroute.bureau.bench import Bench
from fabroute.bureau.records import JobRecord
from fabroute.bureau.wire import JsonObject

_GONE = frozenset({"shipped", "delivered"})


def ship(bench: Bench, record: JobRecord, parcels: Mapping[str, Any]) -> tuple[str, bool]:
    """Prepare a shipment, unless that was done before its answer was lost, and hand it over.

    Returns its id, and whether all of the job is shipped now. Raises ``Refused`` and ``Unavailable``.
    """
    prepared = _prepared_before(bench, record, parcels)
    if prepared is None:
        prepared = bench.write(record, "shipments", parcels)
    shipment_id = str(prepared["id"])
    bench.wire.hand_over(record, shipment_id=shipment_id)
    return shipment_id, str(bench.wire.get_job(record).get("state")) in _GONE


def _prepared_before(bench: Bench, record: JobRecord, parcels: Mapping[str, Any]) -> JsonObject | None:
    """Return a shipment of these very parcels that was not known to be through; else these are others."""
    wanted = _facts(parcels)
    for shipment in bench.wire.list_shipments(record):
        is_open = shipment["state"] != "cancelled" and shipment["id"] not in record.shipments
        if is_open and _facts(shipment) == wanted:
            return shipment
    return None


def _facts(told: Mapping[str, Any]) -> tuple[object, ...]:
    parcels = [(it.get("quantity"), it.get("weight_grams")) for it in told.get("parcels", ())]
    return str(told.get("carrier", "")).lower(), told.get("tracking_number") or None, parcels
