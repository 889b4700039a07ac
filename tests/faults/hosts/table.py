"""A run as tables: each host, what went on without it; figures, verdict."""

import os

from rich.console import Console
from rich.table import Table

from tests.faults.hosts.run import HostsReport, OutageReport

_FIGURES = ("route p50 s", "route p99 s", "route max s", "orders acknowledged", "waiting for a person")


def print_report(report: HostsReport, console: Console) -> None:
    """Print what happened while each host was out of reach, what clients counted, and the verdict."""
    console.print(_outages(report))
    console.print(_figures(report))
    for problem in report.problems:
        console.print(f"WRONG: {problem}", markup=False)
    taken = report.verdict.figures.get("orders acknowledged")
    words = f"{len(report.problems)} problems" if report.problems else "nothing lost, nothing doubled"
    console.print(f"{taken} orders through {len(report.outages)} outages, seed {report.size.seed}: {words}")


def _outages(report: HostsReport) -> Table:
    table = Table(
        *("host", "what", "s", "orders taken", "longest without one", "slowest decision", "scopes it held"),
        *("taken over after", "works again after"),
        title=f"one host after the other, {report.size.rate:g} orders a second, {os.cpu_count()} cores",
    )
    table.add_row("none", "", *_flow(report.calm), "", "", "")
    for it in report.outages:
        seen = it.seen
        over = [f"{seen.taken_over[held.scope]:.1f} s" if held.scope in seen.taken_over else "?" for held in seen.held]
        back = "never" if seen.back_after is None else f"{seen.back_after:.1f} s"
        table.add_row(*(seen.outage.host, seen.outage.how, *_flow(it), str(len(seen.held)), " ".join(over), back))
    return table


def _flow(it: OutageReport) -> tuple[str, str, str, str]:
    seconds = f"{it.seen.ended - it.seen.began:.0f}"
    return seconds, str(it.taken), f"{it.longest_without_seconds:.1f} s", f"{it.longest_decision_seconds:.1f} s"


def _figures(report: HostsReport) -> Table:
    table = Table("figure", "value")
    for name in _FIGURES:
        table.add_row(name, str(report.verdict.figures.get(name, "")))
    for name, count in sorted(report.counts.items()):
        if name.startswith(("answered", "orders", "requests")):
            table.add_row(name, str(count))
    return table
