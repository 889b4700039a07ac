"""Quotes as the API answers them, for tests of what prints them."""

from collections.abc import Mapping, Sequence

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json


def an_offer_answer(
    *,
    labels: Sequence[str] = ("cheapest",),
    node_id: str = "N001",
    city: str = "Hamburg",
    landed_minor: int = 1_130,
    quantity: int = 1,
) -> JsonObject:
    """Return an offer of nylon by express."""
    return {
        "labels": list[Json](labels),
        "quantity": quantity,
        "node": {"node_id": node_id, "kind": "service_bureau", "city": city, "country": "DE"},
        "process": "MJF",
        "material": "PA12-MJF",
        "service": "express",
        "carrier": "dhl",
        "landed": {"amount_minor": landed_minor, "currency": "EUR"},
        "unit": {"amount_minor": landed_minor // quantity, "currency": "EUR"},
        "price": {"amount_minor": round(landed_minor * 0.94), "currency": "CHF"},
        "earliest_at": "2026-06-16T16:00:00Z",
        "expected_at": "2026-06-17T16:00:00Z",
        "promised_at": "2026-06-18T16:00:00Z",
        "on_time_probability": 0.97,
        "co2e_g": 1_500,
    }


def a_ruled_out_answer(node_id: str, city: str, *codes: str, quantities: Sequence[int] = (1,)) -> JsonObject:
    """Return a node that is ruled out by these codes, alone."""
    reasons: list[Json] = [
        {"code": code, "message": f"{code} bites", "figures": {}, "machine_id": None} for code in codes
    ]
    return {
        "nodes": [{"node_id": node_id, "city": city, "country": "DE"}],
        "quantities": list[Json](quantities),
        "reasons": reasons,
    }


def a_quote_answer(
    offers: Mapping[int, Sequence[JsonObject]] | None = None, *, routable_if: Sequence[JsonObject] = ()
) -> JsonObject:
    """Return an open quote to Berlin with these offers by quantity: one for one piece, where none are given."""
    by_quantity = {1: (an_offer_answer(),)} if offers is None else offers
    quantities: list[Json] = [
        {"quantity": quantity, "offers": list[Json](found), "routable_if": list[Json](routable_if)}
        for quantity, found in by_quantity.items()
    ]
    return {
        "id": "qte_1",
        "state": "open",
        "order_id": None,
        "accepted_offer": None,
        "part": "RL-0001",
        "revision": "A",
        "criticality": "routine",
        "packaging": "brand",
        "need_by": "2026-06-19T16:00:00Z",
        "need_by_hard": True,
        "ship_to": {"city": "Berlin", "country": "DE", "latitude": 52.5, "longitude": 13.4, "location_assumed": False},
        "currency": "EUR",
        "valid_until": "2026-06-14T10:00:00Z",
        "quantities": quantities,
        "price_breaks": [],
        "ruled_out": [],
    }
