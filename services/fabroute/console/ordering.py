"""A form's words into what the desks of quotes and orders take, and a quote back into the same question."""

import json
import re
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any, TypeVar, get_args
from zoneinfo import ZoneInfo

from fabroute.api.bodies import parse_body
from fabroute.api.errors import ValidationFailed
from fabroute.api.schemas.orders import OrderRequest
from fabroute.api.schemas.quotes import QuoteRequest
from fabroute.console.amounts import money_in
from fabroute.console.forms import Form, field_refused
from fabroute.kernel.errors import FieldProblem
from fabroute.logistics.rules.places import CONTINENTS
from fabroute.orders.rules import CURRENCY, MAXIMUM_QUANTITY, Criticality, Packaging
from fabroute.orders.service import QuoteView

Read = TypeVar("Read")

LABELS = ("cheapest", "fastest", "greenest")
LATE = "late"
"""What the form says where a later arrival is better than none."""
_LONGEST = 120
_LAST_MINUTE = time(23, 59)
_LATEST_NEED = timedelta(days=3_650)
_STEPS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 50_000, 100_000)
_POWERS = (1, 10, 100, 1_000, 10_000)
_FEWER, _FAR_FEWER, _MORE = 2, 4, 3
_POSITION = re.compile(r"([+-]?\d{1,2}(?:\.\d{1,12})?)°?[\s,;]+([+-]?\d{1,3}(?:\.\d{1,12})?)°?")
_POSTAL_CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9 -]{0,15}")


def asked_in(form: Form, *, zone: ZoneInfo, now: datetime) -> QuoteRequest:
    """Return the question that a form asks; ``ValidationFailed`` with a word at every field that can't be taken.

    Quantities around the one that is asked for are asked for as well: what fewer and what more would cost.
    """
    tried = _Tried(form)
    quantity = tried(quantity_in)
    place: dict[str, object] = {"city": tried(_city), "country": tried(_country)}
    place |= tried(_position) or {}
    price = tried(lambda it: money_in(it, "max_price"))
    need_by = tried(lambda it: _need_by(it, zone=zone, now=now))
    tried.require_all()
    fields = {
        "part": form.required("part", "Find a part first."),
        "quantities": quantities_around(quantity or 1),
        "ship_to": place,
        "need_by": need_by,
        "need_by_hard": form.text("lateness") != LATE,
        "criticality": _one_of(form.text("criticality"), get_args(Criticality)),
        "packaging": _one_of(form.text("packaging"), get_args(Packaging)) or "plain",
        "max_price": None if price is None else {"amount_minor": price, "currency": CURRENCY},
    }
    return parse_body(QuoteRequest, json.dumps(fields).encode())


def asked_again(quote: QuoteView, *, now: datetime) -> QuoteRequest:
    """Return the question that a quote answered, for what is released now; a day that is over is let go."""
    cap = quote.max_price_minor
    fields = {
        "part": quote.part_no,
        "quantities": sorted(it["quantity"] for it in quote.document["quantities"]),
        "ship_to": _place(quote),
        "need_by": quote.need_by.isoformat() if quote.need_by and quote.need_by > now else None,
        "need_by_hard": quote.need_by_hard,
        "criticality": quote.criticality,
        "packaging": quote.packaging,
        "max_price": None if cap is None else {"amount_minor": cap, "currency": CURRENCY},
        "currency": quote.currency,
    }
    return parse_body(QuoteRequest, json.dumps(fields).encode())


def order_in(form: Form, quote: QuoteView, *, offer: str) -> OrderRequest:
    """Return the order that accepts an offer of a quote; ``ValidationFailed`` names what can't be taken."""
    code = form.text("postal_code")
    if code and not _POSTAL_CODE.fullmatch(code):
        raise field_refused("postal_code", "Write it with letters A to Z, digits, spaces and hyphens, 16 at most.")
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


