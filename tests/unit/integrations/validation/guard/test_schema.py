import re
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.integrations.validation.guard import schema
from fabroute.integrations.validation.guard.schema import ELEMENTS, core, material


@pytest.mark.parametrize("text", ["0", "-0", "+1", "12.5", ".5", "-.5", "1e5", "1E+5", "1.5e-05", "007", " 1\t"])
def test_numbers_of_the_specification(text: str) -> None:
    assert schema.NUMBER_KIND.fits(text)
    assert float(text) == float(Decimal(text.strip()))


@pytest.mark.parametrize(
    "text", ["", ".", "1.", "-", "1e", "1e5.0", "nan", "inf", "0x1", "1,5", "1 2", "1_0", "\u0663", "1d3", "e5", "--1"]
)
def test_what_is_no_number_of_the_specification(text: str) -> None:
    assert not schema.NUMBER_KIND.fits(text)
    assert not schema.NUMBERS.fits(f"1 {text or 'x'}") or text == "1 2"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_every_number_that_programs_write_is_a_number(number: float) -> None:
    written = repr(number)
    assert schema.NUMBER_KIND.fits(written)
    assert float(written) == number


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (schema.ID, ["1", "2147483647", " 7 ", "+3"], ["0", "-1", "2147483648", "1.0", "", "1 2", "x"]),
        (schema.INDEX, ["0", "2147483647"], ["-1", "2147483648", "", "0x0", "9" * 30]),
        (schema.IDS, ["1", "1 2", " 1  2 "], ["", "0", "1,2"]),
        (schema.UNIT, ["micron", "meter", "foot"], ["Meter", "mm", ""]),
        (schema.OBJECT_TYPE, ["model", "other"], ["Model", ""]),
        (schema.COLOUR, ["#A0B1c2", "#A0B1C2FF"], ["A0B1C2", "#A0B1C", "#A0B1C2F", "#A0B|C2", "red"]),
        (schema.PART, ["/3D/a.png"], ["3D/a.png", "/", ""]),
        (schema.QNAME, ["Title", "v:Title", "_a.b-c"], ["", ":a", "a:", "a b", "1a", "a:b:c"]),
        (schema.TRUTH, ["true", "0"], ["yes", ""]),
        (schema.TRANSFORM, ["1 0 0 0 1 0 0 0 1 0 0 0"], ["", "1 0 0 0 1 0 0 0 1 0 0", "1 0 0 0 1 0 0 0 1 0 0 x"]),
        (schema.UUID, ["8ad1450d-6abd-4e92-aa1b-1aeceebf52e6"], ["8ad1450d6abd4e92aa1b1aeceebf52e6", ""]),
    ],
)
def test_kinds_of_attributes(kind: schema.Kind, good: list[str], bad: list[str]) -> None:
    assert [text for text in good if not kind.fits(text)] == []
    assert [text for text in bad if kind.fits(text)] == []


def test_elements_stand_in_elements_that_exist() -> None:
    parents = {parent for element in ELEMENTS.values() for parent in element.parents}
    assert parents <= ELEMENTS.keys()
    assert [name for name, element in ELEMENTS.items() if not element.parents] == [core("model")]
    assert len(ELEMENTS) == 33


def test_needed_children_can_stand_there() -> None:
    for name, element in ELEMENTS.items():
        children = {child.slot or child.local for child in ELEMENTS.values() if name in child.parents}
        assert set(element.needs) <= children
    assert ELEMENTS[material("colorgroup")].needs == ("color",)


def test_namespaces_are_those_of_the_specifications() -> None:
    assert schema.CORE == "http://schemas.microsoft.com/3dmanufacturing/core/2015/02"
    assert schema.MATERIALS == "http://schemas.microsoft.com/3dmanufacturing/material/2015/02"
    assert all(re.fullmatch(r"http://schemas\.microsoft\.com/3dmanufacturing/\w+/\d{4}/\d\d", uri)
               for uri in schema.SUPPORTED_EXTENSIONS)  # fmt: skip
