"""The schema's history, packaged, so that ``fabroute migrate`` works after an install.

A migration waits at most five seconds for a lock (``lock_timeout``) and has a way back.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text

from fabroute.database import create_database_engine

_TURN = 0x6661_6272_6D69_6772
"""A number that nothing else locks: ``fabrmigr``."""


def upgrade(url: str, *, revision: str = "head") -> None:
    """Bring the database at ``url`` (a role that owns its tables) to ``revision``; nothing happens if it is there."""
    command.upgrade(_config(url), revision)


@contextmanager
def in_turn(engine: Engine) -> Iterator[None]:
    """Hold the right to migrate while the block lasts; whoever comes second waits for it.

    By a lock of a transaction that does nothing else: it holds behind a pool of connections, too.
    """
    with engine.connect() as connection, connection.begin():
        connection.execute(text("SET LOCAL idle_in_transaction_session_timeout = 0"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _TURN})
        yield


def downgrade(url: str, *, revision: str) -> None:
    """Take the database at ``url`` back to ``revision`` (``base``: no tables). Rows of dropped tables are lost."""
    command.downgrade(_config(url), revision)


def head_revision() -> str:
    """Return the revision that this version of fabroute needs."""
    return ScriptDirectory.from_config(_config("")).get_current_head() or "none"


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database, ``None`` for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["engine"] = create_database_engine(url) if url else None
    return config
