"""Code 128: against the published example and against an independent reader."""

import pytest
import zxingcpp
from PIL import Image, ImageDraw

from fabroute.integrations.paper.code128 import QUIET_MODULES, NoBarcode, modules_of


def read(text: str) -> str:
    widths = modules_of(text)
    picture = Image.new("L", ((sum(widths) + 2 * QUIET_MODULES) * 2, 60), 255)
    pen, at = ImageDraw.Draw(picture), QUIET_MODULES * 2
    for number, modules in enumerate(widths):
        if number % 2 == 0:
            pen.rectangle((at, 0, at + modules * 2 - 1, 59), fill=0)
        at += modules * 2
    (found,) = zxingcpp.read_barcodes(picture)
    return str(found.text)


@pytest.mark.parametrize(
    "text",
    ["A", "JD0123456789", "00340434161094021501", "shp_01m81fzs3eepa401xqtacreyr8-1", "1Z999AA10123456784", "12345",
     "a1234b", "12-3456-789", "~!\"#$%&'()*+,/:;<=>?@[]^_`{|}", "123", "99", "RR123456785DE"],
)  # fmt: skip
def test_another_library_reads_what_was_written(text: str) -> None:
    assert read(text) == text


def test_every_visible_ascii_character_is_read_back() -> None:
    letters = "".join(map(chr, range(32, 127)))

    for start in range(0, len(letters), 19):
        assert read(letters[start : start + 19]) == letters[start : start + 19]
    for tens in range(0, 100, 10):
        digits = "".join(f"{number:02}" for number in range(tens, tens + 10))
        assert read(digits) == digits


def test_a_symbol_is_as_wide_as_the_standard_says() -> None:
    # 11 modules for start, each character and the check character, 13 for the stop pattern (ISO/IEC 15417, 4.3.2)
    assert sum(modules_of("JD01")) == 11 * 6 + 13
    assert sum(modules_of("12345678")) == 11 * 6 + 13
    assert sum(modules_of("A12345678")) == 11 * 8 + 13


def test_the_check_character_is_that_of_the_published_example() -> None:
    # "PJJ123C" sums to 878 with start A (Wikipedia, Code 128), so to 879 with start B: 879 mod 103 is 55, 311321
    assert modules_of("PJJ123C")[-13:-7] == (3, 1, 1, 3, 2, 1)
    assert modules_of("PJJ123C")[:6] == (2, 1, 1, 2, 1, 4)
    assert modules_of("PJJ123C")[-7:] == (2, 3, 3, 1, 1, 1, 2)


@pytest.mark.parametrize("text", ["", "Ä", "a\n", "門"])
def test_what_is_no_visible_ascii_is_refused(text: str) -> None:
    with pytest.raises(NoBarcode) as refused:
        modules_of(text)
    assert (refused.value.code, refused.value.status) == ("no_barcode", 422)
