"""Webhook endpoints as their pages show them: how they do, what was sent and answered, secrets once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlencode

from fabroute.console.pages.webhooks.deliveries import DeliveryRow, came_of, delivery_row, subject_path
from fabroute.console.words import Kind
from fabroute.identity.rules import OrganisationKind
from fabroute.webhooks.rules.catalogue import CATALOGUE, may_reach
from fabroute.webhooks.service.deliveries import AnsweredDelivery
from fabroute.webhooks.service.endpoints import MOST_ENDPOINTS, AddedEndpoint
from fabroute.webhooks.service.views import AttemptView, DeliveryView, EndpointView

PATH = "/console/webhooks"
_FAMILIES: Mapping[str, str] = {
    "order": "Orders",
    "job": "Jobs",
    "shipment": "Parcels",
    "conformity": "Certificates of conformity",
    "recall": "Recalls",
    "part_revision": "Revisions of parts",
    "print_file": "Print files",
    "print_licence": "Print licences",
    "reprint": "Reprints",
    "lot": "Lots of material",
    "build": "Builds",
    "note": "Notes of nodes",
    "readiness": "Readiness reports",
}
"""Kinds of events that somebody chooses one by one; the others come with everything."""
_FILTERS = (("", "All"), ("delivered", "Delivered"), ("pending", "Waiting"), ("given_up", "Failed"))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointRow:
    """An endpoint, and how it does."""

    path: str
    endpoint_id: str
    url: str
    description: str
    state: str
    kind: Kind
    trouble: str
    """What is wrong with it; empty where nothing is."""
    told_of: str
    is_on: bool
    pending: int
    last_success_at: datetime | None
    last_failure_at: datetime | None
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointsPage:
    """All endpoints of an organisation."""

    rows: tuple[EndpointRow, ...]
    families: tuple[tuple[str, str], ...]
    """What an endpoint can be told of: patterns and words."""
    is_full: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryQuery:
    """Which deliveries are asked for."""

    endpoint_id: str
    state: str = ""
    cursor: str = ""
    """As it stands in the URL."""

    def path(self, **other: str) -> str:
        """Return where the page is, with something else asked for."""
        asked = {"state": self.state, "cursor": self.cursor, **other}
        query = urlencode({name: value for name, value in asked.items() if value})
        return f"{endpoint_path(self.endpoint_id)}{'?' if query else ''}{query}#deliveries"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndpointPage:
    """One endpoint with what was sent to it."""

    endpoint: EndpointRow
    secrets: tuple[tuple[str, datetime, datetime | None], ...]
    """Which signature, since when, and until when where it ends."""
    deliveries: tuple[DeliveryRow, ...]
    filters: tuple[tuple[str, str, bool], ...]
    """Words, path and whether it is shown."""
    first_path: str
    next_path: str
    is_narrowed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretPage:
    """The secrets of an endpoint, shown once."""

    path: str
    url: str
    secrets: tuple[str, ...]
    is_new: bool
    """Whether the endpoint is; else only the secret is new."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptRow:
    """One try to deliver."""

    number: int
    at: datetime
    words: str
    kind: Kind
    duration_ms: int
    detail: str
    answer: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryPage:
    """A delivery with each of its attempts."""

    row: DeliveryRow
    endpoint: EndpointRow
    event_id: str
    subject: str
    subject_path: str
    reason: str
    attempts: tuple[AttemptRow, ...]


def endpoint_path(endpoint_id: str) -> str:
    """Return where the page of an endpoint is."""
    return f"{PATH}/{endpoint_id}"


def endpoints_page(found: Sequence[EndpointView], *, kind: OrganisationKind) -> EndpointsPage:
    """Return the page of all endpoints of an organisation of that kind."""
    reached = {event.name.partition(".")[0] for event in CATALOGUE.values() if may_reach(event, kind)}
    return EndpointsPage(
        rows=tuple(_row(it) for it in found),
        families=tuple((f"{family}.*", words) for family, words in _FAMILIES.items() if family in reached),
        is_full=len(found) >= MOST_ENDPOINTS,
    )


