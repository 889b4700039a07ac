"""Wakes those who wait for the next event of their organisation."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager


class FeedWatch:
    """Who waits, by organisation. It belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._parked: dict[str, set[asyncio.Future[None]]] = {}

    @property
    def parked(self) -> int:
        """How many polls wait."""
        return sum(map(len, self._parked.values()))

    def take(self, heads: Mapping[str, int]) -> None:
        """Wake those whose feeds went on."""
        for organisation_id in heads:
            for future in self._parked.get(organisation_id, ()):
                if not future.done():
                    future.set_result(None)

    @contextmanager
    def parking(self, organisation_id: str) -> Iterator[asyncio.Future[None]]:
        """Yield a future that is done when the feed has gone on. Read it after this begins: nothing is missed then."""
        future = asyncio.get_running_loop().create_future()
        self._parked.setdefault(organisation_id, set()).add(future)
        try:
            yield future
        finally:
            others = self._parked[organisation_id]
            others.discard(future)
            if not others:
                del self._parked[organisation_id]
