"""Spare-part lists as they come in, and their rows as the judge takes them."""

import json
from typing import Any

import pytest
from pydantic import ValidationError
from pydantic_core import to_json

from fabroute.advice.rules.screening_terms import ScreeningTerms
from fabroute.advice.service.screenings import ScreenedRow
from fabroute.api.bulk.screenings import COLUMNS, RESULT_COLUMNS, RankedRows, read_list
from fabroute.api.bulk.tables import Table
from fabroute.api.schemas.screenings import (
    ScreeningQuery,
    ScreeningRowIn,
    TermsBody,
    listed_of,
    screened_row_out,
    terms_of_query,
)
from tests.factories.screenings import a_spare_part_list, as_csv


def a_list(text: str) -> Table:
    return read_list(text.encode(), format="csv")


def a_json_list(*rows: dict[str, Any]) -> Table:
    return read_list(json.dumps(rows).encode(), format="json")


def problems(table: Table) -> list[tuple[int, str]]:
    return [(problem.row, problem.field) for problem in table.problems]


def a_row(**values: Any) -> ScreeningRowIn:
    return ScreeningRowIn.model_validate_json(to_json({"part_no": "P-1"} | values))


# ---------------------------------------------------------------- months


def test_months_become_one_history_in_the_order_of_the_calendar() -> None:
    (row,) = a_list("demand_2026-02,part_no,demand_2025-12,demand_2026-01\n3,P-1,1,2\n").rows
    assert row.values == {"part_no": "P-1", "demand_history": [1.0, 2.0, 3.0]}
    assert (row.number, row.line) == (1, 2)


def test_an_empty_month_beside_filled_ones_is_refused_and_only_empty_ones_are_no_history() -> None:
    table = a_list("part_no,demand_2026-01,demand_2026-02\nP-1,,4\nP-2,,\n")
    assert problems(table) == [(1, "demand_2026-01")]
    assert table.problems[0].message == "is empty: write 0 for a month in which nothing was wanted"
    assert all("demand_history" not in row.values for row in table.rows)
    named = a_json_list({"part_no": "P-1", "demand_2026-01": None, "demand_2026-02": 0})
    assert problems(named) == [(1, "demand_2026-01")]


def test_a_list_without_months_is_left_as_it_is() -> None:
    (row,) = a_list("part_no,demand_history\nP-1,1|0|2\n").rows
    assert row.values == {"part_no": "P-1", "demand_history": ["1", "0", "2"]}
    assert a_row(**row.values).demand_history == [1, 0, 2]


def test_a_month_that_is_left_out_is_told_once_for_a_table_and_by_row_for_json() -> None:
    table = a_list("part_no,demand_2025-11,demand_2026-01\nP-1,1,1\nP-2,1,1\n")
    assert problems(table) == [(0, "demand_2026-01")]
    assert table.problems[0].message == "does not follow demand_2025-11: give a column for every month"
    rows = a_json_list({"demand_2025-11": 1, "demand_2026-01": 1}, {"demand_2025-12": 1, "demand_2026-01": 1})
    assert problems(rows) == [(1, "demand_2026-01")]


@pytest.mark.parametrize("cell", ["x", "-1", "1e12"])
def test_a_month_holds_a_quantity(cell: str) -> None:
    table = a_list(f"part_no,demand_2026-01,demand_2026-02\nP-1,{cell},1\n")
    assert problems(table) == [(1, "demand_2026-01")]
    assert table.problems[0].message == "must be a number from 0 to 1,000,000,000"
    assert "demand_history" not in table.rows[0].values


def test_months_and_a_history_exclude_each_other_where_both_say_something() -> None:
    table = a_list("part_no,demand_history,demand_2026-01\nP-1,1|2,3\nP-2,,3\nP-3,1|2,\n")
    assert problems(table) == [(1, "demand_history")]
    assert [row.values.get("demand_history") for row in table.rows[1:]] == [[3.0], ["1", "2"]]


