"""OAuth2 clients: programs that fetch access tokens with a secret (RFC 6749, 4.4), and give them back (RFC 7009)."""

import hmac
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.models import OAuthClient
from fabroute.identity.repository import oauth as repository
from fabroute.identity.rules import Principal, Unauthenticated, key_id_of, make_token
from fabroute.identity.service.auditing import Act, note
from fabroute.identity.service.grants import (
    organisation_for,
    require_held,
    require_known_scopes,
    require_overlap,
    require_room,
)
from fabroute.identity.service.keys import secret_sha256
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.settings import get_settings

TOKEN_LIFE = timedelta(hours=1)
_KEPT_AFTER_END = timedelta(days=1)


class UnknownOAuthClient(DomainError):
    """No such client."""

    code = "unknown_oauth_client"
    status = 404


class OAuthClientRevoked(DomainError):
    """The client is revoked: it gets no new secret."""

    code = "oauth_client_revoked"
    status = 409


class InvalidClient(DomainError):
    """The client's id and secret open nothing (RFC 6749, 5.2)."""

    code = "invalid_client"
    status = 401


class UnauthorizedClient(DomainError):
    """The client may not have tokens: its organisation is suspended (RFC 6749, 5.2)."""

    code = "unauthorized_client"
    status = 400


class InvalidScope(DomainError):
    """The client hasn't the scopes that it asks for (RFC 6749, 5.2)."""

    code = "invalid_scope"
    status = 400


class ForeignToken(DomainError):
    """The token that is given back belongs to another client (RFC 7009, 2.1)."""

    code = "invalid_grant"
    status = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class NewClient:
    """A client that somebody wants; ``organisation_id`` is the caller's own unless the operator names another."""

    name: str
    scopes: frozenset[str]
    organisation_id: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """A client's secret, shown once: only its SHA-256 is kept."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientCredentials:
    """What a client says it is, and the secret that proves it."""

    client_id: str
    secret: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientFilter:
    """Which clients are asked for; ``None`` asks nothing."""

    organisation_id: str | None = None
    revoked: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientView:
    """A client without its secret."""

    client_id: str
    organisation_id: str
    name: str
    scopes: tuple[str, ...]
    created_at: datetime
    created_by: str
    last_used_at: datetime | None
    previous_secret_until: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuedToken:
    """A new access token, shown once: only its SHA-256 is kept."""

    token: str
    scopes: tuple[str, ...]
    expires_in: timedelta


def create_client(session: Session, *, client: NewClient, caller: Principal, now: datetime) -> ClientSecret:
    """Make a client for the caller's organisation, or as the operator for another one. Audited.

    Raises ``UnknownScope``, ``ScopeNotHeld``, ``UnknownOrganisation``, ``TooManyCredentials``.
    """
    require_known_scopes(client.scopes)
    organisation_id = organisation_for(session, caller=caller, asked=client.organisation_id)
    require_held(caller, scopes=client.scopes, organisation_id=organisation_id)
    require_room(repository.count_live_clients(session, organisation_id=organisation_id), what="OAuth clients")
    client_id = new_id("client")
    secret = _new_secret(client_id)
    repository.insert_client(
        session,
        {
            "id": client_id,
            "organisation_id": organisation_id,
            "name": client.name,
            "scopes": sorted(client.scopes),
            "secret_sha256": secret_sha256(secret),
            "created_at": now,
            "created_by": caller.key_id,
        },
    )
    act = _act(client_id, organisation_id, caller.key_id, now)
    note(session, "oauth_client.created", act, name=client.name, scopes=" ".join(sorted(client.scopes)))
    return ClientSecret(client_id=client_id, secret=secret)


def get_client(session: Session, *, client_id: str, caller: Principal) -> ClientView:
    """Return a client of the caller's organisation, of any to the operator. Raises ``UnknownOAuthClient``."""
    return _view(_client_of(session, client_id, caller))


def list_clients(
    session: Session, *, wanted: ClientFilter, caller: Principal, cursor: str | None, limit: int
) -> Page[ClientView]:
    """Return a page of the clients of the caller's organisation, of all or one to the operator, the youngest first.

    Raises ``UnknownOrganisation`` where another one is named.
    """
    sees_all = caller.kind == "operator" and wanted.organisation_id is None
    organisation_id = None if sees_all else organisation_for(session, caller=caller, asked=wanted.organisation_id)
    rows = repository.read_clients(
        session, organisation_id=organisation_id, revoked=wanted.revoked, cursor=cursor, limit=limit
    )
    return page_of([_view(row) for row in rows], limit=limit, cursor_of=lambda view: view.client_id)


def rotate_secret(
    session: Session, *, client_id: str, overlap: timedelta, caller: Principal, now: datetime
) -> ClientSecret:
    """Give a client another secret; the one before opens until the overlap is over, one before that no longer. Audited.

    Raises ``UnknownOAuthClient``, ``OAuthClientRevoked``, ``ScopeNotHeld``, ``InvalidOverlap``.
    """
    require_overlap(overlap)
    client = _client_of(session, client_id, caller, for_change=True)
    if client.revoked_at is not None:
        raise OAuthClientRevoked("this client is revoked: make a new one (POST /v1/oauth-clients)")
    require_held(caller, scopes=client.scopes, organisation_id=client.organisation_id)
    secret = _new_secret(client_id)
    values = {
        "secret_sha256": secret_sha256(secret),
        "previous_sha256": client.secret_sha256,
        "previous_until": now + overlap,
    }
    repository.update_client(session, client_id=client_id, values=values)
    act = _act(client_id, client.organisation_id, caller.key_id, now)
    note(session, "oauth_client.secret_rotated", act, previous_until=(now + overlap).isoformat())
    return ClientSecret(client_id=client_id, secret=secret)


