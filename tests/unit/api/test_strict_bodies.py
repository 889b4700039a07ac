"""A body's values are what its schema says they are: true is no number, a number no date, a text no number."""

import json
from collections.abc import Iterator

import pytest
from pydantic import BaseModel

from fabroute.api.app import build_app
from fabroute.api.bodies import parse_body
from fabroute.api.errors import ValidationFailed
from fabroute.api.schemas.base import RequestModel
from fabroute.api.schemas.logistics import CarbonFactorRow, DatedRow, DutyRuleRow, TariffRow
from fabroute.api.schemas.orders import OrderRequest
from fabroute.api.schemas.phases import CounterOfferIn, OfflineIn, ProductionPolicyIn, ReportsIn
from fabroute.api.schemas.quotes import QuoteRequest

NUMBER = "must be a number with a point, such as 120.5"
DATE = "must be a date, such as 2026-12-01"
INSTANT = "must be a date and time with an offset, as in 2026-06-15T12:00:00+02:00"
REPORT = {"sequence": 1, "name": "started", "occurred_at": 1_781_500_000}


def refusal(model: type[BaseModel], body: object) -> list[tuple[str, str]]:
    with pytest.raises(ValidationFailed) as refused:
        parse_body(model, json.dumps(body).encode())
    return [(it.pointer, it.message) for it in refused.value.problems]


def kinds_of(model: type[BaseModel]) -> Iterator[type[BaseModel]]:
    for kind in model.__subclasses__():
        yield kind
        yield from kinds_of(kind)


def fields_of_time() -> Iterator[tuple[type[BaseModel], str]]:
    """Yield the fields with days and instants of every body but rows of tables."""
    build_app(None)  # imports them all
    for model in kinds_of(RequestModel):
        for name, told in model.model_json_schema()["properties"].items():
            kinds = {it.get("format") for it in (told, *told.get("anyOf", ()))}
            if kinds & {"date", "date-time"} and not model.__name__.endswith("Row"):
                yield model, name


@pytest.mark.parametrize(("model", "body", "pointer", "message"), [
    (ProductionPolicyIn, {"counter_price_fraction": False}, "/counter_price_fraction", NUMBER),
    (ProductionPolicyIn, {"counter_price_fraction": "0.1"}, "/counter_price_fraction", NUMBER),
    (ProductionPolicyIn, {"counter_days": True}, "/counter_days", "must be a whole number"),
    (OfflineIn, {"hours": True}, "/hours", NUMBER),
    (OfflineIn, {"hours": "5"}, "/hours", NUMBER),
    (CounterOfferIn, {"produce_by": 1_781_481_600}, "/produce_by", DATE),
    (ReportsIn, {"reports": [REPORT]}, "/reports/0/occurred_at", INSTANT),
])  # fmt: skip
def test_another_type_is_refused_at_its_field(model: type[BaseModel], body: object, pointer: str, message: str) -> None:
    assert refusal(model, body) == [(pointer, message)]


def test_a_whole_number_is_a_number_and_a_date_is_written_as_text() -> None:
    assert parse_body(OfflineIn, b'{"hours": 5}').hours == 5.0
    assert str(parse_body(CounterOfferIn, b'{"produce_by": "2026-06-15"}').produce_by) == "2026-06-15"


def test_seconds_since_1970_are_no_time_anywhere() -> None:
    found = list(fields_of_time())
    told = {it: dict(refusal(it[0], {it[1]: 1_781_481_600})).get(f"/{it[1]}") for it in found}

    assert {(OrderRequest, "need_by"), (QuoteRequest, "need_by"), (CounterOfferIn, "produce_by")} <= set(found)
    assert set(told.values()) == {DATE, INSTANT}


def test_only_rows_of_tables_convert_what_they_are_told() -> None:
    build_app(None)  # imports them all
    lax = {
        model.__name__
        for model in kinds_of(RequestModel)
        if any(getattr(it, "strict", None) is False for field in model.model_fields.values() for it in field.metadata)
    }

    assert {it.__name__ for it in (CarbonFactorRow, DatedRow, DutyRuleRow, TariffRow)} <= lax
    assert [name for name in sorted(lax) if not name.endswith("Row")] == []
    assert [it.__name__ for it in kinds_of(RequestModel) if it.model_config.get("strict") is not True] == []
