"""Statements on OAuth2 clients and their access tokens."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, insert, update
from sqlmodel import Session, col, select

from fabroute.identity.models import AccessToken, OAuthClient, Organisation


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredToken:
    """An access token with what its client and its organisation say of it."""

    client_id: str
    organisation_id: str
    kind: str
    secret_sha256: str
    scopes: frozenset[str]
    expires_at: datetime
    is_revoked: bool
    """The token or its client."""
    is_suspended: bool


def insert_client(session: Session, row: Mapping[str, object]) -> None:
    """Add a client."""
    session.exec(insert(OAuthClient).values(**row))


def read_client(session: Session, client_id: str, *, for_change: bool = False) -> OAuthClient | None:
    """Return a client as it stands now; ``for_change`` locks it."""
    statement = select(OAuthClient).where(col(OAuthClient.id) == client_id).execution_options(populate_existing=True)
    return session.exec(statement.with_for_update() if for_change else statement).one_or_none()


def find_client(session: Session, client_id: str) -> tuple[OAuthClient, bool] | None:
    """Return a client, which stays as it is until the transaction ends, and whether its organisation is suspended."""
    statement = (
        select(OAuthClient, Organisation)
        .join(Organisation, col(Organisation.id) == col(OAuthClient.organisation_id))
        .where(col(OAuthClient.id) == client_id)
        .with_for_update(read=True, of=OAuthClient)
    )
    found = session.exec(statement).one_or_none()
    return None if found is None else (found[0], found[1].suspended_at is not None)


def read_clients(
    session: Session, *, organisation_id: str | None, revoked: bool | None, cursor: str | None, limit: int
) -> Sequence[OAuthClient]:
    """Return up to ``limit`` + 1 clients of an organisation, or of all, the youngest first."""
    conditions: list[ColumnElement[bool]] = []
    if organisation_id is not None:
        conditions.append(col(OAuthClient.organisation_id) == organisation_id)
    if revoked is not None:
        revoked_at = col(OAuthClient.revoked_at)
        conditions.append(revoked_at.is_not(None) if revoked else revoked_at.is_(None))
    if cursor is not None:
        conditions.append(col(OAuthClient.id) < cursor)
    return session.exec(
        select(OAuthClient).where(*conditions).order_by(col(OAuthClient.id).desc()).limit(limit + 1)
    ).all()


def count_live_clients(session: Session, *, organisation_id: str) -> int:
    """Return how many clients of an organisation are not revoked."""
    statement = select(func.count()).where(
        col(OAuthClient.organisation_id) == organisation_id, col(OAuthClient.revoked_at).is_(None)
    )
    return session.exec(statement).one()


def update_client(session: Session, *, client_id: str, values: Mapping[str, object]) -> None:
    """Change a client."""
    session.exec(update(OAuthClient).where(col(OAuthClient.id) == client_id).values(**values))


def insert_token(session: Session, row: Mapping[str, object]) -> None:
    """Add an access token."""
    session.exec(insert(AccessToken).values(**row))


def find_token(session: Session, token_id: str) -> StoredToken | None:
    """Return an access token, its client and its organisation by one query."""
    statement = (
        select(AccessToken, OAuthClient, Organisation)
        .join(OAuthClient, col(OAuthClient.id) == col(AccessToken.client_id))
        .join(Organisation, col(Organisation.id) == col(OAuthClient.organisation_id))
        .where(col(AccessToken.id) == token_id)
    )
    found = session.exec(statement).one_or_none()
    if found is None:
        return None
    token, client, organisation = found
    return StoredToken(
        client_id=client.id,
        organisation_id=client.organisation_id,
        kind=organisation.kind,
        secret_sha256=token.secret_sha256,
        scopes=frozenset(token.scopes),
        expires_at=token.expires_at,
        is_revoked=token.revoked_at is not None or client.revoked_at is not None,
        is_suspended=organisation.suspended_at is not None,
    )


def set_token_revoked(session: Session, *, token_id: str, now: datetime) -> bool:
    """Revoke an access token; return whether it was not revoked before."""
    statement = (
        update(AccessToken)
        .where(col(AccessToken.id) == token_id, col(AccessToken.revoked_at).is_(None))
        .values(revoked_at=now)
        .returning(col(AccessToken.id))
    )
    return session.exec(statement).one_or_none() is not None


def set_tokens_revoked(session: Session, *, client_id: str, now: datetime) -> int:
    """Revoke all access tokens of a client that still open something; return how many."""
    statement = (
        update(AccessToken)
        .where(
            col(AccessToken.client_id) == client_id,
            col(AccessToken.revoked_at).is_(None),
            col(AccessToken.expires_at) > now,
        )
        .values(revoked_at=now)
        .returning(col(AccessToken.id))
    )
    return len(session.exec(statement).all())


def delete_tokens(session: Session, *, before: datetime) -> int:
    """Remove the access tokens that ended before an instant; return how many."""
    statement = delete(AccessToken).where(col(AccessToken.expires_at) < before).returning(col(AccessToken.id))
    return len(session.exec(statement).all())
