"""The paper that all documents are written on: letters, brand, colours, tables, page numbers, codes."""

import re
import unicodedata
import weakref
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import segno
from fpdf import FPDF
from fpdf.enums import TableBordersLayout, TextEmphasis, XPos, YPos
from fpdf.fonts import FontFace, TTFFont
from PIL import Image

from fabroute.integrations.paper.code128 import modules_of

Colour = tuple[int, int, int]

INK: Colour = (17, 24, 39)
GREY: Colour = (107, 114, 128)
LINE: Colour = (209, 213, 219)
RED: Colour = (185, 28, 28)
SANS, MONO = "sans", "mono"
MARGIN_MM = 18.0
_FONTS = Path(__file__).parent / "fonts"
_LOGO_MM = (55.0, 14.0)
_LEAST_CONTRAST = 3.0
_OVERLAP_MM = 0.02
"""Rows of a code touch each other: no viewer shows a hair between them."""
_BREAKS = re.compile(r"(?<=[-_/.:])")


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """Whose paper it is."""

    name: str
    accent: str
    """``#rrggbb``."""
    logo: bytes | None = None
    """A PNG that was found good."""
    contact: str = ""
    more_letters: Path | None = None
    """A TrueType or OpenType font for letters that the house's own fonts don't have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """A column of a table: its heading, its share of the width, and whether it holds figures."""

    heading: str
    share: int
    figures: bool = False
    code: bool = False
    """Whether it holds serials, hashes and other things that are read letter by letter."""


class Canvas(FPDF):
    """A PDF with the house's letters; the same calls at any time give the same bytes."""

    def __init__(self, look: Look, *, written_at: datetime, size: tuple[float, float] | str = "A4") -> None:
        super().__init__(unit="mm", format=size)
        self.look = look
        self.accent = accent_of(look.accent)
        self.set_creation_date(written_at)
        self.set_producer("fabroute")
        self.add_font(SANS, "", _FONTS / "DejaVuSans.ttf")
        self.add_font(SANS, "B", _FONTS / "DejaVuSans-Bold.ttf")
        self.add_font(MONO, "", _FONTS / "DejaVuSansMono.ttf")
        fallbacks = [SANS]
        if look.more_letters is not None:
            self.add_font("more", "", look.more_letters)
            fallbacks.append("more")
        self.set_fallback_fonts(fallbacks, exact_match=False)
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                weakref.finalize(self, font.ttfont.close)  # fpdf2 leaves the files open
        self.letters = frozenset(letter for font in self.fonts.values() for letter in getattr(font, "cmap", ()))
        self.set_text_shaping(True)
        self.c_margin = 0

    def normalize_text(self, text: str) -> str:
        """Return a text as it can be shown: a box for each letter that no font has."""
        return super().normalize_text("".join(letter if is_shown(letter, self.letters) else "□" for letter in text))

    def write_line(
        self,
        text: str,
        *,
        size: float = 9,
        bold: bool = False,
        colour: Colour = INK,
        width: float = 0,
        align: str = "L",
    ) -> None:
        """Write a paragraph from where the pen is, within ``width`` mm (0: up to the margin), and go to the next line.

        The pen stays in its column.
        """
        left = self.get_x()
        self.set_font(SANS, "B" if bold else "", size)
        self.set_text_color(*colour)
        self.multi_cell(width, size * 0.5, text or " ", align=align, new_x=XPos.LEFT, new_y=YPos.NEXT)
        self.set_x(left)

    def fitting_size(self, text: str, *, width: float, largest: float, smallest: float) -> float:
        """Return the size in points, from ``largest`` down, at which a bold text fits a line, else ``smallest``."""
        size = largest
        while size > smallest:
            self.set_font(SANS, "B", size)
            if self.get_string_width(text) <= width:
                return size
            size -= 0.5
        return smallest

    def draw_logo_or_name(self, *, width: float, height: float) -> None:
        """Draw the logo within the given mm, or, without one, the name of the brand."""
        left, top = self.get_x(), self.get_y()
        if self.look.logo is not None:
            self._draw_logo(self.look.logo, width=width, height=height)
            return
        size = self.fitting_size(self.look.name, width=width, largest=15, smallest=8)
        name = self.cut(self.look.name, size=size, width=width, lines=max(1, int(height / (size * 0.45))))
        self.set_text_color(*self.accent)
        self.multi_cell(width, size * 0.45, name, align="L")
        self.set_xy(left, top)

    def _draw_logo(self, logo: bytes, *, width: float, height: float) -> None:
        """Draw a logo as large as fits, from the upper left corner on: at the margin, like everything else."""
        with Image.open(BytesIO(logo)) as picture:
            scale = min(width / picture.width, height / picture.height)
            size = (picture.width * scale, picture.height * scale)
        self.image(BytesIO(logo), x=self.get_x(), y=self.get_y(), w=size[0], h=size[1])

    def cut(self, text: str, *, size: float, width: float, lines: int) -> str:
        """Return as much of a bold text as fits so many lines: a label has no second page."""
        self.set_font(SANS, "B", size)
        while len(text) > 1 and self._lines(text, width) > lines:
            text = f"{text.rstrip('…')[: int(len(text) * 0.95) - 1].rstrip()}…"
        return text

    def draw_qr(self, text: str, *, x: float, y: float, side: float) -> None:
        """Draw a QR code, with its quiet zone, into a square of ``side`` mm."""
        rows = [bytes(row) for row in segno.make(text, error="m", micro=False).matrix_iter(border=4)]
        module = side / len(rows)
        self.set_fill_color(0, 0, 0)
        for number, row in enumerate(rows):
            for run in re.finditer(rb"\x01+", row):
                across = (run.end() - run.start()) * module
                self.rect(x + run.start() * module, y + number * module, across, module + _OVERLAP_MM, style="F")

    def draw_code128(self, text: str, *, x: float, y: float, width: float, height: float) -> None:
        """Draw a Code 128 over the whole of ``width`` mm; quiet zones are left to the caller."""
        widths = modules_of(text)
        module = width / sum(widths)
        self.set_fill_color(0, 0, 0)
        at = x
        for number, modules in enumerate(widths):
            if number % 2 == 0:
                self.rect(at, y, modules * module, height, style="F")
            at += modules * module

    def finished(self) -> bytes:
        """Return the PDF."""
        return bytes(self.output())

    def _lines(self, text: str, width: float) -> int:
        found = self.multi_cell(width, text=text, dry_run=True, output="LINES")
        return len(found) if isinstance(found, list) else 1


