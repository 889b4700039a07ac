"""Pages of long lists: keyset pagination, which stays quick on the last page and right while rows are added."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

Item = TypeVar("Item")

_MOST_DIGITS = 9
"""So many always fit a column of PostgreSQL's type integer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page(Generic[Item]):
    """Some items, and the cursor that asks for the next ones; ``None`` on the last page."""

    items: tuple[Item, ...]
    next_cursor: str | None = None


def page_of(rows: Sequence[Item], *, limit: int, cursor_of: Callable[[Item], str]) -> Page[Item]:
    """Return the first ``limit`` of ``rows``, which were read with ``limit + 1`` to see whether more follow."""
    items = tuple(rows[:limit])
    return Page(items=items, next_cursor=cursor_of(items[-1]) if len(rows) > limit else None)


def number_in(cursor: str | None) -> int | None:
    """Return the number that a cursor of numbered things is, up to 999,999,999; ``None`` if it is none of these."""
    is_number = cursor is not None and cursor.isascii() and cursor.isdecimal() and len(cursor) <= _MOST_DIGITS
    return int(cursor) if cursor is not None and is_number else None