def endpoint_page(
    endpoint: EndpointView, found: Sequence[AnsweredDelivery], query: DeliveryQuery, *, next_cursor: str
) -> EndpointPage:
    """Return the page of one endpoint, with a page of its deliveries."""
    return EndpointPage(
        endpoint=_row(endpoint),
        secrets=tuple((it.kind, it.created_at, it.expires_at) for it in endpoint.secrets),
        deliveries=tuple(delivery_row(it) for it in found),
        filters=tuple((words, query.path(state=state, cursor=""), state == query.state) for state, words in _FILTERS),
        first_path=query.path(cursor="") if query.cursor else "",
        next_path=query.path(cursor=next_cursor) if next_cursor else "",
        is_narrowed=bool(query.state or query.cursor),
    )


def secret_page(added: AddedEndpoint, *, is_new: bool) -> SecretPage:
    """Return the page that shows the secrets of an endpoint."""
    return SecretPage(
        path=endpoint_path(added.endpoint.endpoint_id),
        url=added.endpoint.url,
        secrets=tuple(secret.text for secret in added.secrets),
        is_new=is_new,
    )


def delivery_page(found: DeliveryView, endpoint: EndpointView) -> DeliveryPage:
    """Return the page of one delivery."""
    last = found.attempts[-1] if found.attempts else None
    answered = AnsweredDelivery(
        delivery_id=found.delivery_id,
        endpoint_id=found.endpoint_id,
        url=endpoint.url,
        event_id=found.event_id,
        type=found.type,
        subject_type=found.subject_type,
        subject_id=found.subject_id,
        replay_of=found.replay_of,
        state=found.state,
        attempt_count=found.attempt_count,
        next_attempt_at=found.next_attempt_at,
        created_at=found.created_at,
        finished_at=found.finished_at,
        reason=found.reason,
        last_attempt_at=None if last is None else last.at,
        last_status=None if last is None else last.status,
        last_duration_ms=None if last is None else last.duration_ms,
    )
    return DeliveryPage(
        row=delivery_row(answered),
        endpoint=_row(endpoint),
        event_id=found.event_id,
        subject=f"{found.subject_type.replace('_', ' ')} {found.subject_id}",
        subject_path=subject_path(found.subject_type, found.subject_id),
        reason=found.reason,
        attempts=tuple(_attempt(it) for it in found.attempts),
    )


def told_of_words(types: Sequence[str]) -> str:
    """Return what an endpoint is told of: ``orders, jobs``, or everything."""
    if not types or "*" in types:
        return "everything"
    words = [_FAMILIES.get(it.removesuffix(".*"), it).lower() if it.endswith(".*") else it for it in types]
    return ", ".join(words)


def _row(it: EndpointView) -> EndpointRow:
    state, kind = _state(it)
    return EndpointRow(
        path=endpoint_path(it.endpoint_id),
        endpoint_id=it.endpoint_id,
        url=it.url,
        description=it.description,
        state=state,
        kind=kind,
        trouble=_trouble(it),
        told_of=told_of_words(it.types),
        is_on=it.state == "enabled",
        pending=it.pending,
        last_success_at=it.last_success_at,
        last_failure_at=it.last_failure_at,
        created_at=it.created_at,
    )


def _state(it: EndpointView) -> tuple[str, Kind]:
    if it.state == "enabled":
        return ("failing", "bad") if it.failures_in_a_row else ("on", "good")
    return ("paused", "over") if it.disabled_cause == "owner" else ("switched off", "bad")


def _trouble(it: EndpointView) -> str:
    if it.state != "enabled":
        return it.disabled_reason
    count = it.failures_in_a_row
    return "" if not count else "The last try failed." if count == 1 else f"The last {count} tries failed."


def _attempt(it: AttemptView) -> AttemptRow:
    is_good = it.status is not None and 200 <= it.status < 300
    return AttemptRow(
        number=it.number,
        at=it.at,
        words=came_of(it.status, it.failure),
        kind="good" if is_good else "bad",
        duration_ms=it.duration_ms,
        detail=it.detail,
        answer=it.answer,
    )
