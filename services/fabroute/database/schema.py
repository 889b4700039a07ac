"""Which schema this version needs, for processes that serve it and never migrate it."""

from sqlalchemy import Engine, text
from sqlalchemy.exc import ProgrammingError

from fabroute.kernel.errors import DomainError

SCHEMA_REVISION = "20261123_0019"
"""The newest migration; a test holds it to the migrations folder."""

_REVISION = text(
    "SELECT version_num, obj_description('alembic_version'::regclass, 'pg_class') AS note FROM alembic_version"
)
_SERVES = "serves versions from "


class SchemaNotCurrent(DomainError):
    """The database answers, but its tables are not those of this version."""

    code = "schema_not_current"
    status = 503


def require_current_schema(engine: Engine) -> None:
    """Raise ``SchemaNotCurrent``, with the command to run, unless this version works on the database's tables.

    Those of a later version it takes if the database says that they serve this one, too: processes are replaced one
    after the other, and one that is started again meanwhile has to come back.
    """
    found, oldest_served = _revision(engine)
    if found is not None and found > SCHEMA_REVISION:  # revisions begin with their date
        if oldest_served <= SCHEMA_REVISION:
            return
        raise SchemaNotCurrent(f"the database's schema, {found}, is newer than this version: upgrade fabroute")
    if found != SCHEMA_REVISION:
        raise SchemaNotCurrent(
            f"the database's schema is at revision {found or 'none'}, this version needs {SCHEMA_REVISION}: "
            "run `fabroute migrate`"
        )


def serving_note(revision: str) -> str:
    """Return what the database says of its schema: the oldest revision whose code works on it."""
    return f"{_SERVES}{revision}"


def _revision(engine: Engine) -> tuple[str | None, str]:
    """Return the revision of the database, and the oldest whose code works on it."""
    try:
        with engine.connect() as connection:
            row = connection.execute(_REVISION).one_or_none()
    except ProgrammingError:  # no such table: nothing was ever migrated
        return None, ""
    if row is None:
        return None, ""
    note = row.note or ""
    return row.version_num, note.removeprefix(_SERVES) if note.startswith(_SERVES) else row.version_num
