"""Webhook endpoints: add, change, rotate secrets, enable, disable, test, remove. All of it is audited."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.ports import Sealer
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.kernel.events import JsonScalar
from fabroute.kernel.ids import new_id
from fabroute.outbox import service as outbox
from fabroute.webhooks.events import endpoint_event
from fabroute.webhooks.models import WebhookEndpoint
from fabroute.webhooks.repository import deliveries as delivery_rows
from fabroute.webhooks.repository import endpoints as rows
from fabroute.webhooks.rules.patterns import require_known
from fabroute.webhooks.rules.signing import SignatureKind, SigningSecret, new_secret
from fabroute.webhooks.rules.urls import place_of
from fabroute.webhooks.service.views import EndpointView, endpoint_view

MOST_ENDPOINTS = 20
LONGEST_OVERLAP = timedelta(days=7)


class UnknownEndpoint(DomainError):
    """There is no such webhook endpoint of this organisation."""

    code = "unknown_webhook_endpoint"
    status = 404


class TooManyEndpoints(DomainError):
    """The organisation has as many webhook endpoints as it may."""

    code = "too_many_webhook_endpoints"
    status = 409


class EndpointDisabled(DomainError):
    """Nothing is sent to this endpoint until it is enabled."""

    code = "webhook_endpoint_disabled"
    status = 409


class StaleEndpoint(DomainError):
    """The endpoint was changed since it was read."""

    code = "stale_webhook_endpoint"
    status = 412


@dataclass(frozen=True, slots=True, kw_only=True)
class FailingEndpoint:
    """An endpoint whose receiver does not take what it is sent; ``disabled`` ones are sent nothing any more."""

    endpoint_id: str
    url: str
    state: str
    reason: str
    """Why it was switched off; empty of one that is still tried."""
    failures_in_a_row: int
    since: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEndpoint:
    """Where an organisation wants to be told of what; ``ed25519``: signed by a key pair as well."""

    url: str
    description: str
    types: Sequence[str]
    ed25519: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointChange:
    """What is to be changed of an endpoint; ``None`` stays as it is."""

    url: str | None = None
    description: str | None = None
    types: Sequence[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class AddedEndpoint:
    """A new endpoint with the texts of its secrets, which are shown once."""

    endpoint: EndpointView
    secrets: tuple[SigningSecret, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """In what circumstances somebody does something with endpoints."""

    principal: Principal
    sealer: Sealer
    loopback: bool
    """Whether endpoints on this machine are allowed."""
    now: datetime


def add_endpoint(session: Session, desk: Desk, new: NewEndpoint) -> AddedEndpoint:
    """Add an endpoint, enabled, with a secret. Raises ``UnusableUrl``, ``UnknownEventType``, ``TooManyEndpoints``."""
    place_of(new.url, loopback=desk.loopback)
    types = require_known(new.types)
    organisation_id = desk.principal.organisation_id
    if rows.count_endpoints(session, organisation_id=organisation_id) >= MOST_ENDPOINTS:
        raise TooManyEndpoints(f"you have {MOST_ENDPOINTS} webhook endpoints: remove one that you don't need")
    endpoint_id = new_id("whe")
    rows.insert_endpoint(
        session,
        {
            "id": endpoint_id,
            "organisation_id": organisation_id,
            "url": new.url,
            "description": new.description,
            "types": list(types),
            "state": "enabled",
            "disabled_cause": "",
            "disabled_reason": "",
            "failures_in_a_row": 0,
            "created_at": desk.now,
            "updated_at": desk.now,
            "version": 1,
        },
    )
    kinds: tuple[SignatureKind, ...] = ("v1", "v1a") if new.ed25519 else ("v1",)
    secrets = tuple(_add_secret(session, desk, endpoint_id, kind) for kind in kinds)
    _audit(session, desk, endpoint_id, "added", url=new.url, types=",".join(types))
    return AddedEndpoint(endpoint=get_endpoint(session, desk, endpoint_id=endpoint_id), secrets=secrets)


def get_endpoint(session: Session, desk: Desk, *, endpoint_id: str) -> EndpointView:
    """Return an endpoint of the caller's. Raises ``UnknownEndpoint``."""
    return _views(session, [find_own(session, desk.principal, endpoint_id)], now=desk.now)[0]


