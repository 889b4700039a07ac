"""Send a table out, page by page: no transaction stays open for a client that reads slowly."""

import csv
import io
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass

from fastapi.responses import StreamingResponse
from pydantic_core import to_json
from sqlmodel import Session

from fabroute.api.bulk.cells import Column, write_cell
from fabroute.api.bulk.tables import TableFormat
from fabroute.database.pages import Page

Row = Mapping[str, object]
ReadPage = Callable[[Session, str | None], Page[Row]]
"""Returns the rows after a cursor, and the next cursor; a page may be without rows and not the last one."""
Work = Callable[[], AbstractContextManager[Session]]
"""Begins the unit of work in which a page is read: what the caller may see."""

_MEDIA_TYPES: Mapping[TableFormat, str] = {"csv": "text/csv; charset=utf-8", "json": "application/json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """What is sent: the name of the table, its columns, and how its pages are read."""

    name: str
    columns: Sequence[Column]
    read: ReadPage


def send_table(work: Work, export: Export, *, format: TableFormat) -> StreamingResponse:
    """Return a streamed answer with a table; its first page is read before anything is sent."""
    pages = _pages(work, export.read)
    first = next(pages)
    write = _csv_pieces if format == "csv" else _json_pieces
    return StreamingResponse(
        write(export.columns, _rows(first, pages)),
        media_type=_MEDIA_TYPES[format],
        headers={
            "Content-Disposition": f'attachment; filename="{export.name}.{format}"',
            "Cache-Control": "private, no-store",
        },
    )


def _pages(work: Work, read: ReadPage) -> Iterator[Sequence[Row]]:
    cursor = None
    while True:
        with work() as session:
            page = read(session, cursor)
        yield page.items
        cursor = page.next_cursor
        if cursor is None:
            return


def _rows(first: Sequence[Row], others: Iterator[Sequence[Row]]) -> Iterator[Sequence[Row]]:
    yield first
    yield from others


def _csv_pieces(columns: Sequence[Column], pages: Iterator[Sequence[Row]]) -> Iterator[str]:
    names = [column.name for column in columns]
    yield _csv_lines([names])
    for rows in pages:
        yield _csv_lines([[write_cell(row[name]) for name in names] for row in rows])


def _csv_lines(lines: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(lines)
    return text.getvalue()


def _json_pieces(_columns: Sequence[Column], pages: Iterator[Sequence[Row]]) -> Iterator[bytes]:
    separator = b"[\n"
    for rows in pages:
        if rows:
            yield separator + b",\n".join(map(to_json, rows))
            separator = b",\n"
    yield b"[]\n" if separator == b"[\n" else b"\n]\n"
