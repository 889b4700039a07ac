"""Organisations, their API keys, and the record of who did what."""

import hashlib
import hmac
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, cast

from psycopg import AsyncConnection
from sqlmodel import Session

from fabroute.identity import repository
from fabroute.identity.rules import (
    ALL_SCOPES,
    ORGANISATION_KINDS,
    OrganisationKind,
    Principal,
    Unauthenticated,
    key_id_of,
    make_token,
)
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.kernel.ids import new_id
from fabroute.settings import get_settings

_KEY_ACTOR = "system:keys"


class UnknownOrganisation(DomainError):
    """A key was asked for an organisation that is not there."""

    code = "unknown_organisation"
    status = 404


class InvalidOrganisation(DomainError):
    """An organisation of a kind that fabroute doesn't know."""

    code = "invalid_organisation"
    status = 422


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


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditRecord:
    """Who did what to which thing, when. ``actor`` is an API key's id or ``system:<what>``."""

    organisation_id: str | None
    occurred_at: datetime
    actor: str
    action: str
    subject_type: str
    subject_id: str
    data: Mapping[str, JsonScalar] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditView:
    """An entry of the audit log, as it was written."""

    occurred_at: datetime
    actor: str
    action: str
    data: Mapping[str, JsonScalar]


class AuditedRefusal(DomainError):
    """A refusal that belongs on the audit log although its transaction is rolled back.

    Whoever turns it into an answer writes ``entry`` in a transaction of its own.
    """

    def __init__(
        self,
        message: str,
        *,
        entry: AuditRecord,
        problems: tuple[FieldProblem, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, problems=problems, headers=headers)
        self.entry = entry


def create_organisation(
    session: Session, *, name: str, kind: OrganisationKind, now: datetime, organisation_id: str | None = None
) -> str:
    """Add an organisation and return its id; with a known ``organisation_id`` that one takes the new name."""
    if kind not in ORGANISATION_KINDS:
        raise InvalidOrganisation(f"{kind!r} is no kind of organisation: use {', '.join(sorted(ORGANISATION_KINDS))}")
    chosen = organisation_id or new_id("org")
    repository.upsert_organisation(session, {"id": chosen, "name": name, "kind": kind, "created_at": now})
    return chosen


def organisation_name(session: Session, *, organisation_id: str) -> str:
    """Return what an organisation is called. Raises ``UnknownOrganisation``."""
    name = repository.find_organisation_name(session, organisation_id)
    if name is None:
        raise UnknownOrganisation(f"there is no organisation {organisation_id}")
    return name


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
    if not repository.organisation_exists(session, organisation_id):
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


def record_audit(session: Session, *, entry: AuditRecord) -> None:
    """Note who did what, in the transaction that does it."""
    record_audits(session, entries=(entry,))


def record_audits(session: Session, *, entries: Sequence[AuditRecord]) -> None:
    """Note several entries in one round trip."""
    if entries:
        repository.insert_audit(session, [_audit_row(entry) for entry in entries])


def read_audit(session: Session, *, subject_type: str, subject_id: str, limit: int = 1000) -> tuple[AuditView, ...]:
    """Return what was done to one thing, the first first, up to ``limit`` entries; who may see it is not asked here."""
    found = repository.read_audit(session, subject_type=subject_type, subject_id=subject_id, limit=limit)
    return tuple(
        AuditView(occurred_at=entry.occurred_at, actor=entry.actor, action=entry.action, data=entry.data)
        for entry in found
    )


def _audit_row(entry: AuditRecord) -> Mapping[str, object]:
    return {
        "organisation_id": entry.organisation_id,
        "occurred_at": entry.occurred_at,
        "actor": entry.actor,
        "action": entry.action,
        "subject_type": entry.subject_type,
        "subject_id": entry.subject_id,
        "data": dict(entry.data),
    }


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
