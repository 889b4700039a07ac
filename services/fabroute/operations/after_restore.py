"""What must not come again after a restore: numbers that were given out after the backup was made.

Clients and workers may hold fences, versions, positions and answers of the time that the restore takes back. Each
counter goes on at a number that no life of the installation has seen: the seconds since 2020, and for positions the
microseconds since 1970, which stay below what programs in JavaScript can count to.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from psycopg import sql

from fabroute.operations.manifest import DatabaseFacts

COUNTERS: Mapping[str, str] = {
    "brands.version": "If-Match",
    "builds.version": "If-Match",
    "jobs.fence": "file tickets, and what a stale client writes",
    "jobs.version": "conditional changes",
    "nodes.version": "If-Match",
    "order_lines.fence": "runs of routing that hold lines",
    "orders.version": "conditional changes",
    "organisations.version": "If-Match",
    "part_revisions.version": "If-Match",
    "parts.version": "If-Match",
    "people.version": "If-Match",
    "planning_scopes.fence": "workers that hold a scope",
    "print_file_submissions.fence": "workers that validate",
    "print_licences.version": "If-Match",
    "production_policies.version": "If-Match",
    "readiness_reports.fence": "workers that reckon",
    "screenings.fence": "workers that judge",
    "shipments.version": "conditional changes",
    "webhook_deliveries.fence": "senders",
    "webhook_endpoints.version": "If-Match",
}
"""Counters that somebody outside the database compares with, and what for."""

RECORDS: Mapping[str, str] = {
    "events.version": "of the form of an event's data",
    "file_tickets.fence": "of the job when the ticket was issued",
    "routing_decisions.fence": "of the line when it was decided",
    "routing_policies.version": "a change is a new row; nobody names one that was not read",
}
"""Columns of the same names that count nothing."""

_SHIFTED: Sequence[tuple[str, str]] = (("jobs", "lease_until"), ("jobs", "offer_until"))
"""Deadlines of nodes: the time in which nobody could answer does not count."""

_SECONDS_SINCE = datetime(2020, 1, 1, tzinfo=UTC)
_RIGHTS: Mapping[str, sql.SQL] = {
    "DELETE": sql.SQL("DELETE"),
    "INSERT": sql.SQL("INSERT"),
    "SELECT": sql.SQL("SELECT"),
    "UPDATE": sql.SQL("UPDATE"),
    "USAGE": sql.SQL("USAGE"),
}
"""What the application's role may be given: nothing with which it gets round row-level security."""


def life_number(restored_at: datetime) -> int:
    """Return the number at which counters go on after a restore: higher than any before, and within nine digits."""
    return int((restored_at - _SECONDS_SINCE).total_seconds())


def next_position(restored_at: datetime) -> int:
    """Return the position from which feeds go on after a restore."""
    return int(restored_at.timestamp() * 1_000_000)


def emptying() -> str:
    """Return the statements that take away all that the tables' owner has made in the schema."""
    return """
SET client_min_messages = warning;
SET lock_timeout = '5s';
DO $$ DECLARE it record; BEGIN
  FOR it IN SELECT format('%I.%I', n.nspname, c.relname) AS name, c.relkind FROM pg_class c
      JOIN pg_namespace n ON n.oid = c.relnamespace
      WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p', 'v', 'm') AND pg_has_role(c.relowner, 'USAGE') LOOP
    EXECUTE format('DROP %s IF EXISTS %s CASCADE',
        CASE it.relkind WHEN 'v' THEN 'VIEW' WHEN 'm' THEN 'MATERIALIZED VIEW' ELSE 'TABLE' END, it.name);
  END LOOP;
  FOR it IN SELECT p.oid::regprocedure AS name FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace
      AND p.proname LIKE 'fabroute%' LOOP
    EXECUTE format('DROP FUNCTION IF EXISTS %s CASCADE', it.name);
  END LOOP;
END $$;
"""


def settling(
    facts: DatabaseFacts, *, application_role: str, snapshot_at: datetime, restored_at: datetime, backup: str
) -> str:
    """Return the statements that check what was restored, and make it go on where nothing was before."""
    parts = [
        sql.SQL("SET search_path = public; SET row_security = on;"),
        *_checks(facts),
        *_privileges(facts, application_role),
        *_moving_on(facts, snapshot_at=snapshot_at, restored_at=restored_at),
        *_telling(snapshot_at=snapshot_at, restored_at=restored_at, backup=backup),
    ]
    return sql.SQL("\n").join(parts).as_string()


