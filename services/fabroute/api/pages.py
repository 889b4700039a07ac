"""Lists: pages with a cursor, in the body and in the Link header (RFC 8288)."""

from collections.abc import Callable, Iterable
from typing import TypeVar

from fastapi import Request, Response
from pydantic import BaseModel

from fabroute.api.dependencies import PageRequest, encode_cursor
from fabroute.api.schemas.base import Listing
from fabroute.database.pages import Page, page_of

Item = TypeVar("Item")
Out = TypeVar("Out", bound=BaseModel)


def window(items: Iterable[Item], page: PageRequest, *, key: Callable[[Item], str]) -> Page[Item]:
    """Return the page that is asked for of ``items``, which are all there are, sorted by ``key``, their cursor."""
    after = page.cursor or ""
    rest = [item for item in items if key(item) > after]
    return page_of(rest[: page.limit + 1], limit=page.limit, cursor_of=key)


def listing(request: Request, response: Response, page: Page[Item], convert: Callable[[Item], Out]) -> Listing[Out]:
    """Return a page for an answer, and point to the next one in the Link header of ``response``."""
    cursor = None if page.next_cursor is None else encode_cursor(page.next_cursor)
    if cursor is not None:
        response.headers["Link"] = f'<{request.url.include_query_params(cursor=cursor)}>; rel="next"'
    return Listing(data=[convert(item) for item in page.items], has_more=cursor is not None, next_cursor=cursor)
