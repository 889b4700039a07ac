"""QR codes: what a camera reads off a page."""

import re

import segno

from fabroute.console.drawing.markup import Caption, Svg, element, picture

_QUIET = 4
"""Modules of white around, as ISO/IEC 18004 asks for."""


def qr_code(caption: Caption, text: str) -> Svg:
    """Return the QR code of a text, a module one unit wide; dark on light in every scheme, as cameras want it."""
    rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=_QUIET)]
    runs = "".join(_runs(row, at) for at, row in enumerate(rows))
    plate = element("rect", {"class": "qr-plate", "width": float(len(rows)), "height": float(len(rows))})
    modules = element("path", {"class": "qr-modules", "d": runs})
    return picture(caption, css="qr", width=len(rows), height=len(rows), content=plate + modules)


def _runs(row: bytes, at: int) -> str:
    """Return the dark modules of a row as the path of rectangles."""
    found = re.finditer(rb"\x01+", row)
    return "".join(f"M{it.start()} {at}h{it.end() - it.start()}v1h-{it.end() - it.start()}z" for it in found)
