import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.api.bulk.cells import CellKind, guarded, read_cell, unguarded, write_cell

WORDS = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Zs")), max_size=12)
"""What may stand in a part's texts: no control characters, no spaces around it."""


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("", "text", ""),
        (" Impeller ", "text", "Impeller"),
        ("", "number", None),
        ("12.5", "number", 12.5),
        ("-1e3", "number", -1000.0),
        (".5", "number", 0.5),
        ("12,5", "number", "12,5"),
        ("twelve", "number", "twelve"),
        ("nan", "number", "nan"),
        ("12", "whole", 12),
        ("-12", "whole", -12),
        ("12.0", "whole", "12.0"),
        ("yes", "flag", True),
        ("TRUE", "flag", True),
        ("0", "flag", False),
        ("maybe", "flag", "maybe"),
        ("", "flag", None),
        ("", "texts", []),
        ("a|b | c", "texts", ["a", "b", "c"]),
        ('["a|b","c"]', "texts", ["a|b", "c"]),
        ("[a", "texts", "[a"),
        ('[{"name":"bore"}]', "objects", [{"name": "bore"}]),
        ("bore", "objects", "bore"),
        ("", "objects", []),
    ],
)
def test_a_cell_is_read_as_what_its_column_holds_or_left_for_the_model_to_refuse(
    text: str, kind: CellKind, value: object
) -> None:
    found = read_cell(text, kind)
    assert found == value
    assert type(found) is type(value)


def test_a_comma_is_a_decimal_comma_only_where_it_separates_no_cells() -> None:
    assert read_cell("12,5", "number", decimal_comma=True) == 12.5
    assert read_cell("1.234,5", "number", decimal_comma=True) == "1.234,5"
    assert read_cell("12.5", "number", decimal_comma=True) == 12.5


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r"])
def test_no_spreadsheet_runs_a_cell(start: str) -> None:
    formula = f"{start}HYPERLINK(1)"
    assert write_cell(formula) == f"'{formula}"
    assert unguarded(write_cell(formula)) == formula
    assert write_cell([formula]).startswith('["')


@given(WORDS)
def test_a_text_comes_back_as_it_was(text: str) -> None:
    cell = write_cell(text)
    assert read_cell(cell, "text") == text
    assert not cell.startswith(("=", "+", "-", "@"))
    assert unguarded(guarded(text)) == text


@given(st.lists(WORDS.filter(bool), max_size=4))
def test_a_list_comes_back_as_it_was(words: list[str]) -> None:
    cell = write_cell(words)
    assert read_cell(cell, "texts") == words
    assert not cell.startswith(("=", "+", "-", "@"))


@given(st.floats(allow_nan=False, allow_infinity=False) | st.booleans() | st.none())
def test_a_number_a_flag_and_nothing_come_back_as_they_were(value: float | bool | None) -> None:
    kind: CellKind = "flag" if isinstance(value, bool) else "number"
    assert read_cell(write_cell(value), kind) == value
    assert write_cell(value) == ("" if value is None else write_cell(value).strip())


def test_the_python_library_reads_back_what_is_written_into_a_file() -> None:
    cells = ['say "hi"', "a,b", "two\u2028lines", "ö", "=1"]
    text = io.StringIO()
    csv.writer(text).writerow([write_cell(cell) for cell in cells])
    assert [unguarded(cell) for cell in next(csv.reader([text.getvalue()]))] == cells
    assert text.getvalue().count("\n") == 1
