"""Keep quotes as they were shown, tell whether they stand, and place the orders that come of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.kernel.events import DomainEvent
from fabroute.orders import events
from fabroute.orders.models import Quote
from fabroute.orders.repository import quotes as quote_rows
from fabroute.orders.repository.placing import NewOrder, ShipTo
from fabroute.orders.repository.quotes import Agreement
from fabroute.orders.service.placing import KeyContended
from fabroute.outbox import service as outbox

QuoteState = Literal["open", "accepted", "expired"]

_OWN_FIELDS = tuple(
    name for name in Quote.model_fields if not name.startswith("ship_to_") and name not in ("created_by", "document")
)
_HELD_FOR = timedelta(seconds=60)


class UnknownQuote(DomainError):
    """There is no such quote for this organisation."""

    code = "unknown_quote"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class NewQuote:
    """A quote to be kept. Money in cents, ``per_eur`` of ``currency``; ``document`` is what is shown."""

    id: str
    organisation_id: str
    part_id: str
    revision_id: str
    part_no: str
    revision: str
    criticality: str
    packaging: str
    need_by: datetime | None
    need_by_hard: bool
    max_price_minor: int | None
    currency: str
    per_eur: float
    ship_to: ShipTo
    document: Mapping[str, Any]
    created_by: str
    """The API key that asked."""
    created_at: datetime
    as_of: datetime
    """The instant of the network that the quote was made from."""
    valid_until: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteView:
    """A quote as its owner sees it, and the order that came of it, if one did."""

    id: str
    organisation_id: str
    part_id: str
    revision_id: str
    part_no: str
    revision: str
    criticality: str
    packaging: str
    need_by: datetime | None
    need_by_hard: bool
    max_price_minor: int | None
    currency: str
    per_eur: float
    ship_to: ShipTo
    document: Mapping[str, Any]
    created_at: datetime
    as_of: datetime
    valid_until: datetime
    order_id: str | None
    accepted_offer: str | None

    def state_at(self, now: datetime) -> QuoteState:
        """Return whether the quote was accepted, has expired, or can be accepted."""
        if self.order_id is not None:
            return "accepted"
        return "open" if now < self.valid_until else "expired"


def save_quote(session: Session, *, quote: NewQuote) -> QuoteView:
    """Keep a quote as it is shown, audited, and return it."""
    place = quote.ship_to
    row = {name: getattr(quote, name) for name in (*_OWN_FIELDS, "created_by")}
    row |= {
        "ship_to_city": place.city,
        "ship_to_country": place.country,
        "ship_to_latitude": place.latitude,
        "ship_to_longitude": place.longitude,
        "ship_to_assumed": place.assumed,
        "document": dict(quote.document),
    }
    quote_rows.insert_quote(session, row)
    record_audit(session, entry=_made(quote))
    kept = {name: getattr(quote, name) for name in _OWN_FIELDS}
    return QuoteView(**kept, ship_to=_without_door(place), document=quote.document, order_id=None, accepted_offer=None)


def get_quote(session: Session, *, organisation_id: str, quote_id: str, lock: bool = False) -> QuoteView:
    """Return a quote of an organisation; ``UnknownQuote`` if there is none or it is someone else's.

    With ``lock`` nobody else accepts it before this transaction ends, and what is read of its order is the last word.
    """
    quote = quote_rows.find_quote(session, organisation_id=organisation_id, quote_id=quote_id, lock=lock)
    if quote is None:
        raise UnknownQuote(f"you have no quote {quote_id}: GET /v1/quotes lists yours")
    return _view(quote, quote.document, quote_rows.orders_of_quotes(session, (quote.id,)).get(quote.id))


def list_quotes(
    session: Session, *, organisation_id: str, cursor: str | None = None, limit: int = 50
) -> Page[QuoteView]:
    """Return a page of quotes, newest first; ``cursor`` is the id of the last quote of the page before.

    Of their documents there are the ``price_breaks`` alone.
    """
    found = quote_rows.list_quotes(session, organisation_id=organisation_id, before=cursor, limit=limit + 1)
    page = page_of(found, limit=limit, cursor_of=lambda row: row[0].id)
    return Page(items=tuple(_short_views(session, page.items)), next_cursor=page.next_cursor)


def claim_key(session: Session, *, order: NewOrder) -> bool:
    """Take an order's idempotency key in this transaction, before all else; ``False`` if another request has it."""
    return quote_rows.claim_key(session, order)


def place_quoted_order(session: Session, *, order: NewOrder, agreed: Agreement, now: datetime) -> None:
    """Write an order that accepts a quote: price and day are agreed. Its lines are being routed under fence 1.

    The caller holds the quote's lock and has claimed the key; in the same transaction it decides the lines
    (``record_outcomes``) and gives the answer (``finish_quoted_order``). Audited, ``order.placed``.
    """
    quote_rows.insert_order(session, order, agreed=agreed, lease_until=now + _HELD_FOR)
    entry = AuditRecord(
        organisation_id=order.organisation_id,
        occurred_at=now,
        actor=order.actor,
        action="order.placed",
        subject_type="order",
        subject_id=order.id,
        data={"quote_id": agreed.quote_id, "offer": agreed.offer, "agreed_price_minor": agreed.price_minor},
    )
    record_audit(session, entry=entry)
    outbox.record(session, _placed_event(order, now=now))


def finish_quoted_order(session: Session, *, order: NewOrder, answer: bytes) -> None:
    """Keep the answer to an acceptance with its key, for every repetition of the request."""
    stored = quote_rows.store_answer(
        session, organisation_id=order.organisation_id, key=order.idempotency_key, body=answer
    )
    if stored != 1:
        raise KeyContended(f"the Idempotency-Key of order {order.id} was not claimed by its own transaction")


def _made(quote: NewQuote) -> AuditRecord:
    return AuditRecord(
        organisation_id=quote.organisation_id,
        occurred_at=quote.created_at,
        actor=quote.created_by,
        action="quote.made",
        subject_type="quote",
        subject_id=quote.id,
        data={"revision_id": quote.revision_id, "valid_until": quote.valid_until.isoformat()},
    )


def _placed_event(order: NewOrder, *, now: datetime) -> DomainEvent:
    return DomainEvent(
        name=events.ORDER_PLACED,
        subject_type="order",
        subject_id=order.id,
        organisation_id=order.organisation_id,
        occurred_at=now,
        data={"scope": order.planning_scope},
    )


def _short_views(session: Session, rows: Sequence[tuple[Quote, list[Any]]]) -> list[QuoteView]:
    accepted = quote_rows.orders_of_quotes(session, [quote.id for quote, _ in rows])
    return [_view(quote, {"price_breaks": breaks}, accepted.get(quote.id)) for quote, breaks in rows]


def _view(quote: Quote, document: Mapping[str, Any], accepted: tuple[str, str] | None) -> QuoteView:
    order_id, offer = accepted or (None, None)
    kept = {name: getattr(quote, name) for name in _OWN_FIELDS}
    return QuoteView(**kept, ship_to=_ship_to(quote), document=document, order_id=order_id, accepted_offer=offer)


def _without_door(place: ShipTo) -> ShipTo:
    """Return a destination as far as a quote keeps it."""
    return replace(place, street="", postal_code="")


def _ship_to(quote: Quote) -> ShipTo:
    return ShipTo(
        name="",
        city=quote.ship_to_city,
        country=quote.ship_to_country,
        latitude=quote.ship_to_latitude,
        longitude=quote.ship_to_longitude,
        assumed=quote.ship_to_assumed,
    )
