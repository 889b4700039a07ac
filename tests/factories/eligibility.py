"""Facts of a line, a node and an offer that pass every gate; a test changes the one it is about."""

from datetime import date
from typing import Any

from fabroute.solver.eligibility import (
    CertificateFacts,
    FirstArticleFacts,
    LicenceFacts,
    LineFacts,
    LotFacts,
    NodeFacts,
    OfferFacts,
    ProductionWindow,
)

WINDOW = ProductionWindow(first_day=date(2026, 6, 16), last_day=date(2026, 6, 23))


def line_facts(**changes: Any) -> LineFacts:
    """Return a line of a metal door stopper that anybody may make."""
    return LineFacts(
        **{
            "revision_state": "released",
            "file_validated": True,
            "box_mm": (62.0, 48.0, 34.0),
            "process_materials": frozenset({"LPBF:316L"}),
            "required_certificates": ("ISO9001",),
            "part_qualification": True,
            "export_class": "none",
            "ip_zone": "any",
            "destination_country": "DE",
            "packaging": "plain",
            **changes,
        }
    )


def node_facts(**changes: Any) -> NodeFacts:
    """Return a German node that works."""
    return NodeFacts(
        **{
            "node_id": "N1",
            "kind": "service_bureau",
            "country": "DE",
            "status": "up",
            "status_reason": "",
            "packaging": frozenset({"plain", "brand"}),
            "export_permissions": frozenset(),
            "minimum_order_minor": 10_000,
            "minimum_order_policy": "top_up",
            **changes,
        }
    )


def offer_facts(**changes: Any) -> OfferFacts:
    """Return a laser powder-bed machine with steel."""
    return OfferFacts(
        **{
            "machine_id": "N1-M290",
            "machine_status": "up",
            "process": "LPBF",
            "material": "316L",
            "parameter_set": "PS-290-316L-v2",
            "parameter_set_state": "qualified",
            "build_box_mm": (250.0, 250.0, 325.0),
            **changes,
        }
    )


def certificate_facts(**changes: Any) -> CertificateFacts:
    """Return a certificate of the whole site that holds through the window."""
    return CertificateFacts(
        **{
            "scheme": "ISO9001",
            "scope": "*",
            "verified": True,
            "valid_from": date(2025, 1, 1),
            "valid_to": date(2027, 1, 1),
            **changes,
        }
    )


def first_article_facts(**changes: Any) -> FirstArticleFacts:
    """Return an approved first article with recent production."""
    return FirstArticleFacts(**{"approved_on": date(2025, 3, 1), "last_production_on": date(2026, 3, 1), **changes})


def licence_facts(**changes: Any) -> LicenceFacts:
    """Return an active licence for ten prints, none of them made, anywhere."""
    return LicenceFacts(
        **{
            "licence_id": "lic_1",
            "state": "active",
            "granted": 10,
            "left": 10,
            "node_ids": frozenset(),
            "countries": frozenset(),
            "valid_to": None,
            **changes,
        }
    )


def lot_facts(**changes: Any) -> LotFacts:
    """Return a lot that may be used."""
    return LotFacts(
        **{
            "lot_id": "L1",
            "remaining_grams": 5000,
            "expires_on": date(2026, 12, 31),
            "state": "available",
            "reuse_count": 2,
            **changes,
        }
    )
