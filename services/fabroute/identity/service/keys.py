"""API keys: made, listed, rotated with an overlap, and revoked. Whom they speak for is asked of ``credentials``."""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.models import ApiKey
from fabroute.identity.repository import keys as repository
from fabroute.identity.repository.organisations import organisation_exists
from fabroute.identity.rules import Principal, make_token
from fabroute.identity.service.auditing import Act, note
from fabroute.identity.service.grants import (
    KEY_ACTOR,
    organisation_for,
    require_expiry,
    require_held,
    require_known_scopes,
    require_overlap,
    require_room,
)
from fabroute.identity.service.organisations import UnknownOrganisation
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.settings import get_settings

KeyState = Literal["live", "expired", "revoked"]


class UnknownApiKey(DomainError):
    """No such key, or it is revoked already."""

    code = "unknown_api_key"
    status = 404


class ApiKeyOver(DomainError):
    """A key that is revoked or expired can't be rotated."""

    code = "api_key_over"
    status = 409


class ApiKeyReplaced(DomainError):
    """The key was rotated before: its successor is to be rotated."""

    code = "api_key_replaced"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedKey:
    """A new API key. The token is shown once: only its SHA-256 is kept."""

    key_id: str
    token: str


@dataclass(frozen=True, slots=True, kw_only=True)
class NewKey:
    """A key that somebody wants; ``organisation_id`` is the caller's own unless the operator names another."""

    name: str
    scopes: frozenset[str]
    expires_at: datetime | None = None
    organisation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRotation:
    """How a key is followed by another: for how long both open, and when the new one ends.

    Without ``expires_at`` the new one lives as long as the old one was to live.
    """

    overlap: timedelta
    expires_at: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyFilter:
    """Which keys are asked for; ``None`` asks nothing."""

    organisation_id: str | None = None
    state: KeyState | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyView:
    """An API key without its secret."""

    key_id: str
    organisation_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None
    last_used_at: datetime | None
    replaced_by: str | None

    def state_on(self, now: datetime) -> KeyState:
        """Return whether it opens something."""
        if self.revoked_at is not None:
            return "revoked"
        return "expired" if self.expires_at is not None and self.expires_at <= now else "live"


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

    For whoever runs the installation: nobody's own scopes count. Raises ``UnknownScope`` and ``UnknownOrganisation``.
    """
    require_known_scopes(scopes)
    if not organisation_exists(session, organisation_id):
        raise UnknownOrganisation(f"there is no organisation {organisation_id}: create it first")
    wanted = NewKey(name=name, scopes=frozenset(scopes), expires_at=expires_at)
    return _issue(session, wanted, organisation_id=organisation_id, actor=KEY_ACTOR, now=now)


def create_api_key(session: Session, *, key: NewKey, caller: Principal, now: datetime) -> IssuedKey:
    """Make an API key for the caller's organisation, or as the operator for another one. Audited.

    Raises ``UnknownScope``, ``ScopeNotHeld``, ``InvalidExpiry``, ``UnknownOrganisation``, ``TooManyCredentials``.
    """
    require_known_scopes(key.scopes)
    require_expiry(key.expires_at, now=now)
    organisation_id = organisation_for(session, caller=caller, asked=key.organisation_id)
    require_held(caller, scopes=key.scopes, organisation_id=organisation_id)
    require_room(repository.count_live_keys(session, organisation_id=organisation_id, now=now), what="API keys")
    return _issue(session, key, organisation_id=organisation_id, actor=caller.key_id, now=now)


def get_api_key(session: Session, *, key_id: str, caller: Principal) -> KeyView:
    """Return a key of the caller's organisation, of any to the operator. Raises ``UnknownApiKey``."""
    return _view(_key_of(session, key_id, caller))


def list_api_keys(
    session: Session, *, wanted: KeyFilter, caller: Principal, now: datetime, cursor: str | None, limit: int
) -> Page[KeyView]:
    """Return a page of the keys of the caller's organisation, of all or one to the operator, the youngest first.

    Raises ``UnknownOrganisation`` where another one is named.
    """
    sees_all = caller.kind == "operator" and wanted.organisation_id is None
    organisation_id = None if sees_all else organisation_for(session, caller=caller, asked=wanted.organisation_id)
    rows = repository.read_keys(
        session, organisation_id=organisation_id, state=wanted.state, now=now, cursor=cursor, limit=limit
    )
    return page_of([_view(row) for row in rows], limit=limit, cursor_of=lambda view: view.key_id)


