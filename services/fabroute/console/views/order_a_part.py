"""Order a part: find it, compare three offers before anything is ordered, confirm one."""

from dataclasses import replace
from datetime import datetime
from typing import Annotated

from fastapi import Path, Query, Request, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool

from fabroute.api.dependencies import (
    BuyerReader,
    BuyerWriter,
    Now,
    ReadSession,
    get_idempotency_key,
    get_resources,
    work_of,
)
from fabroute.api.schemas.quotes import QuoteRequest
from fabroute.api.submissions import submission_of
from fabroute.console.forms import Form, FormIn, field_refused
from fabroute.console.ordering import asked_again, asked_in, label_of, narrowed, order_in, quantity_in, quantity_of
from fabroute.console.pages.order_a_part.finding import find_page, ordered_lately
from fabroute.console.pages.order_a_part.offers import offer_path, quote_path
from fabroute.console.pages.order_a_part.pages import (
    ConfirmPage,
    confirm_page,
    country_name,
    door_of,
    quote_page,
    terms_page,
)
from fabroute.console.placing import lapse_words, placed
from fabroute.console.rendering import Console, ForPeople
from fabroute.console.routes import OWNERS, console_router
from fabroute.console.typed import typed_in
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import PartView
from fabroute.inventory.service.matching import match_parts
from fabroute.kernel.errors import DomainError
from fabroute.logistics.service import UnknownCity, UnknownDestination, unknown_city
from fabroute.orders import service as orders
from fabroute.orders.rules import MAXIMUM_QUANTITY
from fabroute.orders.service import OrderFilter, OrderView, QuoteView
from fabroute.routing.service.accepting import QuoteNotKept
from fabroute.routing.service.agreeing import QuoteExpired

router = console_router(dependencies=OWNERS)

