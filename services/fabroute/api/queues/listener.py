"""Follows the versions of all queues on a connection of its own."""

import asyncio
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection, sql
from sqlalchemy import URL

from fabroute.api.queues.pollers import PollerKeys
from fabroute.api.queues.versions import QueueVersions
from fabroute.database.engine import listening_conninfo
from fabroute.identity.service import live_keys
from fabroute.network.service.nodes import QUEUE_CHANNEL
from fabroute.network.service.queues import read_queues
from fabroute.telemetry.outages import Outage

_LOOK_SECONDS = 0.25
"""A notice may get lost: after so long it looks by itself."""
_PATIENCE_SECONDS = 5.0
_BREATH_SECONDS = 0.001
"""Between two looks, so that a burst of commits is one look."""
_LISTEN = sql.SQL("LISTEN {}").format(sql.Identifier(QUEUE_CHANNEL))
_logger = structlog.get_logger(__name__)


class QueueListener:
    """A task that reads the positions of all queues whenever a commit has changed one, and four times a second."""

    def __init__(self, *, url: URL, versions: QueueVersions, pollers: PollerKeys) -> None:
        self._conninfo = listening_conninfo(url)
        self._outage = Outage(
            _logger, begun="the queues are not followed, polls ask the database", over="the queues are followed again"
        )
        self._versions = versions
        self._pollers = pollers
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to listen, on the running event loop."""
        self._task = asyncio.create_task(self._listen_on(), name="queue-listener")

    async def stop(self) -> None:
        """Hang up."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _listen_on(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, TimeoutError) as error:
                self._outage.failed(error)
            self._versions.forget()
            await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self) -> None:
        connection = await AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=int(_PATIENCE_SECONDS)
        )
        async with connection:
            await connection.execute(_LISTEN)
            while True:
                async with asyncio.timeout(_PATIENCE_SECONDS):
                    await self._look(connection)
                self._outage.over()
                await asyncio.sleep(_BREATH_SECONDS)
                async for _ in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                    pass

    async def _look(self, connection: AsyncConnection[Any]) -> None:
        mark = self._versions.mark
        self._versions.take(await read_queues(connection), mark=mark)
        asked, looked_at = self._pollers.due, self._pollers.now
        if asked:
            live = await live_keys(connection, key_ids=asked)
            self._pollers.take(live, asked=asked, looked_at=looked_at)
