"""Jobs that can be shipped, over HTTP."""

from collections.abc import Mapping
from typing import Any

from tests.factories.api_jobs import JobWorld

PARCEL: dict[str, object] = {"quantity": 3, "weight_grams": 900}


def given_inspected_job(world: JobWorld) -> JobWorld:
    """Have the bureau report three good prints, ``S-1`` to ``S-3``, and look at them."""
    world.fetched_long_ago()
    for number in (1, 2, 3):
        printed = world.printed(number, "good", serial=f"S-{number}")
        assert printed.status_code in (200, 201), printed.text
    looked = {"level": "visual", "inspector": "Q. Albers", "result": "pass"}
    answer = world.bureau.post(f"{world.job}/inspections", json=looked)
    assert answer.status_code == 201, answer.text
    return world


def given_shipment(world: JobWorld, *parcels: Mapping[str, object], **changes: object) -> Any:
    """Have the bureau prepare a shipment, of one parcel with all parts unless others are given; return it."""
    body = {"carrier": "DHL", "parcels": [dict(parcel) for parcel in parcels or (PARCEL,)]} | changes
    answer = world.bureau.post(f"{world.job}/shipments", json=body)
    assert answer.status_code == 201, answer.text
    return answer.json()
