"""What came of a dose of poison, as a table and as a verdict."""

import statistics
from collections.abc import Iterable

from rich.console import Console
from rich.table import Table

from tests.faults.poison.scene import Dose, Outcome, cores

MOST_RUNS = 4
MOST_BACK_SECONDS = 10.0
_COLUMNS = ("poison", "lines", "runs: max", "runs: mean", "workers ended", "ended after s: max", "back after s: max")


def verdict(dose: Dose, outcome: Outcome) -> tuple[str, ...]:
    """Return what is not as RELIABILITY.md wants it; nothing where all is well."""
    wrong = []
    if outcome.healthy != {"routed": dose.orders - dose.poisoned}:
        wrong.append(f"healthy lines: {dict(outcome.healthy)}")
    if outcome.poisoned != {"parked": dose.poisoned}:
        wrong.append(f"poisoned lines: {dict(outcome.poisoned)}")
    if outcome.most_runs > MOST_RUNS:
        wrong.append(f"a poisoned line was in {outcome.most_runs} runs")
    late = [worker for worker in outcome.ended if worker.back_seconds > MOST_BACK_SECONDS]
    if late:
        wrong.append(f"{len(late)} workers were not back after {MOST_BACK_SECONDS:g} s")
    return tuple(wrong)


def print_outcome(dose: Dose, outcome: Outcome, console: Console) -> None:
    """Print the table, the totals and the verdict."""
    table = Table(*_COLUMNS, title=f"{dose.poisoned} poisoned of {dose.orders} orders, seed {dose.seed}", box=None)
    for kind in dose.kinds:
        table.add_row(kind, *_figures(outcome, [line for line, each in outcome.kinds.items() if each == kind], kind))
    table.add_row("all", *_figures(outcome, list(outcome.kinds), None))
    console.print(table)
    console.print(
        f"{outcome.broken} of {outcome.all_runs} runs broke; healthy lines {dict(outcome.healthy)}, the last of them "
        f"after {outcome.healthy_seconds:.0f} s; poisoned lines {dict(outcome.poisoned)}, the last after "
        f"{outcome.seconds:.0f} s; {dose.scopes} scopes, {cores()} cores"
    )
    wrong = verdict(dose, outcome)
    console.print("green" if not wrong else f"red: {'; '.join(wrong)}")


def _figures(outcome: Outcome, lines: Iterable[str], kind: str | None) -> tuple[str, ...]:
    runs = [outcome.runs[line] for line in lines]
    ended = [worker for worker in outcome.ended if kind in (None, worker.kind)]
    return (
        str(len(runs)),
        str(max(runs, default=0)),
        f"{statistics.fmean(runs):.2f}" if runs else "",
        str(len(ended)),
        f"{max(worker.seconds for worker in ended):.1f}" if ended else "",
        f"{max(worker.back_seconds for worker in ended):.1f}" if ended else "",
    )
