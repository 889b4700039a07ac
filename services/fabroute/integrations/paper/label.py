"""Parcel labels of 100 × 150 mm, one page each: from, to, which of how many, and a Code 128."""

from collections.abc import Sequence

from fabroute.integrations.paper.code128 import QUIET_MODULES, modules_of
from fabroute.integrations.paper.sheet import GREY, INK, MONO, Canvas, Look
from fabroute.integrations.paper.slip import weight_of
from fabroute.production.service.shipping.papers import ParcelLabel

WIDTH_MM, HEIGHT_MM = 100.0, 150.0
_EDGE = 5.0
_INNER = WIDTH_MM - 2 * _EDGE


def render_labels(labels: Sequence[ParcelLabel], look: Look) -> bytes:
    """Return the labels of a shipment's parcels as PDF, a page each."""
    canvas = Canvas(look, written_at=labels[0].printed_at, size=(WIDTH_MM, HEIGHT_MM))
    canvas.set_title(f"Labels {labels[0].shipment_id}")
    canvas.set_margins(_EDGE, _EDGE, _EDGE)
    canvas.set_auto_page_break(False)
    for label in labels:
        canvas.add_page()
        _top(canvas, label)
        _recipient(canvas, label)
        _figures(canvas, label)
        _barcode(canvas, label)
    return canvas.finished()


def _top(canvas: Canvas, label: ParcelLabel) -> None:
    canvas.set_xy(_EDGE, 5)
    canvas.draw_logo_or_name(width=46, height=12)
    canvas.set_xy(53, 5)
    carrier = label.carrier.upper()
    size = canvas.fitting_size(carrier, width=42, largest=13, smallest=7)
    canvas.write_line(canvas.cut(carrier, size=size, lines=1, width=42), size=size, bold=True, width=42, align="R")
    canvas.set_x(53)
    canvas.write_line(label.service, size=8.5, width=42, align="R")
    _rule(canvas, 20)
    canvas.set_xy(_EDGE, 22)
    canvas.write_line("From", size=6.5, colour=GREY, width=_INNER)
    sender = ", ".join((label.brand.name, *label.brand.sender))
    canvas.write_line(canvas.cut(sender, size=7.5, lines=3, width=_INNER), size=7.5, width=_INNER)
    _rule(canvas, 39, heavy=True)


def _recipient(canvas: Canvas, label: ParcelLabel) -> None:
    canvas.set_xy(_EDGE, 41.5)
    canvas.write_line("To", size=7.5, colour=GREY, width=_INNER)
    *lines, country = label.recipient
    for number, line in enumerate(lines):
        size = canvas.fitting_size(line, width=_INNER - 2, largest=15 if number == 0 else 13, smallest=9)
        canvas.write_line(canvas.cut(line, size=size, lines=2, width=_INNER), size=size, bold=number == 0, width=_INNER)
        canvas.set_y(canvas.get_y() + 0.8)
        canvas.set_x(_EDGE)
    canvas.write_line(country, size=17, bold=True, width=_INNER)
    _rule(canvas, 92, heavy=True)


def _figures(canvas: Canvas, label: ParcelLabel) -> None:
    cells = (
        ("Parcel", f"{label.number} of {label.of}", 26.0),
        ("Weight", weight_of(label.weight_grams), 26.0),
        ("Reference", label.order_reference, 38.0),
    )
    left = _EDGE
    for name, value, width in cells:
        canvas.set_xy(left, 94)
        canvas.write_line(name, size=6.5, colour=GREY, width=width)
        size = canvas.fitting_size(value, width=width - 2, largest=11, smallest=6.5)
        canvas.write_line(canvas.cut(value, size=size, lines=2, width=width), size=size, bold=True, width=width)
        left += width
    _rule(canvas, 108)


def _barcode(canvas: Canvas, label: ParcelLabel) -> None:
    modules = sum(modules_of(label.barcode))
    module = min(0.5, _INNER / (modules + 2 * QUIET_MODULES))
    width = modules * module
    canvas.draw_code128(label.barcode, x=(WIDTH_MM - width) / 2, y=112, width=width, height=26)
    canvas.set_xy(_EDGE, 140)
    canvas.set_font(MONO, "", 8.5)
    canvas.set_text_color(*INK)
    canvas.cell(_INNER, 4, label.barcode, align="C")


def _rule(canvas: Canvas, y: float, *, heavy: bool = False) -> None:
    canvas.set_draw_color(*INK)
    canvas.set_line_width(0.7 if heavy else 0.25)
    canvas.line(_EDGE, y, WIDTH_MM - _EDGE, y)
