"""Whom a credential speaks for, and when it was last used."""

import hmac
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from psycopg import AsyncConnection
from sqlmodel import Session

from fabroute.identity.repository import keys as repository
from fabroute.identity.repository.oauth import find_token
from fabroute.identity.rules import OrganisationKind, Principal, Unauthenticated, key_id_of
from fabroute.identity.service.keys import secret_sha256
from fabroute.kernel.errors import DomainError

_TABLES = {"key": "api_keys", "client": "oauth_clients"}


class OrganisationSuspended(DomainError):
    """The credential is good, but its organisation is suspended: nothing is open to it."""

    code = "organisation_suspended"
    status = 403


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """A credential that opens something: for whom, and until when if it has an end."""

    principal: Principal
    expires_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class _Found:
    """A stored credential, of whichever kind."""

    actor: str
    organisation_id: str
    kind: str
    secret_sha256: str
    scopes: frozenset[str]
    expires_at: datetime | None
    is_revoked: bool
    is_suspended: bool


def authenticate(session: Session, *, token: str, now: datetime) -> Principal:
    """Return whom a token speaks for, as ``check_credential`` does."""
    return check_credential(session, token=token, now=now).principal


def check_credential(session: Session, *, token: str, now: datetime) -> Credential:
    """Return whom an API key or access token speaks for, by one query.

    Raises ``Unauthenticated`` if it is unknown, expired or revoked (not saying which), ``OrganisationSuspended``.
    """
    found = _find(session, key_id_of(token))
    matches = found is not None and hmac.compare_digest(found.secret_sha256, secret_sha256(token))
    if found is None or not matches or found.is_revoked or (found.expires_at and found.expires_at <= now):
        raise Unauthenticated("this API key is unknown, expired or revoked: use a live one")
    if found.is_suspended:
        raise OrganisationSuspended("your organisation is suspended: ask the operator of this installation why")
    principal = Principal(
        organisation_id=found.organisation_id,
        kind=cast(OrganisationKind, found.kind),
        key_id=found.actor,
        scopes=found.scopes,
    )
    return Credential(principal=principal, expires_at=found.expires_at)


async def live_keys(connection: AsyncConnection[Any], *, key_ids: Collection[str]) -> frozenset[str]:
    """Return those of these keys that open something now and in the next two seconds, by one query."""
    return frozenset(await repository.read_live_keys(connection, key_ids))


def note_uses(session: Session, *, uses: Mapping[str, datetime]) -> None:
    """Note when API keys and OAuth clients, by their ids, were last used; other callers have no such note."""
    for kind, table in _TABLES.items():
        own = {actor: at for actor, at in uses.items() if actor.startswith(f"{kind}_")}
        if own:
            repository.set_used(session, table=table, uses=own)


def _find(session: Session, credential_id: str) -> _Found | None:
    if credential_id.startswith("tok_"):
        return _found_token(session, credential_id)
    key = repository.find_key(session, credential_id)
    if key is None:
        return None
    return _Found(
        actor=credential_id,
        organisation_id=key.organisation_id,
        kind=key.kind,
        secret_sha256=key.secret_sha256,
        scopes=key.scopes,
        expires_at=key.expires_at,
        is_revoked=key.revoked_at is not None,
        is_suspended=key.is_suspended,
    )


def _found_token(session: Session, token_id: str) -> _Found | None:
    token = find_token(session, token_id)
    if token is None:
        return None
    return _Found(
        actor=token.client_id,
        organisation_id=token.organisation_id,
        kind=token.kind,
        secret_sha256=token.secret_sha256,
        scopes=token.scopes,
        expires_at=token.expires_at,
        is_revoked=token.is_revoked,
        is_suspended=token.is_suspended,
    )
