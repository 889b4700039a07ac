"""The pages of the second and the third step."""

from dataclasses import dataclass, replace
from datetime import date, datetime

from babel import Locale

from fabroute.api.schemas.quotes import QuoteOut, quote_out
from fabroute.console.formats import Formats
from fabroute.console.ordering import LATE
from fabroute.console.pages.order_a_part.advice import MethodAdvice, method_advice
from fabroute.console.pages.order_a_part.finding import Step, part_path, steps_at
from fabroute.console.pages.order_a_part.offers import (
    OfferCard,
    OfferedWays,
    offer_of,
    offer_path,
    offered_ways,
    quote_path,
)
from fabroute.inventory.service import PartView
from fabroute.logistics.rules.places import CONTINENTS
from fabroute.logistics.service import UnknownCity
from fabroute.orders.service import OrderView, QuoteView, ShipTo

CRITICALITIES = (
    ("", "As usual for this part"),
    ("routine", "Nothing stands still"),
    ("line_down", "A line stands still"),
    ("aog", "An aircraft is on the ground"),
    ("consumer", "A customer waits for it"),
    ("patient", "A patient waits for it"),
    ("safety", "Safety depends on it"),
)
PACKAGINGS = (("plain", "Plain"), ("brand", "Branded"), ("esd", "Antistatic (ESD)"), ("medical_clean", "Medical clean"))
LATENESS = (("", "It is no use: don't offer it"), (LATE, "Better late than never"))
_ENGLISH = Locale.parse("en")


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What the form of the second step shows before anything is typed."""

    quantity: int = 1
    city: str = ""
    country: str = ""
    need_by: date | None = None
    criticality: str = ""
    packaging: str = "plain"
    lateness: str = ""
    max_price: str = ""
    known_place: str = ""
    """Country and city with the coordinates that they had; nobody sees it."""

    @property
    def fields(self) -> dict[str, str]:
        """The same as a form sends it."""
        return {
            "quantity": str(self.quantity),
            "city": self.city,
            "country": self.country,
            "need_by": "" if self.need_by is None else self.need_by.isoformat(),
            "criticality": self.criticality,
            "packaging": self.packaging,
            "lateness": self.lateness,
            "max_price": self.max_price,
            "known_place": self.known_place,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class PartBrief:
    """The part that is being ordered."""

    part_no: str
    name: str
    revision: str
    picture: str
    """Where its picture is; empty without one."""
    path: str
    on_hold: str
    """Why nobody may print it for now; empty where they may."""
    assets: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class TermsPage:
    """What is ordered and on which terms, and what is offered for them where a quote was made."""

    steps: tuple[Step, ...]
    part: PartBrief
    terms: Terms
    countries: tuple[tuple[str, str], ...]
    criticalities: tuple[tuple[str, str], ...] = CRITICALITIES
    packagings: tuple[tuple[str, str], ...] = PACKAGINGS
    lateness: tuple[tuple[str, str], ...] = LATENESS
    ways: OfferedWays | None = None
    advice: MethodAdvice | None = None
    place: str = ""
    need_by: datetime | None = None
    unknown: UnknownCity | None = None
    """What is made of a city that nobody here knows."""
    is_as_before: bool = False
    """Whether the form begins with the city of the last order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Door:
    """Where in its city a parcel went before; for whom it was is not carried over."""

    street: str = ""
    postal_code: str = ""
    order_path: str = ""
    """Where the order is that it is taken from; empty where none is."""
    ordered_at: datetime | None = None


NO_DOOR = Door()


@dataclass(frozen=True, slots=True, kw_only=True)
class ConfirmPage:
    """One offer, to be ordered."""

    steps: tuple[Step, ...]
    part: PartBrief
    terms: Terms
    ways: OfferedWays
    offer: OfferCard | None
    advice: MethodAdvice
    place: str
    need_by: datetime | None
    unknown: UnknownCity | None = None
    lapsed: str = ""
    """Why the offer before is not good any more; empty where it is the first."""
    door: Door = NO_DOOR

    @property
    def path(self) -> str:
        """Where it is."""
        label = "" if self.offer is None else self.offer.key
        return offer_path(self.ways.quote_id, label, quantity=self.ways.quantity)

    @property
    def offers_path(self) -> str:
        """Where the offers are that it is one of."""
        return quote_path(self.ways.quote_id, quantity=self.ways.quantity)

    @property
    def packaging(self) -> str:
        """How it is packed, in words; empty where it is as usual."""
        return "" if self.terms.packaging == PACKAGINGS[0][0] else dict(PACKAGINGS)[self.terms.packaging]


