"""Follows all feeds on a connection of its own."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import psycopg
import structlog
from psycopg import AsyncConnection, sql
from sqlalchemy import URL

from fabroute.api.feed.watch import FeedWatch
from fabroute.database.engine import listening_conninfo
from fabroute.telemetry.outages import Outage
from fabroute.webhooks.service.feed import read_heads
from fabroute.webhooks.service.sequencing import FEED_CHANNEL

_LOOK_SECONDS = 0.5
"""A notice may get lost: after so long it looks by itself, while anybody waits."""
_PATIENCE_SECONDS = 5.0
_LISTEN = sql.SQL("LISTEN {}").format(sql.Identifier(FEED_CHANNEL))
_logger = structlog.get_logger(__name__)


class FeedListener:
    """A task that looks how far the feeds are whenever events came into one."""

    def __init__(self, *, url: URL, watch: FeedWatch) -> None:
        self._conninfo = listening_conninfo(url)
        self._outage = Outage(
            _logger, begun="the feeds are not followed, polls look by themselves", over="the feeds are followed again"
        )
        self._watch = watch
        self._position = 0

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[None]:
        """Follow the feeds inside the block."""
        task = asyncio.create_task(self._listen_on(), name="feed-listener")
        try:
            yield
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def _listen_on(self) -> None:
        while True:
            try:
                await self._listen()
            except (psycopg.Error, TimeoutError) as error:
                self._outage.failed(error)
            await asyncio.sleep(_LOOK_SECONDS)

    async def _listen(self) -> None:
        connection = await AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=int(_PATIENCE_SECONDS)
        )
        async with connection:
            await connection.execute(_LISTEN)
            self._outage.over()
            while True:
                if self._watch.parked:
                    async with asyncio.timeout(_PATIENCE_SECONDS):
                        await self._look(connection)
                async for _ in connection.notifies(timeout=_LOOK_SECONDS, stop_after=1):
                    pass

    async def _look(self, connection: AsyncConnection[Any]) -> None:
        heads = await read_heads(connection, after=self._position)
        self._position = max((self._position, *heads.values()))
        self._watch.take(heads)
