"""What is drawn on a PDF's page, without the library that drew it: rectangles as a picture, read by another library."""

import re
from io import BytesIO

import zxingcpp
from PIL import Image, ImageDraw
from pypdf import PdfReader

_RECTANGLE = re.compile(r"(-?[\d.]+) (-?[\d.]+) (-?[\d.]+) (-?[\d.]+) re f")
_DOTS = 4
"""To a point: 288 to the inch."""


def pages_of(content: bytes) -> list[str]:
    """Return the texts of a PDF's pages."""
    return [page.extract_text() for page in PdfReader(BytesIO(content)).pages]


def words_of(content: bytes) -> str:
    """Return all of a PDF's text, with one space between two words."""
    return " ".join(" ".join(pages_of(content)).split())


def links_of(content: bytes, *, page: int = 0) -> list[str]:
    """Return where the links on a page lead, from top to bottom."""
    found = [annotation.get_object() for annotation in PdfReader(BytesIO(content)).pages[page].get("/Annots", ())]
    return [str(it["/A"]["/URI"]) for it in sorted(found, key=lambda it: -float(it["/Rect"][1]))]


def codes_of(content: bytes, *, page: int = 0) -> list[tuple[str, str]]:
    """Return format and text of the codes on a page, from top to bottom and left to right."""
    sheet = PdfReader(BytesIO(content)).pages[page]
    drawn = sheet.get_contents()
    picture = Image.new("L", (int(sheet.mediabox.width * _DOTS), int(sheet.mediabox.height * _DOTS)), 255)
    pen = ImageDraw.Draw(picture)
    for found in _RECTANGLE.finditer("" if drawn is None else drawn.get_data().decode("latin-1")):
        x, y, width, height = (float(number) * _DOTS for number in found.groups())
        top, bottom = sorted((picture.height - y, picture.height - y - height))
        pen.rectangle((round(x), round(top), round(x + width) - 1, round(bottom)), fill=0)
    read = zxingcpp.read_barcodes(picture)
    placed = sorted(read, key=lambda code: (code.position.top_left.y // 40, code.position.top_left.x))
    return [(str(code.format), code.text) for code in placed]
