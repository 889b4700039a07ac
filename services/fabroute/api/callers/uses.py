"""When keys were last used: noted in memory, written now and then, never in the way of a request."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

import structlog
from sqlalchemy.exc import SQLAlchemyError
from starlette.concurrency import run_in_threadpool

Write = Callable[[Mapping[str, datetime]], None]

_A_MINUTE = timedelta(minutes=1)
_MOST_REMEMBERED = 100_000
_logger = structlog.get_logger(__name__)


class LastUses:
    """Writes the last use of each caller at most once a minute. ``note`` may be called by any thread."""

    def __init__(self, *, write: Write, seconds: float = 5.0) -> None:
        self._write = write
        self._seconds = seconds
        self._noted: dict[str, datetime] = {}
        self._waiting: dict[str, datetime] = {}
        self._task: asyncio.Task[None] | None = None

    def note(self, actor: str, *, at: datetime) -> None:
        """Note that a caller was there."""
        before = self._noted.get(actor)
        if before is not None and at - before < _A_MINUTE:
            return
        if len(self._noted) >= _MOST_REMEMBERED:
            self._noted.clear()
        self._noted[actor] = self._waiting[actor] = at

    def write(self) -> None:
        """Write what was noted since the last time; what can't be written waits for the next."""
        waiting, self._waiting = self._waiting, {}
        if not waiting:
            return
        try:
            self._write(waiting)
        except SQLAlchemyError as error:
            _logger.warning("the last use of keys is not written, it will be", error=str(error.__class__.__name__))
            self._waiting = waiting | self._waiting

    def start(self) -> None:
        """Begin to write, on the running event loop."""
        self._task = asyncio.create_task(self._write_on(), name="last-uses")

    async def stop(self) -> None:
        """Write a last time and stop."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await run_in_threadpool(self.write)

    async def _write_on(self) -> None:
        while True:
            await asyncio.sleep(self._seconds)
            await run_in_threadpool(self.write)
