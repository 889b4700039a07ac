"""Statements on answers that are given again."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, text
from sqlmodel import Session, col, select

from fabroute.identity.models import IdempotencyKey

_TRY_LOCK = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:name, 20261123))")

_INSERT = text("""
INSERT INTO idempotency_keys (
    organisation_id, key, request_sha256, status, body, location, subject_id, created_at, headers, is_sealed
) VALUES (
    :organisation_id, :key, :request_sha256, :status, :body, '', :subject_id, :created_at, CAST(:headers AS jsonb),
    :is_sealed
) ON CONFLICT DO NOTHING
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredRow:
    """A stored answer with what it was the answer to."""

    request_sha256: str
    status: int
    body: bytes
    headers: Mapping[str, Any]
    is_sealed: bool


def try_to_lock(session: Session, name: str) -> bool:
    """Hold ``name`` until the transaction ends; ``False`` at once if another transaction holds it."""
    return bool(session.connection().execute(_TRY_LOCK, {"name": name}).scalar_one())


def find_answer(session: Session, *, organisation_id: str, key: str) -> StoredRow | None:
    """Return what is stored under a key of an organisation."""
    found = session.exec(
        select(IdempotencyKey).where(
            col(IdempotencyKey.organisation_id) == organisation_id, col(IdempotencyKey.key) == key
        )
    ).one_or_none()
    if found is None:
        return None
    return StoredRow(
        request_sha256=found.request_sha256,
        status=found.status,
        body=found.body,
        headers=found.headers,
        is_sealed=found.is_sealed,
    )


def insert_answer(session: Session, row: Mapping[str, object]) -> bool:
    """Store an answer; ``False`` where the key was taken meanwhile. Waits for a transaction that is taking it."""
    return session.connection().execute(_INSERT, dict(row)).rowcount == 1


def delete_answers(session: Session, *, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` answers that were given before an instant; return how many."""
    oldest = (
        select(col(IdempotencyKey.organisation_id), col(IdempotencyKey.key))
        .where(col(IdempotencyKey.created_at) < before)
        .order_by(col(IdempotencyKey.created_at))
        .limit(limit)
        .subquery()
    )
    statement = delete(IdempotencyKey).where(
        col(IdempotencyKey.organisation_id) == oldest.c.organisation_id, col(IdempotencyKey.key) == oldest.c.key
    )
    return session.connection().execute(statement).rowcount
