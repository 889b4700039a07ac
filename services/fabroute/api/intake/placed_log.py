"""Which orders were placed by which requests, in the log: many in a line, as one each would cost more than an order."""

import asyncio
from contextvars import Context

import structlog

from fabroute.orders.service import Placed, Replayed

MOST_ORDERS = 50
"""In a line, which has two kilobytes then."""
MOST_SECONDS = 1.0
"""After the first of them the line is written, however few they are."""

_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.api.intake")


class PlacedLog:
    """Gathers orders that were placed. All its state belongs to the event loop's thread."""

    def __init__(self) -> None:
        self._requests: dict[str, str] = {}
        self._timer: asyncio.TimerHandle | None = None

    def note(self, placed: Placed | Replayed, *, request_id: str) -> None:
        """Have an order told of soon, with the request that placed it, unless it was there before."""
        if not isinstance(placed, Placed):
            return
        self._requests[placed.location.rpartition("/")[2]] = request_id
        if len(self._requests) >= MOST_ORDERS:
            self.flush()
        elif self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(MOST_SECONDS, self.flush, context=Context())

    def flush(self) -> None:
        """Tell of those that were noted: in a line that belongs to no request."""
        if self._timer is not None:
            self._timer.cancel()
        requests, self._requests, self._timer = self._requests, {}, None
        if requests:
            Context().run(_log.info, "orders.placed", orders=requests)
