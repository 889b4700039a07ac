"""Writes batches of orders on a connection of its own, and lets no order suffer for another."""

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import Any

import psycopg
import structlog
from psycopg import Connection

from fabroute.api.errors import InternalError, TemporarilyUnavailable
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import KeyContended, NewOrder, OrderPlacer, Placing

Result = Placing | DomainError
Connect = Callable[[], Connection[Any]]
_logger = structlog.get_logger(__name__)


class BatchWriter:
    """One connection to PostgreSQL and what to do when it fails. One batch at a time, on the event loop."""

    def __init__(self, connect: Connect, *, threads: Executor) -> None:
        """``connect`` blocks: it is called in one of ``threads``."""
        self._connect = connect
        self._threads = threads
        self._placer: OrderPlacer | None = None

    async def write(self, orders: Sequence[NewOrder]) -> list[Result]:
        """Write ``orders`` by one statement; if that fails, each by one of its own.

        It returns when all that it calls placed is committed. Repeating an order whose first attempt was committed
        unseen is harmless: its key finds it.
        """
        try:
            return list(await self._place(orders))
        except (psycopg.Error, KeyContended) as error:
            _logger.warning("a batch failed, its orders are repeated one by one", orders=len(orders), error=str(error))
        return await self._write_one_by_one(orders)

    def close(self) -> None:
        """Close the connection; the next write would open another."""
        placer, self._placer = self._placer, None
        if placer is not None:
            placer.close()

    async def _write_one_by_one(self, orders: Sequence[NewOrder]) -> list[Result]:
        results: list[Result] = []
        for order in orders:
            is_down = bool(results) and isinstance(results[-1], TemporarilyUnavailable)
            results.append(_unavailable() if is_down else await self._write_one(order))
        return results

    async def _write_one(self, order: NewOrder) -> Result:
        try:
            return (await self._place((order,)))[0]
        except psycopg.OperationalError as error:
            _logger.warning("the database does not take orders", error=str(error))
            return _unavailable()
        except psycopg.Error as error:
            _logger.error("an order can't be written", order_id=order.id, exc_info=error)
            return InternalError("this is our mistake: nothing was stored; report the request id")
        except KeyContended as error:
            return error

    async def _place(self, orders: Sequence[NewOrder]) -> Sequence[Placing]:
        if self._placer is None or not self._placer.is_open:
            self.close()
            self._placer = await asyncio.get_running_loop().run_in_executor(self._threads, self._open)
        try:
            return await self._placer.place(orders)
        except psycopg.OperationalError:
            self.close()
            raise

    def _open(self) -> OrderPlacer:
        connection = self._connect()
        try:
            return OrderPlacer(connection)
        except psycopg.Error:
            connection.close()
            raise


def _unavailable() -> TemporarilyUnavailable:
    return TemporarilyUnavailable("the database does not answer: repeat the request with the same Idempotency-Key")
