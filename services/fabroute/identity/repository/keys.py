"""Statements on API keys."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from sqlalchemy import ColumnElement, and_, func, insert, or_, text, update
from sqlmodel import Session, col, select

from fabroute.identity.models import ApiKey, Organisation

_LIVE_KEYS = """
SELECT key.id FROM api_keys key JOIN organisations ON organisations.id = key.organisation_id
WHERE key.id = ANY(%s) AND key.revoked_at IS NULL AND organisations.suspended_at IS NULL
    AND coalesce(key.expires_at > clock_timestamp() + interval '2 seconds', true)
"""
_NOTE_USES = """
UPDATE {table} SET last_used_at = greatest(used.at, last_used_at, created_at)
FROM unnest(CAST(:ids AS text[]), CAST(:instants AS timestamptz[])) AS used (id, at) WHERE {table}.id = used.id
    AND coalesce(last_used_at <= used.at - interval '1 minute', true)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """An API key with the kind of its organisation, and whether that one is suspended."""

    organisation_id: str
    kind: str
    secret_sha256: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None
    is_suspended: bool


def insert_key(session: Session, row: Mapping[str, object]) -> None:
    """Add an API key."""
    session.exec(insert(ApiKey).values(**row))


def find_key(session: Session, key_id: str) -> StoredKey | None:
    """Return a key and its organisation's kind by one query."""
    statement = (
        select(ApiKey, Organisation)
        .join(Organisation, col(Organisation.id) == col(ApiKey.organisation_id))
        .where(col(ApiKey.id) == key_id)
    )
    found = session.exec(statement).one_or_none()
    if found is None:
        return None
    key, organisation = found
    return StoredKey(
        organisation_id=key.organisation_id,
        kind=organisation.kind,
        secret_sha256=key.secret_sha256,
        scopes=frozenset(key.scopes),
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        is_suspended=organisation.suspended_at is not None,
    )


def read_key(session: Session, key_id: str, *, for_change: bool = False) -> ApiKey | None:
    """Return a key as it stands now; ``for_change`` locks it."""
    statement = select(ApiKey).where(col(ApiKey.id) == key_id).execution_options(populate_existing=True)
    return session.exec(statement.with_for_update() if for_change else statement).one_or_none()


def read_keys(
    session: Session, *, organisation_id: str | None, state: str | None, now: datetime, cursor: str | None, limit: int
) -> Sequence[ApiKey]:
    """Return up to ``limit`` + 1 keys of an organisation, or of all, the youngest first."""
    conditions: list[ColumnElement[bool]] = [] if state is None else [_is_in(state, now)]
    if organisation_id is not None:
        conditions.append(col(ApiKey.organisation_id) == organisation_id)
    if cursor is not None:
        conditions.append(col(ApiKey.id) < cursor)
    statement = select(ApiKey).where(*conditions).order_by(col(ApiKey.id).desc()).limit(limit + 1)
    return session.exec(statement).all()


def count_live_keys(session: Session, *, organisation_id: str, now: datetime) -> int:
    """Return how many keys of an organisation open something."""
    statement = select(func.count()).where(col(ApiKey.organisation_id) == organisation_id, _is_in("live", now))
    return session.exec(statement).one()


def set_revoked(session: Session, *, key_id: str, now: datetime) -> str | None:
    """Revoke a key that is not revoked yet; return its organisation's id, ``None`` if there is no such key."""
    statement = (
        update(ApiKey)
        .where(col(ApiKey.id) == key_id, col(ApiKey.revoked_at).is_(None))
        .values(revoked_at=now)
        .returning(col(ApiKey.organisation_id))
    )
    found = session.exec(statement).one_or_none()
    return None if found is None else str(found[0])


def set_replaced(session: Session, *, key_id: str, replaced_by: str, expires_at: datetime) -> None:
    """Note which key takes the place of another, and when that one ends."""
    statement = update(ApiKey).where(col(ApiKey.id) == key_id)
    session.exec(statement.values(replaced_by=replaced_by, expires_at=expires_at))


def set_used(session: Session, *, table: str, uses: Mapping[str, datetime]) -> None:
    """Note when credentials of ``table`` were last used; never before they were made, never back."""
    ids = sorted(uses)  # in one order, so that no two processes wait for each other
    values = {"ids": ids, "instants": [uses[it] for it in ids]}
    session.connection().execute(text(_NOTE_USES.format(table=table)), values)


async def read_live_keys(connection: AsyncConnection[Any], key_ids: Collection[str]) -> list[str]:
    """Return those of these keys that are neither revoked nor expired, nor will expire within two seconds."""
    found = await connection.execute(_LIVE_KEYS, (list(key_ids),))
    return [row[0] for row in await found.fetchall()]


def _is_in(state: str, now: datetime) -> ColumnElement[bool]:
    expires_at, is_revoked = col(ApiKey.expires_at), col(ApiKey.revoked_at).is_not(None)
    if state == "revoked":
        return is_revoked
    if state == "expired":
        return and_(~is_revoked, expires_at <= now)
    return and_(~is_revoked, or_(expires_at.is_(None), expires_at > now))
