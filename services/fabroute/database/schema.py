"""Which schema this version needs, for processes that serve it and never migrate it."""

from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from fabroute.kernel.errors import DomainError

SCHEMA_REVISION = "20261123_0012"
"""The newest migration; a test holds it to the migrations folder."""


class SchemaNotCurrent(DomainError):
    """The database answers, but its tables are not those of this version."""

    code = "schema_not_current"
    status = 503


def require_current_schema(engine: Engine) -> None:
    """Raise ``SchemaNotCurrent``, with the command to run, unless the database has this version's tables."""
    found = _revision(engine)
    if found is not None and found > SCHEMA_REVISION:  # revisions begin with their date
        raise SchemaNotCurrent(f"the database's schema, {found}, is newer than this version: upgrade fabroute")
    if found != SCHEMA_REVISION:
        raise SchemaNotCurrent(
            f"the database's schema is at revision {found or 'none'}, this version needs {SCHEMA_REVISION}: "
            "run `fabroute migrate`"
        )


def _revision(engine: Engine) -> str | None:
    try:
        with engine.connect() as connection:
            return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    except ProgrammingError:  # no such table: nothing was ever migrated
        return None
