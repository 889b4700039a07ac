"""Reading dated rows page by page, and what a euro buys."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.logistics import repository
from fabroute.logistics.rules import ExchangeBook, ExchangeRate, rate_on
from fabroute.logistics.service.tables import DatedTable, Item
from fabroute.logistics.snapshot import read_exchange_book


@dataclass(frozen=True, slots=True, kw_only=True)
class DatedQuery:
    """Which rows of a table are asked for, and which page of them."""

    on: date | None = None
    """Only rows that hold on this day."""
    equal: Mapping[str, str | None] = field(default_factory=dict)
    """Only rows with these values; ``None`` asks for nothing."""
    cursor: str | None = None
    limit: int = 50


def list_rows(session: Session, *, table: DatedTable[Item], query: DatedQuery) -> Page[Item]:
    """Return a page of a table in the order of its key, with the sources of the rows."""
    equal = {name: value for name, value in query.equal.items() if value is not None}
    rows = repository.list_rows(
        session, table.model, on=query.on, equal=equal, after=query.cursor, limit=query.limit + 1
    )
    page = page_of(rows, limit=query.limit, cursor_of=lambda row: repository.sorting_key(table.model, row))
    return Page(items=tuple(table.item_of(row) for row in page.items), next_cursor=page.next_cursor)


def exchange_rate(source: Session | ExchangeBook, currency: str, on: date) -> ExchangeRate:
    """Return what a euro buys of a currency on a day, by the database or a book of it; EUR is always 1.

    ``CurrencyWithoutRate`` if no rate covers the day.
    """
    if isinstance(source, Session):
        source = read_exchange_book(source, on=on, currency=currency)
    return rate_on(source, currency, on)
