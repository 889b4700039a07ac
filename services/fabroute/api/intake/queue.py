"""A bounded queue of orders and the writers that empty it, 1 to 128 orders at a time, as soon as it can be."""

import asyncio
import math
import random
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog

from fabroute.api.errors import IdempotencyKeyInFlight, IntakeFull, InternalError, TemporarilyUnavailable
from fabroute.api.intake.writer import BatchWriter, Connect, Result
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import NewOrder, Placing

MAXIMUM_BATCH = 128
MANY_WAIT = 12
"""So many orders are worth a statement beside the one that is being executed."""
SLOW_SECONDS = 0.02
"""Whoever waits longer for a statement to end is written by another one."""
_SPREAD_SECONDS = 3
_WEIGHT = 0.3
"""Of the latest batch in how long one takes."""
_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Waiting:
    order: NewOrder
    answer: asyncio.Future[Placing]

    @property
    def key(self) -> tuple[str, str]:
        return self.order.organisation_id, self.order.idempotency_key


class Intake:
    """Takes orders and has them written, all on the event loop; an order is answered after its commit.

    All its state belongs to the event loop's thread; other threads connect to PostgreSQL, for that blocks. While a
    batch is being written, what comes in gathers to the next one; when none is, a single order is written at once.
    Another writer goes beside it only when many wait or it takes long: two small batches cost more than a large one. An
    order that would wait longer for a writer than ``patience_seconds`` is refused: its client would have given up when
    it is stored.
    """

    def __init__(
        self,
        *,
        connect: Connect,
        capacity: int,
        writers: int,
        on_committed: Callable[[], None],
        on_written: Callable[[int, float], None] = lambda orders, seconds: None,
        patience_seconds: float = math.inf,
        slow_seconds: float = SLOW_SECONDS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._connect = connect
        self._capacity = capacity
        self._patience, self._slow_seconds = patience_seconds, slow_seconds
        self._clock = clock
        self._writers = writers
        self._on_committed = on_committed
        self._on_written = on_written
        self._waiting: deque[_Waiting] = deque()
        self._in_flight: set[tuple[str, str]] = set()
        self._has_work = asyncio.Event()
        self._is_open = False
        self._writing, self._batch_seconds = 0, 0.0
        self._quick: set[BatchWriter] = set()
        """Those whose batch is expected any moment."""
        self._tasks: list[asyncio.Task[None]] = []
        self._threads = ThreadPoolExecutor(writers, thread_name_prefix="intake")

    @property
    def waiting(self) -> int:
        """How many orders wait for a writer."""
        return len(self._waiting)

    def start(self) -> None:
        """Begin to take orders. Call it on the event loop that will call ``submit``."""
        self._is_open = True
        self._tasks = [asyncio.create_task(self._write_on(), name=f"intake-{n}") for n in range(self._writers)]

    async def stop(self) -> None:
        """Take no more orders, write those that wait, and close the connections."""
        self._is_open = False
        self._has_work.set()
        await asyncio.gather(*self._tasks)
        self._threads.shutdown()

    async def submit(self, order: NewOrder) -> Placing:
        """Return what became of ``order``, once that is committed. Raises what ``submit_now`` raises."""
        return await self.submit_now(order)

    def submit_now(self, order: NewOrder) -> asyncio.Future[Placing]:
        """Queue ``order`` and return what will have become of it, or whatever the writer says, once it is committed.

        Raises ``IntakeFull``, ``IdempotencyKeyInFlight``, ``TemporarilyUnavailable``: nothing of these was queued.
        """
        entry = _Waiting(order, asyncio.get_running_loop().create_future())
        if not self._is_open:
            raise TemporarilyUnavailable("this process is stopping: repeat the request")
        if entry.key in self._in_flight:
            raise IdempotencyKeyInFlight("a request with this Idempotency-Key is being answered: repeat it in a second")
        if len(self._waiting) >= self._capacity:
            raise _full(f"{self._capacity:,} orders wait to be stored")
        if self._expected_wait() > self._patience:
            raise _full("the database takes long to store orders")
        self._in_flight.add(entry.key)
        self._waiting.append(entry)
        if self._is_due():
            self._has_work.set()
        return entry.answer

    def _is_due(self) -> bool:
        """Tell whether a batch is to be begun by a writer that is idle."""
        return not self._quick or len(self._waiting) >= MANY_WAIT or not self._is_open

    def _expected_wait(self) -> float:
        """Return in how many seconds a writer takes one more order: at once where one is idle."""
        if self._writing < self._writers:
            return 0.0
        return (0.5 + len(self._waiting) // MAXIMUM_BATCH) * self._batch_seconds / self._writers

    async def _write_on(self) -> None:
        writer = BatchWriter(self._connect, threads=self._threads)
        while self._waiting or self._is_open:
            if not self._waiting or not self._is_due():
                self._has_work.clear()
                await self._has_work.wait()
                continue
            batch = [self._waiting.popleft() for _ in range(min(MAXIMUM_BATCH, len(self._waiting)))]
            self._answer(batch, await self._write(writer, [entry.order for entry in batch]))
        writer.close()

    async def _write(self, writer: BatchWriter, orders: Sequence[NewOrder]) -> Sequence[Result]:
        began, self._writing = self._clock(), self._writing + 1
        self._quick.add(writer)
        slow = asyncio.get_running_loop().call_later(self._slow_seconds, self._let_others_write, writer)
        (results,) = await asyncio.gather(writer.write(orders), return_exceptions=True)
        slow.cancel()
        self._quick.discard(writer)
        self._writing -= 1
        seconds = self._clock() - began
        self._batch_seconds += _WEIGHT * (seconds - self._batch_seconds)
        self._on_written(len(orders), seconds)
        if not isinstance(results, BaseException):
            self._on_committed()
            return results
        _logger.error("a writer failed", orders=len(orders), exc_info=results)
        return [InternalError("this is our mistake: repeat the request, and report its id") for _ in orders]

    def _let_others_write(self, slow: BatchWriter) -> None:
        self._quick.discard(slow)
        self._has_work.set()

    def _answer(self, batch: Sequence[_Waiting], results: Sequence[Result]) -> None:
        for entry, result in zip(batch, results, strict=True):
            self._in_flight.discard(entry.key)
            if entry.answer.done():  # the client hung up; its order is stored all the same
                continue
            if isinstance(result, DomainError):
                entry.answer.set_exception(result)
            else:
                entry.answer.set_result(result)


def _full(why: str) -> IntakeFull:
    """Return the refusal; clients that came together are told to come back at different times."""
    seconds = random.randint(1, _SPREAD_SECONDS)
    return IntakeFull(f"{why}: repeat the request in {seconds} s", headers={"Retry-After": str(seconds)})
