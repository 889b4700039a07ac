"""An order document of an ERP, whatever file it came in: what the journal keeps of it."""

import hashlib
import json
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from fabroute.bridges.orders import ForeignLine, ForeignOrder, NotOrderable
from fabroute.bridges.payloads import address_of, decimal_of, moment_of, object_of, objects_of, price_of, text_of

Document = dict[str, Any]
"""``buyer``, ``number``, ``format``, ``file``, ``cancelled``, ``currency``, ``need_by``, ``note``, ``ship_to``,
``lines`` with ``position``, ``part``, ``quantity``, ``price``: all texts."""


def order_of(document: Mapping[str, Any]) -> ForeignOrder:
    """Return a document as the order that it is."""
    place = object_of(document, "ship_to")
    return ForeignOrder(
        account=text_of(document, "buyer"),
        foreign_id=text_of(document, "number"),
        number=text_of(document, "number"),
        lines=[_line(line) for line in objects_of(document, "lines")],
        ship_to=address_of(place) if place else None,
        currency=text_of(document, "currency") or "EUR",
        note=text_of(document, "note"),
        need_by=moment_of(text_of(document, "need_by"), "need_by"),
    )


def fingerprint(document: Mapping[str, Any]) -> str:
    """Return what tells two documents of one number apart: all but the file that they came in."""
    told = {name: value for name, value in document.items() if name not in ("file", "reference")}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def end_of_day(text: str, *, what: str) -> str:
    """Return the last second of a day (``20301231``, ``2030-12-31`` or ``31.12.2030``) in UTC; empty for none."""
    if not text:
        return ""
    for form in ("%Y%m%d", "%Y-%m-%d", "%d.%m.%Y", "%Y%m%d%H%M"):
        try:
            day = datetime.strptime(text, form)
        except ValueError:
            continue
        moment = day if form.endswith("%M") else day + timedelta(days=1, seconds=-1)
        return moment.replace(tzinfo=UTC).isoformat()
    raise NotOrderable([f"{what} is no day: {text!r}; write it as 2030-12-31"])


def _line(line: Mapping[str, Any]) -> ForeignLine:
    return ForeignLine(
        foreign_id=text_of(line, "position"),
        number=text_of(line, "part"),
        quantity=decimal_of(text_of(line, "quantity"), f"quantity of line {text_of(line, 'position')}"),
        unit_price=price_of(line, "price"),
    )
