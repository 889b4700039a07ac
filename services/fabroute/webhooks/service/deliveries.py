"""Deliveries: look at them, and send again what was told before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.kernel.events import JsonScalar
from fabroute.kernel.ids import new_id
from fabroute.production.service.order_records import subjects_of_order
from fabroute.webhooks.repository import deliveries as rows
from fabroute.webhooks.repository.deliveries import Replay
from fabroute.webhooks.repository.endpoints import set_rest
from fabroute.webhooks.rules.patterns import EVERYTHING, require_known
from fabroute.webhooks.service.endpoints import find_own, require_enabled
from fabroute.webhooks.service.feed import position_of
from fabroute.webhooks.service.views import DeliveryView, delivery_view

MOST_REPLAYED = 10_000
_NO_END = 2**62


class UnknownDelivery(DomainError):
    """There is no such delivery of this organisation; they are kept for 30 days."""

    code = "unknown_webhook_delivery"
    status = 404


class DeliveryPending(DomainError):
    """The delivery is still under way, so that there is nothing to repeat."""

    code = "webhook_delivery_pending"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class ReplayAsked:
    """Which events are sent again: those told since then, of the endpoint's types, or of some of them."""

    endpoint_id: str
    since: datetime
    types: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Replayed:
    """What is sent again. With ``is_whole`` unset there was more than one replay takes: ask for the rest later."""

    replay_id: str
    deliveries: int
    is_whole: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class AnsweredDelivery:
    """An event on its way to an endpoint, and what came of the last attempt."""

    delivery_id: str
    endpoint_id: str
    url: str
    event_id: str
    type: str
    subject_type: str
    subject_id: str
    replay_of: str | None
    state: str
    """``pending``, ``delivered`` or ``given_up``."""
    attempt_count: int
    next_attempt_at: datetime | None
    created_at: datetime
    finished_at: datetime | None
    reason: str
    last_attempt_at: datetime | None
    last_status: int | None
    """The HTTP status; empty where nobody answered, or nothing was sent yet."""
    last_duration_ms: int | None
    number: int = 0
    """Its place among all deliveries."""


_Listed = TypeVar("_Listed", DeliveryView, AnsweredDelivery)


def list_deliveries(
    session: Session, *, principal: Principal, endpoint_id: str, state: str | None, page: tuple[str | None, int]
) -> Page[DeliveryView]:
    """Return a page (cursor, limit) of deliveries to an endpoint, newest first. Raises ``UnknownEndpoint``."""
    found = _read(session, principal, endpoint_id, state=state, page=page)
    return _page([delivery_view(row) for row in found], page)


def list_answered_deliveries(
    session: Session, *, principal: Principal, endpoint_id: str, state: str | None, page: tuple[str | None, int]
) -> Page[AnsweredDelivery]:
    """Return a page (cursor, limit) of deliveries to an endpoint with what was answered last, newest first.

    Raises ``UnknownEndpoint``.
    """
    found = _read(session, principal, endpoint_id, state=state, page=page, answered=True)
    return _page([AnsweredDelivery(**row) for row in found], page)


def list_order_deliveries(
    session: Session, *, principal: Principal, order_id: str, limit: int = 50
) -> tuple[AnsweredDelivery, ...]:
    """Return the newest deliveries of events about an order, its jobs, shipments and papers, to the caller's endpoints.

    Raises ``UnknownOrder``.
    """
    found = rows.read_of_subjects(
        session,
        organisation_id=principal.organisation_id,
        subject_ids=subjects_of_order(session, principal=principal, order_id=order_id),
        limit=limit,
    )
    return tuple(AnsweredDelivery(**row) for row in found)


def get_delivery(session: Session, *, principal: Principal, delivery_id: str) -> DeliveryView:
    """Return a delivery with its attempts. Raises ``UnknownDelivery``."""
    found = rows.find_delivery(session, organisation_id=principal.organisation_id, delivery_id=delivery_id)
    if found is None:
        raise UnknownDelivery(
            f"you have no delivery {delivery_id}: GET /v1/webhook-endpoints/…/deliveries lists those of 30 days"
        )
    return delivery_view(found, rows.read_attempts(session, number=found["number"]))