def list_endpoints(session: Session, desk: Desk, *, cursor: str | None, limit: int) -> Page[EndpointView]:
    """Return a page of the caller's endpoints, the oldest first."""
    organisation_id = desk.principal.organisation_id
    found = rows.read_endpoints(session, organisation_id=organisation_id, after=cursor or "", limit=limit + 1)
    return page_of(_views(session, found, now=desk.now), limit=limit, cursor_of=lambda view: view.endpoint_id)


def list_failing(session: Session, *, principal: Principal) -> tuple[FailingEndpoint, ...]:
    """Return the caller's endpoints that fail now, and those that were switched off because they did."""
    return tuple(
        FailingEndpoint(
            endpoint_id=row.id,
            url=row.url,
            state=row.state,
            reason=row.disabled_reason,
            failures_in_a_row=row.failures_in_a_row,
            since=row.disabled_at or row.failing_since,
        )
        for row in rows.read_failing(session, organisation_id=principal.organisation_id)
    )


def change_endpoint(
    session: Session, desk: Desk, *, endpoint_id: str, change: EndpointChange, expected_version: int | None
) -> EndpointView:
    """Change where an endpoint is, what it is told of, what it is called.

    Raises ``UnknownEndpoint``, ``StaleEndpoint``, ``UnusableUrl`` and ``UnknownEventType``.
    """
    row = find_own(session, desk.principal, endpoint_id, lock=True)
    if expected_version is not None and row.version != expected_version:
        raise StaleEndpoint(f"webhook endpoint {endpoint_id} was changed since you read it: read it again")
    values: dict[str, object] = {}
    if change.url is not None:
        place_of(change.url, loopback=desk.loopback)
        values |= {"url": change.url, "failures_in_a_row": 0, "failing_since": None, "rest_until": None}
    if change.types is not None:
        values["types"] = list(require_known(change.types))
    if change.description is not None:
        values["description"] = change.description
    if values:
        rows.change_endpoint(session, endpoint_id=endpoint_id, values=values, now=desk.now)
        told = {name: values[name] for name in ("url", "description", "types") if name in values}
        _audit(session, desk, endpoint_id, "changed", **{name: str(value) for name, value in told.items()})
    return get_endpoint(session, desk, endpoint_id=endpoint_id)


def remove_endpoint(session: Session, desk: Desk, *, endpoint_id: str) -> None:
    """Remove an endpoint with its deliveries. Raises ``UnknownEndpoint``."""
    row = find_own(session, desk.principal, endpoint_id, lock=True)
    rows.delete_endpoint(session, endpoint_id=row.id)
    _audit(session, desk, endpoint_id, "removed", url=row.url)


def enable_endpoint(session: Session, desk: Desk, *, endpoint_id: str) -> EndpointView:
    """Send to an endpoint again, from now on: what was told meanwhile is sent by a replay. ``UnknownEndpoint``."""
    row = find_own(session, desk.principal, endpoint_id, lock=True)
    if row.state != "enabled":
        values = {
            "state": "enabled",
            "disabled_cause": "",
            "disabled_reason": "",
            "disabled_at": None,
            "failures_in_a_row": 0,
            "failing_since": None,
            "rest_until": None,
        }
        rows.change_endpoint(session, endpoint_id=endpoint_id, values=values, now=desk.now)
        _audit(session, desk, endpoint_id, "enabled")
    return get_endpoint(session, desk, endpoint_id=endpoint_id)


def disable_endpoint(session: Session, desk: Desk, *, endpoint_id: str, reason: str) -> EndpointView:
    """Send nothing to an endpoint any more, nor what waits. Audited, told. Raises ``UnknownEndpoint``."""
    row = find_own(session, desk.principal, endpoint_id, lock=True)
    if row.state == "enabled":
        disable(session, endpoint_id, desk.principal.organisation_id, cause="owner", reason=reason, now=desk.now)
        _audit(session, desk, endpoint_id, "disabled", reason=reason)
    return get_endpoint(session, desk, endpoint_id=endpoint_id)


def disable(
    session: Session, endpoint_id: str, organisation_id: str, *, cause: str, reason: str, now: datetime
) -> None:
    """Disable an endpoint that is locked, give up what waits for it, and tell its organisation."""
    values = {"state": "disabled", "disabled_cause": cause, "disabled_reason": reason, "disabled_at": now}
    rows.change_endpoint(session, endpoint_id=endpoint_id, values=values, now=now)
    delivery_rows.give_up_pending(session, endpoint_id=endpoint_id, reason="the endpoint is disabled", now=now)
    told = endpoint_event(
        "webhook_endpoint.disabled",
        endpoint_id=endpoint_id,
        organisation_id=organisation_id,
        now=now,
        cause=cause,
        reason=reason,
    )
    outbox.record(session, told)


