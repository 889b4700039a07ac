import asyncio
import select
import socket
import struct
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from typing import Any

import psycopg
import pytest
import uvloop
from psycopg import Connection
from sqlalchemy import make_url

from fabroute.database.on_loop import StatementOnLoop
from tests.conftest import Database

_SHUTDOWN = b"SFATAL\0VFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
FATAL = b"E" + (len(_SHUTDOWN) + 4).to_bytes(4, "big") + _SHUTDOWN
"""What a server that is being stopped says last (PostgreSQL's documentation, 54.7, ErrorResponse)."""
AT_ONCE = struct.pack("ii", 1, 0)
"""Of a connection that is closed without waiting for what was not taken yet: it is reset."""
Run = Callable[[Coroutine[Any, Any, Any]], Any]


@pytest.fixture(params=[asyncio.run, uvloop.run], ids=["asyncio", "uvloop"])
def run(request: pytest.FixtureRequest) -> Run:
    found: Run = request.param
    return found


@contextmanager
def connected(database: Database, *, port: int | None = None) -> Iterator[Connection[Any]]:
    """Yield a connection to the server, or to whom it is passed on by at ``port``."""
    url = make_url(database.url)
    where: dict[str, Any] = {"host": url.query["host"]} if port is None else {"host": "127.0.0.1", "port": port}
    plainly: dict[str, Any] = {"sslmode": "disable", "gssencmode": "disable", "autocommit": True}
    with closing(psycopg.connect(user=url.username, dbname=url.database, **where, **plainly)) as connection:
        yield connection


def end_server_of(connection: Connection[Any], database: Database) -> None:
    with connected(database) as other:
        other.execute("SELECT pg_terminate_backend(%s)", (connection.info.backend_pid,))


def test_rows_are_python_values_as_a_cursor_gives_them(database: Database, run: Run) -> None:
    with connected(database) as connection:
        statement = StatementOnLoop(connection, "SELECT n, n > 1, NULL, ARRAY[n, 7] FROM generate_series(1, $1::int) n")

        async def twice() -> list[list[tuple[Any, ...]]]:
            return [await statement.rows(b"2"), await statement.rows(b"0")]

        assert run(twice()) == [[(1, False, None, [1, 7]), (2, True, None, [2, 7])], []]


def test_what_does_not_fit_into_the_sockets_buffer_is_sent_all_the_same(database: Database, run: Run) -> None:
    size = 30_000_000
    with connected(database) as connection:
        statement = StatementOnLoop(connection, "SELECT length($1), right($1, 3), left($1, 9000000)")

        ((length, end, sent_back),) = run(statement.rows(b"a" * (size - 3) + b"end"))

        assert (length, end, len(sent_back)) == (size, "end", 9_000_000)


def test_what_the_server_refuses_is_raised_and_the_next_execution_is_as_good_as_any(
    database: Database, run: Run
) -> None:
    with connected(database) as connection:
        statement = StatementOnLoop(connection, "SELECT 12 / $1::int")

        async def after_a_refusal() -> list[tuple[Any, ...]]:
            with pytest.raises(psycopg.errors.DivisionByZero):
                await statement.rows(b"0")
            assert statement.is_open
            return await statement.rows(b"4")

        assert run(after_a_refusal()) == [(3,)]


def test_a_connection_may_be_used_by_others_once_the_loop_was_left(database: Database, run: Run) -> None:
    with connected(database) as connection:
        statement = StatementOnLoop(connection, "SELECT $1::int")

        async def once() -> None:
            await statement.rows(b"1")
            statement.end()

        run(once())
        assert connection.execute("SELECT 2").fetchall() == [(2,)]
        assert run(StatementOnLoop(connection, "SELECT $1::int").rows(b"3")) == [(3,)]


def test_what_can_not_be_prepared_is_refused_at_once(database: Database) -> None:
    with connected(database) as connection, pytest.raises(psycopg.errors.UndefinedTable):
        StatementOnLoop(connection, "SELECT * FROM nowhere")


# ---------------------------------------------------------------- lost connections


def test_a_connection_that_is_lost_meanwhile_is_told_of(database: Database, run: Run) -> None:
    with connected(database) as connection:
        statement = StatementOnLoop(connection, "SELECT pg_sleep($1::int)")

        async def interrupted() -> None:
            waiting = asyncio.create_task(statement.rows(b"60"))
            await asyncio.sleep(0.05)
            await asyncio.to_thread(end_server_of, connection, database)
            with pytest.raises(psycopg.OperationalError, match="terminating connection"):
                await asyncio.wait_for(waiting, 10)

        run(interrupted())
        assert not statement.is_open


def test_a_connection_that_is_lost_between_two_executions_is_told_of(database: Database, run: Run) -> None:
    with connected(database) as connection:
        statement = StatementOnLoop(connection, "SELECT $1::int")

        async def interrupted() -> None:
            await statement.rows(b"1")
            await asyncio.to_thread(end_server_of, connection, database)
            for _ in range(1000):
                if not statement.is_open:
                    break
                await asyncio.sleep(0.01)
            assert not statement.is_open
            with pytest.raises(psycopg.OperationalError):
                await statement.rows(b"2")

        run(interrupted())


@contextmanager
def dying_server(database: Database) -> Iterator[tuple[int, threading.Event, threading.Event]]:
    """Yield a port on which all that is said to the server and by it is passed on, until one of two events is set.

    After the first, what comes is left unread: the server says that it ends, as one does that is stopped. After the
    other it ends with its next answer. Both reset the connection.
    """
    url, unread, answered = make_url(database.url), threading.Event(), threading.Event()
    listener, server = socket.socket(), socket.socket(socket.AF_UNIX)
    listener.bind(("127.0.0.1", 0))
    listener.listen()

    def pass_on() -> None:
        client, _ = listener.accept()
        server.connect(f"{url.query['host']}/.s.PGSQL.5432")
        with client:
            while True:
                for readable in select.select([client, server], [], [])[0]:
                    if readable is client and unread.is_set():
                        client.send(FATAL)
                        return
                    said = readable.recv(2**16)
                    (server if readable is client else client).sendall(said)
                    if readable is server and answered.is_set():
                        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, AT_ONCE)
                        return

    thread = threading.Thread(target=pass_on)
    thread.start()
    with listener, server:
        yield listener.getsockname()[1], unread, answered
        thread.join()


def test_a_server_that_dies_with_words_unread_is_told_of(database: Database, run: Run) -> None:
    with dying_server(database) as (port, unread, _), connected(database, port=port) as connection:
        statement = StatementOnLoop(connection, "SELECT $1::int")

        async def interrupted() -> None:
            assert await statement.rows(b"1") == [(1,)]
            unread.set()
            with pytest.raises(psycopg.OperationalError):
                await asyncio.wait_for(statement.rows(b"2"), 10)

        run(interrupted())
        assert not statement.is_open


def test_a_server_that_dies_with_its_answer_is_told_of_by_the_next_execution(database: Database, run: Run) -> None:
    with dying_server(database) as (port, _, answered), connected(database, port=port) as connection:
        statement = StatementOnLoop(connection, "SELECT $1::int")

        async def interrupted() -> None:
            assert await statement.rows(b"1") == [(1,)]
            answered.set()
            last = asyncio.create_task(statement.rows(b"2"))
            await asyncio.sleep(0)
            time.sleep(0.2)  # the loop is busy meanwhile, so answer and end come together
            assert await asyncio.wait_for(last, 10) == [(2,)]
            with pytest.raises(psycopg.OperationalError):
                await asyncio.wait_for(statement.rows(b"3"), 10)

        run(interrupted())
        assert not statement.is_open
