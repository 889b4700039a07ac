"""Where a quote is asked for: what the part, the place and the currency mean, then offers from the process's book."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.advice.service import quote_advice
from fabroute.api.errors import NeedByOutOfRange
from fabroute.api.intake.places import Places, ship_to_of
from fabroute.api.schemas.advice import short_advice_out
from fabroute.api.schemas.quotes import QuoteRequest
from fabroute.database import unit_of_work
from fabroute.identity.rules import Principal
from fabroute.inventory.service import ConventionalMethod
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.logistics import service as logistics
from fabroute.logistics.rules import Location
from fabroute.orders.service import (
    AskedLine,
    Catalogue,
    NewQuote,
    OrderableRevision,
    PartNotInInventory,
    QuoteView,
    RevisionNotInInventory,
    RevisionNotReleased,
    RevisionWithdrawn,
    ShipTo,
    save_quote,
)
from fabroute.routing.service.quoted import Currency, quote_document
from fabroute.routing.service.quoting import PartAsked, QuoteAsked, QuoteBooks, QuoteResult, quote, read_part

_LATEST_NEED = timedelta(days=3650)
_NOT_ORDERABLE = (PartNotInInventory, RevisionNotInInventory, RevisionNotReleased, RevisionWithdrawn)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Understood:
    """A question for a quote with what its words mean."""

    asked: QuoteRequest
    principal: Principal
    item: OrderableRevision
    part: PartAsked
    ship_to: ShipTo
    now: datetime

    @property
    def criticality(self) -> str:
        return self.asked.criticality or self.item.criticality

    @property
    def need_by(self) -> datetime | None:
        return None if self.asked.need_by is None else self.asked.need_by.astimezone(UTC)

    @property
    def max_price_minor(self) -> int | None:
        return None if self.asked.max_price is None else self.asked.max_price.amount_minor


Answering = Callable[[Session], AbstractContextManager[Callable[[QuoteView], None]]]
"""Begins and ends with the transaction of a quote, and is told what was made while it lasts."""


@contextmanager
def _nothing_around(session: Session) -> Iterator[Callable[[QuoteView], None]]:
    yield lambda made: None


@dataclass(frozen=True, slots=True, kw_only=True)
class QuoteDesk:
    """Makes quotes. One for all requests of a process."""

    tenants: Engine
    books: QuoteBooks
    catalogue: Catalogue
    places: Places
    valid_for: timedelta

    def make(
        self, *, asked: QuoteRequest, principal: Principal, now: datetime, answering: Answering = _nothing_around
    ) -> QuoteView:
        """Return a quote, committed as it is shown, and told to ``answering`` before that.

        Raises the refusals of the catalogue and of the places, ``NeedByOutOfRange`` and ``CurrencyWithoutRate``. No
        connection is held while the book is asked for: it may have to be read, on a connection of its own.
        """
        _require_future(asked.need_by, now=now)
        with unit_of_work(self.tenants, tenant=principal.tenant) as session:
            question = self._understood(session, asked, principal, now)
        book = self.books.book(asked_by=principal.organisation_id)
        rate = logistics.exchange_rate(book.snapshot.logistics.rates, asked.currency, now.date())
        result = quote(book, _in_engine_terms(question))
        made_at = max(now, result.as_of)  # the network may have been read for this quote
        new = _new_quote(question, result, per_eur=rate.per_eur, valid_until=made_at + self.valid_for)
        with unit_of_work(self.tenants, tenant=principal.tenant) as session, answering(session) as tell:
            saved = save_quote(session, quote=new)
            tell(saved)
        return saved

    def _understood(self, session: Session, asked: QuoteRequest, principal: Principal, now: datetime) -> _Understood:
        places = self.places.recall(now=now) or self.places.load(session, now=now)
        item = self._item(session, asked, principal, now)
        return _Understood(
            asked=asked,
            principal=principal,
            item=item,
            part=read_part(session, revision_id=item.revision_id),
            ship_to=ship_to_of(places, asked.ship_to),
            now=now,
        )

    def _item(self, session: Session, asked: QuoteRequest, principal: Principal, now: datetime) -> OrderableRevision:
        lines, owner = (AskedLine(part=asked.part, revision=asked.revision),), principal.organisation_id
        try:
            return self.catalogue.look_up(session, organisation_id=owner, lines=lines, now=now)[0]
        except _NOT_ORDERABLE as refusal:
            raise _of_a_quote(refusal) from refusal


def _require_future(need_by: datetime | None, *, now: datetime) -> None:
    if need_by is None or now < need_by < now + _LATEST_NEED:
        return
    message = f"must be in the future and within ten years; it is {now:%Y-%m-%dT%H:%M:%SZ} now"
    raise NeedByOutOfRange(f"/need_by {message}", problems=(FieldProblem(pointer="/need_by", message=message),))


def _of_a_quote(refusal: DomainError) -> DomainError:
    """Return the refusal of an order line with the pointers that it has in a quote, which is for one part."""
    problems = tuple(
        FieldProblem(pointer=problem.pointer.removeprefix("/lines/0"), message=problem.message)
        for problem in refusal.problems
    )
    return type(refusal)(refusal.message, problems=problems)


def _in_engine_terms(it: _Understood) -> QuoteAsked:
    place = it.ship_to
    return QuoteAsked(
        part=it.part,
        quantities=tuple(it.asked.quantities),
        destination=Location(latitude=place.latitude, longitude=place.longitude, country=place.country),
        criticality=it.criticality,
        packaging=it.asked.packaging,
        need_by=it.need_by,
        need_by_hard=it.asked.need_by_hard,
        max_price_minor=it.max_price_minor,
    )


def _new_quote(it: _Understood, result: QuoteResult, *, per_eur: float, valid_until: datetime) -> NewQuote:
    quote_id, currency = new_id("qte"), Currency(code=it.asked.currency, per_eur=per_eur)
    document = quote_document(result, quote_id=quote_id, currency=currency, valid_until=valid_until)
    return NewQuote(
        id=quote_id,
        organisation_id=it.principal.organisation_id,
        part_id=it.item.part_id,
        revision_id=it.item.revision_id,
        part_no=it.item.part,
        revision=it.item.revision,
        criticality=it.criticality,
        packaging=it.asked.packaging,
        need_by=it.need_by,
        need_by_hard=it.asked.need_by_hard,
        max_price_minor=it.max_price_minor,
        currency=currency.code,
        per_eur=currency.per_eur,
        ship_to=it.ship_to,
        document=_advised(document, it.item.conventional),
        created_by=it.principal.key_id,
        created_at=max(it.now, result.as_of),
        as_of=result.as_of,
        valid_until=valid_until,
    )


def _advised(document: dict[str, Any], conventional: ConventionalMethod) -> dict[str, Any]:
    """Return a quote's document with advice beside each quantity, for what its cheapest offer costs to print."""
    printed = {
        quoted["quantity"]: offer["production"]["amount_minor"]
        for quoted in document["quantities"]
        for offer in quoted["offers"]
        if "cheapest" in offer["labels"]
    }
    advised = [
        quoted | {"advice": _advice(quoted["quantity"], printed, conventional)} for quoted in document["quantities"]
    ]
    return document | {"quantities": advised}


def _advice(quantity: int, printed: Mapping[int, int], conventional: ConventionalMethod) -> dict[str, Any] | None:
    found = quote_advice(
        quantity=quantity, printed_minor=printed.get(quantity), conventional=conventional, asked=printed
    )
    shown = short_advice_out(found)
    return None if shown is None else shown.model_dump(mode="json")
