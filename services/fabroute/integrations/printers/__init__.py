"""Printers on a bureau's network, each behind the same few verbs.

A printer prints what was sliced for it. The print file of a job is a 3MF of the part's geometry: a script of the bureau
slices it, and its G-code (or binary G-code) goes to a printer through these adapters.
"""

from fabroute.integrations.printers.moonraker import MoonrakerPrinter
from fabroute.integrations.printers.octoprint import OctoPrintPrinter
from fabroute.integrations.printers.ports import (
    Printer,
    PrinterBusy,
    PrinterFileExists,
    PrinterFileTooLarge,
    PrinterFileUnknown,
    PrinterKeyRefused,
    PrinterRefusal,
    PrinterState,
    PrinterStatus,
    PrinterUnreachable,
    UnsuitablePrintFile,
)
from fabroute.integrations.printers.prusalink import PrusaLinkPrinter

__all__ = [
    "MoonrakerPrinter",
    "OctoPrintPrinter",
    "Printer",
    "PrinterBusy",
    "PrinterFileExists",
    "PrinterFileTooLarge",
    "PrinterFileUnknown",
    "PrinterKeyRefused",
    "PrinterRefusal",
    "PrinterState",
    "PrinterStatus",
    "PrinterUnreachable",
    "PrusaLinkPrinter",
    "UnsuitablePrintFile",
]