def rotate_secret(
    session: Session, desk: Desk, *, endpoint_id: str, kind: SignatureKind, overlap: timedelta
) -> AddedEndpoint:
    """Give an endpoint a new secret; the one before signs as well for the time of ``overlap``: two at most.

    With the kind ``v1a`` an endpoint that had no key pair gets one. Raises ``UnknownEndpoint``.
    """
    find_own(session, desk.principal, endpoint_id, lock=True)
    until = desk.now + min(overlap, LONGEST_OVERLAP)
    rows.end_secrets(session, endpoint_id=endpoint_id, kind=kind, until=until, now=desk.now)
    secret = _add_secret(session, desk, endpoint_id, kind)
    _audit(session, desk, endpoint_id, "secret_rotated", kind=kind, overlap_until=until.isoformat())
    return AddedEndpoint(endpoint=get_endpoint(session, desk, endpoint_id=endpoint_id), secrets=(secret,))


def send_test(session: Session, desk: Desk, *, endpoint_id: str) -> str:
    """Send an event to one endpoint, whatever it is told of else; return the event's id.

    Raises ``UnknownEndpoint`` and ``EndpointDisabled``.
    """
    row = find_own(session, desk.principal, endpoint_id, lock=True)
    require_enabled(row)
    rows.set_rest(session, endpoint_id=endpoint_id, until=None)
    organisation_id = desk.principal.organisation_id
    told = endpoint_event(
        "webhook_endpoint.tested", endpoint_id=endpoint_id, organisation_id=organisation_id, now=desk.now
    )
    _audit(session, desk, endpoint_id, "tested")
    return outbox.record(session, told)


def require_enabled(row: WebhookEndpoint) -> None:
    """Raise ``EndpointDisabled`` for an endpoint that is sent nothing."""
    if row.state != "enabled":
        raise EndpointDisabled(
            f"webhook endpoint {row.id} is disabled ({row.disabled_reason}): POST /v1/webhook-endpoints/{row.id}/enable"
        )


def find_own(session: Session, principal: Principal, endpoint_id: str, *, lock: bool = False) -> WebhookEndpoint:
    """Return an endpoint of the principal's organisation, locked if wanted. Raises ``UnknownEndpoint``."""
    found = rows.find_endpoint(session, organisation_id=principal.organisation_id, endpoint_id=endpoint_id, lock=lock)
    if found is None:
        raise UnknownEndpoint(f"you have no webhook endpoint {endpoint_id}: GET /v1/webhook-endpoints lists yours")
    return found


def _views(session: Session, found: Sequence[WebhookEndpoint], *, now: datetime) -> list[EndpointView]:
    ids = [row.id for row in found]
    secrets = rows.read_live_secrets(session, ids, now=now) if ids else ()
    pending: Mapping[str, int] = rows.count_pending(session, ids) if ids else {}
    return [endpoint_view(row, secrets=secrets, pending=pending.get(row.id, 0)) for row in found]


def _add_secret(session: Session, desk: Desk, endpoint_id: str, kind: SignatureKind) -> SigningSecret:
    secret = new_secret(kind)
    row = {
        "id": new_id("whs"),
        "endpoint_id": endpoint_id,
        "organisation_id": desk.principal.organisation_id,
        "kind": kind,
        "sealed": desk.sealer.seal(secret.text, purpose=seal_purpose(endpoint_id)),
        "public_key": secret.public_key,
        "created_at": desk.now,
    }
    rows.insert_secret(session, row)
    return secret


def seal_purpose(endpoint_id: str) -> str:
    """Return what the secrets of an endpoint are sealed for: those of another can't take their place."""
    return f"webhook {endpoint_id}"


def _audit(session: Session, desk: Desk, endpoint_id: str, what: str, **data: JsonScalar) -> None:
    entry = AuditRecord(
        organisation_id=desk.principal.organisation_id,
        occurred_at=desk.now,
        actor=desk.principal.key_id,
        action=f"webhook_endpoint.{what}",
        subject_type="webhook_endpoint",
        subject_id=endpoint_id,
        data=data,
    )
    record_audit(session, entry=entry)
