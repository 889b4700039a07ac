"""What a bureau's connector asks of a printer, and how a printer may refuse."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from fabroute.kernel.errors import DomainError

PrinterState = Literal["idle", "printing", "paused", "finished", "stopped", "failed", "unready"]
"""``unready``: it is there, and can't print now; its message says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PrinterStatus:
    """What a printer does now."""

    state: PrinterState
    file: str = ""
    """The remote path of what it prints or printed last; empty where it does not say."""
    progress: float | None = None
    """From 0 to 1; ``None`` where it prints nothing or does not say."""
    message: str = ""


class Printer(Protocol):
    """One printer. Every verb raises a ``PrinterRefusal`` that says what to do."""

    def upload(self, file: Path, *, name: str) -> str:
        """Send a sliced file under ``name`` and return its path on the printer; the same name again replaces it."""
        ...

    def start(self, remote: str) -> None:
        """Start to print what was uploaded. ``PrinterBusy`` while it prints something else."""
        ...

    def status(self) -> PrinterStatus:
        """Return what it does now."""
        ...

    def cancel(self) -> None:
        """Stop what it prints. ``PrinterBusy`` if there is nothing to stop."""
        ...


class PrinterRefusal(DomainError):
    """A printer did not do what it was asked for; the words hold its own, if it had any."""

    code = "printer_refusal"
    status = 502


class PrinterUnreachable(PrinterRefusal):
    """Nothing answers at the printer's address, or not in time."""

    code = "printer_unreachable"
    status = 503


class PrinterKeyRefused(PrinterRefusal):
    """The printer does not take the key or password, or the key may not do this."""

    code = "printer_key_refused"
    status = 502


class PrinterFileUnknown(PrinterRefusal):
    """The printer has no such file or storage."""

    code = "printer_file_unknown"
    status = 404


class PrinterBusy(PrinterRefusal):
    """The printer is in the middle of something, or is not ready for this."""

    code = "printer_busy"
    status = 409


class PrinterFileExists(PrinterRefusal):
    """The printer has a file of that name that it can't replace now."""

    code = "printer_file_exists"
    status = 409


class PrinterFileTooLarge(PrinterRefusal):
    """The printer, or the web server before it, takes no file of this size."""

    code = "printer_file_too_large"
    status = 413


class UnsuitablePrintFile(PrinterRefusal):
    """The printer can't print this kind of file."""

    code = "unsuitable_print_file"
    status = 415


def require_printable(file: Path, *, printer: str, suffixes: Collection[str]) -> None:
    """Raise ``UnsuitablePrintFile`` before a file is sent that a printer of this kind can't print."""
    if file.suffix.lower() in suffixes:
        return
    known = ", ".join(sorted(suffixes))
    if file.suffix.lower() in (".3mf", ".stl"):
        advice = f"it has to be sliced for the machine first: let the connector's script do that and send its {known}"
    else:
        advice = f"send one of {known}"
    raise UnsuitablePrintFile(f"{printer} can't print {file.name}: {advice}")
