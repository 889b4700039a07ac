"""One prepared statement whose answers an event loop reads: no thread, so nobody waits for the interpreter.

libpq's own way, as psycopg wraps it: psycopg's asynchronous cursor takes a tenth more of an order (ADR 43).
"""

import asyncio
from collections.abc import Sequence
from itertools import count
from typing import Any

import psycopg
from psycopg import Connection, pq
from psycopg.adapt import Transformer
from psycopg.errors import error_from_result
from psycopg.pq.abc import PGresult

_NUMBERS = count(1)


class StatementOnLoop:
    """Executes one statement on a connection, again and again, one execution at a time.

    Make it where it may block, for the server plans the statement then; everything else belongs to the event loop's
    thread. Nobody else may use the connection meanwhile. It is in autocommit mode: what was executed is committed.
    """

    def __init__(self, connection: Connection[Any], statement: str) -> None:
        """Prepare ``statement``, whose parameters are ``$1``, ``$2``. Raises ``psycopg.Error``."""
        self._connection = connection
        self._server = connection.pgconn
        self._name = f"on_loop_{next(_NUMBERS)}".encode()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._socket = self._server.socket
        self._result: PGresult | None = None
        self._execution: asyncio.Future[PGresult] | None = None
        self._writes = False
        _require_good(self._server.prepare(self._name, statement.encode()))

    @property
    def is_open(self) -> bool:
        """Tell whether the connection may be used: it has not failed, as far as one knows."""
        return self._server.status == pq.ConnStatus.OK

    async def rows(self, *parameters: bytes) -> list[tuple[Any, ...]]:
        """Execute the statement with ``parameters`` as text, and return its rows.

        Raises ``psycopg.OperationalError`` where the connection is lost, then or before, and any other
        ``psycopg.Error`` that the server answers.
        """
        result = await self._executed(parameters)
        _require_good(result)
        reader = Transformer(self._connection)
        reader.set_pgresult(result)
        return reader.load_rows(0, result.ntuples, tuple)

    def end(self) -> None:
        """Leave the event loop; the connection stays open. For the event loop's thread, between two executions."""
        if self._loop is not None:
            self._forget()

    async def _executed(self, parameters: Sequence[bytes]) -> PGresult:
        self._server.send_query_prepared(self._name, parameters)
        if self._loop is None:
            self._loop = asyncio.get_running_loop()
            self._watch()
        self._execution = self._loop.create_future()
        try:
            self._write()
            return await self._execution
        finally:
            self._execution = None

    def _write(self) -> None:
        """Send what was not sent yet; the server may be slow to take it."""
        assert self._loop is not None
        try:
            is_left = self._server.flush() == 1
        except psycopg.OperationalError as error:
            self._fail(error)
            return
        if is_left and not self._writes:
            self._loop.add_writer(self._socket, self._write)
        elif self._writes and not is_left:
            self._loop.remove_writer(self._socket)
        self._writes = is_left

    def _read(self) -> None:
        """Take what the server sent; it says the last of it with ``None``."""
        try:
            self._server.consume_input()
        except psycopg.OperationalError as error:
            self._fail(error)
            return
        while self._execution is not None and not self._server.is_busy():
            result = self._server.get_result()
            if result is None:
                self._answer()
                break
            self._result = result
        self._watch()

    def _watch(self) -> None:
        """Watch for more; again after each time, for uvloop tells of a reset once, with the last data or none."""
        assert self._loop is not None
        self._loop.remove_reader(self._socket)
        self._loop.add_reader(self._socket, self._read)

    def _answer(self) -> None:
        result, self._result = self._result, None
        if self._execution is not None and not self._execution.done() and result is not None:
            self._execution.set_result(result)

    def _fail(self, error: psycopg.OperationalError) -> None:
        """Give up a connection that is lost: an event loop that went on watching it would be told so without end."""
        self._forget()
        self._result = None
        if self._execution is not None and not self._execution.done():
            self._execution.set_exception(error)

    def _forget(self) -> None:
        assert self._loop is not None
        self._loop.remove_reader(self._socket)
        self._loop.remove_writer(self._socket)
        self._loop, self._writes = None, False


def _require_good(result: PGresult) -> None:
    if result.status in (pq.ExecStatus.TUPLES_OK, pq.ExecStatus.COMMAND_OK):
        return
    error = error_from_result(result)
    if error.sqlstate is None:  # said by libpq, not by the server: the connection is lost
        raise psycopg.OperationalError(str(error)) from error
    raise error