def test_other_columns_are_refused_with_those_there_are() -> None:
    table = a_list("part_no,price,demand_2026-13\nP-1,1,1\n")
    assert problems(table) == [(0, "demand_2026-13"), (0, "price")]
    assert "unit_price" in table.problems[1].message
    assert table.rows == ()


def test_semicolons_go_with_decimal_commas() -> None:
    (row,) = a_list("part_no;unit_price;demand_2026-01;demand_history\nP-1;1.234,5;2,5;\n").rows
    assert row.values["unit_price"] == "1.234,5"  # thousands' separators are refused, not guessed
    assert row.values["demand_history"] == [2.5]
    (listed,) = a_list("part_no;unit_price;demand_history\nP-1;12,5;0,5|1\n").rows
    assert (a_row(**listed.values).unit_price, a_row(**listed.values).demand_history) == (12.5, [0.5, 1])


def test_the_made_up_lists_are_read_whole() -> None:
    rows = a_spare_part_list(200, seed=4)
    table = a_list(as_csv(rows))
    assert (len(table.rows), table.problems) == (200, ())
    parts = [listed_of(a_row(**row.values), per_eur=1).part for row in table.rows]
    assert [part.part_no for part in parts] == [row["part_no"] for row in rows]
    assert {len(part.history) for part in parts} == {24}


# ---------------------------------------------------------------- rows


def test_a_row_is_taken_over_in_cents_of_euro() -> None:
    row = a_row(
        unit_price=12.345,
        tooling=1000,
        stockout_cost_per_day=2250,
        currency="SEK",
        moq=250,
        stock=1,
        need=10,
        lead_days=90,
        box_x_mm=1,
        box_y_mm=2,
        box_z_mm=3,
        volume_cm3=0.004,
        mass_g=5,
        process_materials=["PA12"],
        required_certificates=["ISO9001"],
        tolerance_mm=0.2,
        printable=True,
        name="Nozzle",
    )
    listed = listed_of(row, per_eur=11.25)
    part = listed.part
    assert part.unit_price_minor == pytest.approx(1234.5 / 11.25, abs=1e-6)
    assert part.tooling_minor == pytest.approx(8888.888889)
    assert part.stockout_minor_per_day == 20_000
    assert (part.minimum_quantity, part.stock, part.need, part.lead_days) == (250, 1, 10, 90)
    assert (part.box_mm, part.volume_cm3, part.mass_g) == ((1, 2, 3), 0.004, 5)
    assert (part.process_materials, part.required_certificates) == (("PA12",), ("ISO9001",))
    assert (part.tolerance_mm, part.printable, part.has_print_file) == (0.2, True, False)
    assert (listed.name, listed.currency, listed.per_eur) == ("Nozzle", "SEK", 11.25)


def test_what_is_left_out_is_unknown_and_never_nought() -> None:
    part = listed_of(a_row(), per_eur=1).part
    assert (part.unit_price_minor, part.demand, part.minimum_quantity, part.stock) == (None, None, None, None)
    assert (part.history, part.box_mm, part.volume_cm3, part.tooling_minor) == ((), None, None, None)
    assert listed_of(a_row(box_x_mm=1, box_y_mm=2), per_eur=1).part.box_mm is None


@pytest.mark.parametrize(
    ("values", "place"),
    [
        ({"unit_price": -1}, ("unit_price",)),
        ({"unit_price": "12"}, ("unit_price",)),
        ({"moq": 0}, ("moq",)),
        ({"moq": 1.5}, ("moq",)),
        ({"lead_days": 4000}, ("lead_days",)),
        ({"demand_history": ["1", "two"]}, ("demand_history", 1)),
        ({"demand_history": [-1]}, ("demand_history", 0)),
        ({"currency": "euro"}, ("currency",)),
        ({"process_materials": [""]}, ("process_materials", 0)),
        ({"part_no": ""}, ("part_no",)),
        ({"printable": "perhaps"}, ("printable",)),
        ({"colour": "red"}, ("colour",)),
    ],
)
def test_a_cell_that_can_not_be_is_named(values: dict[str, Any], place: tuple[str | int, ...]) -> None:
    with pytest.raises(ValidationError) as refused:
        a_row(**values)
    assert [error["loc"] for error in refused.value.errors()] == [place]
    assert a_row(currency="").currency == "EUR"


