"""Writes batches of orders on a connection of its own, and lets no order suffer for another."""

from collections.abc import Callable, Sequence
from typing import Any

import psycopg
import structlog
from psycopg import Connection

from fabroute.api.errors import InternalError, TemporarilyUnavailable
from fabroute.kernel.errors import DomainError
from fabroute.orders.service import KeyContended, NewOrder, Placing, place_orders

Result = Placing | DomainError
Connect = Callable[[], Connection[Any]]
_logger = structlog.get_logger(__name__)


class BatchWriter:
    """One connection to PostgreSQL and what to do when it fails. For one thread at a time."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._connection: Connection[Any] | None = None

    def write(self, orders: Sequence[NewOrder]) -> list[Result]:
        """Write ``orders`` by one statement; if that fails, each by one of its own.

        It returns when all that it calls placed is committed. Repeating an order whose first attempt was committed
        unseen is harmless: its key finds it.
        """
        try:
            return list(self._place(orders))
        except (psycopg.Error, KeyContended) as error:
            _logger.warning("a batch failed, its orders are repeated one by one", orders=len(orders), error=str(error))
        return self._write_one_by_one(orders)

    def close(self) -> None:
        """Close the connection; the next write would open another."""
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _write_one_by_one(self, orders: Sequence[NewOrder]) -> list[Result]:
        results: list[Result] = []
        for order in orders:
            is_down = bool(results) and isinstance(results[-1], TemporarilyUnavailable)
            results.append(_unavailable() if is_down else self._write_one(order))
        return results

    def _write_one(self, order: NewOrder) -> Result:
        try:
            return self._place((order,))[0]
        except psycopg.OperationalError as error:
            _logger.warning("the database does not take orders", error=str(error))
            return _unavailable()
        except psycopg.Error as error:
            _logger.error("an order can't be written", order_id=order.id, exc_info=error)
            return InternalError("this is our mistake: nothing was stored; report the request id")
        except KeyContended as error:
            return error

    def _place(self, orders: Sequence[NewOrder]) -> Sequence[Placing]:
        if self._connection is None:
            self._connection = self._connect()
        try:
            return place_orders(self._connection, orders=orders)
        except psycopg.OperationalError:
            self.close()
            raise


def _unavailable() -> TemporarilyUnavailable:
    return TemporarilyUnavailable("the database does not answer: repeat the request with the same Idempotency-Key")