def narrowed(quote: QuoteView, quantity: int) -> QuoteView:
    """Return a quote with one of its quantities first, and what was ruled out for that one; else with its smallest."""
    found = list(quote.document["quantities"])
    chosen = next((it for it in found if it["quantity"] == quantity), found[0])
    others = [it for it in found if it is not chosen]
    told = [it for it in quote.document["ruled_out"] if _is_of(it, chosen["quantity"])]
    return replace(quote, document={**quote.document, "quantities": [chosen, *others], "ruled_out": told})


def quantity_of(quote: QuoteView) -> int:
    """Return the quantity of a quote; of several, the first."""
    return int(quote.document["quantities"][0]["quantity"])


def quantity_in(form: Form) -> int:
    """Return how many a form asks for; refused at its field."""
    return form.whole_number("quantity", least=1, most=MAXIMUM_QUANTITY)


def quantities_around(quantity: int) -> list[int]:
    """Return a quantity with the next round ones, two below and three above, ascending.

    Powers of ten further below tell how many can be made where so many can't.
    """
    below, above = bisect_left(_STEPS, quantity), bisect_right(_STEPS, quantity)
    near = _STEPS[max(0, below - _FEWER) : below]
    far = [it for it in _POWERS if near and it < near[0]][-_FAR_FEWER:]
    return [*far, *near, quantity, *_STEPS[above : above + _MORE]]


class _Tried:
    """Reads the fields of a form one by one; what is wrong with them is gathered, so that all is told at once."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._problems: list[FieldProblem] = []

    def __call__(self, read: Callable[[Form], Read]) -> Read | None:
        """Return what is read, ``None`` where it can't be taken."""
        try:
            return read(self._form)
        except ValidationFailed as refusal:
            self._problems.extend(refusal.problems)
            return None

    def require_all(self) -> None:
        """Raise ``ValidationFailed`` if something could not be taken."""
        if self._problems:
            raise ValidationFailed(self._problems[0].message, problems=tuple(self._problems))


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


def _position(form: Form) -> dict[str, object]:
    """Return coordinates as maps write them, latitude first; nothing where none are given."""
    text = form.text("position") or _known_position(form)
    found = _POSITION.fullmatch(text)
    latitude, longitude = (float(found[1]), float(found[2])) if found else (0.0, 0.0)
    if text and (found is None or abs(latitude) > 90 or abs(longitude) > 180):
        raise field_refused("position", "Write latitude and longitude in degrees, such as 53.5507, 9.9930.")
    return {"latitude": latitude, "longitude": longitude} if text else {}


def _known_position(form: Form) -> str:
    """Return the coordinates of the place that a form was made for, as long as it still names that place."""
    known = form.text("known_place").split(", ", 3)
    return ", ".join(known[:2]) if known[2:] == [form.text("country"), form.text("city")] else ""


def _need_by(form: Form, *, zone: ZoneInfo, now: datetime) -> str | None:
    """Return the end of the day that is named, in the zone of who names it; nothing where none is."""
    text = form.text("need_by")
    if not text:
        return None
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise field_refused("need_by", "Write the day as year-month-day, such as 2030-06-15.") from None
    until = datetime.combine(day, _LAST_MINUTE, tzinfo=zone)
    if until <= now:
        raise field_refused("need_by", "Choose a day that is still to come.")
    if until >= now + _LATEST_NEED:
        raise field_refused("need_by", "Choose a day within the next ten years.")
    return until.isoformat()


def _one_of(text: str, choices: tuple[str, ...]) -> str | None:
    return text if text in choices else None


def _is_of(ruled_out: Mapping[str, Any], quantity: int) -> bool:
    return quantity in (ruled_out.get("quantities") or (quantity,))


def _place(quote: QuoteView) -> dict[str, object]:
    place = quote.ship_to
    named: dict[str, object] = {"city": place.city, "country": place.country}
    return named if place.assumed else named | {"latitude": place.latitude, "longitude": place.longitude}
