"""Statements on quotes, and on the orders that come of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import insert, text
from sqlalchemy.orm import QueryableAttribute, defer
from sqlmodel import Session, col, select

from fabroute.orders.models import Order, OrderLine, Quote
from fabroute.orders.repository.placing import NewOrder


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What was agreed by accepting an offer of a quote: the landed price, and the day of arrival."""

    quote_id: str
    offer: str
    price_minor: int
    arrival: datetime


_DOCUMENT = cast(QueryableAttribute[dict[str, Any]], Quote.document)

_CLAIM_KEY = text("""
INSERT INTO idempotency_keys (organisation_id, key, request_sha256, status, body, location, subject_id, created_at)
VALUES (:organisation_id, :key, :request_sha256, 201, '', :location, :subject_id, :created_at)
ON CONFLICT DO NOTHING RETURNING subject_id
""")

_STORE_ANSWER = text(
    "UPDATE idempotency_keys SET body = :body WHERE organisation_id = :organisation_id AND key = :key AND body = ''"
)


def insert_quote(session: Session, row: Mapping[str, Any]) -> None:
    """Add a quote."""
    session.exec(insert(Quote), params=[dict(row)])


def find_quote(session: Session, *, organisation_id: str, quote_id: str, lock: bool = False) -> Quote | None:
    """Return a quote of an organisation; with ``lock``, no other transaction accepts it until this one ends."""
    statement = select(Quote).where(col(Quote.id) == quote_id, col(Quote.organisation_id) == organisation_id)
    if lock:
        statement = statement.with_for_update()
    return session.exec(statement.execution_options(populate_existing=True)).one_or_none()


def list_quotes(
    session: Session, *, organisation_id: str, before: str | None, limit: int
) -> Sequence[tuple[Quote, list[Any]]]:
    """Return up to ``limit`` quotes, newest first, that are older than ``before``, each with its price breaks.

    Their documents stay in the database: one holds what was ruled out at every node, and may be half a megabyte.
    """
    statement = (
        select(Quote, col(Quote.document)["price_breaks"])
        .where(col(Quote.organisation_id) == organisation_id)
        .options(defer(_DOCUMENT, raiseload=True))
    )
    if before is not None:
        statement = statement.where(col(Quote.id) < before)
    found = session.exec(statement.order_by(col(Quote.id).desc()).limit(limit))
    return [(quote, breaks) for quote, breaks in found]


def orders_of_quotes(session: Session, quote_ids: Collection[str]) -> Mapping[str, tuple[str, str]]:
    """Return order and accepted offer by quote, for the quotes that were accepted."""
    statement = select(Order.quote_id, Order.id, Order.quoted_offer).where(col(Order.quote_id).in_(quote_ids))
    return {str(quote_id): (order_id, str(offer)) for quote_id, order_id, offer in session.exec(statement)}


def claim_key(session: Session, order: NewOrder) -> bool:
    """Take the idempotency key of an order, without its answer yet; ``False`` if another request has it.

    Waits for a transaction that is taking the same key.
    """
    parameters = {
        "organisation_id": order.organisation_id,
        "key": order.idempotency_key,
        "request_sha256": order.request_sha256,
        "location": order.location,
        "subject_id": order.id,
        "created_at": order.placed_at,
    }
    return session.connection().execute(_CLAIM_KEY, parameters).one_or_none() is not None


def store_answer(session: Session, *, organisation_id: str, key: str, body: bytes) -> int:
    """Keep the answer of a key that was claimed in this transaction; return in how many rows, which must be 1."""
    parameters = {"organisation_id": organisation_id, "key": key, "body": body}
    return session.connection().execute(_STORE_ANSWER, parameters).rowcount


def insert_order(session: Session, order: NewOrder, *, agreed: Agreement, lease_until: datetime) -> None:
    """Add an order that was quoted; its lines are being routed, under fence 1, by this very transaction."""
    session.exec(insert(Order), params=[_order_row(order, agreed)])
    session.exec(insert(OrderLine), params=_line_rows(order, lease_until=lease_until))


def _order_row(order: NewOrder, agreed: Agreement) -> dict[str, object]:
    place = order.ship_to
    return {
        "id": order.id,
        "organisation_id": order.organisation_id,
        "reference": order.reference,
        "batch": order.batch,
        "objective": order.objective,
        "criticality": order.criticality,
        "packaging": order.packaging,
        "need_by": order.need_by,
        "need_by_hard": order.need_by_hard,
        "max_price_minor": order.max_price_minor,
        "currency": order.currency,
        "ship_to_name": place.name,
        "ship_to_city": place.city,
        "ship_to_country": place.country,
        "ship_to_latitude": place.latitude,
        "ship_to_longitude": place.longitude,
        "ship_to_assumed": place.assumed,
        "state": "pending",
        "placed_at": order.placed_at,
        "updated_at": order.placed_at,
        "version": 1,
        "quote_id": agreed.quote_id,
        "quoted_offer": agreed.offer,
        "agreed_price_minor": agreed.price_minor,
        "agreed_arrival": agreed.arrival,
    }


def _line_rows(order: NewOrder, *, lease_until: datetime) -> list[dict[str, object]]:
    return [
        {
            "id": line.id,
            "order_id": order.id,
            "position": position,
            "part_id": line.part_id,
            "revision_id": line.revision_id,
            "quantity": line.quantity,
            "planning_scope": order.planning_scope,
            "state": "routing",
            "state_reason": "",
            "attempts": 1,
            "fence": 1,
            "lease_until": lease_until,
        }
        for position, line in enumerate(order.lines, start=1)
    ]
