"""Statements on what people sign in with: sessions, recovery codes, identities at providers, counted attempts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, text, update
from sqlalchemy.dialects import postgresql
from sqlmodel import Session, col, select

from fabroute.identity.models import PersonIdentity, PersonSession, RecoveryCode

_TAKE = text("""
INSERT INTO sign_in_attempts AS known (bucket, attempts, window_ends_at)
VALUES (:bucket, 1, :window_ends_at)
ON CONFLICT (bucket) DO UPDATE SET
    attempts = CASE WHEN known.window_ends_at <= :now THEN 1 ELSE known.attempts + 1 END,
    window_ends_at = CASE WHEN known.window_ends_at <= :now THEN excluded.window_ends_at ELSE known.window_ends_at END
RETURNING attempts, window_ends_at
""")
_GIVE_BACK = text("UPDATE sign_in_attempts SET attempts = greatest(attempts - 1, 0) WHERE bucket = :bucket")
_FORGET_ATTEMPTS = text("""
DELETE FROM sign_in_attempts WHERE bucket IN (
    SELECT bucket FROM sign_in_attempts WHERE window_ends_at <= :now FOR UPDATE SKIP LOCKED LIMIT 1000
)
""")
"""Skipping what others hold: they may wait for what this transaction holds."""
_FORGET_SESSIONS = text("""
DELETE FROM person_sessions WHERE id IN (
    SELECT id FROM person_sessions WHERE ends_at <= :now OR seen_at <= :idle_since FOR UPDATE SKIP LOCKED LIMIT 1000
)
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredSession:
    """Where a person is signed in."""

    session_id: str
    person_id: str
    method: str
    address: str
    user_agent: str
    created_at: datetime
    seen_at: datetime
    ends_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class CountedAttempts:
    """Attempts of one bucket in the present window."""

    attempts: int
    window_ends_at: datetime


def insert_session(session: Session, row: Mapping[str, object]) -> None:
    """Add a session of a person."""
    session.connection().execute(insert(PersonSession).values(**row))


def find_session(session: Session, token_sha256: str) -> StoredSession | None:
    """Return the session of a cookie."""
    found = session.exec(select(PersonSession).where(col(PersonSession.token_sha256) == token_sha256)).one_or_none()
    return None if found is None else _stored(found)


def list_sessions(session: Session, person_id: str) -> Sequence[StoredSession]:
    """Return the sessions of a person, the latest first."""
    statement = select(PersonSession).where(col(PersonSession.person_id) == person_id)
    return [_stored(found) for found in session.exec(statement.order_by(col(PersonSession.id).desc())).all()]


def touch_session(session: Session, session_id: str, *, now: datetime) -> None:
    """Note that a session was used."""
    session.connection().execute(update(PersonSession).where(col(PersonSession.id) == session_id).values(seen_at=now))


def delete_session(session: Session, *, person_id: str, session_id: str) -> bool:
    """End a session of a person; ``False`` if there is none."""
    statement = delete(PersonSession).where(
        col(PersonSession.id) == session_id, col(PersonSession.person_id) == person_id
    )
    return session.connection().execute(statement.returning(col(PersonSession.id))).first() is not None


def delete_sessions_of(session: Session, person_id: str) -> int:
    """End all sessions of a person; return how many there were."""
    statement = delete(PersonSession).where(col(PersonSession.person_id) == person_id)
    return len(session.connection().execute(statement.returning(col(PersonSession.id))).all())


def delete_past_sessions(session: Session, *, now: datetime, idle: timedelta) -> None:
    """Remove the rows of sessions that are over."""
    session.connection().execute(_FORGET_SESSIONS, {"now": now, "idle_since": now - idle})


def replace_recovery_codes(
    session: Session, *, person_id: str, organisation_id: str, hashes: Collection[str], now: datetime
) -> None:
    """Make these the recovery codes of a person: all before are void."""
    delete_recovery_codes_of(session, person_id)
    rows = [
        {"person_id": person_id, "organisation_id": organisation_id, "code_sha256": it, "created_at": now}
        for it in hashes
    ]
    session.connection().execute(insert(RecoveryCode), rows)


def delete_recovery_codes_of(session: Session, person_id: str) -> None:
    """Make all recovery codes of a person void."""
    session.connection().execute(delete(RecoveryCode).where(col(RecoveryCode.person_id) == person_id))


def use_recovery_code(session: Session, *, person_id: str, code_sha256: str, now: datetime) -> bool:
    """Use up a recovery code; ``False`` if the person has none like it, or has used it."""
    statement = (
        update(RecoveryCode)
        .where(
            col(RecoveryCode.person_id) == person_id,
            col(RecoveryCode.code_sha256) == code_sha256,
            col(RecoveryCode.used_at).is_(None),
        )
        .values(used_at=now)
        .returning(col(RecoveryCode.person_id))
    )
    return session.connection().execute(statement).first() is not None


def count_recovery_codes(session: Session, person_id: str) -> int:
    """Return how many recovery codes a person has left."""
    statement = select(RecoveryCode.code_sha256).where(
        col(RecoveryCode.person_id) == person_id, col(RecoveryCode.used_at).is_(None)
    )
    return len(session.exec(statement).all())


def insert_identity(session: Session, row: Mapping[str, object]) -> bool:
    """Link a person to an identity; ``False`` if that is somebody's already."""
    statement = postgresql.insert(PersonIdentity).values(**row).on_conflict_do_nothing()
    return session.connection().execute(statement.returning(col(PersonIdentity.person_id))).first() is not None


def find_identity(session: Session, *, issuer: str, subject: str) -> str | None:
    """Return the id of the person who is ``subject`` at ``issuer``."""
    found = session.get(PersonIdentity, (issuer, subject), populate_existing=True)
    return None if found is None else found.person_id


def delete_identities_of(session: Session, person_id: str) -> None:
    """Forget who a person is at any provider."""
    session.connection().execute(delete(PersonIdentity).where(col(PersonIdentity.person_id) == person_id))


def take_attempt(session: Session, bucket: str, *, window_ends_at: datetime, now: datetime) -> CountedAttempts:
    """Count an attempt; a window that is over begins anew and ends at ``window_ends_at``."""
    values = {"bucket": bucket, "window_ends_at": window_ends_at, "now": now}
    attempts, ends_at = session.connection().execute(_TAKE, values).one()
    return CountedAttempts(attempts=attempts, window_ends_at=ends_at)


def give_back_attempt(session: Session, bucket: str) -> None:
    """Count one attempt less: it was good."""
    session.connection().execute(_GIVE_BACK, {"bucket": bucket})


def forget_attempts(session: Session, *, now: datetime) -> None:
    """Remove the rows of windows that are over."""
    session.connection().execute(_FORGET_ATTEMPTS, {"now": now})


def _stored(found: PersonSession) -> StoredSession:
    return StoredSession(
        session_id=found.id,
        person_id=found.person_id,
        method=found.method,
        address=found.address,
        user_agent=found.user_agent,
        created_at=found.created_at,
        seen_at=found.seen_at,
        ends_at=found.ends_at,
    )
