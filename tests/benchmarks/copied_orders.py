"""Orders by the hundred thousand: copies of a few that really lived, with all that belongs to them.

Every row of a lived order is found by the ids in it, and copied set by set (``INSERT … SELECT generate_series``): ids
are counted, times moved back, everything else stays. Whatever PostgreSQL and ``fabroute doctor`` hold of the first
holds of its copies; but the copies' seals in the audit log are no true hashes. Foreign keys are not asked while they
are written (that would be most of the time): what a copy names is copied with it.

Order number 1 is the newest copy. Events, outbox rows, answers under a key and file tickets are there as long as an
installation keeps them.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from types import MappingProxyType
from typing import Any

import psycopg
from psycopg import sql
from sqlalchemy import make_url

STEP_SECONDS = 31.5
"""Between two orders: a million in a year."""
KEPT_DAYS: Mapping[str, int] = MappingProxyType(
    {"outbox_events": 7, "events": 30, "idempotency_keys": 30, "file_tickets": 30, "run_archives": 90}
)
"""How long what is not kept for ever is there; the settings' own defaults."""
_TABLES = (
    *("orders", "order_lines", "routing_decisions", "jobs", "material_allocations", "capacity_allocations"),
    *("job_reports", "file_tickets", "print_records", "inspections", "passports", "conformity_certificates"),
    *("shipments", "parcels", "shipment_events", "lot_movements", "idempotency_keys", "outbox_events", "events"),
    "audit_entries",
)
_BLOCK = 24_000
_CONNECTIONS = 2
_TOKEN = re.compile(r"\b([a-z]+)_([0-9a-hjkmnp-tv-z]{26})")
_NAMES = frozenset(
    {"id", "key", "event_id", "subject_id", "order_id", "order_line_id", "job_id", "decision_id", "lease_id"}
) | {"shipment_id"}
"""Columns that hold ids of an order and of what belongs to it."""
_SHARED = frozenset({"key", "run", "org"})
"""Kinds of ids that many orders name."""
_SECRET = frozenset({("passports", "token"), ("file_tickets", "token_sha256")})
"""Columns that are unique and hold no id."""
_COLUMNS = """
SELECT column_name, data_type FROM information_schema.columns
WHERE table_schema = 'public' AND table_name = %s AND is_identity = 'NO' ORDER BY ordinal_position
"""
_KEY = """
SELECT attname FROM pg_index JOIN pg_attribute ON attrelid = indrelid AND attnum = ANY(indkey)
WHERE indrelid = %s::regclass AND indisprimary ORDER BY attnum
"""
_SEAL = """
WITH added AS (
    SELECT id, coalesce(organisation_id, 'installation') AS chain, occurred_at FROM audit_entries WHERE id > {after}
), heads AS MATERIALIZED (
    SELECT organisation_id, max(position) AS position FROM audit_seals GROUP BY organisation_id
)
INSERT INTO audit_seals (organisation_id, position, entry_id, hash, previous_hash, sealed_at)
SELECT chain, coalesce(heads.position, 0) + row_number() OVER (PARTITION BY chain ORDER BY id), id,
    encode(sha256(id::text::bytea), 'hex'), encode(sha256((id - 1)::text::bytea), 'hex'), occurred_at
FROM added LEFT JOIN heads ON heads.organisation_id = added.chain
"""
_SETTLE = (
    "UPDATE certificates SET verified_at = '2020-01-01'",
    "INSERT INTO capacity_slots (machine_id, day, initial_minutes, remaining_minutes) SELECT DISTINCT machine_id, day,"
    " 2000000000, 2000000000 FROM capacity_allocations ON CONFLICT DO NOTHING",
    "UPDATE material_lots l SET remaining_grams = initial_grams - held.grams FROM (SELECT lot_id, sum(grams) AS grams"
    " FROM material_allocations WHERE released_at IS NULL GROUP BY lot_id) held WHERE held.lot_id = l.id",
    "UPDATE audit_watermark SET sealed_through = (SELECT max(id) FROM audit_entries), next_through ="
    " (SELECT max(id) FROM audit_entries)",
    "UPDATE jobs SET offer_until = now() + interval '1 day' WHERE offer_until IS NOT NULL",
    "UPDATE jobs SET lease_until = now() + interval '1 day' WHERE lease_until IS NOT NULL",
    "UPDATE capacity_slots s SET remaining_minutes = initial_minutes - coalesce((SELECT sum(minutes) FROM"
    " capacity_allocations a WHERE a.machine_id = s.machine_id AND a.day = s.day AND released_at IS NULL), 0)",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pattern:
    """How the rows of one lived order are copied: for each a statement, with the table that it fills.

    A row is named by its primary key: where it lies changes whenever it is updated.
    """

    statements: Sequence[tuple[str, sql.Composed]]


class Copier:
    """Copies orders of one database, as its superuser."""

    def __init__(self, url: str, *, keep_all: bool = False) -> None:
        parsed = make_url(url)
        self._place = f"host={parsed.query['host']} dbname={parsed.database} user=postgres"
        self._keep_all = keep_all
        self._columns: dict[str, Sequence[tuple[str, str]]] = {}
        self._keys: dict[str, Sequence[str]] = {}

    def patterns(self, order_ids: Iterable[str]) -> list[Pattern]:
        """Return how to copy each of these orders."""
        with self._connected() as connection:
            return [self._pattern(connection, order_id) for order_id in order_ids]

    def run_patterns(self) -> list[Pattern]:
        """Return how to copy routing runs, with their archives; copies of decisions go on naming the first ones."""
        tables = {"routing_runs": "id", "run_archives": "run_id"}
        with self._connected() as connection:
            runs = [str(row[0]) for row in connection.execute("SELECT id FROM routing_runs ORDER BY id").fetchall()]
            return [
                Pattern(
                    statements=[
                        (table, self._statement(connection, table, row, [run_id]))
                        for table, name in tables.items()
                        for row in self._found(connection, table, f"t.{name} = %s", run_id)
                    ]
                )
                for run_id in runs
            ]

    def copy(self, patterns: Sequence[Pattern], *, after: int, until: int, recent: bool = False) -> None:
        """Copy orders number ``after`` + 1 to ``until``, the patterns in turn; ``recent`` ones are all of today."""
        starts = [*range(after, until, _BLOCK), until]
        with ThreadPoolExecutor(_CONNECTIONS) as pool:
            blocks = reversed(list(pairwise(starts)))
            for done in [pool.submit(self._block, patterns, first, last, recent) for first, last in blocks]:
                done.result()

    def settle(self) -> None:
        """Seal what was added to the audit log, keep offers and leases alive, count what is held, and vacuum."""
        with self._connected() as connection:
            row = connection.execute("SELECT coalesce(max(entry_id), 0) FROM audit_seals").fetchone()
            connection.execute(sql.SQL(_SEAL).format(after=sql.Literal(row[0] if row else 0)))
            for statement in _SETTLE:
                connection.execute(statement.encode())
            connection.execute("VACUUM (ANALYZE)")
            connection.execute("CHECKPOINT")

    def _connected(self) -> "psycopg.Connection[tuple[Any, ...]]":
        connection = psycopg.connect(self._place, autocommit=True)
        connection.execute("SET session_replication_role = replica")
        connection.execute("SET synchronous_commit = off")
        return connection

    def _block(self, patterns: Sequence[Pattern], first: int, last: int, recent: bool) -> None:
        step = sql.Literal(0.5 if recent else STEP_SECONDS)
        with self._connected() as connection, connection.transaction():
            for number, pattern in enumerate(patterns):
                for table, statement in pattern.statements:
                    until = last if recent or self._keep_all else min(last, _kept(table))
                    begin = first + 1 + number
                    if begin <= until:
                        bounds = {"begin": sql.Literal(begin), "until": sql.Literal(until)}
                        named = bounds | {"every": sql.Literal(len(patterns)), "step": step}
                        done = connection.execute(sql.SQL(statement.as_string(connection)).format(**named))
                        if done.rowcount != len(range(begin, until + 1, len(patterns))):
                            raise RuntimeError(f"{table}: {done.rowcount} copies from {begin} to {until}")

    def _pattern(self, connection: "psycopg.Connection[tuple[Any, ...]]", order_id: str) -> Pattern:
        found, own = self._rows_of(connection, order_id)
        return Pattern(statements=[(table, self._statement(connection, table, row, own)) for table, row in found])

    def _statement(
        self,
        connection: "psycopg.Connection[tuple[Any, ...]]",
        table: str,
        row: Mapping[str, Any],
        own: Sequence[str],
    ) -> sql.Composed:
        if table not in self._columns:
            self._columns[table] = connection.execute(_COLUMNS, (table,)).fetchall()
        columns = self._columns[table]
        values = [_value(table, name, kind, row[name], own) for name, kind in columns]
        return sql.SQL(
            "INSERT INTO {table} ({names}) SELECT {values} FROM generate_series({{begin}}, {{until}}, {{every}}) n,"
            " lateral (SELECT lpad((1000000000 - n)::text, 12, '0') AS s) counted, {table} t WHERE {key}"
        ).format(
            table=sql.Identifier(table),
            names=sql.SQL(", ").join(sql.Identifier(name) for name, _ in columns),
            values=sql.SQL(", ").join(values),
            key=sql.SQL(" AND ").join(
                sql.SQL("t.{} = {}").format(sql.Identifier(name), _valued(row[name]))
                for name in self._key(connection, table)
            ),
        )

    def _rows_of(
        self, connection: "psycopg.Connection[tuple[Any, ...]]", order_id: str
    ) -> tuple[list[tuple[str, Mapping[str, Any]]], list[str]]:
        """Return the rows of an order, each with its table, and its own ids: what names one of them is its row."""
        found: dict[tuple[str, ...], Mapping[str, Any]] = {}
        known, fresh = {order_id}, {order_id}
        while fresh:
            wanted = "|".join(sorted(fresh))
            rows = [
                (table, row)
                for table in _TABLES
                for row in self._found(connection, table, "row_to_json(t)::text ~ %s", wanted)
            ]
            found |= {(table, *(str(row[name]) for name in self._key(connection, table))): row for table, row in rows}
            fresh = {token for _, row in rows for token in _tokens(row)} - known
            known |= fresh
        order = {table: place for place, table in enumerate(_TABLES)}
        named = [(key[0], row) for key, row in found.items()]
        named.sort(key=lambda it: (order[it[0]], _number(it[1])))
        return named, sorted(known)

    def _found(
        self, connection: "psycopg.Connection[tuple[Any, ...]]", table: str, condition: str, value: str
    ) -> list[Mapping[str, Any]]:
        """Return the rows that meet a condition, in the order of their keys."""
        key = ", ".join(f"t.{name}" for name in self._key(connection, table))
        statement = f"SELECT row_to_json(t) FROM {table} t WHERE {condition} ORDER BY {key}"
        return [row[0] for row in connection.execute(statement.encode(), (value,)).fetchall()]

    def _key(self, connection: "psycopg.Connection[tuple[Any, ...]]", table: str) -> Sequence[str]:
        """Return the names of the columns of a table's primary key."""
        if table not in self._keys:
            self._keys[table] = [str(row[0]) for row in connection.execute(_KEY, (table,)).fetchall()]
        return self._keys[table]


def _kept(table: str) -> int:
    """Return up to which number orders have rows in a table."""
    days = KEPT_DAYS.get(table)
    return 1_000_000_000 if days is None else int(days * 86_400 / STEP_SECONDS)


def _number(row: Mapping[str, Any]) -> int:
    """Return the number by which rows of a table come in their order, 0 where they have none."""
    number = row.get("position", row.get("id"))
    return number if isinstance(number, int) else 0


def _tokens(row: Mapping[str, Any]) -> Iterator[str]:
    """Return the ids by which a row is named, or names what it belongs to."""
    for name in _NAMES & row.keys():
        match = _TOKEN.match(str(row[name]))
        if match is not None and match[1] not in _SHARED:
            yield match[0]


def _value(table: str, name: str, kind: str, value: object, own: Sequence[str]) -> sql.Composable:
    """Return what stands in a column of a copy: ``n`` is the number of the copy, ``s`` the same in twelve digits."""
    column = sql.SQL("t.{}").format(sql.Identifier(name))
    if value is None or name == "body":
        return column
    if name == "build_key":
        return sql.SQL("NULL")
    if (table, name) in _SECRET:
        return sql.SQL("counted.s || right({}, -12)").format(column)
    if kind == "timestamp with time zone":
        return sql.SQL("{} - n * {{step}} * interval '1 second'").format(column)
    if kind == "date":
        return sql.SQL("{} - floor(n * {{step}} / 86400)::int").format(column)
    written = value if isinstance(value, str) else json.dumps(value)
    if kind not in ("text", "character varying", "jsonb") or not any(token in written for token in own):
        return column
    return _renamed(written, own, kind)


def _renamed(written: str, own: Sequence[str], kind: str) -> sql.Composable:
    """Return a text with the ids of the copy in place of its own."""
    pieces: list[sql.Composable] = []
    for place, piece in enumerate(re.split("(" + "|".join(own) + ")", written)):
        prefix, _, digits = piece.partition("_") if place % 2 else ("", "", "")
        named = (_literal(f"{prefix}_"), sql.SQL("counted.s"), _literal(digits[12:]))
        pieces += named if place % 2 else (_literal(piece),)
    return sql.SQL("({})::{}").format(sql.SQL(" || ").join(pieces), sql.SQL("jsonb" if kind == "jsonb" else "text"))


def _valued(value: object) -> sql.Literal:
    """Return a value of a primary key as it stands in such a statement."""
    return _literal(value) if isinstance(value, str) else sql.Literal(value)


def _literal(written: str) -> sql.Literal:
    """Return a text as it stands in a statement that is filled in once more."""
    return sql.Literal(written.replace("{", "{{").replace("}", "}}"))
