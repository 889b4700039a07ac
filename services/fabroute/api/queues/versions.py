"""How far each node's queue has come, as this process knows it; and who waits for it to go on."""

import asyncio
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from fabroute.network.service.queues import QueuePosition, QueuePositions

_FRESH_SECONDS = 3.0
"""The listener looks every second: what it has not looked at for longer than this is not known any more."""


class QueueVersions:
    """The positions of all queues. It belongs to the event loop's thread; only ``outdated`` may be called from others.

    A position is known only while everything that this process itself has committed is in it.
    """

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._found: QueuePositions | None = None
        self._read_at = 0.0
        self._marks = count(1)
        self._mark = self._read_mark = 0
        self._parked: dict[str, set[asyncio.Future[None]]] = {}

    def outdated(self) -> None:
        """Say that this process has just committed a change of some queue."""
        self._mark = next(self._marks)

    @property
    def mark(self) -> int:
        """What to hand to ``take`` with the positions that are read after this."""
        return self._mark

    def known(self, node_id: str) -> QueuePosition | None:
        """Return how far a queue has come, ``None`` where that must be asked of the database."""
        found = self._found
        if found is None or self._read_mark != self._mark or self._clock() - self._read_at > _FRESH_SECONDS:
            return None
        node = found.nodes.get(node_id)
        if node is None:
            return None
        return QueuePosition(epoch=found.epoch, version=node[0], organisation_id=node[1])

    def seen(self, node_id: str) -> tuple[str, int] | None:
        """Return the last position that was read, fresh or not, to be handed to ``changed``."""
        node = None if self._found is None else self._found.nodes.get(node_id)
        return None if self._found is None or node is None else (self._found.epoch, node[0])

    def take(self, found: QueuePositions, *, mark: int) -> None:
        """Take what was read since ``mark`` was asked for, and wake those whose queues went on."""
        before, self._found = self._found, found
        self._read_at, self._read_mark = self._clock(), mark
        if before is None or before.epoch != found.epoch:
            self._wake(list(self._parked))
        elif before.nodes != found.nodes:
            self._wake([node_id for node_id in self._parked if found.nodes.get(node_id) != before.nodes.get(node_id)])

    def forget(self) -> None:
        """Know nothing, because the connection is lost."""
        self._found = None

    def release(self) -> None:
        """Wake everyone."""
        self._wake(list(self._parked))

    @property
    def parked(self) -> int:
        """How many polls wait."""
        return sum(map(len, self._parked.values()))

    @contextmanager
    def parking(self, node_id: str) -> Iterator[asyncio.Future[None]]:
        """Yield a future that is done when the queue has gone on, or when nobody knows whether it has."""
        future = asyncio.get_running_loop().create_future()
        self._parked.setdefault(node_id, set()).add(future)
        try:
            yield future
        finally:
            others = self._parked[node_id]
            others.discard(future)
            if not others:
                del self._parked[node_id]

    def _wake(self, node_ids: list[str]) -> None:
        for node_id in node_ids:
            for future in self._parked[node_id]:
                if not future.done():
                    future.set_result(None)
