"""Cells of a CSV file: from text to what JSON would hold there, and back so that no spreadsheet runs them."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from pydantic_core import from_json

CellKind = Literal["text", "number", "whole", "flag", "texts", "objects"]

_FORMULA_START = ("=", "+", "-", "@", "\t", "\r")
_QUOTE = "'"
_GUARDED = re.compile(r"'['=+\-@\t\r]")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?")
_DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+")
_WHOLE = re.compile(r"[+-]?\d{1,18}")
_FLAGS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
_SEPARATOR = "|"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its name, what its cells hold, and whether it has to be there."""

    name: str
    kind: CellKind = "text"
    required: bool = False
    """Whether the table needs the column; the others may be left out, which leaves what they would set as it is."""


def read_cell(text: str, kind: CellKind, *, decimal_comma: bool = False) -> object:
    """Return what a cell holds; text that is nothing of its ``kind`` comes back as it is, for a model to refuse.

    An empty cell is None, of a list the empty list. A list is written ``a|b`` or as JSON.
    """
    plain = unguarded(text.strip())
    if kind == "text":
        return plain
    if not plain:
        return [] if kind in ("texts", "objects") else None
    if kind in ("number", "whole"):
        return _read_number(plain, kind, decimal_comma)
    if kind == "flag":
        return _FLAGS.get(plain.lower(), plain)
    return _read_list(plain, kind)


def write_cell(value: object) -> str:
    """Return a cell that ``read_cell`` reads as ``value``, and that no spreadsheet takes for a formula."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, (int, float)):
        return repr(value)
    return guarded(value if isinstance(value, str) else _write_list(value))


def guarded(text: str) -> str:
    """Return ``text`` with a quote in front where a spreadsheet would run it (or where it begins with one already)."""
    return _QUOTE + text if text.startswith((*_FORMULA_START, _QUOTE)) else text


def unguarded(text: str) -> str:
    """Return what ``guarded`` was given."""
    return text[1:] if _GUARDED.match(text) else text


def _read_number(text: str, kind: CellKind, decimal_comma: bool) -> object:
    if kind == "whole":
        return int(text) if _WHOLE.fullmatch(text) else text
    if decimal_comma and _DECIMAL_COMMA.fullmatch(text):
        text = text.replace(",", ".")
    return float(text) if _NUMBER.fullmatch(text) else text


def _read_list(text: str, kind: CellKind) -> object:
    if text.startswith("["):
        try:
            return from_json(text, allow_inf_nan=False)
        except ValueError:
            return text
    return text if kind == "objects" else [piece.strip() for piece in text.split(_SEPARATOR)]


def _write_list(value: object) -> str:
    items: list[object] = list(value) if isinstance(value, Sequence) else [value]
    if not items:
        return ""
    words = [item for item in items if isinstance(item, str) and item == item.strip() and _SEPARATOR not in item]
    joined = _SEPARATOR.join(words)
    if len(words) == len(items) and joined and not joined.startswith(("[", *_FORMULA_START, _QUOTE)):
        return joined
    return json.dumps(items, ensure_ascii=False, separators=(",", ":"))
