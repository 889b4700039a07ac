"""Tables as they come in: CSV with a header line, or a JSON array of objects; every problem with its row and field."""

import codecs
import csv
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic_core import from_json

from fabroute.api.bulk.cells import Column, read_cell

TableFormat = Literal["csv", "json"]
MOST_ROWS = 20_000

_DELIMITERS = (",", ";", "\t")


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One row: its number (the first is 1, the header doesn't count), its line in a CSV file, its values by column."""

    number: int
    line: int | None
    values: Mapping[str, object]


@dataclass(frozen=True, slots=True, kw_only=True)
class RowProblem:
    """Something that keeps a table out, and what to do about it."""

    row: int
    """0 where it is about the table as a whole."""
    field: str
    """The column, with the place in it for a list (``inspection_plan/0/name``); empty for all of the row."""
    code: str
    message: str
    line: int | None = None

    @property
    def pointer(self) -> str:
        """Where it is: ``/rows/12/name``."""
        place = f"/rows/{self.row}" if self.row else ""
        return f"{place}/{self.field}" if self.field else place


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """What was read: the rows that could be, and what is wrong with the others."""

    rows: tuple[Row, ...] = ()
    problems: tuple[RowProblem, ...] = ()


class _BrokenCsv(Exception):
    def __init__(self, error: csv.Error, *, line: int) -> None:
        super().__init__(str(error))
        self.line = line


@dataclass(slots=True, kw_only=True)
class _Reading:
    rows: list[Row] = field(default_factory=list)
    problems: list[RowProblem] = field(default_factory=list)

    def refuse(self, message: str, *, row: int = 0, line: int | None = None, column: str = "") -> None:
        self.problems.append(RowProblem(row=row, line=line, field=column, code="malformed_table", message=message))

    def table(self) -> Table:
        if len(self.rows) > MOST_ROWS:
            self.refuse(f"the table has {len(self.rows):,} rows: send at most {MOST_ROWS:,} at once")
            self.rows.clear()
        elif not self.rows and not self.problems:
            self.refuse("the table has no rows")
        return Table(rows=tuple(self.rows), problems=tuple(self.problems))


def read_table(content: bytes, *, format: TableFormat, columns: Sequence[Column]) -> Table:
    """Return the rows of a table; values are what JSON would hold, not checked any further."""
    reading = _Reading()
    if not _is_text(content, reading):
        return Table(problems=tuple(reading.problems))
    if format == "json":
        _read_json(content, reading)
    else:
        _read_csv(content, columns, reading)
    return reading.table()


def _is_text(content: bytes, reading: _Reading) -> bool:
    if not content.removeprefix(codecs.BOM_UTF8).strip():
        reading.refuse("the file is empty: a CSV file begins with a header line, a JSON file with [")
    elif b"\0" in content:
        reading.refuse("this is no text file: save the table as CSV in UTF-8, or send a JSON array")
    return not reading.problems


def _read_json(content: bytes, reading: _Reading) -> None:
    try:
        items = from_json(content, allow_inf_nan=False)
    except ValueError as error:
        reading.refuse(f"the body is not JSON: {error}")
        return
    if not isinstance(items, list):
        reading.refuse("the body must be a JSON array of objects, one for each row")
        return
    for number, item in enumerate(items, start=1):
        if isinstance(item, dict):
            reading.rows.append(Row(number=number, line=None, values=item))
        else:
            reading.refuse("must be a JSON object", row=number)


def _read_csv(content: bytes, columns: Sequence[Column], reading: _Reading) -> None:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        reading.refuse(f"the file is not UTF-8 (byte {error.start}): save it as UTF-8")
        return
    delimiter = _delimiter_of(text)
    lines = _lines(text, delimiter)
    try:
        _, header = next(lines, (1, []))
        if _is_known([name.strip() for name in header], columns, reading):
            kinds = {column.name: column for column in columns}
            _read_lines(lines, [kinds[name.strip()] for name in header], reading, delimiter != ",")
    except _BrokenCsv as error:
        reading.refuse(f"is not well-formed CSV ({error}): check the quotes", line=error.line)


def _lines(text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    first = 1
    try:
        for cells in reader:
            if cells:
                yield first, cells
            first = reader.line_num + 1
    except csv.Error as error:
        raise _BrokenCsv(error, line=reader.line_num) from error


def _read_lines(
    lines: Iterator[tuple[int, list[str]]], columns: Sequence[Column], reading: _Reading, decimal_comma: bool
) -> None:
    for number, (line, cells) in enumerate(lines, start=1):
        if len(cells) != len(columns):
            message = f"has {len(cells)} cells, the header has {len(columns)}: check the separators and quotes"
            reading.refuse(message, row=number, line=line)
            continue
        values = {
            column.name: read_cell(cell, column.kind, decimal_comma=decimal_comma)
            for column, cell in zip(columns, cells, strict=True)
        }
        reading.rows.append(Row(number=number, line=line, values=values))


def _delimiter_of(text: str) -> str:
    header = text.partition("\n")[0]
    return max(_DELIMITERS, key=header.count)


def _is_known(header: Sequence[str], columns: Sequence[Column], reading: _Reading) -> bool:
    known = [column.name for column in columns]
    for name in sorted({name for name in header if name not in known}):
        reading.refuse(f"there is no such column: the columns are {','.join(known)}", line=1, column=name[:60])
    for name in sorted({name for name in header if header.count(name) > 1}):
        reading.refuse("the column is there twice: remove one", line=1, column=name[:60])
    for column in columns:
        if column.required and column.name not in header:
            reading.refuse("the column is missing", line=1, column=column.name)
    return not reading.problems
