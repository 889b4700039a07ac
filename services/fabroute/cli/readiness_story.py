"""A readiness report for a person: what is short, why, and what would help most."""

from collections.abc import Iterable, Mapping, Sequence

from rich.table import Table
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.report import euro

_COLUMNS = ("part", "to", "pieces", "state", "now", "in 30 days", "cheapest", "why, and what would help")
_FIGURES = ("pieces", "now", "in 30 days", "cheapest")
_WORDS: Mapping[str, str] = {
    "no_route": "no route",
    "ends_soon": "ends soon",
    "one_failure_away": "one failure away",
    "ready": "ready",
}
_STYLES: Mapping[str, str] = {"no_route": "red", "ends_soon": "yellow", "one_failure_away": "yellow"}
_MOST_CODES = 3
_NOT_THERE = "PROCESS_MATERIAL"


def report_sentences(report: JsonObject) -> list[str]:
    """Return what a report comes to: counts, and what changed since the one before."""
    counts = _object(report["counts"])
    found = ", ".join(f"{counts[state]} {words}" for state, words in _WORDS.items() if counts.get(state))
    head = f"{report['parts']} released parts, {report['entries']} with regions, on {_minute(report['as_of'])}"
    sentences = [f"{head}: {found or 'nothing to look at, release a part first'}"]
    for name in ("worsened", "improved"):
        changes = _objects(report[name])
        if changes:
            sentences.append(f"{name} since the report before: {_changes(changes)}")
    if report.get("failed_at"):
        sentences.append(f"the report that was asked for on {_minute(report['failed_at'])} could not be made")
    return sentences


def entries_table(entries: Iterable[JsonObject]) -> Table:
    """Return parts and regions, a row each."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in _COLUMNS:
        right = name in _FIGURES
        table.add_column(name, justify="right" if right else "left", no_wrap=name != _COLUMNS[-1], overflow="fold")
    for entry in entries:
        state = str(entry["state"])
        cells = [Text(cell) for cell in _cells(entry, state)]
        cells[3].stylize(_STYLES.get(state, ""))
        table.add_row(*cells)
    return table


def sources_table(sources: Sequence[JsonObject]) -> Table:
    """Return what would add second sources, the most valuable first."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in ("", "if", "node", "more ready", "without a route now", "costs more there"):
        table.add_column(name, justify="left" if name in ("if", "node") else "right", overflow="fold")
    for rank, source in enumerate(sources, start=1):
        cells = (
            str(rank),
            str(source["what"]),
            f"{source['node_id']} {source['city']}",
            f"{source['parts']} {'part' if source['parts'] == 1 else 'parts'}",
            str(source["parts_without_route"]),
            _extra(source.get("extra_minor")),
        )
        table.add_row(*map(Text, cells))
    return table


def _cells(entry: JsonObject, state: str) -> tuple[str, ...]:
    cheapest = entry.get("cheapest_minor")
    return (
        str(entry["part"]),
        f"{str(entry['region']).replace('_', ' ')} ({entry['city']})",
        str(entry["quantity"]),
        _WORDS.get(state, state),
        str(entry["nodes_now"]),
        str(entry["nodes_later"]),
        "" if cheapest is None else euro(_int(cheapest)),
        "; ".join(_why(entry)),
    )


def _why(entry: JsonObject) -> list[str]:
    words = []
    if entry.get("only_node"):
        words.append(f"only {entry['only_node']}")
    ends = _objects(entry["ends"])
    if ends:
        words.append(
            f"{ends[0]['node_id']} ends: {ends[0]['why']}" + (f" and {len(ends) - 1} more" if ends[1:] else "")
        )
    reasons = _object(entry["reasons"])
    if reasons and not entry["nodes_now"]:
        words.append(", ".join(f"{reasons[code]} × {code}" for code in _codes(entry, reasons)[:_MOST_CODES]))
    sources = _objects(entry["second_sources"])
    if sources:
        words.append(f"if {sources[0]['what']}: {euro(_int(sources[0]['landed_minor']))}")
    return words


def _codes(entry: JsonObject, reasons: JsonObject) -> list[str]:
    """Return the codes of reasons: those that bind first, then the most frequent; what most nodes don't do is last."""
    binding = entry.get("binding")
    first = binding if isinstance(binding, list) else []
    return sorted(reasons, key=lambda code: (code == _NOT_THERE, code not in first, -_int(reasons[code]), code))


def _changes(changes: Sequence[JsonObject]) -> str:
    named = [
        f"{it['part']} to {str(it['region']).replace('_', ' ')} ({_WORDS[str(it['state_before'])]} → "
        f"{_WORDS[str(it['state'])]})"
        for it in changes[:5]
    ]
    return ", ".join(named) + (f" and {len(changes) - 5} more" if changes[5:] else "")


def _extra(minor: Json) -> str:
    if minor is None:
        return "no price now"
    amount = _int(minor)
    return f"{euro(-amount)} less" if amount < 0 else euro(amount)


def _minute(instant: Json) -> str:
    return str(instant)[:16].replace("T", " ")


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _int(value: Json) -> int:
    return value if isinstance(value, int) else 0
