"""The offers of a quote side by side, in as many columns as there is room for: no word is broken."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.table import Table
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.report import euro
from fabroute.kernel.money import decimal_text

_GAP = 2
"""Spaces between two columns."""
_LABEL_STYLES = {"cheapest": "green", "fastest": "cyan", "greenest": "bright_green"}
_LEFT_OUT_FIRST = ("made by", "P10", "sent by", "P50", "CO2e", "each")
"""What a page leaves out that is too narrow for everything, one after the other."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Column:
    """One column: what it is called, and what it says of an offer."""

    heading: str
    cell: Callable[[JsonObject], Text]
    right: bool = True


_Rows = Sequence[tuple[str, JsonObject]]
"""Offers, each with the pieces that stand before it."""


def offer_table(quantities: Sequence[JsonObject], quote: JsonObject, *, width: int) -> Table:
    """Return the offers of each quantity with price and dates, at most ``width`` characters wide if that can be."""
    rows = list(_rows(quantities))
    columns = _fitting(_columns(quote), rows, width=width)
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading, right in (("pieces", True), *((column.heading, column.right) for column in columns)):
        table.add_column(heading, justify="right" if right else "left", no_wrap=heading != "node", overflow="fold")
    for pieces, offer in rows:
        table.add_row(Text(pieces), *(column.cell(offer) for column in columns))
    return table


def _rows(quantities: Sequence[JsonObject]) -> Iterator[tuple[str, JsonObject]]:
    for each in quantities:
        for number, offer in enumerate(_objects(each["offers"])):
            yield f"{each['quantity']:,}" if number == 0 else "", offer


def _columns(quote: JsonObject) -> Iterator[_Column]:
    yield _Column(heading="offer", cell=_labels, right=False)
    yield _Column(heading="node", cell=_node, right=False)
    yield _Column(heading="made by", cell=lambda it: Text(f"{it['process']} {it['material']}"), right=False)
    yield _Column(heading="sent by", cell=lambda it: Text(f"{it['carrier']} {it['service']}", "dim"), right=False)
    yield _Column(heading="landed", cell=lambda it: Text(_euro(it["landed"]), "bold"))
    yield _Column(heading="each", cell=lambda it: Text(_euro(it["unit"])))
    if quote["currency"] != "EUR":
        yield _Column(heading=str(quote["currency"]), cell=_price)
    yield _Column(heading="P10", cell=lambda it: Text(_day(it["earliest_at"])))
    yield _Column(heading="P50", cell=lambda it: Text(_day(it["expected_at"])))
    yield _Column(heading="P90", cell=lambda it: Text(_day(it["promised_at"]), "bold"))
    if quote["need_by"]:
        yield _Column(heading="in time", cell=lambda it: Text(f"{100 * float(str(it['on_time_probability'])):.0f} %"))
    yield _Column(heading="CO2e", cell=lambda it: Text(f"{_int(it['co2e_g']) / 1000:,.2f} kg"))


def _fitting(columns: Iterator[_Column], rows: _Rows, *, width: int) -> list[_Column]:
    """Return the columns for which there is room; labels stand below one another before anything is left out."""
    shown = list(columns)
    if _width(shown, rows) > width:
        shown[0] = _Column(heading="offer", cell=_labels_below_one_another, right=False)
    for heading in _LEFT_OUT_FIRST:
        if _width(shown, rows) <= width:
            break
        shown = [column for column in shown if column.heading != heading]
    return shown


def _width(columns: Sequence[_Column], rows: _Rows) -> int:
    pieces = max(len("pieces"), *(len(pieces) for pieces, _ in rows))
    return pieces + sum(_GAP + _column_width(column, rows) for column in columns)


def _column_width(column: _Column, rows: _Rows) -> int:
    cells = (line.cell_len for _, offer in rows for line in column.cell(offer).split())
    return max(len(column.heading), *cells)


def _labels(offer: JsonObject) -> Text:
    return _joined(offer, " + ")


def _labels_below_one_another(offer: JsonObject) -> Text:
    return _joined(offer, " +\n")


def _joined(offer: JsonObject, between: str) -> Text:
    labels = Text()
    for number, label in enumerate(_texts(offer["labels"])):
        labels.append(between if number else "").append(label, _LABEL_STYLES.get(label, ""))
    return labels


def _node(offer: JsonObject) -> Text:
    node = _object(offer["node"])
    return Text(f"{node['node_id']} {node['city']} {node['country']}")


def _price(offer: JsonObject) -> Text:
    return Text(decimal_text(_minor(offer["price"]), str(_object(offer["price"])["currency"])))


def _euro(money: Json) -> str:
    return euro(_minor(money))


def _minor(money: Json) -> int:
    return _int(_object(money)["amount_minor"])


def _day(instant: Json) -> str:
    return f"{datetime.fromisoformat(str(instant)).astimezone(UTC):%d %b}"


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _texts(value: Json) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else []


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0
