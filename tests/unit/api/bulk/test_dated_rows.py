"""Rows of dated tables: what a cell may hold, and tariffs from rows and back."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ValidationError
from pydantic_core import to_json

from fabroute.api.bulk.cells import write_cell
from fabroute.api.bulk.dated import (
    CARBON_FACTORS,
    DUTY_RULES,
    EXCHANGE_RATES,
    GRID_INTENSITIES,
    duty_rule_row,
    missing,
    plain_row,
)
from fabroute.api.bulk.importing import TableKind
from fabroute.api.bulk.tables import read_table
from fabroute.api.bulk.tariffs import CARRIER_TARIFFS, judge_tariffs, tariff_rows
from fabroute.api.schemas.logistics import (
    CarbonFactorRow,
    DutyRuleRow,
    ExchangeRateRow,
    GridIntensityRow,
    TariffRow,
)
from fabroute.logistics.rules import Duty, GridRow, Mode, Service, Tariff, WeightBand, Zone, transit_of
from fabroute.logistics.service import ExchangeRate, NewCarbonFactor, NewDutyRule, NewTariff
from tests.factories.freight import a_tariff

A_BAND: dict[str, object] = {
    "carrier": "Swift",
    "zone": "Z1",
    "service": "express",
    "valid_from": "2026-01-01",
    "valid_to": "2026-12-31",
    "base_eur": 5.5,
    "per_kg_eur": 0.8,
    "fuel_fraction": 0.18,
    "surcharge_eur": 0,
    "transit": ["1:900", "2:100"],
    "mode": "hgv",
    "source": "contract 7",
}


def band(**changes: object) -> TariffRow:
    return TariffRow.model_validate_json(to_json(A_BAND | changes))


def problems(*rows: TariffRow) -> list[tuple[int, str]]:
    """Places of rows and fields that are refused."""
    found = judge_tariffs(rows).problems
    return [(place, problem.pointer) for place in sorted(found) for problem in found[place]]


def refused(model: type[BaseModel], row: dict[str, object]) -> list[str]:
    """The fields that a model refuses."""
    with pytest.raises(ValidationError) as refusal:
        model.model_validate_json(to_json(row))
    return ["/".join(map(str, error["loc"])) for error in refusal.value.errors()]


def through_csv(kind: TableKind[Any], rows: Sequence[dict[str, object]]) -> list[Any]:
    """Rows written as CSV cells, read and taken by the model of their table."""
    names = [column.name for column in kind.columns]
    lines = [names, *([write_cell(row[name]) for name in names] for row in rows)]
    content = "\n".join(",".join(f'"{cell}"' if "," in cell else cell for cell in line) for line in lines)
    table = read_table(content.encode(), format="csv", columns=kind.columns)
    assert table.problems == ()
    return [kind.model.model_validate_json(to_json(row.values)) for row in table.rows]


# ---------------------------------------------------------------- tariffs


@st.composite
def new_tariffs(draw: st.DrawFn) -> NewTariff:
    limits: list[int | None] = [*sorted(draw(st.sets(st.integers(1, 99_999), max_size=4)))]
    if not limits or draw(st.booleans()):
        limits.append(None)
    money = st.integers(0, 2_000_000_000)
    bands = tuple(WeightBand(up_to_grams=limit, base_minor=draw(money), per_kg_minor=draw(money)) for limit in limits)
    typical = draw(st.integers(0, 300))
    tariff = Tariff(
        carrier=draw(st.sampled_from(["Swift", "=1+1", "-x", "A, B"])),
        zone=draw(st.sampled_from(list(Zone))),
        service=draw(st.sampled_from(list(Service))),
        bands=bands,
        minimum_minor=draw(money),
        fuel_fraction=draw(st.integers(0, 1000)) / 1000,
        surcharge_minor=draw(money),
        transit=transit_of(p50_days=typical, p95_days=typical + draw(st.integers(0, 60))),
        mode=draw(st.sampled_from(list(Mode))),
        valid_from=date(2026, 1, 1),
        valid_to=date(2026, 12, 31),
    )
    return NewTariff(tariff=tariff, source="contract 7")


@given(tariff=new_tariffs(), data=st.data())
def test_a_tariff_is_the_same_after_its_rows_in_any_order(tariff: NewTariff, data: st.DataObject) -> None:
    rows = data.draw(st.permutations([*tariff_rows([tariff])]))
    back = judge_tariffs([TariffRow.model_validate_json(to_json(row)) for row in rows])
    assert back.tariffs == [tariff]
    assert [problem for found in back.problems.values() for problem in found] == []


@given(tariff=new_tariffs())
def test_a_tariff_is_the_same_after_a_spreadsheet(tariff: NewTariff) -> None:
    rows = through_csv(CARRIER_TARIFFS, [*tariff_rows([tariff])])
    assert judge_tariffs(rows).tariffs == [tariff]
    assert len(rows) == len(tariff.tariff.bands)


def test_rows_of_one_carrier_way_and_first_day_are_one_tariff() -> None:
    rows = [
        band(up_to_kg=5),
        band(up_to_kg=1, base_eur=4),
        band(carrier="Snail"),
        band(valid_from="2025-01-01", valid_to="2025-12-31"),
        band(service="economy"),
        band(),
    ]
    judged = judge_tariffs(rows)
    assert judged.bands == [[1, 0, 5], [2], [3], [4]]
    first = judged.tariffs[0].tariff
    assert [(each.up_to_grams, each.base_minor) for each in first.bands] == [(1000, 400), (5000, 550), (None, 550)]
    assert (first.transit, first.minimum_minor, first.surcharge_minor) == (((1, 900), (2, 100)), 0, 0)


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([{"over_kg": 0, "up_to_kg": 2}, {"over_kg": 2}], []),
        ([{"up_to_kg": 2}, {}], []),
        ([{"over_kg": 1, "up_to_kg": 2}, {"over_kg": 2}], [(0, "/over_kg")]),
        ([{"over_kg": 0, "up_to_kg": 2}, {"over_kg": 3}], [(1, "/over_kg")]),
        ([{"over_kg": 0, "up_to_kg": 2}, {"over_kg": 1.5}], [(1, "/over_kg")]),
        ([{"over_kg": 3}, {"over_kg": 0, "up_to_kg": 2}], [(0, "/over_kg")]),
        ([{"up_to_kg": 0}], [(0, "/up_to_kg")]),
        ([{"up_to_kg": 2}, {"mode": "van", "source": "x"}], [(1, "/mode"), (1, "/source")]),
        ([{"up_to_kg": 2}, {"transit": ["1:1000"]}], [(1, "/transit")]),
        ([{"up_to_kg": 2, "minimum_eur": 5}, {}], [(1, "/minimum_eur")]),
        ([{"transit": []}], [(0, "/transit")]),
        ([{"transit": [], "transit_p50_days": 1}], [(0, "/transit")]),
        ([{"transit": [], "transit_p50_days": 1, "transit_p95_days": 1}], []),
        ([{"transit": [], "transit_p50_days": 2, "transit_p95_days": 1}], [(0, "/transit_p95_days")]),
        ([{"transit_p95_days": 1}], [(0, "/transit")]),
        ([{"base_eur": None, "mode": None}], [(0, "/base_eur"), (0, "/mode")]),
    ],
)
def test_bands_that_do_not_go_together_are_told_where_they_stand(
    rows: list[dict[str, object]], expected: list[tuple[int, str]]
) -> None:
    found = [band(**changes) for changes in rows]
    assert problems(*found) == expected
    assert len(judge_tariffs(found).tariffs) == 1


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"base_eur": 1.005}, "base_eur"),
        ({"base_eur": -0.01}, "base_eur"),
        ({"base_eur": 20_000_001}, "base_eur"),
        ({"base_eur": "5"}, "base_eur"),
        ({"up_to_kg": 0.0005}, "up_to_kg"),
        ({"up_to_kg": 100_001}, "up_to_kg"),
        ({"fuel_fraction": 11}, "fuel_fraction"),
        ({"transit": ["1-900"]}, "transit/0"),
        ({"transit": ["1:900", [2, 50, 50]]}, "transit/1"),
        ({"transit_p50_days": 365}, "transit_p50_days"),
        ({"valid_from": "01.01.2026"}, "valid_from"),
        ({"zone": "1"}, "zone"),
        ({"carrier": ""}, "carrier"),
        ({"weight": 1}, "weight"),
    ],
)
def test_a_cell_holds_what_its_column_is_for(changes: dict[str, object], field: str) -> None:
    found = refused(TariffRow, A_BAND | changes)
    assert {place.partition("/")[0] for place in found} == {field.partition("/")[0]}
    assert any(place.startswith(field) for place in found)


@pytest.mark.parametrize("step", ["2:500", " 2 : 500 ", [2, 500]])
def test_a_step_of_transit_is_written_short_or_as_an_array(step: object) -> None:
    assert band(transit=["1:500", step]).transit == [(1, 500), (2, 500)]
    assert problems(band(transit=["1:500", step])) == []


def test_an_amount_is_exact_to_the_cent_and_a_weight_to_the_gram() -> None:
    row = band(base_eur=0.29, per_kg_eur=1.1, up_to_kg=31.499)
    (only,) = judge_tariffs([row]).tariffs[0].tariff.bands
    assert (only.base_minor, only.per_kg_minor, only.up_to_grams) == (29, 110, 31_499)


# ---------------------------------------------------------------- the other tables

DAYS: dict[str, object] = {"valid_from": "2026-01-01", "valid_to": "2026-12-31", "source": "x"}
DUTY: dict[str, object] = {"rule_id": "A", "territory": "EU", "consignment": "b2c", "fixed_eur": 3, "fraction": 0}


@pytest.mark.parametrize(
    ("model", "row", "field"),
    [
        (DutyRuleRow, DUTY | {"territory": "FR"}, "territory"),
        (DutyRuleRow, DUTY | {"territory": "eu"}, "territory"),
        (DutyRuleRow, DUTY | {"consignment": "c2c"}, "consignment"),
        (DutyRuleRow, DUTY | {"rule_id": "a b"}, "rule_id"),
        (DutyRuleRow, DUTY | {"fraction": -0.1}, "fraction"),
        (CarbonFactorRow, {"mode": "car", "g_per_tonne_km": 1}, "mode"),
        (CarbonFactorRow, {"mode": "van", "g_per_tonne_km": -1}, "g_per_tonne_km"),
        (GridIntensityRow, {"country": "EU", "g_per_kwh": 1}, "country"),
        (GridIntensityRow, {"country": "DE", "g_per_kwh": 5_001}, "g_per_kwh"),
        (ExchangeRateRow, {"currency": "EUR", "per_eur": 1}, "currency"),
        (ExchangeRateRow, {"currency": "usd", "per_eur": 1}, "currency"),
        (ExchangeRateRow, {"currency": "USD", "per_eur": 0}, "per_eur"),
    ],
)
def test_a_value_out_of_its_range_is_refused(model: type[BaseModel], row: dict[str, object], field: str) -> None:
    assert refused(model, DAYS | row) == [field]
    assert refused(model, DAYS | row | {"valid_to": "soon"})[-1:] != []


@pytest.mark.parametrize("territory", ["*", "EU", "US", "CH", "GB"])
def test_duties_are_of_customs_territories(territory: str) -> None:
    row = DutyRuleRow.model_validate_json(to_json(DAYS | DUTY | {"territory": territory}))
    assert row.territory == territory
    assert missing(row, ("fixed_eur", "fraction", "valid_to", "source", "maximum_value_eur")) == missing(
        row, ("maximum_value_eur",)
    )


def test_what_is_missing_is_told_by_field() -> None:
    row = CarbonFactorRow.model_validate_json('{"mode": "van", "valid_from": "2026-01-01"}')
    found = missing(row, ("g_per_tonne_km", "valid_to", "source"))
    assert [problem.pointer for problem in found] == ["/g_per_tonne_km", "/valid_to", "/source"]
    assert {problem.message for problem in found} == {"is missing: give it in every row"}


def test_rows_of_the_other_tables_are_the_same_after_a_spreadsheet() -> None:
    first, last = date(2026, 1, 1), date(2026, 12, 31)
    duty = Duty(
        territory="EU",
        consignment="b2c",
        maximum_value_minor=15_000,
        fixed_minor=300,
        fraction=0.025,
        valid_from=first,
        valid_to=last,
    )
    (rule,) = through_csv(DUTY_RULES, [duty_rule_row(NewDutyRule(rule_id="A", duty=duty, source="x"))])
    factor = NewCarbonFactor(mode=Mode.VAN, g_per_tonne_km=782.5, source="x", valid_from=first, valid_to=last)
    grid = GridRow(country="*", g_per_kwh=475, source="x", valid_from=first, valid_to=last)
    rate = ExchangeRate(currency="USD", per_eur=1.08123, source="x", valid_from=first, valid_to=last)
    assert rule.model_dump(exclude={"valid_from", "valid_to", "source"}) == DUTY | {
        "maximum_value_eur": 150.0,
        "fraction": 0.025,
    }
    for kind, item, value in (
        (CARBON_FACTORS, factor, {"mode": Mode.VAN, "g_per_tonne_km": 782.5}),
        (GRID_INTENSITIES, grid, {"country": "*", "g_per_kwh": 475.0}),
        (EXCHANGE_RATES, rate, {"currency": "USD", "per_eur": 1.08123}),
    ):
        (row,) = through_csv(kind, [plain_row(item)])
        assert row.model_dump() == value | {"valid_from": first, "valid_to": last, "source": "x"}


def test_a_row_is_named_by_what_it_is_about() -> None:
    assert CARRIER_TARIFFS.key_of(band(up_to_kg=31.5)) == "Swift Z1 express from 2026-01-01 up to 31.5 kg"
    assert CARRIER_TARIFFS.key_of(band()) == "Swift Z1 express from 2026-01-01 for any weight"
    rule = DutyRuleRow.model_validate_json(to_json(DAYS | DUTY))
    assert DUTY_RULES.key_of(rule) == "duty rule A"
    assert a_tariff().carrier == "reference"
