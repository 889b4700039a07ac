"""Statements on the hash chains of the audit log."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from pydantic_core import to_json
from sqlalchemy import Row, text
from sqlmodel import Session

INSTALLATION = "installation"
"""The chain of entries that belong to no organisation."""
_LOCK = 7_310_461_920_013

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(:lock), clock_timestamp()")
_LOCK_ALL = text("SELECT pg_advisory_xact_lock(:lock)")
_CLOCK = text("SELECT clock_timestamp()")

_HORIZON = text("""
SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS oldest_writer,
    pg_current_xact_id()::text::bigint AS next_writer,
    coalesce((SELECT max(id) FROM audit_entries), 0) AS last_entry, clock_timestamp() AS now
""")

_WATERMARK = text("SELECT sealed_through, next_through, next_horizon, next_at FROM audit_watermark")

_MOVE_WATERMARK = text("""
INSERT INTO audit_watermark (id, sealed_through, next_through, next_horizon, next_at)
VALUES (1, :sealed_through, :next_through, :next_horizon, :next_at)
ON CONFLICT (id) DO UPDATE SET sealed_through = excluded.sealed_through, next_through = excluded.next_through,
    next_horizon = excluded.next_horizon, next_at = excluded.next_at
""")

_COLUMNS = "e.organisation_id, e.occurred_at, e.actor, e.action, e.subject_type, e.subject_id, e.data"

_UNSEALED = text(f"""
SELECT e.id, {_COLUMNS} FROM audit_entries e
WHERE e.id > :after AND NOT EXISTS (SELECT FROM audit_seals s WHERE s.entry_id = e.id AND s.entry_id > :after)
ORDER BY e.id LIMIT :limit
""")

_WORK_WAITS = text("""
SELECT coalesce((SELECT max(id) FROM audit_entries), 0) > coalesce((SELECT sealed_through FROM audit_watermark), 0)
""")

_HEADS = text("""
SELECT chain.name, head.position, head.hash
FROM unnest(CAST(:chains AS text[])) AS chain (name) CROSS JOIN LATERAL (
    SELECT position, hash FROM audit_seals WHERE organisation_id = chain.name ORDER BY position DESC LIMIT 1
) head
""")

_INSERT_SEALS = text("""
INSERT INTO audit_seals (organisation_id, position, entry_id, hash, previous_hash, sealed_at)
SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS (
    organisation_id text, position bigint, entry_id bigint, hash text, previous_hash text, sealed_at timestamptz
)
""")

_CHAINS = text("""
WITH RECURSIVE sealed AS (
    (SELECT organisation_id FROM audit_seals ORDER BY organisation_id LIMIT 1)
    UNION ALL
    SELECT (SELECT s.organisation_id FROM audit_seals s WHERE s.organisation_id > sealed.organisation_id
        ORDER BY s.organisation_id LIMIT 1)
    FROM sealed WHERE sealed.organisation_id IS NOT NULL
)
SELECT organisation_id FROM sealed WHERE organisation_id IS NOT NULL
UNION SELECT organisation_id FROM audit_roots
ORDER BY 1
""")

_SEALED = text(f"""
SELECT s.position, s.entry_id, s.hash, s.previous_hash, s.sealed_at, e.id AS found_id, {_COLUMNS}
FROM audit_seals s LEFT JOIN audit_entries e ON e.id = s.entry_id
WHERE s.organisation_id = :chain AND s.position > :after ORDER BY s.position, s.entry_id
""")

_FORGOTTEN = text("""
SELECT e.id, coalesce(e.organisation_id, :installation) AS chain, e.occurred_at
FROM audit_entries e LEFT JOIN audit_seals s ON s.entry_id = e.id
WHERE s.entry_id IS NULL AND (CAST(:chain AS text) IS NULL OR coalesce(e.organisation_id, :installation) = :chain)
    AND (e.id <= coalesce((SELECT sealed_through FROM audit_watermark), 0)
        OR e.occurred_at < clock_timestamp() - make_interval(secs => :seconds))
