"""Purchase orders as CSV: one row for each line; the header says what is where, in English or German.

Comma, semicolon, tab or bar; UTF-8 or Windows-1252; decimal comma or point.
"""

import csv
import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from fabroute.bridges.erp.documents import Document, end_of_day
from fabroute.bridges.orders import NotOrderable

_NAMES: Mapping[str, Sequence[str]] = MappingProxyType(
    {
        "number": ("order", "order_number", "po_number", "document", "bestellnummer", "belegnummer"),
        "buyer": ("buyer", "customer", "company_code", "kunde", "besteller", "kundennummer"),
        "position": ("line", "position", "item", "pos", "zeile"),
        "part": ("part", "part_number", "material", "article", "artikel", "artikelnummer", "teilenummer"),
        "quantity": ("quantity", "qty", "menge"),
        "price": ("price", "unit_price", "preis", "einzelpreis"),
        "currency": ("currency", "waehrung", "währung"),
        "need_by": ("need_by", "delivery_date", "due", "lieferdatum", "liefertermin"),
        "name": ("name", "ship_to", "empfaenger", "empfänger"),
        "company": ("company", "firma"),
        "street": ("street", "address", "strasse", "straße"),
        "postal_code": ("postal_code", "postcode", "zip", "plz"),
        "city": ("city", "town", "ort", "stadt"),
        "country": ("country", "land"),
        "note": ("note", "remark", "bemerkung"),
        "cancelled": ("cancelled", "storno"),
    }
)
_FIELD_OF = {name: field for field, names in _NAMES.items() for name in names}
_NEEDED = ("number", "part", "quantity", "city", "country")
_PLACE = ("name", "company", "street", "postal_code", "city", "country")
_YES = frozenset({"1", "x", "yes", "ja", "true"})
_NUMBER = re.compile(r"^[+-]?[\d., ']*\d$")


def read_csv_orders(content: bytes, *, default_buyer: str) -> list[Document]:
    """Return the orders of a file, in the order of their first rows. Raises ``NotOrderable`` with every reason."""
    text = _decoded(content)
    lines = text.splitlines()
    if not lines:
        raise NotOrderable(["the file is empty"])
    table = list(csv.reader(lines, delimiter=_delimiter(lines[0])))
    fields = [_FIELD_OF.get(re.sub(r"[\s-]+", "_", cell.strip().lower()), "") for cell in table[0]]
    missing = [name for name in _NEEDED if name not in fields]
    if missing:
        raise NotOrderable([f"the header has no column {name} ({' or '.join(_NAMES[name])})" for name in missing])
    rows = [_row(fields, cells) for cells in table[1:] if any(cell.strip() for cell in cells)]
    documents: dict[tuple[str, str], Document] = {}
    for number, row in enumerate(rows, start=1):
        key = (row.get("buyer") or default_buyer, row["number"])
        if not row["number"]:
            raise NotOrderable([f"row {number} has no order number"])
        document = documents.setdefault(key, _document(*key, row))
        document["lines"].append(_line(row, len(document["lines"]) + 1))
    if not documents:
        raise NotOrderable(["the file has a header and no rows"])
    return list(documents.values())


def number_text(text: str) -> str:
    """Return a number with a decimal point: ``1.234,50`` is 1234.50, and so are ``1,234.50`` and ``1234,5`` 1234.5.

    A single comma is decimal; a single point, too. Of both kinds the last is; of one kind several are for thousands.
    """
    told = text.strip().replace("'", "").replace(" ", "")
    if not _NUMBER.match(text.strip()):
        return text.strip()
    last = max(told.rfind(","), told.rfind("."))
    if last < 0 or told.count(told[last]) > 1:
        return told.replace(",", "").replace(".", "")
    whole, decimals = told[:last], told[last + 1 :]
    return f"{whole.replace(',', '').replace('.', '')}.{decimals}"


def _decoded(content: bytes) -> str:
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise NotOrderable(["the file is neither UTF-8 nor Windows-1252"])


def _delimiter(header: str) -> str:
    return max(";,\t|", key=header.count)


def _row(fields: Sequence[str], cells: Sequence[str]) -> dict[str, str]:
    return {name: cell.strip() for name, cell in zip(fields, cells, strict=False) if name} | {
        name: "" for name in _NEEDED if name in fields[len(cells) :]
    }


def _document(buyer: str, number: str, row: Mapping[str, str]) -> Document:
    return {
        "buyer": buyer,
        "number": number,
        "format": "csv",
        "cancelled": row.get("cancelled", "").lower() in _YES,
        "currency": row.get("currency") or "EUR",
        "need_by": end_of_day(row.get("need_by", ""), what=f"need_by of {number}"),
        "note": row.get("note", ""),
        "ship_to": {name: row.get(name, "") for name in _PLACE},
        "lines": [],
    }


def _line(row: Mapping[str, str], number: int) -> dict[str, str]:
    return {
        "position": row.get("position") or str(number),
        "part": row["part"],
        "quantity": number_text(row["quantity"]),
        "price": number_text(row.get("price", "")),
    }
