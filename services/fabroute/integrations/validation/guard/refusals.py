"""One reason to refuse a file, in the words of a person who must mend it."""

from typing import NoReturn

from fabroute.integrations.validation.types import Refusal
from fabroute.inventory.ports import Finding

EXPORT_AGAIN = "Export the part again as 3MF from the CAD program and send that file unchanged."
SEND_AGAIN = "The file was damaged or cut off on its way: send it again, or export it again."
PACK_AGAIN = (
    "Export the part again as 3MF. If the file was unpacked and packed by hand, use an ordinary zip program without a "
    "password, comments or split volumes."
)
COARSER = "Export it with a coarser tolerance: 0.01 mm is finer than any printer."


def refuse(code: str, message: str, advice: str = EXPORT_AGAIN, *, where: str = "") -> NoReturn:
    """Refuse the file for one reason."""
    raise Refusal(Finding(code=code, severity="error", message=message, advice=advice, where=where))


def shown(text: str, *, longest: int = 60) -> str:
    """Return text of a hostile file as it can be shown: quoted, without control characters, cut off."""
    return ascii(text) if len(text) <= longest else ascii(text[:longest]) + "…"
