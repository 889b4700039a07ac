"""Progress on standard error: bars in a terminal, a line now and then elsewhere."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from fabroute.cli.output import note, stderr

Step = Callable[[str, int, int], None]
"""Told as ``(what, done, total)`` while long work goes on."""


@contextmanager
def counted_progress() -> Iterator[Step]:
    """Yield a function to call with ``(what, done, total)``; each ``what`` gets a bar of its own."""
    if not stderr.is_terminal:
        yield _line_when_done
        return
    columns = (TextColumn("{task.description:<28}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=stderr) as bars:
        tasks: dict[str, TaskID] = {}

        def step(what: str, done: int, total: int) -> None:
            if what not in tasks:
                tasks[what] = bars.add_task(what, total=total)
            bars.update(tasks[what], completed=done, total=total)

        yield step


def _line_when_done(what: str, done: int, total: int) -> None:
    if done == total:
        note(f"  {what}: {done}")
