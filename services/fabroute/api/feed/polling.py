"""Reads a feed, and waits for its next event where the client wants that."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.types import Receive

from fabroute.api.feed.watch import FeedWatch
from fabroute.api.queues.waiting import until_gone
from fabroute.webhooks.service.feed import FeedPage

_LOOK_SECONDS = 2.0
"""Nobody may tell of an event: after so long a poll looks by itself."""

Read = Callable[[], Awaitable[FeedPage]]


async def read_or_wait(
    read: Read, *, watch: FeedWatch, organisation_id: str, wait_seconds: float, receive: Receive
) -> FeedPage:
    """Return a page of events; while there is none, wait for one up to ``wait_seconds``, or until the client left."""
    found = await read()
    until = time.monotonic() + wait_seconds
    if found.events or wait_seconds <= 0:
        return found
    with until_gone(receive) as gone:
        while not found.events and not gone.done() and (left := until - time.monotonic()) > 0:
            with watch.parking(organisation_id) as told:
                found = await read()
                if not found.events:
                    await asyncio.wait(
                        (told, gone), timeout=min(left, _LOOK_SECONDS), return_when=asyncio.FIRST_COMPLETED
                    )
        return found if found.events else await read()
