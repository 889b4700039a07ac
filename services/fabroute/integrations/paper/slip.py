"""White-label packing slips: the owner's brand, what is in the parcels, and each part's passport as a QR code."""

from collections.abc import Sequence

from fabroute.integrations.paper.sheet import GREY, INK, MARGIN_MM, MONO, Column, Look, Sheet
from fabroute.production.service.shipping.papers import PackingSlip, SlipPart

MOST_CODES = 120
"""So many parts get a code, in 1.5 s of CPU; a larger shipment names the rest by first and last serial."""
_ACROSS = 6
_CODE_MM = 24.0
_ROW_MM = 34.0
_LINES = (
    Column(heading="Line", share=8, figures=True),
    Column(heading="Part", share=30),
    Column(heading="Description", share=62),
    Column(heading="Revision", share=16),
    Column(heading="Pieces", share=14, figures=True),
)
_PARCELS = (
    Column(heading="Parcel", share=12, figures=True),
    Column(heading="Pieces", share=14, figures=True),
    Column(heading="Weight", share=20, figures=True),
    Column(heading="Size (mm)", share=34),
    Column(heading="Tracking", share=50, code=True),
)


def render_slip(slip: PackingSlip, look: Look, *, most_codes: int = MOST_CODES) -> bytes:
    """Return a packing slip as PDF: no price, and not who printed the parts. ``most_codes`` parts get a code each."""
    sheet = Sheet(look, title="Packing slip", number=slip.shipment_id, written_at=slip.packed_at)
    _addresses(sheet, slip)
    sheet.heading("Contents")
    lines = [(str(it.position), it.part_no, it.name, it.revision, f"{it.quantity:,}") for it in slip.lines]
    sheet.draw_table(_LINES, lines)
    sheet.heading("Parcels")
    sheet.draw_table(_PARCELS, [_parcel(slip, number) for number in range(len(slip.parcels))])
    if slip.brand.slip_text:
        sheet.ln(6)
        sheet.write_line(slip.brand.slip_text, size=9.5)
    if slip.parts:
        _codes(sheet, slip.parts, most=most_codes)
    return sheet.finished()


def _addresses(sheet: Sheet, slip: PackingSlip) -> None:
    top, column = sheet.get_y(), sheet.epw / 2
    sheet.set_x(MARGIN_MM)
    sheet.write_line("Ship to", size=8, colour=GREY, width=column - 8)
    for number, line in enumerate(slip.recipient):
        sheet.write_line(line, size=11, bold=number == 0, width=column - 8)
    if slip.brand.sender:
        sheet.ln(3)
        sheet.set_x(MARGIN_MM)
        sheet.write_line("From", size=8, colour=GREY, width=column - 8)
        for line in (slip.brand.name, *slip.brand.sender):
            sheet.write_line(line, size=8.5, width=column - 8)
    bottom = sheet.get_y()
    sheet.set_y(top)
    sheet.facts(_facts(slip), x=MARGIN_MM + column, width=column)
    sheet.set_xy(MARGIN_MM, max(bottom, sheet.get_y()))


def _facts(slip: PackingSlip) -> list[tuple[str, str]]:
    service = f"{slip.carrier} {slip.service}".strip()
    pairs = [
        ("Your reference", slip.order_reference),
        ("Order", slip.order_id),
        ("Ordered on", f"{slip.placed_at:%d %B %Y}"),
        ("Packed on", f"{slip.packed_at:%d %B %Y}"),
        ("Carrier", service),
        ("Tracking", slip.tracking_number),
    ]
    return [(name, value) for name, value in pairs if value]


def _parcel(slip: PackingSlip, number: int) -> tuple[str, ...]:
    parcel = slip.parcels[number]
    sides = [side for side in (parcel.length_mm, parcel.width_mm, parcel.height_mm) if side is not None]
    return (
        f"{parcel.number} of {len(slip.parcels)}",
        f"{parcel.quantity:,}",
        weight_of(parcel.weight_grams),
        " × ".join(str(side) for side in sides) if len(sides) == 3 else "–",
        parcel.tracking_number or slip.tracking_number or "–",
    )


def weight_of(grams: int) -> str:
    """Return a weight as people write it."""
    return f"{grams:,} g" if grams < 1_000 else f"{grams / 1_000:,.2f} kg"


def _codes(sheet: Sheet, parts: Sequence[SlipPart], *, most: int) -> None:
    sheet.heading("Part passports", room=60)
    sheet.write_line("Each part has a page of its own: how, where and of what it was made. Scan its code.", colour=GREY)
    sheet.ln(2)
    for start in range(0, min(len(parts), most), _ACROSS):
        if sheet.will_page_break(_ROW_MM):
            sheet.add_page()
        _row_of_codes(sheet, parts[start : min(start + _ACROSS, most)])
    if len(parts) > most:
        rest = len(parts) - most
        sheet.write_line(f"And {rest:,} more parts, {parts[most].serial} to {parts[-1].serial}.", colour=GREY)


def _row_of_codes(sheet: Sheet, parts: Sequence[SlipPart]) -> None:
    top, cell = sheet.get_y(), sheet.epw / _ACROSS
    for number, part in enumerate(parts):
        left = MARGIN_MM + number * cell
        sheet.draw_qr(part.passport_url, x=left + (cell - _CODE_MM) / 2, y=top, side=_CODE_MM)
        sheet.set_xy(left, top + _CODE_MM - 0.5)
        sheet.set_font(MONO, "", 6.5)
        sheet.set_text_color(*INK)
        sheet.multi_cell(cell, 2.8, part.serial, align="C", max_line_height=2.8)
    sheet.set_xy(MARGIN_MM, top + _ROW_MM)
