"""Whether a process can work with a database: asked once, when it starts, and answered with what to do."""

import time
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import OperationalError, ProgrammingError

from fabroute.database.schema import require_current_schema
from fabroute.kernel.errors import DomainError

OLDEST_SERVER = 16
"""PostgreSQL's major version. Tests run on 18; nothing that is kept needs more than this."""
CLOCK_REFUSED_SECONDS = 300.0
"""So far apart, promises and days of production would be wrong, and second factors of people would be refused."""
CLOCK_TOLD_SECONDS = 5.0
_PROBE_ROWS = 20_000
"""Of a temporary table: 700 kB, which a full disk doesn't take."""

_SERVER = text(
    "SELECT current_user AS role, current_setting('server_version_num')::int / 10000 AS major,"
    " current_setting('server_version') AS version, current_setting('server_encoding') AS encoding,"
    " pg_is_in_recovery() OR current_setting('transaction_read_only')::boolean AS read_only,"
    " EXISTS (SELECT FROM pg_language WHERE lanname = 'plpgsql') AS speaks_plpgsql,"
    " (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS sees_every_row"
)
_CLOCK = text("SELECT extract(epoch FROM clock_timestamp())::float8")
_NOT_ALLOWED = text(
    "SELECT relation.relname FROM pg_class AS relation"
    " JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace"
    " WHERE schema.nspname = current_schema() AND relation.relkind IN ('r', 'p', 'S')"
    " AND NOT CASE WHEN relation.relkind = 'S' THEN has_sequence_privilege(relation.oid, 'USAGE')"
    "  WHEN relation.relname IN ('alembic_version', 'feed_breaks') THEN has_table_privilege(relation.oid, 'SELECT')"
    "  WHEN relation.relname IN ('audit_entries', 'audit_roots', 'audit_seals')"
    "   THEN has_table_privilege(relation.oid, 'SELECT') AND has_table_privilege(relation.oid, 'INSERT')"
    "  ELSE has_table_privilege(relation.oid, 'SELECT') AND has_table_privilege(relation.oid, 'INSERT')"
    "   AND has_table_privilege(relation.oid, 'UPDATE') AND has_table_privilege(relation.oid, 'DELETE') END"
    " ORDER BY relation.relname"
)
_MIGRATABLE = text(
    "SELECT coalesce(has_schema_privilege(to_regnamespace(current_schema()), 'CREATE'), false) AS may_create,"
    " NOT EXISTS (SELECT FROM pg_class AS relation JOIN pg_namespace AS schema ON schema.oid = relation.relnamespace"
    "  WHERE relation.relname = 'alembic_version' AND schema.nspname = 'public'"
    "  AND NOT pg_has_role(relation.relowner, 'USAGE')) AS owns_tables"
)
_MAY_CHANGE_AUDIT = text("SELECT has_table_privilege('audit_entries', 'UPDATE, DELETE, TRUNCATE')")
_PROBE = text(f"CREATE TEMPORARY TABLE fabroute_start ON COMMIT DROP AS SELECT generate_series(1, {_PROBE_ROWS})")
_DISK_FULL = ("53100", "53400")
_NOT_PERMITTED = "42501"


class DatabaseUnfit(DomainError):
    """The database answers, but can't be the record of an installation as it is."""

    code = "database_unfit"
    status = 503


class DatabaseFull(DomainError):
    """The disk of the database takes no more."""

    code = "database_full"
    status = 503
    passes = True


class ClockOff(DomainError):
    """This machine's clock and the database's are far apart."""

    code = "clock_off"
    status = 503
    passes = True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Server:
    role: str
    major: int
    version: str
    encoding: str
    read_only: bool
    speaks_plpgsql: bool
    sees_every_row: bool


def require_fit_database(engine: Engine, *, strict: bool) -> Sequence[str]:
    """Raise what keeps this process from working on the database; return what should be put right all the same.

    ``strict`` refuses what is only told otherwise: a role for which row-level security does not count. Raises
    ``DatabaseUnfit``, ``DatabaseFull``, ``ClockOff`` and ``SchemaNotCurrent``.
    """
    with engine.connect() as connection:
        server = _look_at(connection)
        _require_server(server)
        told = [*_privileged(server, strict=strict), *_clock_apart(_clock_offset(connection))]
    require_current_schema(engine)
    with engine.connect() as connection:
        _require_privileges(connection, server.role)
        told += _audit_in_danger(connection, server)
        _require_room(connection)
    return told


