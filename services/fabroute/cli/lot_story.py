"""Lots, recalls and scores for a person: sentences and tables."""

from collections.abc import Mapping, Sequence

from rich.table import Table

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json

_LOTS = ("lot", "maker's lot", "material", "remaining g", "reserved g", "used g", "runway d", "days left", "state")
_RECALLED = ("job", "owner", "node", "order", "part", "pieces", "serials", "was", "now")
_SCORES = ("process", "on time", "first pass", "answers", "median", "p90", "silent", "declined")
_LEFT = frozenset({"lot", "maker's lot", "material", "state", "process", "declined", *_RECALLED})
_TEN_YEARS = 3_652
_MINUTE, _HOUR = 60, 3_600
_DO_IT = "nothing was done: --yes blocks the lots and takes back what is not shipped"


def lots_table(lots: Sequence[JsonObject]) -> Table:
    """Return lots, a row each."""
    table = _table(_LOTS)
    for lot in lots:
        table.add_row(
            *(str(lot[name] or "–") for name in ("id", "supplier_lot", "material")),
            *(f"{lot[name]:,}" for name in ("remaining_grams", "reserved_grams", "used_grams")),
            *(_days(lot[name]) for name in ("runway_days", "days_left")),
            _state(lot),
        )
    return table


def _days(days: Json) -> str:
    """Return days as long as they tell something."""
    if not isinstance(days, int | float):
        return "–"
    return "> 10 years" if days > _TEN_YEARS else f"{days}"


def _state(lot: JsonObject) -> str:
    left = lot["days_left"]
    is_over = lot["state"] == "available" and isinstance(left, int) and left < 0
    state = "expired" if is_over else str(lot["state"])
    return f"{state}: {lot['state_reason']}" if lot["state_reason"] else state


def recall_sentences(recall: JsonObject) -> list[str]:
    """Return what a recall comes to."""
    jobs = _objects(recall["jobs"])
    outcomes = {it: sum(job["outcome"] == it for job in jobs) for it in ("rerouted", "held", "shipped", "ended")}
    counted = ", ".join(f"{count} {outcome}" for outcome, count in outcomes.items() if count) or "none"
    lots = [f"{lot['id']} at {lot['node_id']}" for lot in _objects(recall["lots"])]
    sentences = [f"lots: {', '.join(lots) or 'none of yours'}", f"jobs: {counted}"]
    for owner in _objects(recall["owners"]):
        if owner["shipped_parts"]:
            sentences.append(f"{owner['id']} has {owner['shipped_parts']} shipped parts of it")
    if recall["dry_run"]:
        return [*sentences, _DO_IT]
    again = " (it was recalled before; nothing was done now)" if recall["repeated"] else ""
    return [f"recall {recall['id']}: {recall['reason']}{again}", *sentences]


def recalled_table(recall: JsonObject) -> Table:
    """Return the jobs that a recall touches, a row each."""
    table = _table(_RECALLED)
    for job in _objects(recall["jobs"]):
        serials = [str(each["serial"]) for each in _objects(job["prints"]) if each["serial"]]
        names = ("job_id", "organisation_id", "node_id", "order_id", "part_no", "quantity")
        cells = [*(str(job[name]) for name in names), ", ".join(serials), str(job["state"]), str(job["outcome"])]
        table.add_row(*cells)
    return table


def scores_table(scores: JsonObject) -> Table:
    """Return a node's figures: a row for each process, and one for all."""
    table = _table(_SCORES)
    for row in (*_objects(scores["by_process"]), *_objects([scores["overall"]])):
        answers, declines = _object(row["answer_time"]), _object(row["declines"])
        table.add_row(
            str(row["process"] or "all"),
            _share(_object(row["on_time"])),
            _share(_object(row["first_pass_yield"])),
            str(answers["answered"]),
            _waited(answers["median_seconds"]),
            _waited(answers["p90_seconds"]),
            _share(_object(row["lapses"])),
            ", ".join(f"{count} {reason}" for reason, count in declines.items()) or "–",
        )
    return table


def _share(rate: Mapping[str, Json]) -> str:
    """Return a share with its counts and how sure it is: ``95 % (19 of 20; 76 to 99)``."""
    share, low, high = rate["share"], rate["low"], rate["high"]
    if not (isinstance(share, int | float) and isinstance(low, int | float) and isinstance(high, int | float)):
        return "–"
    return f"{share:.0%} ({rate['so']} of {rate['counted']}; {low:.0%} to {high:.0%})"


def _waited(seconds: Json) -> str:
    if not isinstance(seconds, int | float):
        return "–"
    if seconds < _MINUTE:
        return f"{seconds:.0f} s"
    return f"{seconds / _MINUTE:.0f} min" if seconds < 2 * _HOUR else f"{seconds / _HOUR:.1f} h"


def _table(names: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in names:
        table.add_column(name, justify="left" if name in _LEFT else "right", overflow="fold")
    return table


def _object(value: Json) -> JsonObject:
    return value if isinstance(value, dict) else {}


def _objects(value: Json) -> list[JsonObject]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
