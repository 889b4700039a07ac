"""Amounts and days out of forms, as people write them."""

import re
from datetime import date

from fabroute.console.forms import Form, field_refused

_MONEY = re.compile(r"(?P<major>\d{1,9})(?:\.(?P<cents>\d{1,2}))?")
_MOST_MINOR = 100_000_000


def money_in(form: Form, name: str) -> int | None:
    """Return an amount of EUR as cents, ``None`` where the field is empty. Refused at its field unless over zero.

    Comma or point may stand before the cents, and the other one between thousands: 1.234,50 is 1,234.50.
    """
    text = re.sub(r"[€\s]", "", form.text(name))
    if not text:
        return None
    head, separator, tail = text.replace(",", ".").rpartition(".")
    plain = f"{head.replace('.', '')}.{tail}" if separator and len(tail) < 3 else re.sub("[.,]", "", text)
    found = _MONEY.fullmatch(plain)
    minor = 0 if found is None else int(found["major"]) * 100 + int((found["cents"] or "").ljust(2, "0"))
    if not 0 < minor <= _MOST_MINOR:
        raise field_refused(name, "Write the price in euros, over zero, such as 29.50.")
    return minor


def day_in(form: Form, name: str) -> date | None:
    """Return a day as browsers send it, ``None`` where the field is empty. Refused at its field."""
    text = form.text(name)
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        raise field_refused(name, "Write the day as year-month-day, such as 2026-12-31.") from None
