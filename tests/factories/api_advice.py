"""Questions for advice as they go over the wire."""

from collections.abc import Mapping

import httpx

from tests.factories.api import Json


def eur(amount_minor: int, currency: str = "EUR") -> Json:
    """Return an amount."""
    return {"amount_minor": amount_minor, "currency": currency}


def worked_example(quantity: int, **changes: object) -> Json:
    """Return 18.00 printed against 0.70 moulded with a tool of 6,500.00, with ``changes``."""
    conventional = {"unit": eur(70), "tooling": eur(650_000)}
    return {"quantity": quantity, "printed_unit": eur(1_800), "conventional": conventional} | changes


def advised(client: httpx.Client, what: str, body: Mapping[str, object]) -> Json:
    """Ask for advice and return the answer, which must be one."""
    answer = client.post(f"/v1/advice/{what}", json=body)
    assert answer.status_code == 200, answer.text
    found: Json = answer.json()
    return found
