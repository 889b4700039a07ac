"""Builds for a person at a bureau: what could come next, what runs, who bears what."""

from collections.abc import Iterable, Sequence

from rich.table import Table
from rich.text import Text

from fabroute.cli.client import JsonObject
from fabroute.cli.mapping import Json
from fabroute.cli.report import euro

_PLAN = ("", "machine", "material", "parts", "jobs", "full", "minutes", "due", "ready", "")
_BUILDS = ("build", "state", "machine", "material", "parts", "jobs", "minutes", "cost")
_SHARES = ("job", "part", "parts", "share", "grams", "cost")
_FIGURES = frozenset({"parts", "jobs", "full", "minutes", "cost", "share", "grams"})


def plan_table(proposals: Sequence[JsonObject]) -> Table:
    """Return proposed builds, a row each, with a word about those that come too late."""
    table = _table(_PLAN)
    for number, build in enumerate(proposals, start=1):
        jobs = _objects(build["jobs"])
        cells = (
            str(number),
            str(build["machine_id"]),
            str(build["material"]),
            str(build["parts"]),
            str(len(jobs)),
            f"{_number(build['fill']):.0%}",
            str(build["planned_minutes"]),
            str(build["produce_by"]),
            minute(build["ready_at"]),
        )
        table.add_row(*map(Text, cells), Text(_remark(jobs), style="bold red"))
    return table


def builds_table(found: Iterable[JsonObject]) -> Table:
    """Return builds, a row each."""
    table = _table(_BUILDS)
    for build in found:
        jobs = _objects(build["jobs"])
        minutes = build["planned_minutes"] if build["machine_minutes"] is None else build["machine_minutes"]
        cells = (
            str(build["id"]),
            str(build["state"]),
            str(build["machine_id"]),
            str(build["material"]),
            str(sum(_whole(job["parts"]) for job in jobs)),
            str(len(jobs)),
            str(minutes),
            _money(build["cost"]),
        )
        table.add_row(*map(Text, cells))
    return table


def build_sentence(build: JsonObject) -> str:
    """Return where a build stands, in one sentence."""
    head = f"{build['id']} on {build['machine_id']}, {build['material']} of lot {build['lot_id'] or 'none'}"
    if build["state"] == "running":
        return f"{head}: runs since {minute(build['started_at'])} UTC, {build['planned_minutes']} minutes planned"
    if build["state"] == "closed":
        took = f"took {build['machine_minutes']} minutes ({build['planned_minutes']} planned)"
        return f"{head}: {took} and {build['grams_used']} g, cost {_money(build['cost'])}"
    return f"{head}: {build['state']}, {build['planned_minutes']} minutes planned"


def shares_table(build: JsonObject) -> Table:
    """Return the jobs in a build with what each bears of it."""
    table = _table(_SHARES)
    for job in _objects(build["jobs"]):
        share = f"{_number(job['share']):.1%}"
        names = str(job["job_id"]), str(job["part"]), str(job["parts"])
        table.add_row(*map(Text, (*names, share, str(job["grams"] or ""), _money(job["cost"]))))
    return table


def minute(instant: Json) -> str:
    """Return an instant to the minute, nothing where there is none."""
    return "" if instant is None else str(instant)[:16].replace("T", " ")


def _remark(jobs: Sequence[JsonObject]) -> str:
    late = [str(job["job_id"]) for job in jobs if job["late"]]
    first = any(job["first_article"] for job in jobs)
    words = ["first article"] if first else []
    return ", ".join([*words, *(f"{job_id} is late" for job_id in late)])


def _table(columns: Sequence[str]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for name in columns:
        table.add_column(name, justify="right" if name in _FIGURES else "left", overflow="fold")
    return table


def _money(amount: Json) -> str:
    return euro(_whole(amount["amount_minor"])) if isinstance(amount, dict) else ""


def _number(value: Json) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _whole(value: Json) -> int:
    return value if isinstance(value, int) else 0


def _objects(value: Json) -> list[JsonObject]:
    return [it for it in value if isinstance(it, dict)] if isinstance(value, list) else []
