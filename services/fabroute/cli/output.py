"""Where commands print: results on standard output, everything else on standard error."""

import os

from rich.console import Console, ConsoleDimensions

PIPE_WIDTH = 230
"""Columns of a table that goes to a file or a pipe: wide enough for a sentence; ``COLUMNS`` says otherwise."""


def output_width(*, is_terminal: bool, columns: str | None) -> int | None:
    """Return the width to print in, ``None`` to take the terminal's."""
    if columns and columns.isdecimal() and int(columns):
        return int(columns)
    return None if is_terminal else PIPE_WIDTH


class Output(Console):
    """A console as wide as is asked for when something is printed, not when the program was loaded."""

    @property
    def size(self) -> ConsoleDimensions:
        """Return columns and lines as they are now; to set them holds where nothing is asked for."""
        width = output_width(is_terminal=self.is_terminal, columns=os.environ.get("COLUMNS"))
        found = super().size
        return found if width is None else ConsoleDimensions(width, found.height)

    @size.setter
    def size(self, size: tuple[int, int]) -> None:
        self._width, self._height = size


stdout = Output(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """Print one line on standard error that says what is wrong and what to do."""
    stderr.print(f"[bold red]fabroute:[/] {_plain(message)}", soft_wrap=True)


def note(message: str) -> None:
    """Print a line of progress on standard error."""
    stderr.print(_plain(message), soft_wrap=True)


def _plain(message: str) -> str:
    return message.replace("[", r"\[")
