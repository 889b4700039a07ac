"""Counts what a connection really sends, as the client library traces it."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import Any

from psycopg import Connection
from sqlalchemy import Engine, event

_EXECUTION = re.compile(r"[\d-]+ [\d:.]+\tF\t\d+\t(Execute|Query)\b")
"""A message of ours ("F" for front end) that makes the server run a statement, after its time."""


@dataclass(slots=True)
class Statements:
    """How many statements were executed, transaction control (BEGIN, COMMIT) included."""

    executed: int = 0


@contextmanager
def counted_statements(connection: Connection[Any]) -> Iterator[Statements]:
    """Yield a count that is right when the block ends."""
    counted = Statements()
    with TemporaryFile("r+", encoding="utf-8") as trace:
        connection.pgconn.trace(trace.fileno())
        yield counted
        connection.pgconn.untrace()
        trace.seek(0)
        counted.executed = sum(_EXECUTION.match(line) is not None for line in trace)


@contextmanager
def statements_sent(engine: Engine) -> Iterator[list[str]]:
    """Yield what an engine sends to the database meanwhile."""
    sent: list[str] = []

    def note(*args: object) -> None:
        sent.append(str(args[2]))

    event.listen(engine, "before_cursor_execute", note)
    try:
        yield sent
    finally:
        event.remove(engine, "before_cursor_execute", note)
