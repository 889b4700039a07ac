"""Where commands print: results on standard output, everything else on standard error."""

from rich.console import Console

stdout = Console(highlight=False, soft_wrap=True)
stderr = Console(stderr=True, highlight=False)


def complain(message: str) -> None:
    """Print one line on standard error that says what is wrong and what to do."""
    stderr.print(f"[bold red]fabroute:[/] {_plain(message)}", soft_wrap=True)


def note(message: str) -> None:
    """Print a line of progress on standard error."""
    stderr.print(_plain(message), soft_wrap=True)


def _plain(message: str) -> str:
    return message.replace("[", r"\[")
