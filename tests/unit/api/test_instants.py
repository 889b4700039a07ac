"""Days and instants that clients send lie in our times: nothing that is reckoned from them leaves the calendar."""

import json
from typing import Any

import pytest
from pydantic import BaseModel

from fabroute.api.bodies import parse_body
from fabroute.api.errors import ValidationFailed
from fabroute.api.schemas.builds import BuildClosingIn, BuildIn, BuildStartIn
from fabroute.api.schemas.certificates import CertificateIn
from fabroute.api.schemas.inspections import InspectionIn
from fabroute.api.schemas.phases import CounterOfferIn, ReportsIn
from fabroute.api.schemas.rerouting import CapacityCutIn
from fabroute.api.schemas.shipments import ShipmentEventIn


def wrong_pointers(model: type[BaseModel], **told: Any) -> dict[str, str]:
    content = json.dumps(told).encode()
    with pytest.raises(ValidationFailed) as refused:
        parse_body(model, content)
    return {it.pointer: it.message for it in refused.value.problems}


@pytest.mark.parametrize(("model", "field"), [
    (BuildIn, "planned_start_at"),
    (BuildStartIn, "started_at"),
    (BuildClosingIn, "started_at"),
    (BuildClosingIn, "finished_at"),
    (InspectionIn, "inspected_at"),
    (ShipmentEventIn, "occurred_at"),
])  # fmt: skip
def test_an_instant_at_the_ends_of_the_calendar_is_refused_at_its_field(model: type[BaseModel], field: str) -> None:
    words = "must lie in the years 2000 to 2099"
    for moment in ("0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-12:00", "1999-12-31T23:59:59Z"):
        assert wrong_pointers(model, **{field: moment})[f"/{field}"] == words
    assert f"/{field}" not in wrong_pointers(model, unknown=1, **{field: "2000-01-01T00:00:00Z"})


@pytest.mark.parametrize(("model", "field"), [
    (CounterOfferIn, "produce_by"),
    (CapacityCutIn, "first_day"),
    (CapacityCutIn, "last_day"),
    (CertificateIn, "valid_to"),
])  # fmt: skip
def test_a_day_at_the_ends_of_the_calendar_is_refused_at_its_field(model: type[BaseModel], field: str) -> None:
    for day in ("0001-01-01", "9999-12-31", "2100-01-01"):
        assert wrong_pointers(model, **{field: day})[f"/{field}"] == "must lie in the years 2000 to 2099"
    assert f"/{field}" not in wrong_pointers(model, unknown=1, **{field: "2099-12-31"})


def test_each_report_of_many_is_looked_at() -> None:
    reports = [
        {"sequence": number, "name": "started", "occurred_at": f"{year}-06-15T12:00:00Z"}
        for number, year in enumerate(("2026", "0001", "9999"), start=1)
    ]
    assert list(wrong_pointers(ReportsIn, reports=reports)) == ["/reports/1/occurred_at", "/reports/2/occurred_at"]
    assert len(parse_body(ReportsIn, json.dumps({"reports": reports[:1]}).encode()).reports) == 1
