"""Orders as the API answers them, for tests of what prints them."""

from fabroute.cli.client import JsonObject

NO_ROUTE_WHY = "60 nodes ruled out, mostly BUILD_VOLUME"


def routing_answer(*, node_id: str = "N001", city: str = "Hamburg", landed_minor: int = 1130) -> JsonObject:
    """Return a line's routing summary."""
    return {
        "node_id": node_id,
        "city": city,
        "country": "DE",
        "landed": {"amount_minor": landed_minor, "currency": "EUR"},
        "promised_at": "2026-06-18T17:00:00+00:00",
        "co2e_g": 1500,
        "candidates": 3,
        "excluded": 57,
        "why": f"{city}: cheapest of 3",
        "job_id": f"job_{node_id}",
        "job_state": "offered",
        "held_reason": "",
    }


def order_answer(
    *, reference: str = "po-1", country: str = "DE", state: str = "routed", routing: JsonObject | None = None
) -> JsonObject:
    """Return an order with one line; a routed one has a routing summary."""
    summary = routing if routing is not None else routing_answer()
    return {
        "id": f"ord_{reference}",
        "reference": reference,
        "state": state,
        "objective": "cheapest",
        "ship_to": {"city": "Berlin", "country": country},
        "placed_at": "2026-06-15T17:00:00+00:00",
        "lines": [
            {
                "part": "AP-0101",
                "quantity": 2,
                "state": state,
                "state_reason": "BUILD_VOLUME" if state == "no_route" else "",
                "routing": summary if state == "routed" else {"candidates": 0, "excluded": 60, "why": NO_ROUTE_WHY},
            }
        ],
    }


def an_agreed_quote_answer() -> JsonObject:
    """Return what an order agreed on for 146.36 EUR, and can't have in time any more."""
    return {
        "quote_id": "qte_1",
        "offer": "cheapest",
        "price": {"amount_minor": 14_636, "currency": "EUR"},
        "arrival": "2026-06-17T16:00:00Z",
        "arrival_at_risk": True,
        "arrival_note": "the price stands, but arrival by 2026-06-17 is at risk: 2026-06-18 17:00 UTC is promised now",
    }
