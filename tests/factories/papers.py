"""Papers to be: slips, labels and certificates, with whatever is to be looked at."""

import json
from datetime import UTC, datetime
from io import BytesIO

from PIL import Image

from fabroute.integrations.paper.sheet import Look
from fabroute.production.service.conformity.certificates import CertificateView
from fabroute.production.service.shipping.brands import BrandView
from fabroute.production.service.shipping.papers import PackingSlip, ParcelLabel, SlipLine, SlipPart
from fabroute.production.service.shipping.views import ParcelView

PACKED = datetime(2026, 6, 15, 12, tzinfo=UTC)
RECIPIENT = ("Werkstatt 4", "Am Sandtorkai 4", "20457 Hamburg", "DE")
URL = "https://parts.nordbahn.example/v1/passports"


def a_brand(*, name: str = "Nordbahn Ersatzteile", accent: str = "#0b7285", slip_text: str = "") -> BrandView:
    """Return the brand of an owner with an address, without a logo."""
    return BrandView(
        organisation_id="org_owner",
        name=name,
        accent_colour=accent,
        logo=None,
        sender=("Hafenstraße 12", "20457 Hamburg", "DE"),
        slip_text=slip_text,
        contact="parts@nordbahn.example",
        version=1,
    )


def a_look(*, brand: BrandView | None = None, logo: bytes | None = None) -> Look:
    """Return how the papers of a brand look."""
    brand = brand or a_brand()
    return Look(name=brand.name, accent=brand.accent_colour, contact=brand.contact, logo=logo)


def a_slip(*, parts: int = 2, parcels: int = 1, lines: int = 1, name: str = "Door stopper") -> PackingSlip:
    """Return a packing slip of ``parts`` serials."""
    return PackingSlip(
        brand=a_brand(),
        shipment_id="shp_1",
        order_id="ord_1",
        order_reference="PO-2026-0417",
        placed_at=PACKED,
        packed_at=PACKED,
        recipient=RECIPIENT,
        lines=tuple(
            SlipLine(position=it, part_no=f"RL-{it:04}", name=name, revision="A", quantity=3)
            for it in range(1, lines + 1)
        ),
        parcels=tuple(a_parcel(number=it) for it in range(1, parcels + 1)),
        parts=tuple(SlipPart(serial=f"S-{it:04}", passport_url=f"{URL}/{it:032x}") for it in range(1, parts + 1)),
        carrier="dhl",
        service="express",
        tracking_number="JD0123456789",
    )


def a_parcel(*, number: int = 1) -> ParcelView:
    """Return a parcel of 1.84 kg."""
    return ParcelView(
        number=number,
        quantity=3,
        weight_grams=1_840,
        length_mm=300,
        width_mm=200,
        height_mm=150,
        tracking_number="",
    )


def a_label(*, number: int = 1, of: int = 1, barcode: str = "00340434161094021501") -> ParcelLabel:
    """Return a label of a parcel of 1.84 kg."""
    return ParcelLabel(
        brand=a_brand(),
        shipment_id="shp_1",
        printed_at=PACKED,
        order_reference="PO-2026-0417",
        recipient=RECIPIENT,
        carrier="dhl",
        service="express",
        number=number,
        of=of,
        weight_grams=1_840,
        barcode=barcode,
    )


def a_certificate(*, parts: int = 1, withdrawn_at: datetime | None = None) -> CertificateView:
    """Return a certificate of parts with one measurement each, as its statement is written."""
    return CertificateView(
        certificate_id="coc_1",
        job_id="job_1",
        organisation_id="org_owner",
        number=1,
        statement=json.dumps(_statement(parts)),
        sha256="5" * 64,
        signature="c2lnbmVk",
        public_key="a2V5",
        issued_by="key_1",
        issued_at=PACKED,
        withdrawn_at=withdrawn_at,
        withdrawal_reason="" if withdrawn_at is None else "lot L-7 is contaminated",
    )


def a_picture(*, size: tuple[int, int] = (64, 16), kind: str = "PNG") -> bytes:
    """Return a picture of one colour."""
    written = BytesIO()
    Image.new("RGB", size, (11, 114, 133)).save(written, kind)
    return written.getvalue()


def _statement(parts: int) -> dict[str, object]:
    return {
        "certificate_id": "coc_1",
        "order_id": "ord_1",
        "quantity": parts,
        "revision": {
            "part_no": "RL-0001",
            "name": "Door stopper",
            "revision": "A",
            "file_sha256": "a" * 64,
            "inspection_level": "dimensional",
        },
        "parameters": {
            "machine_model": "HP Jet Fusion 5200",
            "process": "MJF",
            "material": "PA12-MJF",
            "parameter_set": "PS-1",
            "sha256": "b" * 64,
        },
        "maker": {"machine_id": "N101-A", "city": "Lyon", "country": "FR"},
        "lot": {"supplier_lot": "L-7", "reuse_count": 2},
        "first_article": {"made_with_this_job": False, "approved_at": "2026-05-02T10:00:00+00:00"},
        "inspected_at": "2026-06-15T10:00:00+00:00",
        "parts": [_part(number) for number in range(1, parts + 1)],
    }


def _part(number: int) -> dict[str, object]:
    measured = {"name": "bore", "lower_mm": 7.98, "upper_mm": 8.02, "value_mm": 8.001, "text": "", "passed": True}
    flat = {"name": "flatness", "lower_mm": None, "upper_mm": 0.1, "value_mm": 0.04, "text": "", "passed": True}
    seen = {"name": "surface", "lower_mm": None, "upper_mm": None, "value_mm": None, "text": "Ra 3.2", "passed": True}
    return {
        "number": number,
        "serial": f"S-{number:04}",
        "printed_at": "2026-06-14T10:00:00+00:00",
        "build": {"build_id": "bld_1"},
        "inspections": [{"result": "pass", "level": "dimensional", "measurements": [measured, flat, seen]}],
    }