_FOUND, _LATELY = 20, 6
Text = Annotated[str, Query(max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$")]
QuoteId = Annotated[str, Path(pattern=r"^qte_[A-Za-z0-9]{1,60}$")]
Earlier = Annotated[str, Query(pattern=r"^(qte_[A-Za-z0-9]{1,60})?$")]
Label = Annotated[str, Query(max_length=20)]
Quantity = Annotated[int, Query(ge=0, le=MAXIMUM_QUANTITY)]
"""Which of a quote's quantities; 0 for its smallest."""


@router.get("/order-a-part")
def find_a_part(console: ForPeople, caller: BuyerReader, session: ReadSession, text: Text = "") -> Response:
    """Find a part by any number, asset or name; without words, those that were ordered lately."""
    owner, words = caller.organisation_id, text.strip()
    found = match_parts(session, organisation_id=owner, words=words, limit=_FOUND + 1)
    lately = () if words else _lately(session, owner)
    return console.page("order_a_part/find.html", it=find_page(words, found, lately, most=_FOUND))


@router.get("/order-a-part/terms")
def show_terms(
    console: ForPeople,
    caller: BuyerReader,
    session: ReadSession,
    part: Text,
    quantity: Annotated[int, Query(ge=1, le=MAXIMUM_QUANTITY)] = 1,
) -> Response:
    """Ask how many of a part, where to and by when."""
    found = inventory.get_part(session, organisation_id=caller.organisation_id, part_no=part)
    last = _last_order(session, caller.organisation_id)
    shown = terms_page(found, quantity=quantity, last=None if last is None else last.ship_to)
    return console.page("order_a_part/offers.html", it=shown)


@router.post("/order-a-part/quotes")
def ask_for_offers(request: Request, console: ForPeople, caller: BuyerWriter, form: FormIn, now: Now) -> Response:
    """Have offers made; nothing is ordered and nothing is held."""
    asked = asked_in(form, zone=console.viewer.formats.zone, now=now)
    made = _made(request, caller, asked, now=now)
    return console.redirect(quote_path(made.id, quantity=quantity_in(form)))


@router.get("/order-a-part/quotes/{quote_id}")
def show_offers(
    console: ForPeople,
    caller: BuyerReader,
    session: ReadSession,
    now: Now,
    quote_id: QuoteId,
    quantity: Quantity = 0,
    was: Earlier = "",
) -> Response:
    """Show the offers of a quote beside each other, and beside those of the quote that it renews."""
    quote, part = _quote(session, caller, quote_id, quantity)
    before = _quote(session, caller, was, quantity)[0] if was else None
    shown = quote_page(quote, part, console.viewer.formats, now=now, before=before)
    return console.page("order_a_part/offers.html", it=replace(shown, unknown=_unknown(session, quote)))


@router.post("/order-a-part/quotes/{quote_id}/renew")
def renew_offers(
    request: Request, console: ForPeople, caller: BuyerWriter, form: FormIn, now: Now, quote_id: QuoteId
) -> Response:
    """Have the same offers made again, and compared with what they were."""
    made, quantity = _renewed(request, caller, quote_id, now=now), _quantity(form)
    if form.text("offer"):
        return console.redirect(offer_path(made.id, label_of(form.text("offer")), quantity=quantity, was=quote_id))
    return console.redirect(quote_path(made.id, quantity=quantity, was=quote_id))


@router.get("/order-a-part/quotes/{quote_id}/order")
def show_confirmation(
    console: ForPeople,
    caller: BuyerReader,
    session: ReadSession,
    now: Now,
    quote_id: QuoteId,
    offer: Label = "",
    quantity: Quantity = 0,
    was: Earlier = "",
) -> Response:
    """Ask once more before an offer is ordered."""
    quote, part = _quote(session, caller, quote_id, quantity)
    before = _quote(session, caller, was, quantity)[0] if was else None
    fmt = console.viewer.formats
    shown = confirm_page(quote, part, fmt, label=label_of(offer), now=now, before=before)
    door = door_of(_last_order(session, caller.organisation_id), quote)
    unknown = _unknown(session, quote)
    return console.page("order_a_part/confirm.html", it=replace(shown, door=door, unknown=unknown))


@router.post("/order-a-part/quotes/{quote_id}/order")
async def order_it(
    request: Request, console: ForPeople, caller: BuyerWriter, form: FormIn, now: Now, quote_id: QuoteId
) -> Response:
    """Order what an offer says, once however often the form is sent; one that lapsed is renewed and shown instead."""
    whole, label = await run_in_threadpool(_read_quote, request, caller, quote_id), label_of(form.text("offer"))
    quote = narrowed(whole, _quantity(form))
    asked = order_in(form, quote, offer=label)
    submission = submission_of(caller, asked, idempotency_key=get_idempotency_key(request), now=now)
    try:
        order = await placed(get_resources(request).acceptances, submission)
    except (QuoteExpired, QuoteNotKept) as lapsed:
        shown = await run_in_threadpool(_instead, request, console, caller, quote, label, lapsed)
        return _shown_again(console, form, shown)
    told = f"Ordered: {console.viewer.formats.money(order.price_minor)}"
    told += f", promised by {console.viewer.formats.day(order.promised_at)}." if order.promised_at else "."
    return console.redirect(f"/console/orders/{order.order_id}", told=told)


def _lately(session: Session, owner: str) -> tuple[PartView, ...]:
    found = orders.list_orders(session, wanted=OrderFilter(organisation_id=owner), limit=25).items
    numbers = ordered_lately(found, most=_LATELY)
    known = inventory.find_parts(session, organisation_id=owner, part_nos=numbers)
    return tuple(known[number] for number in numbers if number in known)


def _last_order(session: Session, owner: str) -> OrderView | None:
    found = orders.list_orders(session, wanted=OrderFilter(organisation_id=owner), limit=1).items
    return found[0] if found else None


def _quantity(form: Form) -> int:
    """Return which of a quote's quantities a form is for; 0 where it names none."""
    text = form.text("quantity")
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 8 else 0


def _quote(session: Session, caller: Principal, quote_id: str, quantity: int) -> tuple[QuoteView, PartView]:
    owner = caller.organisation_id
    quote = narrowed(orders.get_quote(session, organisation_id=owner, quote_id=quote_id), quantity)
    return quote, inventory.get_part(session, organisation_id=owner, part_no=quote.part_no)


def _unknown(session: Session, quote: QuoteView) -> UnknownCity | None:
    """Return what is made of a quote's city where nobody here knows it."""
    there = quote.ship_to
    return unknown_city(session, city=there.city, country=there.country) if there.assumed else None


def _read_quote(request: Request, caller: Principal, quote_id: str) -> QuoteView:
    with work_of(request, caller) as session:
        return orders.get_quote(session, organisation_id=caller.organisation_id, quote_id=quote_id)


def _made(request: Request, caller: Principal, asked: QuoteRequest, *, now: datetime) -> QuoteView:
    """Return a new quote; where no place of the country is known, coordinates are asked for."""
    try:
        return get_resources(request).quotes.make(asked=asked, principal=caller, now=now)
    except UnknownDestination:
        where, city = country_name(asked.ship_to.country), asked.ship_to.city
        words = f"No place in {where} is known here: give the coordinates of {city}, such as 53.5507, 9.9930."
        raise field_refused("position", words) from None


def _renewed(request: Request, caller: Principal, quote_id: str, *, now: datetime) -> QuoteView:
    quote = _read_quote(request, caller, quote_id)
    return _made(request, caller, asked_again(quote, now=now), now=now)


def _instead(
    request: Request, console: Console, caller: Principal, quote: QuoteView, label: str, lapsed: DomainError
) -> ConfirmPage:
    """Return the same offer as it is now, with what it changes beside the one that lapsed."""
    now, fmt = console.viewer.now, console.viewer.formats
    made = _made(request, caller, asked_again(quote, now=now), now=now)
    with work_of(request, caller) as session:
        renewed, part = _quote(session, caller, made.id, quantity_of(quote))
        unknown = _unknown(session, renewed)
    shown = confirm_page(renewed, part, fmt, label=label, now=max(now, renewed.created_at), before=quote)
    return replace(shown, lapsed=lapse_words(lapsed, fmt), unknown=unknown)


def _shown_again(console: Console, form: FormIn, shown: ConfirmPage) -> Response:
    typed = replace(typed_in(form), page=shown.path)
    again = replace(console, viewer=replace(console.viewer, path=shown.path, typed=typed))
    return again.page("order_a_part/confirm.html", status=409, it=shown)