def require_migratable_database(engine: Engine) -> None:
    """Raise ``DatabaseUnfit`` where migrations could only fail half-way."""
    with engine.connect() as connection:
        server = _look_at(connection)
        _require_server(server)
        found = connection.execute(_MIGRATABLE).mappings().one()
    if not found["may_create"] or not found["owns_tables"]:
        raise DatabaseUnfit(
            f"the role {server.role} does not own the tables, or may make none: set FABROUTE_MIGRATION_DATABASE_URL to "
            "a role that may (infra/database/roles.sql makes it: fabroute_owner)"
        )


def _look_at(connection: Connection) -> _Server:
    return _Server(**connection.execute(_SERVER).mappings().one())


def _require_server(server: _Server) -> None:
    if server.major < OLDEST_SERVER:
        raise DatabaseUnfit(
            f"PostgreSQL {server.version} is too old, fabroute needs {OLDEST_SERVER} or newer: upgrade the server, or "
            "point FABROUTE_DATABASE_URL at a newer one"
        )
    if server.encoding != "UTF8":
        raise DatabaseUnfit(
            f"the database is encoded in {server.encoding}, names of the world need UTF8: "
            "CREATE DATABASE … ENCODING 'UTF8' TEMPLATE template0, and point FABROUTE_DATABASE_URL at it"
        )
    if server.read_only:
        raise DatabaseUnfit(
            "the database takes no changes (a standby, or default_transaction_read_only): point FABROUTE_DATABASE_URL "
            "at the primary; with several hosts in it add target_session_attrs=read-write"
        )
    if not server.speaks_plpgsql:
        raise DatabaseUnfit(
            "the extension plpgsql is missing in this database, the functions that keep tenants apart are written in "
            "it: run CREATE EXTENSION plpgsql there as its owner, then fabroute migrate"
        )


def _privileged(server: _Server, *, strict: bool) -> Sequence[str]:
    """Return the warning about a role that sees every tenant's rows whatever the policies say."""
    if not server.sees_every_row:
        return ()
    words = (
        f"the role {server.role} of FABROUTE_DATABASE_URL is a superuser or has BYPASSRLS, so row-level security does "
        "not keep tenants apart: connect as a role without either (infra/database/roles.sql makes it)"
    )
    if strict:
        raise DatabaseUnfit(words)
    return (words,)


def _clock_offset(connection: Connection) -> tuple[float, float]:
    """Return by how many seconds the database's clock is ahead of ours, and how exactly that is known."""
    asked = time.time()
    theirs = float(connection.execute(_CLOCK).scalar_one())
    answered = time.time()
    return theirs - (asked + answered) / 2, (answered - asked) / 2


def _clock_apart(offset: tuple[float, float]) -> Sequence[str]:
    ahead, known_within = offset
    apart = abs(ahead) - known_within
    words = (
        f"this machine's clock is {abs(ahead):.0f} seconds {'behind' if ahead > 0 else 'ahead of'} the database's: "
        "let both keep time by NTP (timedatectl set-ntp true), then start again"
    )
    if apart > CLOCK_REFUSED_SECONDS:
        raise ClockOff(words)
    return (words,) if apart > CLOCK_TOLD_SECONDS else ()


def _require_privileges(connection: Connection, role: str) -> None:
    refused = [str(name) for name in connection.execute(_NOT_ALLOWED).scalars()]
    if refused:
        more = f" and {len(refused) - 3} more" if len(refused) > 3 else ""
        raise DatabaseUnfit(
            f"the role {role} of FABROUTE_DATABASE_URL may not read and write {', '.join(refused[:3])}{more}: as the "
            f"tables' owner GRANT SELECT, INSERT, UPDATE, DELETE on them TO {role}, on sequences USAGE "
            "(infra/database/roles.sql does so for all there are and all to come)"
        )


def _audit_in_danger(connection: Connection, server: _Server) -> Sequence[str]:
    if server.sees_every_row or not connection.execute(_MAY_CHANGE_AUDIT).scalar_one():
        return ()
    return (
        f"the role {server.role} of FABROUTE_DATABASE_URL may change and delete entries of the audit log: connect as "
        "another than the tables' owner, and REVOKE UPDATE, DELETE, TRUNCATE ON audit_entries, audit_seals, "
        f"audit_roots FROM {server.role} (infra/database/roles.sql does so)",
    )


def _require_room(connection: Connection) -> None:
    """Write a little and take it back: whether a disk is full is known when it is written to."""
    try:
        connection.execute(_PROBE)
    except OperationalError as error:
        if getattr(error.orig, "sqlstate", None) in _DISK_FULL:
            raise DatabaseFull(
                "the disk of PostgreSQL is full, no order can be kept: make room there or enlarge it (nothing that was "
                "acknowledged is lost)"
            ) from error
        raise
    except ProgrammingError as error:
        if getattr(error.orig, "sqlstate", None) != _NOT_PERMITTED:  # temporary tables are no right of this role
            raise
    finally:
        connection.rollback()
