"""One instant of the database: what is in it, and a name by which ``pg_dump`` sees the very same."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

from psycopg import sql
from sqlalchemy import Connection, Engine, text

from fabroute.kernel.errors import DomainError
from fabroute.operations.manifest import DatabaseFacts

STORED_FILES: Mapping[str, str] = {
    "print_files.sha256": "print file",
    "print_files.source_sha256": "upload",
    "print_files.preview_sha256": "picture",
    "print_files.model_sha256": "model",
    "print_file_submissions.sha256": "upload",
    "print_file_submissions.canonical_sha256": "print file",
    "revision_documents.sha256": "document",
    "job_evidence.sha256": "evidence",
    "certificates.evidence_sha256": "evidence",
    "first_articles.evidence_sha256": "evidence",
    "brands.logo_sha256": "logo",
}
"""Columns that name a file of the object storage, and what it is."""

_INSTANT = text("SELECT pg_export_snapshot() AS id, transaction_timestamp() AS at")
_FACTS = text("""
SELECT (SELECT version_num FROM alembic_version) AS revision,
    current_setting('server_version_num')::int / 10000 AS server_major,
    (SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity
        AND relforcerowsecurity) AS row_security,
    (SELECT count(*) FROM pg_policy) AS policies,
    (SELECT coalesce(max(position), 0) FROM events) AS last_position
""")
_TABLES = text("""
SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') ORDER BY relname
""")
_FOREIGN = text("""
SELECT relname, current_user AS role FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'p') AND NOT pg_has_role(relowner, 'USAGE')
ORDER BY relname LIMIT 1
""")
_GRANTS = text("""
SELECT class.relname, string_agg(acl.privilege_type, ' ' ORDER BY acl.privilege_type) AS granted
FROM pg_class class CROSS JOIN LATERAL aclexplode(class.relacl) acl JOIN pg_roles role ON role.oid = acl.grantee
WHERE class.relnamespace = 'public'::regnamespace AND class.relkind IN ('r', 'p', 'S', 'v') AND role.rolname = :role
GROUP BY class.relname ORDER BY class.relname
""")


class NotTheOwner(DomainError):
    """The role of a backup does not own the tables."""

    code = "not_the_owner"
    status = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """An instant of the database, for as long as its transaction is open."""

    id: str
    """For ``pg_dump --snapshot``."""
    at: datetime
    facts: DatabaseFacts
    stored: Mapping[str, str]
    """Files of the object storage that the database knows: what each is, by its SHA-256."""


@contextmanager
def open_snapshot(engine: Engine, *, application_role: str) -> Iterator[Snapshot]:
    """Yield what the database holds at this instant; it stays so inside the block, whatever others commit.

    Raises ``NotTheOwner``: who does not own the tables would not see all of them.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        _require_owner(connection)
        instant = connection.execute(_INSTANT).one()
        yield Snapshot(
            id=instant.id,
            at=instant.at,
            facts=_facts(connection, application_role),
            stored=_stored(connection),
        )


def _require_owner(connection: Connection) -> None:
    foreign = connection.execute(_FOREIGN).one_or_none()
    if foreign is not None:
        raise NotTheOwner(
            f"the role {foreign.role} does not own the tables ({foreign.relname} is another's), and can't see all that "
            "a backup has to hold: set FABROUTE_MIGRATION_DATABASE_URL to a role that does (infra/database/roles.sql "
            "makes it: fabroute_owner)"
        )


def _facts(connection: Connection, application_role: str) -> DatabaseFacts:
    found = connection.execute(_FACTS).one()
    return DatabaseFacts(
        revision=found.revision,
        server_major=found.server_major,
        rows={table: _count(connection, table) for table in connection.execute(_TABLES).scalars()},
        grants={row.relname: row.granted for row in connection.execute(_GRANTS, {"role": application_role})},
        row_security=found.row_security,
        policies=found.policies,
        last_position=found.last_position,
    )


def _count(connection: Connection, table: str) -> int:
    query = sql.SQL("SELECT count(*) FROM {}").format(sql.Identifier(table))
    return int(connection.exec_driver_sql(query.as_string()).scalar_one())


def _stored(connection: Connection) -> dict[str, str]:
    found: dict[str, str] = {}
    for column, kind in STORED_FILES.items():
        table, name = column.split(".")
        query = sql.SQL("SELECT DISTINCT {0} FROM {1} WHERE {0} IS NOT NULL").format(
            sql.Identifier(name), sql.Identifier(table)
        )
        for (sha256,) in connection.exec_driver_sql(query.as_string()):
            found.setdefault(str(sha256), kind)
    return found