def test_columns_and_fields_are_the_same() -> None:
    assert [column.name for column in COLUMNS] == list(ScreeningRowIn.model_fields)
    assert [column.name for column in COLUMNS if column.required] == ["part_no"]


# ---------------------------------------------------------------- terms


def test_the_terms_of_the_api_are_those_of_the_judge_with_the_same_defaults() -> None:
    assert terms_of_query(ScreeningQuery()) == ScreeningTerms()
    assert set(TermsBody.model_fields) == set(ScreeningTerms.__dataclass_fields__)
    assert set(ScreeningQuery.model_fields) - set(TermsBody.model_fields) == {"name"}
    changed = ScreeningQuery.model_validate({"holding_cost": "0.3", "process_materials": ["PA12"], "name": "x"})
    assert terms_of_query(changed) == ScreeningTerms(holding_cost=0.3, process_materials=("PA12",))


# ---------------------------------------------------------------- out again


def a_screened_row(**changes: Any) -> ScreenedRow:
    """Return a row that nobody has judged yet, with ``changes``."""
    figures: dict[str, Any] = {
        "position": 3,
        "part_no": "P-3",
        "name": "",
        "verdict": None,
        "yearly_saving_minor": None,
        "given": {"unit_price_minor": 35.5},
    }
    return ScreenedRow(**(figures | changes))


def test_a_row_that_nobody_has_judged_yet_has_nothing_to_say() -> None:
    out = screened_row_out(a_screened_row())
    (cells,) = RankedRows().rows_of([a_screened_row()])
    assert (out.verdict, out.yearly_saving, out.reasons, out.saving_rows, out.printed) == (None, None, [], [], None)
    assert (out.demand_class, out.missing, out.crossover) == ("unknown", [], None)
    assert (cells["rank"], cells["part_no"], cells["verdict"], cells["unit_price_eur"]) == (1, "P-3", None, 0.355)
    assert set(cells) == {column.name for column in RESULT_COLUMNS}


def test_ranks_go_on_over_pages() -> None:
    ranked = RankedRows()
    first = [row["rank"] for row in ranked.rows_of([a_screened_row(), a_screened_row()])]
    second = [row["rank"] for row in ranked.rows_of([a_screened_row()])]
    assert (first, second) == ([1, 2], [3])


def test_a_judged_row_tells_amounts_in_cents_and_in_the_table_in_euro() -> None:
    printed = {"node_id": "N1", "machine_id": "N1-A", "machine_model": "M", "process": "MJF", "material": "PA12-MJF"}
    judgement = {
        "reasons": [{"code": "saves", "message": "a twin saves"}],
        "at_most_minor": 5_000,
        "rows": [{"code": "purchase", "amount_minor": 4_000}, {"code": "upkeep", "amount_minor": -2_500}],
        "printed": printed | {"quantity": 4, "price_minor": 1_001},
        "crossover": 12.5,
        "zone": "additive",
    }
    row = a_screened_row(verdict="digital_twin", yearly_saving_minor=1_500, judgement=judgement)
    out, (cells,) = screened_row_out(row), RankedRows().rows_of([row])
    assert out.yearly_saving is not None
    assert out.printed is not None
    assert (out.yearly_saving.amount_minor, out.yearly_saving.currency) == (1_500, "EUR")
    assert [(item.code, item.amount.amount_minor) for item in out.saving_rows] == [
        ("purchase", 4000),
        ("upkeep", -2500),
    ]
    assert (out.printed.price.amount_minor, out.printed.quantity, out.zone) == (1_001, 4, "additive")
    assert (cells["yearly_saving_eur"], cells["purchase_eur"], cells["upkeep_eur"]) == (15, 40, -25)
    assert (cells["printed_unit_eur"], cells["at_most_eur"], cells["reason"]) == (2.5025, 50, "saves")
    assert cells["tooling_eur"] is None
