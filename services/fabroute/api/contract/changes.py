"""Who waits for which thing to change: one look at the database for all of them, once a second or when it rings."""

import asyncio
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection, sql
from sqlalchemy import URL

from fabroute.database.engine import listening_conninfo
from fabroute.database.versions import Source, read_versions
from fabroute.outbox.service import NOTIFY_CHANNEL
from fabroute.telemetry.outages import Outage

Kind = tuple[Source, ...]
"""Where the rows lie that make a thing what it is."""

_LOOK_SECONDS = 1.0
_BREATH_SECONDS = 0.02
"""Between two looks, so that a burst of commits is one look."""
_PATIENCE_SECONDS = 5.0
_LISTEN = sql.SQL("LISTEN {}").format(sql.Identifier(NOTIFY_CHANNEL))
_logger = structlog.get_logger(__name__)


class Changes:
    """Wakes those who wait. It belongs to the event loop's thread, and holds a connection only while somebody waits."""

    def __init__(self, *, url: URL) -> None:
        self._conninfo = listening_conninfo(url)
        self._outage = Outage(
            _logger, begun="changes are not followed, those who wait look themselves", over="changes are followed again"
        )
        self._waiting: dict[Kind, dict[str, set[asyncio.Event]]] = {}
        self._seen: dict[tuple[Kind, str], str] = {}
        self._new: set[asyncio.Event] = set()
        self._task: asyncio.Task[None] | None = None
        self._is_open = True

    @property
    def parked(self) -> int:
        """How many requests wait."""
        return sum(len(events) for kind in self._waiting.values() for events in kind.values())

    @property
    def is_open(self) -> bool:
        """Whether it is worth waiting: not while the process stops."""
        return self._is_open

    @contextmanager
    def parking(self, kind: Kind, key: str) -> Iterator[asyncio.Event]:
        """Yield an event that is set when the thing named ``key`` may have changed, once in any case.

        That first time tells of a change between the reading of the thing and the begin of the block.
        """
        event = asyncio.Event()
        self._waiting.setdefault(kind, {}).setdefault(key, set()).add(event)
        self._new.add(event)
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._follow(), name="changes")
        try:
            yield event
        finally:
            self._leave(kind, key, event)

    async def stop(self) -> None:
        """Let everyone go and hang up."""
        self._is_open = False
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        self._wake_all()

    def _leave(self, kind: Kind, key: str, event: asyncio.Event) -> None:
        self._new.discard(event)
        others = self._waiting[kind][key]
        others.discard(event)
        if not others:
            del self._waiting[kind][key]
            self._seen.pop((kind, key), None)
        if not self._waiting[kind]:
            del self._waiting[kind]

    async def _follow(self) -> None:
        """Look as long as somebody waits, then hang up."""
        while self._waiting:
            try:
                await self._listen()
            except (psycopg.Error, TimeoutError) as error:
                self._outage.failed(error)
                self._wake_all()
                await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self) -> None:
        connection = await AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=int(_PATIENCE_SECONDS)
        )
        async with connection:
            await connection.execute(_LISTEN)
            while self._waiting:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._look(connection)
                self._outage.over()
                await asyncio.sleep(_BREATH_SECONDS)
                async for _ in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                    pass

    async def _look(self, connection: AsyncConnection[Any]) -> None:
        new = set(self._new)
        for kind in list(self._waiting):
            found = await read_versions(connection, kind, keys=list(self._waiting.get(kind, ())))
            self._take(kind, found)
        self._new -= new
        for event in new:
            event.set()

    def _take(self, kind: Kind, found: Mapping[str, str]) -> None:
        """Wake those whose things are not as they were when they were last looked at."""
        for key, events in self._waiting.get(kind, {}).items():
            version = found.get(key, "")
            if self._seen.setdefault((kind, key), version) != version:
                self._seen[kind, key] = version
                for event in events:
                    event.set()

    def _wake_all(self) -> None:
        self._seen.clear()
        for kind in self._waiting.values():
            for events in kind.values():
                for event in events:
                    event.set()
