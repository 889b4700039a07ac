"""The schema's history, packaged, so that ``fabroute migrate`` works after an install.

A migration waits at most five seconds for a lock (``lock_timeout``) and has a way back.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from fabroute.database import create_database_engine
from fabroute.kernel.errors import DomainError


class SchemaMismatch(DomainError):
    """The database's schema is not the one that this version was written for."""

    code = "schema_mismatch"
    status = 503


def upgrade(url: str, *, revision: str = "head") -> None:
    """Bring the database at ``url`` (a role that owns its tables) to ``revision``; nothing happens if it is there."""
    command.upgrade(_config(url), revision)


def downgrade(url: str, *, revision: str) -> None:
    """Take the database at ``url`` back to ``revision`` (``base``: no tables). Rows of dropped tables are lost."""
    command.downgrade(_config(url), revision)


def head_revision() -> str:
    """Return the revision that this version of fabroute needs."""
    head = ScriptDirectory.from_config(_config("")).get_current_head()
    if head is None:
        raise SchemaMismatch("this installation has no migrations: install the fabroute wheel again")
    return head


def current_revision(engine: Engine) -> str | None:
    """Return the revision of the database, ``None`` for an empty one."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def require_current_schema(engine: Engine) -> None:
    """Raise ``SchemaMismatch`` with the command to run unless the schema is the one of this version."""
    current, head = current_revision(engine), head_revision()
    if current == head:
        return
    known = {script.revision for script in ScriptDirectory.from_config(_config("")).walk_revisions()}
    if current is not None and current not in known:
        raise SchemaMismatch(f"the database is at revision {current}, newer than this version: upgrade fabroute")
    raise SchemaMismatch(
        f"the database is at revision {current or 'none'}, this version needs {head}: fabroute migrate"
    )


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["engine"] = create_database_engine(url) if url else None
    return config
