"""Code 128 (ISO/IEC 15417): the bars of a text of visible ASCII characters."""

import re

from fabroute.kernel.errors import DomainError

_TABLE = (
    "212222 222122 222221 121223 121322 131222 122213 122312 132212 221213 221312 231212 112232 122132 122231 113222 "
    "123122 123221 223211 221132 221231 213212 223112 312131 311222 321122 321221 312212 322112 322211 212123 212321 "
    "232121 111323 131123 131321 112313 132113 132311 211313 231113 231311 112133 112331 132131 113123 113321 133121 "
    "313121 211331 231131 213113 213311 213131 311123 311321 331121 312113 312311 332111 314111 221411 431111 111224 "
    "111422 121124 121421 141122 141221 112214 112412 122114 122411 142112 142211 241211 221114 413111 241112 134111 "
    "111242 121142 121241 114212 124112 124211 411212 421112 421211 212141 214121 412121 111143 111341 131141 114113 "
    "114311 411113 411311 113141 114131 311141 411131 211412 211214 211232 2331112"
)
_WIDTHS = _TABLE.split(" ")
_TO_C, _TO_B, _START_B, _START_C, _STOP = 99, 100, 104, 105, 106
_PIECES = re.compile(r"(?:\d\d){2,}|\D+|\d{1,3}")
"""Four digits or more, an even number of them, are shorter in set C, two a character."""

QUIET_MODULES = 10
"""Nothing may stand so near to the first and last bar."""


class NoBarcode(DomainError):
    """A text that Code 128 can't hold here: empty, or with other than visible ASCII characters."""

    code = "no_barcode"
    status = 422


def modules_of(text: str) -> tuple[int, ...]:
    """Return the widths of bars and spaces in turn, the first a bar, in modules. Raises ``NoBarcode``."""
    if not text or not text.isascii() or not text.isprintable():
        raise NoBarcode(f"{text!r} can't be a barcode: use visible ASCII characters")
    values = _values(text)
    checksum = (values[0] + sum(place * value for place, value in enumerate(values[1:], start=1))) % 103
    return tuple(int(width) for value in (*values, checksum, _STOP) for width in _WIDTHS[value])


def _values(text: str) -> list[int]:
    values: list[int] = []
    in_c = None
    for piece in _PIECES.findall(text):
        wants_c = len(piece) >= 4 and piece.isdecimal()
        if in_c is None:
            values.append(_START_C if wants_c else _START_B)
        elif wants_c != in_c:
            values.append(_TO_C if wants_c else _TO_B)
        in_c = wants_c
        values += _pairs(piece) if wants_c else [ord(character) - 32 for character in piece]
    return values


def _pairs(digits: str) -> list[int]:
    return [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
