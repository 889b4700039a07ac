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
_NOT_PERMITTED = "42501"
_OUT_OF_SIGHT = text(
    "SELECT schema.nspname FROM pg_class AS relation JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace"
    " WHERE relation.relname = 'alembic_version' AND NOT has_schema_privilege(schema.oid, 'USAGE') LIMIT 1"
)


class SchemaNotCurrent(DomainError):
    """The database answers, but its tables are not those of this version."""

    code = "schema_not_current"
    status = 503


class SchemaHidden(DomainError):
    """The database answers, but its tables are not for the role that asks."""

    code = "schema_hidden"
    status = 503


def require_current_schema(engine: Engine) -> None:
    """Raise ``SchemaNotCurrent``, with the command to run, unless this version works on the database's tables.

    Those of a later version it takes if the database says that they serve this one, too: processes are replaced one
    after the other, and one that is started again meanwhile has to come back.
    """
    found, oldest_served = _revision(engine)
    if _newer(found, oldest_served) is None and found != SCHEMA_REVISION:
        raise SchemaNotCurrent(
            f"the database's schema is at revision {found or 'none'}, this version needs {SCHEMA_REVISION}: "
            "run `fabroute migrate`"
        )


def newer_revision(engine: Engine) -> str | None:
    """Return the revision of a later version whose tables serve this one, too; ``None`` for no later one.

    Raises ``SchemaNotCurrent`` where they don't serve it any more.
    """
    return _newer(*_revision(engine))


def _newer(found: str | None, oldest_served: str) -> str | None:
    if found is None or found <= SCHEMA_REVISION:  # revisions begin with their date
        return None
    if oldest_served > SCHEMA_REVISION:
        raise SchemaNotCurrent(f"the database's schema, {found}, is newer than this version: upgrade fabroute")
    return found


def serving_note(revision: str) -> str:
    """Return what the database says of its schema: the oldest revision whose code works on it."""
    return f"{_SERVES}{revision}"


def _revision(engine: Engine) -> tuple[str | None, str]:
    """Return the revision of the database, and the oldest whose code works on it. Raises ``SchemaHidden``."""
    try:
        with engine.connect() as connection:
            row = connection.execute(_REVISION).one_or_none()
    except ProgrammingError as error:  # no such table: nothing was ever migrated, or nothing that we may see
        _require_sight(engine, error)
        return None, ""
    if row is None:
        return None, ""
    note = row.note or ""
    return row.version_num, note.removeprefix(_SERVES) if note.startswith(_SERVES) else row.version_num


def _require_sight(engine: Engine, error: ProgrammingError) -> None:
    """Raise ``SchemaHidden`` where there are tables, and the role may not look at them."""
    with engine.connect() as connection:
        hidden = connection.execute(_OUT_OF_SIGHT).scalar_one_or_none()
    if hidden is not None:
        raise SchemaHidden(
            f"the role of FABROUTE_DATABASE_URL may not use the schema {hidden}: as its owner GRANT USAGE ON SCHEMA "
            f"{hidden} to it (infra/database/roles.sql does so)"
        ) from error
    if getattr(error.orig, "sqlstate", None) == _NOT_PERMITTED:
        raise SchemaHidden(
            "the role of FABROUTE_DATABASE_URL may not read the table alembic_version: as its owner GRANT SELECT on it "
            "to that role (infra/database/roles.sql does so)"
        ) from error
