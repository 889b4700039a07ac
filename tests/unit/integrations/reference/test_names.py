"""Other numbers of parts and their machines: two files that may be left out, read as strictly as the others."""

from pathlib import Path

import pytest

from tests.factories.reference import (
    PART_INSTALLATIONS,
    PART_NUMBERS,
    problems_of,
    read_reference,
    reference_files,
    write_names,
    write_reference,
)


def test_a_folder_without_them_has_none(tmp_path: Path) -> None:
    files = read_reference(write_reference(tmp_path))
    assert (files.part_numbers, files.part_installations) == ((), ())


def test_good_files_become_typed_rows(tmp_path: Path) -> None:
    files = read_reference(write_names(write_reference(tmp_path)))
    assert [(it.value.part_no, it.value.kind, it.value.number) for it in files.part_numbers] == [
        ("XX-1", "old", "KP-1987"),
        ("XX-1", "gtin", "2000000001012"),
    ]
    found = [it.value for it in files.part_installations]
    assert [(it.asset, it.position, it.quantity, it.note) for it in found] == [
        ("pump P-17", "impeller", 2, ""),
        ("pump P-18", "", 1, "spare"),
    ]


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "advice"),
    [
        ("XX-1,old", "XX-9,old", 2, "part_no", "XX-9 is not in parts.csv: add it there, or correct it here"),
        (",old,", ",former,", 2, "kind", "use one of old, supplier, manufacturer, gtin"),
        ("KP-1987", "", 2, "number", "is empty: fill it in"),
        ("KP-1987", "K" * 65, 2, "number", "has 65 characters: 64 are allowed"),
        ("KP-1987", "XX-1", 2, "number", "is the number of a part in parts.csv: a part goes by it already"),
        ("KP-1987", "2000000001012", 3, "number", "stands on line 2 already: remove or rename one of the two"),
        (
            "2000000001012",
            "2000000001013",
            3,
            "number",
            "2000000001013 has the check digit 3, should be 2: look for a typing error",
        ),
    ],
)
def test_a_bad_number_is_found_and_says_what_to_do(
    tmp_path: Path, old: str, new: str, line: int, column: str, advice: str
) -> None:
    found = problems_of(write_names(write_reference(tmp_path), numbers=PART_NUMBERS.replace(old, new, 1)))
    assert [(it.file, it.line, it.column, it.advice) for it in found] == [("part_numbers.csv", line, column, advice)]


@pytest.mark.parametrize(
    ("old", "new", "line", "column", "advice"),
    [
        (
            "XX-1,pump P-17",
            "XX-9,pump P-17",
            2,
            "part_no",
            "XX-9 is not in parts.csv: add it there, or correct it here",
        ),
        ("pump P-17", "", 2, "asset", "is empty: fill it in"),
        ("impeller,2", "impeller,0", 2, "quantity", "give a whole number from 1 to 2,000,000,000"),
        (
            "pump P-18,,",
            "pump P-17,impeller,",
            3,
            "asset",
            "stands on line 2 already: remove or rename one of the two",
        ),
    ],
)
def test_a_bad_installation_is_found_and_says_what_to_do(
    tmp_path: Path, old: str, new: str, line: int, column: str, advice: str
) -> None:
    installations = PART_INSTALLATIONS.replace(old, new, 1)
    found = problems_of(write_names(write_reference(tmp_path), installations=installations))
    assert [(it.file, it.line, it.column, it.advice) for it in found] == [
        ("part_installations.csv", line, column, advice)
    ]


def test_the_pump_that_the_console_names_as_an_example_is_in_the_reference_network() -> None:
    files = reference_files()
    pump = [it.value.part_no for it in files.part_installations if it.value.asset == "pump P-17"]
    old = {it.value.number: it.value.part_no for it in files.part_numbers if it.value.kind == "old"}
    assert (pump, old["KP-1987-142"]) == (["MA-0301", "MA-0303"], "MA-0301")
