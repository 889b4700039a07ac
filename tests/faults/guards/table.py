"""What became of every removal, as a table for a terminal and for Markdown."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.faults.guards.cases import GUARDS, Case
from tests.faults.guards.finding import Findings

COLUMNS = ("guard", "tried by", "taken away", "in", "on", "what happened", "found by", "with the guard")
PROCESSES, ONE_PROCESS = "running processes", "one process"


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What became of one removal, and of the same with all guards."""

    case: Case[Any]
    on: str
    """``running processes`` or ``one process``."""
    said: str
    found: Findings
    guarded: Findings
    """With all guards, tried in the same way."""

    @property
    def is_as_it_must_be(self) -> bool:
        """Whether it was found by every rule that finds it, or caught by the guard behind; and green with the guard."""
        if not self.case.red:
            return not self.found and not self.guarded
        return self.case.red.keys() <= self.found.keys() and not self.guarded

    def cells(self) -> tuple[str, ...]:
        """Return the row."""
        case = self.case
        tried = (case.provoke.__doc__ or "").splitlines()[0]
        found = _counted(self.found) or "nothing"
        caught = f"caught by {case.caught_by}" if case.caught_by else ""
        green = _counted(self.guarded) or "green"
        by = "; ".join(filter(None, (found if self.found or not caught else "", caught)))
        return (case.guard, tried, case.removed, case.where, self.on, self.said, by, green)


def wrong(results: Sequence[Result]) -> list[str]:
    """Return a sentence for every removal that stayed green, and every guard with which something was wrong."""
    return [
        f"{it.case.guard} ({it.on}, without {', '.join(sorted(it.case.without))}): found {_counted(it.found)}, "
        f"wanted {_counted(it.case.red)}; with the guard {_counted(it.guarded)}"
        for it in results
        if not it.is_as_it_must_be
    ]


def print_results(results: Sequence[Result], console: Console) -> None:
    """Print the table and the verdict."""
    table = Table(*COLUMNS, title="guards taken away", show_lines=True)
    for row in _rows(results):
        table.add_row(*row)
    console.print(table, markup=False)
    for sentence in wrong(results):
        console.print(f"WRONG: {sentence}", markup=False)
    red = sum(1 for it in results if it.case.red and it.is_as_it_must_be)
    console.print(f"{len(results)} removals: {red} found, {len(wrong(results))} not as they must be", markup=False)


def write_markdown(results: Sequence[Result], path: Path) -> None:
    """Write the table as Markdown."""
    lines = [COLUMNS, tuple("---" for _ in COLUMNS), *_rows(results)]
    escaped = ("| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |" for line in lines)
    path.write_text("\n".join(escaped) + "\n", encoding="utf-8")


def _rows(results: Sequence[Result]) -> Iterator[tuple[str, ...]]:
    for result in sorted(results, key=lambda it: GUARDS.index(it.case.guard)):
        yield result.cells()


def _counted(found: Findings) -> str:
    return ", ".join(f"{name} ×{count}" for name, count in found.items())
