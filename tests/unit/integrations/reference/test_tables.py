"""Reading one row: each kind of value, its limits, and what stands in for one that can't be taken."""

from collections.abc import Callable
from datetime import date
from enum import StrEnum

import pytest

from fabroute.integrations.reference.tables import InvalidReferenceData, Problem, Problems, Row


class Colour(StrEnum):
    """Two values."""

    RED = "red"
    BLUE = "blue"


def a_row(value: str) -> Row:
    return Row(file="things.csv", line=7, values={"column": value}, problems=Problems())


@pytest.mark.parametrize(
    ("value", "read", "expected"),
    [
        ("Lyon", lambda row: row.text("column"), "Lyon"),
        ("", lambda row: row.optional_text("column"), ""),
        ("12.5", lambda row: row.number("column"), 12.5),
        ("1e3", lambda row: row.number("column"), 1000.0),
        ("0", lambda row: row.number("column"), 0.0),
        ("-90", lambda row: row.number("column", minimum=-90, maximum=90), -90.0),
        ("90", lambda row: row.number("column", minimum=-90, maximum=90), 90.0),
        ("", lambda row: row.optional_number("column"), None),
        ("0.5", lambda row: row.optional_number("column", maximum=1), 0.5),
        ("0", lambda row: row.whole("column"), 0),
        ("2000000000", lambda row: row.whole("column"), 2_000_000_000),
        ("-3", lambda row: row.whole("column", minimum=-5), -3),
        ("4.105", lambda row: row.minor("column"), 411),
        ("0.1", lambda row: row.minor("column"), 10),
        ("1234567.89", lambda row: row.minor("column"), 123_456_789),
        ("2024-02-29", lambda row: row.day("column"), date(2024, 2, 29)),
        ("1", lambda row: row.flag("column"), True),
        ("0", lambda row: row.flag("column"), False),
        ("b", lambda row: row.choice("column", ("a", "b")), "b"),
        ("AOG", lambda row: row.choice("column", ("aog",), lower=True), "aog"),
        ("blue", lambda row: row.one_of("column", Colour), Colour.BLUE),
        ("A1", lambda row: row.matching("column", r"[A-Z]\d", "advice"), "A1"),
        ("a | b|c", lambda row: row.several("column"), ("a", "b", "c")),
        ("a", lambda row: row.several("column"), ("a",)),
        ("", lambda row: row.several("column"), ()),
    ],
)
def test_a_good_value_is_read_and_nothing_is_noted(value: str, read: Callable[[Row], object], expected: object) -> None:
    row = a_row(value)
    assert read(row) == expected
    assert row.problems.found == []


@pytest.mark.parametrize(
    ("value", "read", "stand_in", "advice"),
    [
        ("", lambda row: row.text("column"), "", "is empty: fill it in"),
        ("", lambda row: row.number("column"), 1.0, "give a number from 0, such as 12.5"),
        ("1,5", lambda row: row.number("column"), 1.0, "give a number from 0, such as 12.5"),
        ("nan", lambda row: row.number("column"), 1.0, "give a number from 0, such as 12.5"),
        ("inf", lambda row: row.number("column"), 1.0, "give a number from 0, such as 12.5"),
        ("-inf", lambda row: row.number("column", minimum=-90), 1.0, "give a number from -90, such as 12.5"),
        ("1e13", lambda row: row.number("column"), 1.0, "give a number from 0, such as 12.5"),
        ("0", lambda row: row.number("column", above=True), 1.0, "give a number over 0, such as 12.5"),
        ("2", lambda row: row.optional_number("column", maximum=1), 1.0, "give a number from 0 up to 1, such as 12.5"),
        ("1.0", lambda row: row.whole("column"), 1, "give a whole number from 0 to 2,000,000,000"),
        ("99999999999", lambda row: row.whole("column"), 1, "give a whole number from 0 to 2,000,000,000"),
        ("٣", lambda row: row.whole("column"), 1, "give a whole number from 0 to 2,000,000,000"),
        ("free", lambda row: row.minor("column"), 100, "give a number from 0 up to 2e+07, such as 12.5"),
        ("0", lambda row: row.minor("column", minimum=0.01), 100, "give a number from 0.01 up to 2e+07, such as 12.5"),
        ("501", lambda row: row.minor("column", maximum=500), 100, "give a number from 0 up to 500, such as 12.5"),
        ("2025-02-29", lambda row: row.day("column"), date.min, "give a day as YYYY-MM-DD, such as 2026-06-15"),
        ("yes", lambda row: row.flag("column"), False, "use one of 0, 1"),
        ("c", lambda row: row.choice("column", ("a", "b")), "c", "use one of a, b"),
        ("green", lambda row: row.one_of("column", Colour), Colour.RED, "use one of red, blue"),
        ("1A", lambda row: row.matching("column", r"[A-Z]\d", "use A1"), "1A", "use A1"),
    ],
)
def test_a_bad_value_is_noted_once_with_its_place_and_a_stand_in_goes_on(
    value: str, read: Callable[[Row], object], stand_in: object, advice: str
) -> None:
    row = a_row(value)
    assert read(row) == stand_in
    assert row.problems.found == [Problem(file="things.csv", line=7, column="column", value=value, advice=advice)]


def test_problems_are_told_in_the_order_of_files_and_lines() -> None:
    problems = Problems()
    problems.require_none()
    problems.add(file="b.csv", line=3, column="x", value="1", advice="third")
    problems.add(file="b.csv", advice="second")
    problems.add(file="a.csv", line=9, advice="first")
    with pytest.raises(InvalidReferenceData) as refusal:
        problems.require_none()
    assert str(refusal.value).splitlines() == [
        "3 problems in the reference data, so nothing was loaded:",
        "  a.csv line 9: first",
        "  b.csv: second",
        "  b.csv line 3, x: '1': third",
    ]
    assert [problem.pointer for problem in refusal.value.problems] == ["/a.csv/9/", "/b.csv/0/", "/b.csv/3/x"]


def test_one_problem_is_told_in_the_singular() -> None:
    problems = Problems()
    problems.add(file="a.csv", advice="is not there")
    with pytest.raises(InvalidReferenceData, match="1 problem in the reference data, so nothing was loaded"):
        problems.require_none()
