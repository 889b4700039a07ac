"""A form's words into what the desks of quotes and orders take, and a quote back into the same question."""

import json
from collections.abc import Callable
from datetime import date, datetime, time
from typing import get_args
from zoneinfo import ZoneInfo

from fabroute.api.bodies import parse_body
from fabroute.api.errors import ValidationFailed
from fabroute.api.schemas.orders import OrderRequest
from fabroute.api.schemas.quotes import QuoteRequest
from fabroute.console.forms import Form, field_refused
from fabroute.kernel.errors import FieldProblem
from fabroute.logistics.rules.places import CONTINENTS
from fabroute.orders.rules import MAXIMUM_QUANTITY, Criticality, Packaging
from fabroute.orders.service import QuoteView

LABELS = ("cheapest", "fastest", "greenest")
_LONGEST = 120
_LAST_MINUTE = time(23, 59)


def asked_in(form: Form, *, zone: ZoneInfo, now: datetime) -> QuoteRequest:
    """Return the question that a form asks; ``ValidationFailed`` with a word at every field that can't be taken."""
    problems: list[FieldProblem] = []
    wanted = {
        name: _tried(read, form, problems)
        for name, read in (("quantity", _quantity), ("city", _city), ("country", _country))
    }
    need_by = _tried(lambda it: _need_by(it, zone=zone, now=now), form, problems)
    if problems:
        raise ValidationFailed(problems[0].message, problems=tuple(problems))
    fields = {
        "part": form.required("part", "Find a part first."),
        "quantities": [int(str(wanted["quantity"]))],
        "ship_to": {"city": wanted["city"], "country": wanted["country"]},
        "need_by": need_by or None,
        "criticality": _one_of(form.text("criticality"), get_args(Criticality)),
        "packaging": _one_of(form.text("packaging"), get_args(Packaging)) or "plain",
    }
    return parse_body(QuoteRequest, json.dumps(fields).encode())


def asked_again(quote: QuoteView, *, now: datetime) -> QuoteRequest:
    """Return the question that a quote answered, for what is released now; a day that is over is let go."""
    fields = {
        "part": quote.part_no,
        "quantities": [quantity_of(quote)],
        "ship_to": _place(quote),
        "need_by": quote.need_by.isoformat() if quote.need_by and quote.need_by > now else None,
        "need_by_hard": quote.need_by_hard,
        "criticality": quote.criticality,
        "packaging": quote.packaging,
    }
    return parse_body(QuoteRequest, json.dumps(fields).encode())


def order_in(form: Form, quote: QuoteView, *, offer: str) -> OrderRequest:
    """Return the order that accepts an offer of a quote; ``ValidationFailed`` names what can't be taken."""
    door = {name: form.text(name) for name in ("name", "street", "postal_code") if form.text(name)}
    fields = {
        "reference": form.text("reference") or None,
        "quote_id": quote.id,
        "quote_offer": offer,
        "ship_to": _place(quote) | door,
        "lines": [{"part": quote.part_no, "revision": quote.revision, "quantity": quantity_of(quote)}],
    }
    return parse_body(OrderRequest, json.dumps(fields).encode())


def label_of(text: str) -> str:
    """Return which offer a page is asked for: the cheapest where it names none."""
    return text if text in LABELS else LABELS[0]


def quantity_of(quote: QuoteView) -> int:
    """Return the quantity of a quote; of several, the first."""
    return int(quote.document["quantities"][0]["quantity"])


def _tried(read: Callable[[Form], str], form: Form, problems: list[FieldProblem]) -> str:
    """Return what is read of a form; what is wrong with it goes to the problems, so that all are told at once."""
    try:
        return read(form)
    except ValidationFailed as refusal:
        problems.extend(refusal.problems)
        return ""


def _quantity(form: Form) -> str:
    return str(form.whole_number("quantity", least=1, most=MAXIMUM_QUANTITY))


def _city(form: Form) -> str:
    city = form.required("city", "Say to which city it goes.")
    if len(city) > _LONGEST:
        raise field_refused("city", f"Use {_LONGEST} characters at most.")
    return city


def _country(form: Form) -> str:
    country = form.text("country").upper()
    if country not in CONTINENTS:
        raise field_refused("country", "Choose the country that it goes to.")
    return country


def _need_by(form: Form, *, zone: ZoneInfo, now: datetime) -> str:
    """Return the end of the day that is named, in the zone of who names it; nothing where none is."""
    text = form.text("need_by")
    if not text:
        return ""
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise field_refused("need_by", "Write the day as year-month-day, such as 2030-06-15.") from None
    until = datetime.combine(day, _LAST_MINUTE, tzinfo=zone)
    if until <= now:
        raise field_refused("need_by", "Choose a day that is still to come.")
    return until.isoformat()


def _one_of(text: str, choices: tuple[str, ...]) -> str | None:
    return text if text in choices else None


def _place(quote: QuoteView) -> dict[str, object]:
    place = quote.ship_to
    named: dict[str, object] = {"city": place.city, "country": place.country}
    return named if place.assumed else named | {"latitude": place.latitude, "longitude": place.longitude}
