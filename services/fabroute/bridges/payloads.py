"""Reads fields out of payloads whose form is somebody else's: what is not there is empty, what can't be is refused."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from fabroute.bridges.orders import Address, NotOrderable


def text_of(told: Mapping[str, Any], name: str) -> str:
    """Return a text or a number as text; empty where there is neither."""
    value = told.get(name)
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return ""
    return str(value).strip()


def objects_of(told: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """Return the objects of a list; none where it is no list."""
    value = told.get(name)
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, Sequence) else []


def object_of(told: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return an object; an empty one where there is none."""
    value = told.get(name)
    return value if isinstance(value, Mapping) else {}


def address_of(place: Mapping[str, Any], *, name: str = "") -> Address:
    """Return an address whose fields are named as ours; ``name`` in place of its own."""
    return Address(
        name=name or text_of(place, "name"),
        company=text_of(place, "company"),
        street=text_of(place, "street"),
        postal_code=text_of(place, "postal_code"),
        city=text_of(place, "city"),
        country=text_of(place, "country"),
    )


def decimal_of(text: str, what: str) -> Decimal:
    """Return a finite number; ``NotOrderable`` where it is none."""
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite():
        raise NotOrderable([f"{what} is no number: {text!r}"])
    return value


def price_of(told: Mapping[str, Any], name: str) -> Decimal | None:
    """Return a price; ``None`` where there is none."""
    text = text_of(told, name)
    return decimal_of(text, name) if text else None


def degrees_of(told: Mapping[str, Any], name: str) -> float | None:
    """Return a coordinate; ``None`` where there is none."""
    value = told.get(name)
    return float(value) if isinstance(value, int | float) and not isinstance(value, bool) else None


def moment_of(text: str, what: str) -> datetime | None:
    """Return a time with its offset, ``None`` for an empty text; ``NotOrderable`` where it has none."""
    if not text:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        raise NotOrderable([f"{what} is no time: {text!r}"]) from error
    if moment.tzinfo is None:
        raise NotOrderable([f"{what} lacks its offset from UTC: {text!r}"])
    return moment


def joined(*texts: str, by: str = " ") -> str:
    """Return the texts that are not empty, joined."""
    return by.join(text for text in texts if text)
