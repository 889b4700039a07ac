"""Statements on quotes, and on the orders that come of them."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
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


NOTHING_UNDECIDED: Mapping[str, str] = MappingProxyType({})

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


def insert_order(
    session: Session,
    order: NewOrder,
    *,
    agreed: Agreement | None,
    lease_until: datetime,
    undecided: Mapping[str, str] = NOTHING_UNDECIDED,
) -> None:
    """Add an order whose lines are being routed, under fence 1, by this very transaction.

    The lines in ``undecided`` are pending, each for the reason given: whoever claims them next decides them.
    """
    session.exec(insert(Order), params=[_order_row(order, agreed)])
    rows = _line_rows(order, lease_until=lease_until)
    session.exec(insert(OrderLine), params=[_undecided(row, undecided, now=order.placed_at) for row in rows])


def _undecided(row: dict[str, object], undecided: Mapping[str, str], *, now: datetime) -> dict[str, object]:
    """Return a line's row as pending if it is undecided; all rows of one statement have the same columns."""
    if row["id"] not in undecided:
        return row | {"next_attempt_at": None}
    reason = undecided[str(row["id"])]
    open_line = {"state": "pending", "state_reason": reason, "attempts": 0, "fence": 0, "lease_until": None}
    return row | open_line | {"next_attempt_at": now}


def _order_row(order: NewOrder, agreed: Agreement | None) -> dict[str, object]:
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
        "ship_to_street": place.street,
        "ship_to_postal_code": place.postal_code,
        "ship_to_city": place.city,
        "ship_to_country": place.country,
        "ship_to_latitude": place.latitude,
        "ship_to_longitude": place.longitude,
        "ship_to_assumed": place.assumed,
        "state": "pending",
        "placed_at": order.placed_at,
        "updated_at": order.placed_at,
        "version": 1,
        "quote_id": None if agreed is None else agreed.quote_id,
        "quoted_offer": None if agreed is None else agreed.offer,
        "agreed_price_minor": None if agreed is None else agreed.price_minor,
        "agreed_arrival": None if agreed is None else agreed.arrival,
        "traceparent": order.traceparent,
        "split_max_nodes": order.split_max_nodes,
        "split_min_per_node": order.split_min_per_node,
        "cost_of_waiting_minor": order.cost_of_waiting_minor,
        "first_article": order.first_article,
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
            "planning_scope": line.planning_scope or order.planning_scope,
            "state": "routing",
            "state_reason": "",
            "attempts": 1,
            "fence": 1,
            "lease_until": lease_until,
        }
        for position, line in enumerate(order.lines, start=1)
    ]
