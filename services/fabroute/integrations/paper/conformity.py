"""Certificates of conformity as PDF: what the signed statement says, and how to check it."""

import json
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from fabroute.integrations.paper.sheet import GREY, INK, MARGIN_MM, MONO, RED, Column, Look, Sheet, breakable
from fabroute.production.service.conformity.certificates import CertificateView

_PARTS = (
    Column(heading="Serial", share=44, code=True),
    Column(heading="Printed on", share=24),
    Column(heading="Build", share=50, code=True),
    Column(heading="Inspection", share=30),
)
_MEASURED = (
    Column(heading="Serial", share=34, code=True),
    Column(heading="Characteristic", share=40),
    Column(heading="Limits (mm)", share=34),
    Column(heading="Found", share=26, figures=True),
    Column(heading="Result", share=16),
)
_CODE_MM = 30.0
MOST_PARTS = 100
"""So many parts stand on paper, in 2 s of CPU; of the others the signed statement tells."""


def render_certificate(
    certificate: CertificateView,
    look: Look,
    *,
    check_url: str,
    passports: Mapping[int, str] = MappingProxyType({}),
    most_parts: int = MOST_PARTS,
) -> bytes:
    """Return a certificate as PDF. All of it comes from the signed statement but for its withdrawal.

    ``check_url`` is where the certificate can be read and checked; it stands on the paper as a QR code.
    ``passports``: where each part's own is read, by the number of its print; its serial is a link to it.
    """
    said: Mapping[str, Any] = json.loads(certificate.statement)
    sheet = Sheet(
        look, title="Certificate of conformity", number=certificate.certificate_id, written_at=certificate.issued_at
    )
    if certificate.withdrawn_at is not None:
        _withdrawn(sheet, certificate)
    _declaration(sheet, said, check_url)
    sheet.heading("Made")
    sheet.facts(_making(said), x=MARGIN_MM, width=sheet.epw, labels=42)
    sheet.heading("Parts")
    shown = said["parts"][:most_parts]
    links = [passports.get(part["number"], "") for part in shown]
    sheet.draw_table(_PARTS, [_part(part) for part in shown], size=8, links=links)
    if len(shown) < len(said["parts"]):
        rest = len(said["parts"]) - len(shown)
        sheet.ln(2)
        sheet.write_line(f"And {rest:,} more parts, up to {said['parts'][-1]['serial']}: the statement names each.")
    measured = [line for part in shown for line in _measurements(part)]
    if measured:
        sheet.heading("Measurements")
        sheet.draw_table(_MEASURED, measured, size=8)
    _signature(sheet, certificate)
    return sheet.finished()


def _withdrawn(sheet: Sheet, certificate: CertificateView) -> None:
    sheet.write_line(
        f"Withdrawn on {certificate.withdrawn_at:%d %B %Y}: {certificate.withdrawal_reason}", size=11, bold=True,
        colour=RED,
    )  # fmt: skip
    sheet.ln(3)


def _declaration(sheet: Sheet, said: Mapping[str, Any], check_url: str) -> None:
    revision, top = said["revision"], sheet.get_y()
    width = sheet.epw - _CODE_MM - 4
    sheet.write_line(f"{revision['part_no']}  {revision['name']}", size=13, bold=True, width=width)
    sheet.ln(1)
    sheet.set_x(MARGIN_MM)
    sheet.write_line(_sentence(said), size=9.5, width=width)
    bottom = sheet.get_y()
    sheet.draw_qr(check_url, x=sheet.w - MARGIN_MM - _CODE_MM + 3, y=top - 3, side=_CODE_MM)
    if len(said["parts"]) > 1:
        sheet.set_xy(sheet.w - MARGIN_MM - _CODE_MM, top + _CODE_MM - 5)
        caption = f"Part 1 of {len(said['parts']):,}: {said['parts'][0]['serial']}"
        sheet.write_line(caption, size=6.5, colour=GREY, width=_CODE_MM, align="R")
        bottom = max(bottom, sheet.get_y())
    sheet.set_xy(MARGIN_MM, max(bottom, top + _CODE_MM - 3))


