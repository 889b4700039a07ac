"""What PostgreSQL gets to do, whoever sends it, as its own log tells."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy import make_url

from fabroute_embedded.postgres import APPLICATION_ROLE, PostgresServer

_ENTRY = re.compile(r"^\d{4}-\d\d-\d\d [\d:.]+ \w+ \[(\d+)\] ", re.MULTILINE)
_EXECUTED = re.compile(r"LOG:  (?:statement|execute [^:]*): ")
_BEGINS, _ENDS = re.compile(r"BEGIN\b"), re.compile(r"(?:COMMIT|ROLLBACK)\b(?! TO)")
_LOGGED = {"log_statement": "all", "log_parameter_max_length": "0"}


@dataclass(frozen=True, slots=True, kw_only=True)
class StatementLog:
    """The log of a server, which tells of every statement before that is executed."""

    path: Path

    def position(self) -> int:
        """Return where the log ends just now."""
        return self.path.stat().st_size

    def statements(self, *, since: int) -> list[str]:
        """Return what was executed since a position, transaction control (BEGIN, COMMIT) included, in one line each."""
        return [statement for _, statement in self._executed(since)]

    def transactions(self, *, since: int) -> list[tuple[str, ...]]:
        """Return the same by transactions, those that are not over yet last; a statement alone is one."""
        over, begun = list[tuple[str, ...]](), dict[int, list[str]]()
        for process, statement in self._executed(since):
            if process not in begun and not _BEGINS.match(statement):
                over.append((statement,))
                continue
            begun.setdefault(process, []).append(statement)
            if _ENDS.match(statement):
                over.append(tuple(begun.pop(process)))
        return over + [tuple(statements) for statements in begun.values()]

    def _executed(self, since: int) -> Iterator[tuple[int, str]]:
        """Yield the server's process, one for each connection, with every statement."""
        with self.path.open("rb") as log:
            log.seek(since)
            _, *pieces = _ENTRY.split(log.read().decode())
        for process, entry in zip(pieces[::2], pieces[1::2], strict=True):
            begins = _EXECUTED.match(entry)
            if begins is not None:
                yield int(process), " ".join(entry[begins.end() :].split())


@contextmanager
def logged_statements(postgres: PostgresServer, url: str) -> Iterator[StatementLog]:
    """Have the connections that the application opens to a database meanwhile tell of every statement."""
    role = f"ALTER ROLE {APPLICATION_ROLE} IN DATABASE {make_url(url).database}"
    with psycopg.connect(f"host={postgres.folder} user=postgres dbname=postgres", autocommit=True) as superuser:
        for name, value in _LOGGED.items():
            superuser.execute(f"{role} SET {name} = '{value}'".encode())
        try:
            yield StatementLog(path=postgres.log_path)
        finally:
            superuser.execute(f"{role} RESET ALL".encode())