ORDER BY e.id LIMIT :limit
""")

_MOVED_HEADS = text("""
SELECT chain.name, head.position, head.hash
FROM unnest(CAST(:chains AS text[])) AS chain (name) CROSS JOIN LATERAL (
    SELECT position, hash FROM audit_seals WHERE organisation_id = chain.name ORDER BY position DESC LIMIT 1
) head
WHERE head.position > coalesce((SELECT max(r.position) FROM audit_roots r WHERE r.organisation_id = chain.name), 0)
ORDER BY chain.name
""")

_LAST_ROOTS_AGE = text("SELECT extract(epoch FROM clock_timestamp() - max(made_at))::float8 FROM audit_roots")

_INSERT_ROOTS = text("""
INSERT INTO audit_roots (organisation_id, position, hash, made_at, statement, signature, public_key)
SELECT * FROM json_to_recordset(CAST(:rows AS json)) AS (
    organisation_id text, position bigint, hash text, made_at timestamptz, statement text, signature text,
    public_key text
)
""")

_ROOTS = text("""
SELECT organisation_id, position, hash, made_at, statement, signature, public_key FROM audit_roots
WHERE organisation_id = :chain ORDER BY position
""")

_LAST_ROOT = text("""
SELECT organisation_id, position, hash, made_at, statement, signature, public_key FROM audit_roots
WHERE organisation_id = :chain ORDER BY position DESC LIMIT 1
""")

_COUNT = text("SELECT count(*) FROM audit_seals WHERE CAST(:chain AS text) IS NULL OR organisation_id = :chain")

_EXPORTS = text("""
SELECT id, subject_id AS key, data ->> 'sha256' AS sha256 FROM audit_entries
WHERE subject_type = 'audit_export' AND action = 'audit.roots_exported' ORDER BY id
""")

_LIST = text(f"""
SELECT s.position, s.hash, s.sealed_at, e.id, {_COLUMNS}
FROM audit_seals s JOIN audit_entries e ON e.id = s.entry_id
WHERE s.organisation_id = :chain AND s.position < :before
    AND (CAST(:subject_type AS text) IS NULL OR e.subject_type = :subject_type)
    AND (CAST(:subject_id AS text) IS NULL OR e.subject_id = :subject_id)
    AND (CAST(:actor AS text) IS NULL OR e.actor = :actor)
    AND (CAST(:action AS text) IS NULL OR e.action = :action)
    AND (CAST(:since AS timestamptz) IS NULL OR e.occurred_at >= :since)
    AND (CAST(:until AS timestamptz) IS NULL OR e.occurred_at < :until)
ORDER BY s.position DESC LIMIT :limit
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class Watermark:
    """From which entry on the sealer looks, and what it may move on to."""

    sealed_through: int = 0
    next_through: int = 0
    next_horizon: int = 0
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Horizon:
    """What one instant of the database knows: who may still write, the last entry, the time."""

    oldest_writer: int
    next_writer: int
    last_entry: int
    now: datetime


def lock_sealing(session: Session) -> datetime | None:
    """Let nobody else seal until the transaction ends; return the database's time, ``None`` if somebody seals."""
    locked, now = session.connection().execute(_TRY_LOCK, {"lock": _LOCK}).one()
    return now if locked else None


def wait_for_sealing(session: Session) -> datetime:
    """As ``lock_sealing``, but wait for whoever seals: a batch takes less than a second."""
    session.connection().execute(_LOCK_ALL, {"lock": _LOCK})
    now: datetime = session.connection().execute(_CLOCK).scalar_one()
    return now


def read_horizon(session: Session) -> Horizon:
    """Return what the present instant knows."""
    return Horizon(**session.connection().execute(_HORIZON).mappings().one())


def read_watermark(session: Session) -> Watermark:
    """Return from where the sealer has to look."""
    found = session.connection().execute(_WATERMARK).mappings().one_or_none()
    return Watermark() if found is None else Watermark(**found)


