"""How late the event loop comes round: what every request waits for beside its own work."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

from fabroute.api.measuring.measures import ApiMeasures

EVERY_SECONDS = 0.5


@asynccontextmanager
async def measured_lag(measures: ApiMeasures) -> AsyncIterator[None]:
    """Measure it twice a second while the block lasts."""
    task = asyncio.create_task(_measure(measures), name="event-loop-lag")
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def _measure(measures: ApiMeasures) -> None:
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + EVERY_SECONDS
        await asyncio.sleep(EVERY_SECONDS)
        measures.lag.add((), max(0.0, loop.time() - due))