def _sentence(said: Mapping[str, Any]) -> str:
    pieces = f"{said['quantity']:,} {'piece' if said['quantity'] == 1 else 'pieces'}"
    level = said["revision"]["inspection_level"]
    proof = "" if level == "none" else f", and passed the inspection that it asks for ({level.replace('_', ' ')})"
    return (
        f"{pieces} of revision {said['revision']['revision']} were made from the released print file named below, with "
        f"the qualified parameters named below{proof}."
    )


def _making(said: Mapping[str, Any]) -> list[tuple[str, str]]:
    parameters, maker, lot, first = said["parameters"], said["maker"], said["lot"], said["first_article"]
    pairs = [
        ("Order", said["order_id"]),
        ("Print file, SHA-256", said["revision"]["file_sha256"]),
        ("Parameters", f"{parameters['parameter_set']} ({parameters['process']}, {parameters['material']})"),
        ("Parameters, SHA-256", parameters["sha256"]),
        ("Machine", f"{maker['machine_id']} ({parameters['machine_model']})"),
        ("Place", f"{maker['city']}, {maker['country']}"),
        ("Material lot", "" if lot is None else f"{lot['supplier_lot']}, reused {lot['reuse_count']} times"),
        ("First article", "" if first["approved_at"] is None else f"approved on {_day(first['approved_at'])}"),
        ("Inspected on", "" if said["inspected_at"] is None else _day(said["inspected_at"])),
    ]
    return [(name, value) for name, value in pairs if value]


def _part(part: Mapping[str, Any]) -> tuple[str, ...]:
    results = [inspection["result"] for inspection in part["inspections"]]
    return (
        part["serial"],
        _day(part["printed_at"]),
        "–" if part["build"] is None else part["build"]["build_id"],
        "not asked for" if not results else "passed" if results[-1] == "pass" else "failed",
    )


def _measurements(part: Mapping[str, Any]) -> list[tuple[str, ...]]:
    return [
        (part["serial"], it["name"], _limits(it), _found(it), "within" if it["passed"] else "outside")
        for inspection in part["inspections"]
        for it in inspection["measurements"]
    ]


def _limits(measured: Mapping[str, Any]) -> str:
    lower, upper = measured["lower_mm"], measured["upper_mm"]
    if lower is None and upper is None:
        return "–"
    if lower is None or upper is None:
        return f"≥ {lower:g}" if upper is None else f"≤ {upper:g}"
    return f"{lower:g} to {upper:g}"


def _found(measured: Mapping[str, Any]) -> str:
    return str(measured["text"]) if measured["value_mm"] is None else f"{measured['value_mm']:g}"


def _signature(sheet: Sheet, certificate: CertificateView) -> None:
    sheet.heading("Signature", room=70)
    sheet.write_line(
        f"Issued on {certificate.issued_at:%d %B %Y, %H:%M} UTC as certificate {certificate.number} of job "
        f"{certificate.job_id}. The statement is signed with Ed25519; whoever has it can check it without this paper.",
        size=8.5,
    )
    sheet.ln(2)
    values: Sequence[tuple[str, str]] = (
        ("Statement, SHA-256", certificate.sha256),
        ("Signature", certificate.signature),
        ("Public key", certificate.public_key),
    )
    for name, value in values:
        sheet.set_x(MARGIN_MM)
        sheet.write_line(name, size=7.5, colour=GREY)
        sheet.set_font(MONO, "", 7.5)
        sheet.set_text_color(*INK)
        sheet.multi_cell(sheet.epw, 3.8, breakable(value), new_x="LMARGIN", new_y="NEXT")
        sheet.ln(1)


def _day(written: str) -> str:
    return written[:10]
