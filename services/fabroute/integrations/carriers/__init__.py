"""Carriers: people who fetch parcels, and folders through which a carrier's own program is told and tells."""

from pathlib import Path

from fabroute.integrations.carriers.folder import CARRIER_NAME, FolderCarrier
from fabroute.production.ports import Carrier

__all__ = ["FolderCarrier", "open_carriers"]


def open_carriers(folder: Path | None) -> tuple[Carrier, ...]:
    """Return the carriers that have a folder in ``folder``, by name; of all others people say where parcels are."""
    if folder is None or not folder.is_dir():
        return ()
    found = sorted(path for path in folder.iterdir() if path.is_dir() and CARRIER_NAME.fullmatch(path.name))
    return tuple(FolderCarrier(path) for path in found)
