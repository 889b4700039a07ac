"""What a shadow run found, in tables and a sentence."""

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json

_NODES_SHOWN = 15


def shadow_table(run: JsonObject) -> Table:
    """Return all figures as they were, as they would have been, and the difference."""
    total = _object(run["total"])
    was, would_be = _object(total["as_was"]), _object(total["as_would_be"])
    table = _table("", "as it was", "as it would be", "difference")
    for name, field, words in _ROWS:
        before, after = _number(was.get(field, 0)), _number(would_be.get(field, 0))
        table.add_row(name, words(before), words(after), _signed(after - before, words))
    return table


def node_table(run: JsonObject) -> Table:
    """Return the shares of the nodes, those that change most first."""
    nodes = sorted(_objects(run["nodes"]), key=lambda node: (-abs(_change(node)), str(node["node_id"])))
    table = _table("node", "lines", "would be", "share", "would be")
    for node in nodes[:_NODES_SHOWN]:
        shares = (f"{float(str(node[name])):.1%}" for name in ("as_was_share", "as_would_be_share"))
        table.add_row(Text(str(node["node_id"])), str(node["as_was_lines"]), str(node["as_would_be_lines"]), *shares)
    return table


def shadow_sentence(run: JsonObject) -> str:
    """Return how many runs were decided again, how many lines would have moved, and what was left out."""
    skipped = _objects(run["skipped"])
    words = [f"{run['runs_done']} of {run['runs_total']} runs from {_minute(run['since'])} to {_minute(run['until'])}"]
    total = _object(run["total"])
    if total:
        lines = _object(total["as_was"])["lines"]
        words.append(f"{total['moved']} of {lines} lines would have gone another way")
        words.append("proven best" if total["proven"] else "the best that was found in time")
    if skipped:
        words.append(f"{len(skipped)} runs left out, the first because {skipped[0]['reason']}")
    if run["state"] == "failed":
        words.append("it could not be finished")
    return "; ".join(words)


def _euro(minor: float) -> str:
    return f"€{minor / 100:,.2f}"


def _millis(millis: float) -> str:
    return _euro(millis / 1000)


def _kilograms(grams: float) -> str:
    return f"{grams / 1000:,.2f} kg"


def _hours(minutes: float) -> str:
    return f"{minutes / 60:,.1f} h"


def _count(number: float) -> str:
    return f"{number:,.0f}"


_ROWS: Sequence[tuple[str, str, Callable[[float], str]]] = (
    ("landed cost, of lines with a place both ways", "landed", _euro),
    ("with time, carbon, lines left out", "cost_millis", _millis),
    ("CO2e of the same lines", "co2e_g", _kilograms),
    ("late lines", "late_lines", _count),
    ("late by", "late_minutes", _hours),
    ("without a place", "unrouted", _count),
    ("that no node could make", "without_options", _count),
)


def _signed(difference: float, words: Callable[[float], str]) -> str:
    if not difference:
        return "="
    return f"{'-' if difference < 0 else '+'}{words(abs(difference))}"


def _change(node: JsonObject) -> int:
    return int(str(node["as_would_be_lines"])) - int(str(node["as_was_lines"]))


def _table(first: str, *others: str) -> Table:
    table = Table(box=None, header_style="bold", pad_edge=False)
    table.add_column(first)
    for name in others:
        table.add_column(name, justify="right")
    return table


def _number(value: Json) -> float:
    found = value["amount_minor"] if isinstance(value, dict) else value
    return float(str(found))


def _minute(instant: Json) -> str:
    return str(instant)[:16].replace("T", " ")


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