def revoke_client(session: Session, *, client_id: str, caller: Principal, now: datetime) -> ClientView:
    """Revoke a client and all its access tokens, which are refused within a second; a revoked one stays as it is.

    Audited. Raises ``UnknownOAuthClient``.
    """
    client = _client_of(session, client_id, caller, for_change=True)
    if client.revoked_at is None:
        repository.update_client(session, client_id=client_id, values={"revoked_at": now})
        tokens = repository.set_tokens_revoked(session, client_id=client_id, now=now)
        act = _act(client_id, client.organisation_id, caller.key_id, now)
        note(session, "oauth_client.revoked", act, access_tokens=tokens)
    return _view(_client_of(session, client_id, caller))


def issue_token(
    session: Session, *, credentials: ClientCredentials, scopes: Collection[str] | None, now: datetime
) -> IssuedToken:
    """Return an access token for an hour, with ``scopes`` or with all that the client has. Audited.

    Raises ``InvalidClient``, ``UnauthorizedClient`` and ``InvalidScope``.
    """
    client = _authenticated(session, credentials, now)
    missing = sorted(set(scopes or ()) - set(client.scopes))
    if missing:
        raise InvalidScope(f"the client has no {', '.join(missing)}: it has {', '.join(client.scopes)}")
    granted = tuple(sorted(set(scopes or client.scopes)))
    token_id = new_id("tok")
    token = make_token(environment=get_settings().environment_name, key_id=token_id)
    repository.insert_token(
        session,
        {
            "id": token_id,
            "client_id": client.id,
            "organisation_id": client.organisation_id,
            "secret_sha256": secret_sha256(token),
            "scopes": list(granted),
            "created_at": now,
            "expires_at": now + TOKEN_LIFE,
        },
    )
    act = _act(client.id, client.organisation_id, client.id, now)
    note(session, "access_token.issued", act, token_id=token_id, scopes=" ".join(granted))
    return IssuedToken(token=token, scopes=granted, expires_in=TOKEN_LIFE)


def revoke_token(session: Session, *, credentials: ClientCredentials, token: str, now: datetime) -> None:
    """End an access token of this client; what is no token, or none any more, needs no end. Audited.

    Raises ``InvalidClient`` and, for another client's token, ``ForeignToken``.
    """
    client = _authenticated(session, credentials, now, may_be_suspended=True)
    token_id = _token_id(token)
    found = None if token_id is None else repository.find_token(session, token_id)
    if token_id is None or found is None or not hmac.compare_digest(found.secret_sha256, secret_sha256(token)):
        return
    if found.client_id != client.id:
        raise ForeignToken("this token belongs to another client: its own client gives it back")
    if repository.set_token_revoked(session, token_id=token_id, now=now):
        act = _act(client.id, client.organisation_id, client.id, now)
        note(session, "access_token.revoked", act, token_id=token_id)


def purge_tokens(session: Session, *, now: datetime) -> int:
    """Remove the access tokens that ended more than a day ago; return how many. The audit log keeps their history."""
    return repository.delete_tokens(session, before=now - _KEPT_AFTER_END)


def _authenticated(
    session: Session, credentials: ClientCredentials, now: datetime, *, may_be_suspended: bool = False
) -> OAuthClient:
    named = credentials.client_id.isascii() and credentials.client_id.isprintable()
    found = repository.find_client(session, credentials.client_id) if named else None
    if found is None or found[0].revoked_at is not None or not _opens(found[0], credentials.secret, now):
        raise InvalidClient("this client is unknown or revoked, or the secret is not its own: use a live one")
    client, is_suspended = found
    if is_suspended and not may_be_suspended:
        raise UnauthorizedClient("organisation_suspended: ask the operator of this installation why")
    return client


def _opens(client: OAuthClient, secret: str, now: datetime) -> bool:
    digest = secret_sha256(secret)
    is_present = hmac.compare_digest(client.secret_sha256, digest)
    is_previous = hmac.compare_digest(client.previous_sha256 or "", digest)
    return is_present or (is_previous and client.previous_until is not None and now < client.previous_until)


def _token_id(token: str) -> str | None:
    try:
        return key_id_of(token)
    except Unauthenticated:
        return None


def _client_of(session: Session, client_id: str, caller: Principal, *, for_change: bool = False) -> OAuthClient:
    client = repository.read_client(session, client_id, for_change=for_change)
    if client is None or (caller.kind != "operator" and client.organisation_id != caller.organisation_id):
        raise UnknownOAuthClient(f"there is no OAuth client {client_id}: GET /v1/oauth-clients")
    return client


def _new_secret(client_id: str) -> str:
    return make_token(environment=get_settings().environment_name, key_id=client_id)


def _act(client_id: str, organisation_id: str, actor: str, now: datetime) -> Act:
    return Act(subject_type="oauth_client", subject_id=client_id, organisation_id=organisation_id, actor=actor, now=now)


def _view(client: OAuthClient) -> ClientView:
    return ClientView(
        client_id=client.id,
        organisation_id=client.organisation_id,
        name=client.name,
        scopes=tuple(client.scopes),
        created_at=client.created_at,
        created_by=client.created_by,
        last_used_at=client.last_used_at,
        previous_secret_until=client.previous_until,
        revoked_at=client.revoked_at,
    )