def rotate_api_key(
    session: Session, *, key_id: str, rotation: KeyRotation, caller: Principal, now: datetime
) -> IssuedKey:
    """Make a key with the same name and scopes; the old one opens until the overlap is over. Audited.

    Raises ``UnknownApiKey``, ``ApiKeyOver``, ``ApiKeyReplaced``, ``ScopeNotHeld``, ``InvalidOverlap``,
    ``InvalidExpiry``.
    """
    require_overlap(rotation.overlap)
    require_expiry(rotation.expires_at, now=now)
    old = _key_of(session, key_id, caller, for_change=True)
    _require_rotatable(_view(old), now)
    require_held(caller, scopes=old.scopes, organisation_id=old.organisation_id)
    lifetime = None if old.expires_at is None else now + (old.expires_at - old.created_at)
    successor = NewKey(name=old.name, scopes=frozenset(old.scopes), expires_at=rotation.expires_at or lifetime)
    issued = _issue(session, successor, organisation_id=old.organisation_id, actor=caller.key_id, now=now)
    ends_at = min(filter(None, (old.expires_at, now + rotation.overlap)))
    repository.set_replaced(session, key_id=key_id, replaced_by=issued.key_id, expires_at=ends_at)
    act = _act(key_id, old.organisation_id, caller.key_id, now)
    note(session, "api_key.rotated", act, replaced_by=issued.key_id, ends_at=ends_at.isoformat())
    return issued


def close_api_key(session: Session, *, key_id: str, caller: Principal, now: datetime) -> KeyView:
    """Revoke a key of the caller's organisation, of any as the operator; one that is revoked stays as it is.

    It is refused within a second. Audited. Raises ``UnknownApiKey``.
    """
    key = _key_of(session, key_id, caller)
    if repository.set_revoked(session, key_id=key_id, now=now) is not None:
        note(session, "api_key.revoked", _act(key_id, key.organisation_id, caller.key_id, now))
    return _view(_key_of(session, key_id, caller))


def revoke_api_key(session: Session, *, key_id: str, now: datetime) -> None:
    """Close a key for good, audited; processes that saw it refuse it within their cache's second."""
    organisation_id = repository.set_revoked(session, key_id=key_id, now=now)
    if organisation_id is None:
        raise UnknownApiKey(f"there is no API key {key_id} that could be revoked")
    note(session, "api_key.revoked", _act(key_id, organisation_id, KEY_ACTOR, now))


def secret_sha256(token: str) -> str:
    """Return what is kept of a token: its entropy needs no slow hash."""
    return hashlib.sha256(token.encode()).hexdigest()


def _key_of(session: Session, key_id: str, caller: Principal, *, for_change: bool = False) -> ApiKey:
    key = repository.read_key(session, key_id, for_change=for_change)
    if key is None or (caller.kind != "operator" and key.organisation_id != caller.organisation_id):
        raise UnknownApiKey(f"there is no API key {key_id}: GET /v1/api-keys")
    return key


def _require_rotatable(old: KeyView, now: datetime) -> None:
    if old.replaced_by is not None:
        raise ApiKeyReplaced(
            f"this key was rotated before: rotate its successor, {old.replaced_by}",
            details={"replaced_by": old.replaced_by},
        )
    if old.state_on(now) != "live":
        raise ApiKeyOver(f"this key is {old.state_on(now)}: make a new one (POST /v1/api-keys)")


def _issue(session: Session, key: NewKey, *, organisation_id: str, actor: str, now: datetime) -> IssuedKey:
    key_id = new_id("key")
    token = make_token(environment=get_settings().environment_name, key_id=key_id)
    repository.insert_key(
        session,
        {
            "id": key_id,
            "organisation_id": organisation_id,
            "name": key.name,
            "secret_sha256": secret_sha256(token),
            "scopes": sorted(key.scopes),
            "created_at": now,
            "created_by": actor,
            "expires_at": key.expires_at,
        },
    )
    ends_at = None if key.expires_at is None else key.expires_at.isoformat()
    act = _act(key_id, organisation_id, actor, now)
    note(session, "api_key.issued", act, name=key.name, scopes=" ".join(sorted(key.scopes)), ends_at=ends_at)
    return IssuedKey(key_id=key_id, token=token)


def _act(key_id: str, organisation_id: str, actor: str, now: datetime) -> Act:
    return Act(subject_type="api_key", subject_id=key_id, organisation_id=organisation_id, actor=actor, now=now)


def _view(key: ApiKey) -> KeyView:
    return KeyView(
        key_id=key.id,
        organisation_id=key.organisation_id,
        name=key.name,
        scopes=tuple(key.scopes),
        created_at=key.created_at,
        created_by=key.created_by,
        expires_at=key.expires_at,
        revoked_at=key.revoked_at,
        last_used_at=key.last_used_at,
        replaced_by=key.replaced_by,
    )