def replay_delivery(session: Session, *, principal: Principal, delivery_id: str, now: datetime) -> DeliveryView:
    """Send the event of a delivery again, under the same ``webhook-id``, as a delivery of its own. Audited.

    Raises ``UnknownDelivery``, ``DeliveryPending`` and ``EndpointDisabled``.
    """
    known = get_delivery(session, principal=principal, delivery_id=delivery_id)
    endpoint = find_own(session, principal, known.endpoint_id, lock=True)
    require_enabled(endpoint)
    position = rows.find_delivery(session, organisation_id=principal.organisation_id, delivery_id=delivery_id)
    replay = Replay(
        organisation_id=principal.organisation_id,
        endpoint_id=endpoint.id,
        replay_of=delivery_id,
        since=datetime.min.replace(tzinfo=now.tzinfo),
        types=(EVERYTHING,),
        position=None if position is None else position["position"],
        limit=1,
    )
    made = rows.insert_replays(session, replay, now=now)
    if not made:
        raise DeliveryPending(f"event {known.event_id} is still on its way to {endpoint.url}: wait for its attempts")
    set_rest(session, endpoint_id=endpoint.id, until=None)
    _audit(session, principal, endpoint.id, now=now, delivery_id=delivery_id)
    return get_delivery(session, principal=principal, delivery_id=made[0])


def replay_since(session: Session, *, principal: Principal, asked: ReplayAsked, now: datetime) -> Replayed:
    """Send again what was told since an instant, in its order; what is under way is not doubled. Audited.

    Raises ``UnknownEndpoint``, ``UnknownEventType`` and ``EndpointDisabled``.
    """
    endpoint = find_own(session, principal, asked.endpoint_id, lock=True)
    require_enabled(endpoint)
    replay_id = new_id("whr")
    replay = Replay(
        organisation_id=principal.organisation_id,
        endpoint_id=endpoint.id,
        replay_of=replay_id,
        since=asked.since,
        types=require_known(asked.types) or endpoint.types,
        limit=MOST_REPLAYED,
    )
    made = rows.insert_replays(session, replay, now=now)
    set_rest(session, endpoint_id=endpoint.id, until=None)
    _audit(session, principal, endpoint.id, now=now, since=asked.since.isoformat(), deliveries=len(made))
    return Replayed(replay_id=replay_id, deliveries=len(made), is_whole=len(made) < MOST_REPLAYED)


def deliveries_due(session: Session, *, now: datetime) -> bool:
    """Return whether some delivery may be due."""
    return rows.is_any_due(session, now=now)


def _read(
    session: Session,
    principal: Principal,
    endpoint_id: str,
    *,
    state: str | None,
    page: tuple[str | None, int],
    answered: bool = False,
) -> Sequence[RowMapping]:
    endpoint, (cursor, limit) = find_own(session, principal, endpoint_id), page
    return rows.read_deliveries(
        session,
        organisation_id=principal.organisation_id,
        endpoint_id=endpoint.id,
        state=state,
        before=position_of(cursor) or _NO_END,
        limit=limit + 1,
        answered=answered,
    )


def _page(views: Sequence[_Listed], page: tuple[str | None, int]) -> Page[_Listed]:
    return page_of(views, limit=page[1], cursor_of=lambda view: str(view.number))


def _audit(session: Session, principal: Principal, endpoint_id: str, *, now: datetime, **data: JsonScalar) -> None:
    entry = AuditRecord(
        organisation_id=principal.organisation_id,
        occurred_at=now,
        actor=principal.key_id,
        action="webhook_endpoint.replayed",
        subject_type="webhook_endpoint",
        subject_id=endpoint_id,
        data=data,
    )
    record_audit(session, entry=entry)
