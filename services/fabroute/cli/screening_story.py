"""What came of a screening, in a sentence and a table."""

from collections.abc import Mapping, Sequence

from rich.table import Table
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json

_COLUMNS = ("", "part", "name", "saves a year", "needed a year", "demand", "MOQ scrap", "printed", "where")
_FIGURES = ("", "saves a year", "needed a year", "MOQ scrap", "printed")
_WHY: Mapping[str, str] = {
    "not_printable": "the list says that they can't be printed",
    "tolerance_too_fine": "their tolerances need machining",
    "material_not_printed": "nobody prints their material",
    "impossible_geometry": "their size can't be right",
    "too_large": "they are too large for every machine",
    "no_demand": "nobody wants them",
    "stock_lasts": "the stock lasts",
    "too_little_to_save": "there is too little to save",
    "costs_more": "printing costs more",
    "saves_too_little": "printing saves too little",
    "demand_unknown": "their demand is not known",
    "price_unknown": "their price is not known",
    "size_unknown": "their size is not known",
    "size_assumed": "their size is not known for sure",
    "material_unknown": "their material is not known",
}
"""Reasons of the judge in words for many parts; another one is named by its code."""


def screening_sentence(screening: JsonObject) -> str:
    """Return what came of a list: how many parts are worth a twin, what that saves, and why the others are not."""
    summary = _object(screening["summary"])
    rows, worth = _count(screening["rows"]), _count(summary["digital_twin"])
    share, saving = worth / max(1, rows), _minor(summary["yearly_saving"])
    verb = "is" if worth == 1 else "are"
    words = [f"of {rows:,} parts {worth:,} ({share:.1%}) {verb} worth a digital twin, saving {_euro(saving)} a year"]
    for verdict in ("no", "unclear"):
        count = _count(summary[verdict])
        if count:
            words.append(f"{count:,} {verdict}, mostly because {_main_reason(summary, verdict)}")
    return "; ".join(words)


def ranking_table(rows: Sequence[JsonObject]) -> Table:
    """Return the parts that are worth a twin, the largest saving first."""
    table = Table(box=None, header_style="bold", pad_edge=False)
    for name in _COLUMNS:
        table.add_column(name, justify="right" if name in _FIGURES else "left")
    for rank, row in enumerate(rows, start=1):
        table.add_row(str(rank), *(Text(cell) for cell in _cells(row)))
    return table


def _cells(row: JsonObject) -> tuple[str, ...]:
    printed = _object(row["printed"])
    unit = _minor(printed["price"]) / max(1, _count(printed["quantity"]))
    return (
        str(row["part_no"]),
        str(row["name"]),
        _euro(_minor(row["yearly_saving"])),
        f"{float(str(row['yearly_demand'])):g}",
        str(row["demand_class"]),
        f"{_count(row['scrap_quantity']):,}",
        _euro(unit, cents=True),
        f"{printed['node_id']}, {printed['machine_model']}, {printed['material']}",
    )


def _main_reason(summary: JsonObject, verdict: str) -> str:
    reasons = summary["reasons"]
    found = [item for item in reasons if isinstance(item, dict)] if isinstance(reasons, list) else []
    code = next((str(item["code"]) for item in found if item["verdict"] == verdict), "of several reasons")
    return _WHY.get(code, code)


def _euro(amount_minor: float, *, cents: bool = False) -> str:
    return f"€{amount_minor / 100:,.2f}" if cents else f"€{amount_minor / 100:,.0f}"


def _minor(money: Json) -> int:
    return _count(_object(money)["amount_minor"])


def _count(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}
