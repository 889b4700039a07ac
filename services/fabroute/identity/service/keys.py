"""API keys: made, checked and revoked."""

import hashlib
import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from psycopg import AsyncConnection
from sqlmodel import Session

from fabroute.identity.repository import keys as repository
from fabroute.identity.repository.organisations import organisation_exists
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind, Principal, Unauthenticated, key_id_of, make_token
from fabroute.identity.service.audit import AuditRecord, record_audit
from fabroute.identity.service.organisations import UnknownOrganisation
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.settings import get_settings

_KEY_ACTOR = "system:keys"


class UnknownScope(DomainError):
    """A key was asked for with a scope that opens nothing."""

    code = "unknown_scope"
    status = 422


class UnknownApiKey(DomainError):
    """No such key, or it is revoked already."""

    code = "unknown_api_key"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A new API key. The token is shown once: only its SHA-256 is kept."""

    key_id: str
    token: str


def issue_api_key(
    session: Session,
    *,
    organisation_id: str,
    name: str,
    scopes: Collection[str],
    now: datetime,
    expires_at: datetime | None = None,
) -> IssuedKey:
    """Make an API key for an organisation and note it in the audit log; keys of one organisation live side by side.

    Raises ``UnknownScope`` and ``UnknownOrganisation``.
    """
    unknown = sorted(set(scopes) - ALL_SCOPES)
    if unknown:
        raise UnknownScope(f"unknown scopes {', '.join(unknown)}: choose from {', '.join(sorted(ALL_SCOPES))}")
    if not organisation_exists(session, organisation_id):
        raise UnknownOrganisation(f"there is no organisation {organisation_id}: create it first")
    key_id = new_id("key")
    token = make_token(environment=get_settings().environment_name, key_id=key_id)
    repository.insert_key(
        session,
        {
            "id": key_id,
            "organisation_id": organisation_id,
            "name": name,
            "secret_sha256": _sha256(token),
            "scopes": sorted(set(scopes)),
            "created_at": now,
            "expires_at": expires_at,
        },
    )
    _audit_key(session, organisation_id=organisation_id, key_id=key_id, action="api_key.issued", now=now)
    return IssuedKey(key_id=key_id, token=token)


def revoke_api_key(session: Session, *, key_id: str, now: datetime) -> None:
    """Close a key for good, audited; processes that saw it refuse it within their cache's second."""
    organisation_id = repository.set_revoked(session, key_id=key_id, now=now)
    if organisation_id is None:
        raise UnknownApiKey(f"there is no API key {key_id} that could be revoked")
    _audit_key(session, organisation_id=organisation_id, key_id=key_id, action="api_key.revoked", now=now)


def authenticate(session: Session, *, token: str, now: datetime) -> Principal:
    """Return whom a token speaks for; ``Unauthenticated`` if it is unknown, expired or revoked (not saying which)."""
    key_id = key_id_of(token)
    key = repository.find_key(session, key_id)
    matches = key is not None and hmac.compare_digest(key.secret_sha256, _sha256(token))
    if key is None or not matches or key.revoked_at is not None or (key.expires_at and key.expires_at <= now):
        raise Unauthenticated("this API key is unknown, expired or revoked: use a live one")
    kind = cast(OrganisationKind, key.kind)
    return Principal(organisation_id=key.organisation_id, kind=kind, key_id=key_id, scopes=key.scopes)


async def live_keys(connection: AsyncConnection[Any], *, key_ids: Collection[str]) -> frozenset[str]:
    """Return those of these keys that open something now and in the next two seconds, by one query."""
    return frozenset(await repository.read_live_keys(connection, key_ids))


def _audit_key(session: Session, *, organisation_id: str, key_id: str, action: str, now: datetime) -> None:
    entry = AuditRecord(
        organisation_id=organisation_id,
        occurred_at=now,
        actor=_KEY_ACTOR,
        action=action,
        subject_type="api_key",
        subject_id=key_id,
    )
    record_audit(session, entry=entry)


def _sha256(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
