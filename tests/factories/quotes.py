"""Quotes and their acceptance, made by the services that the API calls."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.kernel.ids import new_id
from fabroute.logistics.rules import Location
from fabroute.orders.service import KeyReused, NewQuote, Placed, QuoteView, Replayed, ShipTo, save_quote
from fabroute.production.service import offer_jobs
from fabroute.routing.service.accepting import QuoteAcceptor
from fabroute.routing.service.agreeing import Acceptance, AcceptedLine
from fabroute.routing.service.quoted import Currency, quote_document
from fabroute.routing.service.quoting import QuoteAsked, quote, read_book, read_part
from tests.factories.orders import HAMBURG, Owner
from tests.factories.organisations import NOW

HORIZON_DAYS = 45
A_MINUTE_LATER = NOW + timedelta(minutes=1)


def given_quote(
    engine: Engine,
    owner: Owner,
    *,
    quantities: tuple[int, ...] = (1,),
    revision: str = "A",
    revision_id: str | None = None,
    criticality: str = "routine",
    packaging: str = "plain",
    need_by: datetime | None = None,
    max_price_minor: int | None = None,
    ship_to: ShipTo = HAMBURG,
    valid_minutes: int = 60,
    now: datetime = NOW,
) -> QuoteView:
    """Quote the owner's part to Hamburg on the network as it is, and keep the quote for an hour."""
    asked_for = revision_id or owner.revision_id
    quote_id = new_id("qte")
    with unit_of_work(engine, repeatable_read=True) as session:
        book = read_book(session, now=now, horizon_days=HORIZON_DAYS)
        asked = QuoteAsked(
            part=read_part(session, revision_id=asked_for),
            quantities=quantities,
            destination=Location(latitude=ship_to.latitude, longitude=ship_to.longitude, country=ship_to.country),
            criticality=criticality,
            packaging=packaging,
            need_by=need_by,
            max_price_minor=max_price_minor,
        )
    until = now + timedelta(minutes=valid_minutes)
    document = quote_document(quote(book, asked), quote_id=quote_id, currency=Currency(), valid_until=until)
    new = replace(
        a_quote(owner, document, now=now, quote_id=quote_id),
        revision_id=asked_for,
        revision=revision,
        criticality=criticality,
        packaging=packaging,
        need_by=need_by,
        max_price_minor=max_price_minor,
        ship_to=replace(ship_to, name=""),
        valid_until=until,
    )
    with unit_of_work(engine) as session:
        return save_quote(session, quote=new)


def a_quote(owner: Owner, document: Mapping[str, Any], *, now: datetime = NOW, quote_id: str | None = None) -> NewQuote:
    """Return a quote with any document, which stands for an hour."""
    return NewQuote(
        id=quote_id or new_id("qte"),
        organisation_id=owner.organisation_id,
        part_id=owner.part_id,
        revision_id=owner.revision_id,
        part_no=owner.part_no,
        revision="A",
        criticality="routine",
        packaging="plain",
        need_by=None,
        need_by_hard=True,
        max_price_minor=None,
        currency="EUR",
        per_eur=1.0,
        ship_to=replace(HAMBURG, name=""),
        document=document,
        created_by=owner.key_id,
        created_at=now,
        as_of=now,
        valid_until=now + timedelta(minutes=60),
    )


def an_acceptance(
    owner: Owner, quote: QuoteView, *, key: str = "key-1", quantity: int = 1, offer: str | None = None
) -> Acceptance:
    """Return a request to accept an offer of a quote."""
    return Acceptance(
        organisation_id=owner.organisation_id,
        actor=owner.key_id,
        idempotency_key=key,
        request_sha256=f"{quote.id} {quantity} {offer}",
        quote_id=quote.id,
        offer=offer,
        lines=(AcceptedLine(part=owner.part_no, revision=None, quantity=quantity),),
        ship_to=HAMBURG,
    )


def accepted(
    engine: Engine, acceptance: Acceptance, *, now: datetime = A_MINUTE_LATER
) -> Placed | Replayed | KeyReused:
    """Accept a quote; the answer is the order's id."""
    return QuoteAcceptor(engine, dispatch=offer_jobs, horizon_days=HORIZON_DAYS).accept(
        acceptance, answer=answer_with_id, now=now
    )


def answer_with_id(_: Session, order_id: str) -> bytes:
    """Return the shortest answer about an order."""
    return order_id.encode()


def the_offer(quote: QuoteView, *, quantity: int = 1, label: str = "cheapest") -> Mapping[str, Any]:
    """Return an offer of a quote as it is shown."""
    (offer,) = (
        offer
        for quoted in quote.document["quantities"]
        if quoted["quantity"] == quantity
        for offer in quoted["offers"]
        if label in offer["labels"]
    )
    found: Mapping[str, Any] = offer
    return found
