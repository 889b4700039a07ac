"""Statements on API keys."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from sqlalchemy import insert, update
from sqlmodel import Session, col, select

from fabroute.identity.models import ApiKey, Organisation

_LIVE_KEYS = """
SELECT id FROM api_keys
WHERE id = ANY(%s) AND revoked_at IS NULL AND coalesce(expires_at > clock_timestamp() + interval '2 seconds', true)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredKey:
    """An API key with the kind of its organisation."""

    organisation_id: str
    kind: str
    secret_sha256: str
    scopes: frozenset[str]
    expires_at: datetime | None
    revoked_at: datetime | None


def insert_key(session: Session, row: Mapping[str, object]) -> None:
    """Add an API key."""
    session.exec(insert(ApiKey).values(**row))


def find_key(session: Session, key_id: str) -> StoredKey | None:
    """Return a key and its organisation's kind by one query."""
    statement = (
        select(ApiKey, Organisation.kind)
        .join(Organisation, col(Organisation.id) == col(ApiKey.organisation_id))
        .where(col(ApiKey.id) == key_id)
    )
    found = session.exec(statement).one_or_none()
    if found is None:
        return None
    key, kind = found
    return StoredKey(
        organisation_id=key.organisation_id,
        kind=kind,
        secret_sha256=key.secret_sha256,
        scopes=frozenset(key.scopes),
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
    )


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


async def read_live_keys(connection: AsyncConnection[Any], key_ids: Collection[str]) -> list[str]:
    """Return those of these keys that are neither revoked nor expired, nor will expire within two seconds."""
    found = await connection.execute(_LIVE_KEYS, (list(key_ids),))
    return [row[0] for row in await found.fetchall()]