class Sheet(Canvas):
    """An A4 document: brand and title on top of each page, contact and page number at its foot."""

    def __init__(self, look: Look, *, title: str, number: str, written_at: datetime) -> None:
        super().__init__(look, written_at=written_at)
        self._title, self._number = title, number
        self.set_title(f"{title} {number}")
        self.set_margins(MARGIN_MM, MARGIN_MM, MARGIN_MM)
        self.set_auto_page_break(True, margin=22)
        self.alias_nb_pages()
        self.add_page()

    def header(self) -> None:
        """Draw the brand, the title and a line below them."""
        width, height = _LOGO_MM
        self.set_xy(MARGIN_MM, 14)
        self.draw_logo_or_name(width=width * (1 if self.look.logo else 1.6), height=height)
        self.set_xy(self.w - MARGIN_MM - 75, 14)
        self.write_line(self._title, size=13, bold=True, width=75, align="R")
        self.set_y(self.get_y() + 0.5)
        self.set_x(self.w - MARGIN_MM - 75)
        self.write_line(self._number, size=7.5, colour=GREY, width=75, align="R")
        self.set_draw_color(*self.accent)
        self.set_line_width(0.6)
        self.line(MARGIN_MM, 32, self.w - MARGIN_MM, 32)
        self.set_xy(MARGIN_MM, 38)

    def footer(self) -> None:
        """Write whom to ask, and which page of how many it is."""
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        self.line(MARGIN_MM, self.h - 17, self.w - MARGIN_MM, self.h - 17)
        self.set_xy(MARGIN_MM, self.h - 15)
        self.write_line(self.look.contact or self.look.name, size=7, colour=GREY, width=self.epw - 35)
        self.set_xy(self.w - MARGIN_MM - 35, self.h - 15)
        self.set_font(SANS, "", 7)
        self.set_text_color(*GREY)
        self.cell(35, 3.5, f"Page {self.page_no()} of {{nb}}", align="R")

    def heading(self, text: str, *, room: float = 26) -> None:
        """Write a heading in the colour of the brand, on a page that has ``room`` mm for it and what follows."""
        if self.will_page_break(room):
            self.add_page()
        self.ln(4)
        self.write_line(text, size=10.5, bold=True, colour=self.accent)
        self.ln(1.2)

    def facts(self, pairs: Sequence[tuple[str, str]], *, x: float, width: float, labels: float = 30) -> None:
        """Write names and values below each other, from ``x`` on, in ``width`` mm."""
        for name, value in pairs:
            top = self.get_y()
            self.set_xy(x, top)
            self.write_line(name, size=8, colour=GREY, width=labels)
            bottom = self.get_y()
            self.set_xy(x + labels, top)
            self.write_line(breakable(value), size=8.5, width=width - labels)
            self.set_y(max(bottom, self.get_y()) + 0.9)

    def draw_table(
        self,
        columns: Sequence[Column],
        lines: Sequence[Sequence[str]],
        *,
        size: float = 8.5,
        links: Sequence[str] = (),
    ) -> None:
        """Draw a table that goes on over pages, its headings on each. ``links``: where the first cell of each leads."""
        self.set_font(SANS, "", size)
        self.set_text_color(*INK)
        self.set_draw_color(*LINE)
        self.set_line_width(0.2)
        heading = FontFace(emphasis=TextEmphasis.B, color=GREY, size_pt=size - 1)
        with self.table(
            col_widths=tuple(column.share for column in columns),
            text_align=tuple("RIGHT" if column.figures else "LEFT" for column in columns),
            headings_style=heading,
            borders_layout=TableBordersLayout.HORIZONTAL_LINES,
            line_height=size * 0.5,
            padding=(1.1, 3, 1.1, 0),
            first_row_as_headings=True,
        ) as table:
            table.row([column.heading for column in columns])
            for number, line in enumerate(lines):
                row, link = table.row(), links[number] if number < len(links) else ""
                for column, text in zip(columns, line, strict=True):
                    style = FontFace(family=MONO, size_pt=size - 1) if column.code else None
                    row.cell(breakable(text), style=style, link=link or None)
                    link = ""