def _checks(facts: DatabaseFacts) -> list[sql.Composable]:
    """Statements that fail where rows, policies or forced row-level security are not those of the snapshot."""
    checks = [
        _require(
            sql.SQL("(SELECT count(*) FROM {}) = {}").format(sql.Identifier(table), sql.Literal(rows)),
            f"{table} does not hold the {rows} rows of the backup",
        )
        for table, rows in facts.rows.items()
    ]
    forced = sql.SQL(
        "(SELECT count(*) FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relrowsecurity"
        " AND relforcerowsecurity) = {} AND (SELECT count(*) FROM pg_policy) = {}"
    ).format(sql.Literal(facts.row_security), sql.Literal(facts.policies))
    return [*checks, _require(forced, "row-level security is not what it was in the backup")]


def _require(condition: sql.Composable, otherwise: str) -> sql.Composable:
    return sql.SQL("DO $check$ BEGIN IF NOT ({}) THEN RAISE EXCEPTION USING MESSAGE = {}; END IF; END $check$;").format(
        condition, sql.Literal(otherwise)
    )


def _privileges(facts: DatabaseFacts, role: str) -> list[sql.Composable]:
    """Statements that give the application's role what it had, and nothing that a new table is given by default."""
    who = sql.Identifier(role)
    statements: list[sql.Composable] = [
        sql.SQL("REVOKE ALL ON ALL TABLES IN SCHEMA public FROM {};").format(who),
        sql.SQL("REVOKE ALL ON ALL SEQUENCES IN SCHEMA public FROM {};").format(who),
        sql.SQL("GRANT USAGE ON SCHEMA public TO {};").format(who),
    ]
    for name, granted in facts.grants.items():
        kind = sql.SQL("TABLE" if name in facts.rows else "SEQUENCE")
        rights = sql.SQL(", ").join(_RIGHTS[right] for right in granted.split() if right in _RIGHTS)
        statements.append(sql.SQL("GRANT {} ON {} {} TO {};").format(rights, kind, sql.Identifier(name), who))
    return statements


def _moving_on(facts: DatabaseFacts, *, snapshot_at: datetime, restored_at: datetime) -> list[sql.Composable]:
    life, position = sql.Literal(life_number(restored_at)), next_position(restored_at)
    raised = [
        sql.SQL("UPDATE {0} SET {1} = {2} WHERE {1} < {2};").format(*map(sql.Identifier, counter.split(".")), life)
        for counter in COUNTERS
    ]
    lost = sql.Literal(restored_at - snapshot_at)
    shifted = [
        sql.SQL("UPDATE {0} SET {1} = {1} + {2} WHERE {1} IS NOT NULL;").format(
            sql.Identifier(table), sql.Identifier(column), lost
        )
        for table, column in _SHIFTED
    ]
    feeds = sql.SQL(
        "INSERT INTO feed_breaks (next_position, last_position, snapshot_at, restored_at) VALUES ({0}, {1}, {2}, {3});"
        " SELECT setval(pg_get_serial_sequence('events', 'position'), {0}, false);"
    ).format(sql.Literal(position), sql.Literal(facts.last_position), _at(snapshot_at), _at(restored_at))
    return [*raised, *shifted, feeds, *_renewed(restored_at)]


def _renewed(restored_at: datetime) -> list[sql.Composable]:
    """Statements about what is kept for a while: answers as long as after they were given, signed-in people not."""
    now = _at(restored_at)
    return [
        sql.SQL("UPDATE idempotency_keys SET created_at = {};").format(now),
        sql.SQL("UPDATE installation SET queue_epoch = left(md5(gen_random_uuid()::text), 8);"),
        sql.SQL("DELETE FROM person_sessions;"),
        sql.SQL("UPDATE access_tokens SET revoked_at = {} WHERE revoked_at IS NULL;").format(now),
        sql.SQL("UPDATE planning_scopes SET holder = NULL, lease_until = NULL;"),
    ]


def _telling(*, snapshot_at: datetime, restored_at: datetime, backup: str) -> list[sql.Composable]:
    """Statements that put the restore on the audit log and into every organisation's feed."""
    said = sql.SQL("jsonb_build_object('snapshot_at', {}::text, 'restored_at', {}::text, 'backup', {}::text)").format(
        sql.Literal(snapshot_at.isoformat()), sql.Literal(restored_at.isoformat()), sql.Literal(backup)
    )
    audit = sql.SQL(
        "INSERT INTO audit_entries (organisation_id, occurred_at, actor, action, subject_type, subject_id, data)"
        " VALUES (NULL, {}, 'system:restore', 'installation.restored', 'installation', 'installation', {});"
    ).format(_at(restored_at), said)
    events = sql.SQL(
        "INSERT INTO outbox_events (event_id, name, organisation_id, subject_type, subject_id, data, occurred_at)"
        " SELECT 'evt_' || replace(gen_random_uuid()::text, '-', ''), 'installation.restored', id, 'installation',"
        " 'installation', {}, {} FROM organisations;"
    ).format(said, _at(restored_at))
    return [audit, events]


def _at(when: datetime) -> sql.Composable:
    return sql.Literal(when.isoformat())
