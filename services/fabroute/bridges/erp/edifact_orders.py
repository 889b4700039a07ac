"""Purchase orders as EDIFACT ORDERS (D.96A and its successors).

https://service.unece.org/trade/untdid/d96a/trmd/orders_d.htm. Read are BGM, DTM, FTX, NAD, CUX, LIN, PIA, QTY, PRI;
what else is there stays unread.
"""

from collections.abc import Iterator, Sequence
from typing import Any

from fabroute.bridges.erp.documents import Document, end_of_day
from fabroute.bridges.erp.edifact import Interchange, Message, Segment, read_interchange
from fabroute.bridges.orders import NotOrderable

_CANCELLATION = "1"
_ORIGINALS = ("", "9", "31", _CANCELLATION)
"""Code list 1225: original, copy, cancellation. A change (4) or a replacement (5) is not ours to decide."""
_DELIVERY_DAYS = ("2", "63", "64", "69")
"""Code list 2005: requested, latest, earliest, promised delivery."""
_OWN_NUMBERS = ("SA", "MF", "MP")
"""Code list 7143: the supplier's or the maker's article number; else whatever LIN names, the buyer's among them."""


def read_edifact_orders(content: bytes) -> list[Document]:
    """Return the orders of a file. Raises ``NotOrderable``."""
    interchange = read_interchange(content)
    orders = [it for it in interchange.messages if it.type.startswith("ORDERS:")]
    if not orders or len(orders) < len(interchange.messages):
        kinds = sorted({it.type for it in interchange.messages} - {it.type for it in orders})
        raise NotOrderable([f"only ORDERS are read here, not {', '.join(kinds) or 'an empty interchange'}"])
    return [_document(message, interchange) for message in orders]


def _document(message: Message, interchange: Interchange) -> Document:
    head = message.segments[: _first_line(message)]
    beginning = _one(head, "BGM")
    if beginning is None or not beginning.at(1):
        raise NotOrderable([f"message {message.reference} has no document number in BGM"])
    function = beginning.at(2)
    if function not in _ORIGINALS:
        raise NotOrderable([f"{beginning.at(1)}: function {function} (a change) can't be taken: cancel and order anew"])
    currency = _one(head, "CUX")
    return {
        "buyer": _party(head, "BY") or interchange.sender,
        "number": beginning.at(1),
        "format": "edifact",
        "reference": message.reference,
        "partners": [interchange.sender, interchange.receiver],
        "cancelled": function == _CANCELLATION,
        "currency": currency.at(0, 1) if currency else "EUR",
        "need_by": _need_by(head),
        "note": " ".join(" ".join(it.elements[3]) for it in head if it.tag == "FTX" and len(it.elements) > 3).strip(),
        "ship_to": _address(head),
        "lines": list(_lines(message, interchange.decimal)),
    }


def _first_line(message: Message) -> int:
    tags = [it.tag for it in message.segments]
    return tags.index("LIN") if "LIN" in tags else len(tags)


def _one(segments: Sequence[Segment], tag: str) -> Segment | None:
    return next((it for it in segments if it.tag == tag), None)


def _party(segments: Sequence[Segment], qualifier: str) -> str:
    return next((it.at(1) for it in segments if it.tag == "NAD" and it.at(0) == qualifier), "")


def _need_by(segments: Sequence[Segment]) -> str:
    days = {it.at(0): it.at(0, 1) for it in segments if it.tag == "DTM"}
    told = next((days[kind] for kind in _DELIVERY_DAYS if days.get(kind)), "")
    return end_of_day(told, what="DTM")


def _address(segments: Sequence[Segment]) -> dict[str, str] | None:
    """Return where it goes: the delivery party's address, else the buyer's."""
    parties = {it.at(0): it for it in segments if it.tag == "NAD"}
    found = next((parties[kind] for kind in ("DP", "ST", "UC", "BY") if kind in parties and parties[kind].at(5)), None)
    if found is None:
        return None
    names = found.elements[3] or found.elements[2]
    return {
        "name": ", ".join(filter(None, names)),
        "street": ", ".join(filter(None, found.elements[4])),
        "city": found.at(5),
        "postal_code": found.at(7),
        "country": found.at(8),
    }


def _lines(message: Message, decimal: str) -> Iterator[dict[str, Any]]:
    groups: list[list[Segment]] = []
    for it in message.segments[_first_line(message) :]:
        if it.tag == "LIN":
            groups.append([])
        if it.tag == "UNS":
            break
        groups[-1].append(it)
    for number, group in enumerate(groups, start=1):
        yield _line(group, number, decimal)


def _line(group: Sequence[Segment], number: int, decimal: str) -> dict[str, Any]:
    quantities = {it.at(0): it.at(0, 1) for it in group if it.tag == "QTY"}
    quantity = quantities.get("21") or quantities.get("1", "")  # ordered, else discrete
    price = next((it.at(0, 1) for it in group if it.tag == "PRI" and it.at(0) in ("AAA", "AAB", "INV")), "")
    return {
        "position": group[0].at(0) or str(number),
        "part": _article(group),
        "quantity": quantity.replace(decimal, "."),
        "price": price.replace(decimal, "."),
    }


def _article(group: Sequence[Segment]) -> str:
    """Return the supplier's number of an article if PIA or LIN gives it, else the number that LIN gives."""
    numbers = [(group[0].at(2), group[0].at(2, 1))]
    for extra in (it for it in group if it.tag == "PIA"):
        numbers += [(it[0], it[1] if len(it) > 1 else "") for it in extra.elements[1:] if it]
    own = next((number for number, kind in numbers if kind in _OWN_NUMBERS and number), "")
    return own or next((number for number, _ in numbers if number), "")