def move_watermark(session: Session, watermark: Watermark) -> None:
    """Keep from where the sealer has to look."""
    values = {
        "sealed_through": watermark.sealed_through,
        "next_through": watermark.next_through,
        "next_horizon": watermark.next_horizon,
        "next_at": watermark.next_at,
    }
    session.connection().execute(_MOVE_WATERMARK, values)


def sealing_waits(session: Session) -> bool:
    """Tell whether there is an entry above the watermark: to be sealed, or to be looked past."""
    return bool(session.connection().execute(_WORK_WAITS).scalar_one())


def read_unsealed(session: Session, *, after: int, limit: int) -> Sequence[Row[Any]]:
    """Return visible entries above ``after`` without a seal, in the order of their ids."""
    return session.connection().execute(_UNSEALED, {"after": after, "limit": limit}).all()


def read_heads(session: Session, chains: Collection[str]) -> Mapping[str, tuple[int, str]]:
    """Return the last position and hash of those of these chains that have one."""
    found = session.connection().execute(_HEADS, {"chains": list(chains)})
    return {name: (position, hash_) for name, position, hash_ in found}


def insert_seals(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add seals by one statement."""
    session.connection().execute(_INSERT_SEALS, {"rows": to_json(rows).decode()})


def read_chains(session: Session) -> tuple[str, ...]:
    """Return the names of all chains that have a seal or a root."""
    return tuple(session.connection().execute(_CHAINS).scalars())


def count_seals(session: Session, *, chain: str | None) -> int:
    """Return how many seals a chain has, or all of them."""
    return int(session.connection().execute(_COUNT, {"chain": chain}).scalar_one())


def stream_sealed(session: Session, *, chain: str, after: int = 0) -> Iterator[Row[Any]]:
    """Yield the seals of a chain in order, with what their entries say now; columns of a lost entry are empty."""
    statement = _SEALED.execution_options(stream_results=True, yield_per=5000)
    yield from session.connection().execute(statement, {"chain": chain, "after": after})


def read_forgotten(session: Session, *, chain: str | None, older_than_seconds: float, limit: int) -> Sequence[Row[Any]]:
    """Return entries that should be sealed by now and are not: their id, chain and time."""
    values = {"chain": chain, "installation": INSTALLATION, "seconds": older_than_seconds, "limit": limit}
    return session.connection().execute(_FORGOTTEN, values).all()


def read_moved_heads(session: Session, chains: Collection[str]) -> Sequence[Row[Any]]:
    """Return name, position and hash of the chains that have moved since their last root."""
    return session.connection().execute(_MOVED_HEADS, {"chains": list(chains)}).all()


def last_roots_age_seconds(session: Session) -> float | None:
    """Return how long ago roots were last made, by the database's clock."""
    age = session.connection().execute(_LAST_ROOTS_AGE).scalar_one()
    return None if age is None else float(age)


def insert_roots(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add roots by one statement."""
    session.connection().execute(_INSERT_ROOTS, {"rows": to_json(rows).decode()})


def read_roots(session: Session, *, chain: str) -> Sequence[Row[Any]]:
    """Return the roots of a chain in order."""
    return session.connection().execute(_ROOTS, {"chain": chain}).all()


def read_last_root(session: Session, *, chain: str) -> Row[Any] | None:
    """Return the last root of a chain."""
    return session.connection().execute(_LAST_ROOT, {"chain": chain}).one_or_none()


def read_exports(session: Session) -> Sequence[Row[Any]]:
    """Return the entry, key and SHA-256 of every file of roots that was exported."""
    return session.connection().execute(_EXPORTS).all()


def list_sealed(session: Session, *, values: Mapping[str, object]) -> Sequence[Row[Any]]:
    """Return sealed entries of a chain, the last first, by the filters of ``values``."""
    return session.connection().execute(_LIST, values).all()
