"""A run as tables: what struck how often, figures, verdict."""

import os
from collections import Counter

from rich.console import Console
from rich.table import Table

from tests.faults.chaos.faults import FAULTS
from tests.faults.chaos.run import ChaosReport


def is_green(report: ChaosReport) -> bool:
    """Tell whether nothing was lost, doubled or given away twice, and everything ran again."""
    return report.calm and not report.verdict.problems


def print_report(report: ChaosReport, console: Console) -> None:
    """Print faults by kind, figures with size, seed and machine, and the verdict."""
    console.print(_faults(report))
    console.print(_figures(report))
    for line in report.verdict.slowest:
        console.print(f"slow: {line}", markup=False)
    for problem in report.verdict.problems:
        console.print(f"WRONG: {problem}", markup=False)
    if not report.calm:
        console.print("WRONG: not every program runs again", markup=False)
    size = report.size
    words = "nothing lost, nothing doubled" if is_green(report) else f"{len(report.verdict.problems)} problems"
    console.print(f"{size.orders:,} orders, {size.faults} faults, seed {size.seed}: {words}", markup=False)


def _faults(report: ChaosReport) -> Table:
    ours = {fault.name for fault in FAULTS}
    counts = Counter(struck.planned.name for struck in report.struck)
    last = {struck.planned.name: struck.did for struck in report.struck}
    table = Table("fault", "of", "times", "the last one", title="faults")
    for name in sorted(counts, key=lambda name: (name not in ours, name)):
        table.add_row(name, "machines" if name in ours else "the domain", str(counts[name]), last[name])
    return table


def _figures(report: ChaosReport) -> Table:
    table = Table("figure", "value", title=f"figures on {os.cpu_count()} cores")
    for name, value in report.verdict.figures.items():
        table.add_row(name, f"{value:,.2f}" if isinstance(value, float) else f"{value}")
    for name, seconds in report.phases.items():
        table.add_row(f"seconds: {name}", f"{seconds:.1f}")
    for name, starts in report.starts.items():
        table.add_row(f"starts of {name}", str(starts))
    return table
