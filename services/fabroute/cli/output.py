"""Where commands print: results on standard output, everything else on standard error."""

import os
import sys

from rich.console import Console

PIPE_WIDTH = 230
"""Columns of a table that goes to a file or a pipe: wide enough for a sentence; ``COLUMNS`` says otherwise."""


def output_width(*, is_terminal: bool, columns: str | None) -> int | None:
    """Return the width to print in, ``None`` to take the terminal's."""
    return None if is_terminal or columns else PIPE_WIDTH


stdout = Console(
    highlight=False,
    soft_wrap=True,
    width=output_width(is_terminal=sys.stdout.isatty(), columns=os.environ.get("COLUMNS")),
)
stderr = Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """Print one line on standard error that says what is wrong and what to do."""
    stderr.print(f"[bold red]fabroute:[/] {_plain(message)}", soft_wrap=True)


def note(message: str) -> None:
    """Print a line of progress on standard error."""
    stderr.print(_plain(message), soft_wrap=True)


def _plain(message: str) -> str:
    return message.replace("[", r"\[")