def accent_of(colour: str) -> Colour:
    """Return a brand's colour, or ink where letters of that colour could not be read on white (WCAG 2.2, 1.4.11)."""
    red, green, blue = (int(colour[at : at + 2], 16) for at in (1, 3, 5))
    contrast = 1.05 / (_luminance((red, green, blue)) + 0.05)
    return (red, green, blue) if contrast >= _LEAST_CONTRAST else INK


@lru_cache(maxsize=4)
def _printable(more_letters: Path | None) -> frozenset[int]:
    look = Look(name="", accent="#000000", more_letters=more_letters)
    return Canvas(look, written_at=datetime(2026, 1, 1, tzinfo=UTC)).letters


def unprintable_letters(text: str, *, more_letters: Path | None = None) -> str:
    """Return, each once, the letters of a text that papers show as boxes: no font has them."""
    letters = _printable(more_letters)
    return "".join(sorted({it for it in text if not is_shown(it, letters)}))


def is_shown(letter: str, letters: frozenset[int]) -> bool:
    """Return whether a letter stands on paper, or needs no place there."""
    return ord(letter) in letters or letter == "\n" or unicodedata.category(letter) == "Cf"


def breakable(text: str) -> str:
    """Return a text with places where a line may end inside of long codes and addresses."""
    return " ".join(
        "\u200b".join(_BREAKS.split(word)) if len(word) > 24 and word.isascii() else word for word in text.split(" ")
    )


def _luminance(colour: Colour) -> float:
    parts = [value / 255 for value in colour]
    linear = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