def brief_of(part: PartView, revision: str = "") -> PartBrief:
    """Return a part as the pages name it: with the revision that is quoted, else the released one."""
    released = part.released
    found = next((it for it in part.revisions if it.revision == revision), released)
    has_picture = found is not None and found.file is not None and found.file.preview_sha256 is not None
    return PartBrief(
        part_no=part.part_no,
        name=part.name,
        revision="" if found is None else found.revision,
        picture=f"/v1/revisions/{found.revision_id}/preview.png" if found is not None and has_picture else "",
        path=part_path(part.part_no),
        on_hold="" if found is None or found.on_hold_since is None else found.on_hold_reason or "no reason was given",
        assets=tuple(" · ".join(it for it in (place.asset, place.position) if it) for place in part.installations[:4]),
    )


def terms_page(part: PartView, *, quantity: int, last: ShipTo | None) -> TermsPage:
    """Return the page before a quote was made; it goes where the last order went unless somebody says otherwise."""
    terms = Terms(quantity=quantity)
    if last is not None:
        terms = replace(terms, city=last.city, country=last.country, known_place=_known(last))
    brief = brief_of(part)
    return TermsPage(
        steps=steps_at(1, brief.part_no),
        part=brief,
        terms=terms,
        countries=countries(),
        is_as_before=last is not None,
    )


def quote_page(
    quote: QuoteView, part: PartView, fmt: Formats, *, now: datetime, before: QuoteView | None = None
) -> TermsPage:
    """Return the page with the offers of a quote; ``before`` is the one that it renews."""
    found, brief = quote_out(quote, now=now), brief_of(part, quote.revision)
    earlier = None if before is None else quote_out(before, now=now)
    return TermsPage(
        steps=steps_at(1, brief.part_no),
        part=brief,
        terms=_terms(quote, found, fmt),
        countries=countries(),
        ways=offered_ways(found, fmt, now=now, before=earlier),
        advice=method_advice(found, part.conventional, fmt),
        place=place_of(quote),
        need_by=quote.need_by,
    )


def confirm_page(
    quote: QuoteView, part: PartView, fmt: Formats, *, label: str, now: datetime, before: QuoteView | None = None
) -> ConfirmPage:
    """Return the page that asks once more before an offer is ordered."""
    shown = quote_page(quote, part, fmt, now=now, before=before)
    assert shown.ways is not None
    assert shown.advice is not None
    offer = offer_of(shown.ways, label, quote_out(quote, now=now))
    return ConfirmPage(
        steps=steps_at(2, shown.part.part_no, "" if offer is None else offer.title),
        part=shown.part,
        terms=shown.terms,
        ways=shown.ways,
        offer=offer,
        advice=shown.advice,
        place=shown.place,
        need_by=quote.need_by,
    )


def door_of(last: OrderView | None, quote: QuoteView) -> Door:
    """Return the door that the last order went to, if that was in the same city and is known."""
    here, there = quote.ship_to, None if last is None else last.ship_to
    if last is None or there is None or (there.city, there.country) != (here.city, here.country):
        return NO_DOOR
    if not (there.street or there.postal_code):
        return NO_DOOR
    return Door(
        street=there.street,
        postal_code=there.postal_code,
        order_path=f"/console/orders/{last.id}",
        ordered_at=last.placed_at,
    )


def place_of(quote: QuoteView) -> str:
    """Return where a quote's parts go, in words."""
    return f"{quote.ship_to.city}, {country_name(quote.ship_to.country)}"


def countries() -> tuple[tuple[str, str], ...]:
    """Return all countries, by their names."""
    named = ((code, country_name(code)) for code in CONTINENTS)
    return (("", "Choose…"), *sorted(named, key=lambda it: it[1]))


def country_name(code: str) -> str:
    """Return a country's name; its code where it has none."""
    return str(_ENGLISH.territories.get(code, code))


def _terms(quote: QuoteView, found: QuoteOut, fmt: Formats) -> Terms:
    return Terms(
        quantity=found.quantities[0].quantity,
        city=quote.ship_to.city,
        country=quote.ship_to.country,
        need_by=None if quote.need_by is None else quote.need_by.astimezone(fmt.zone).date(),
        criticality=quote.criticality,
        packaging=quote.packaging,
        lateness="" if quote.need_by_hard else LATE,
        max_price="" if quote.max_price_minor is None else f"{quote.max_price_minor / 100:.2f}".removesuffix(".00"),
        known_place=_known(quote.ship_to),
    )


def _known(place: ShipTo) -> str:
    return "" if place.assumed else f"{place.latitude}, {place.longitude}, {place.country}, {place.city}"
