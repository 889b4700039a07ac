"""Views of services as pages of the console take them, without a database."""

from dataclasses import fields
from datetime import UTC, date, datetime
from typing import Any

from fabroute.inventory.service import RevisionSize, RevisionView
from fabroute.production.service import JobView
from fabroute.production.service.shipping.views import ShipmentView

NOW = datetime(2026, 6, 15, 9, tzinfo=UTC)
_JOB: dict[str, Any] = {
    "job_id": "job_1",
    "organisation_id": "org_owner",
    "node_id": "N101",
    "order_id": "ord_1",
    "order_line_id": "line_1",
    "share_no": 0,
    "decision_id": "dec_1",
    "revision_id": "rev_1",
    "part_no": "RL-0001",
    "quantity": 1,
    "machine_id": "N101-A",
    "material": "PA12-MJF",
    "parameter_set": "PS-1",
    "lot_id": "lot_1",
    "grams": 100,
    "machine_minutes": 120,
    "price_minor": 2_000,
    "produce_by": date(2026, 6, 17),
    "shipping_service": "express",
    "packaging": "plain",
    "ship_to_city": "Hamburg",
    "ship_to_country": "DE",
    "promised_at": NOW,
    "state": "offered",
    "offered_at": NOW,
    "updated_at": NOW,
    "version": 1,
    "fence": 1,
    "offer_rounds": 0,
    "lease_kind": "",
    "lease_epoch": 0,
    "end_reason": "",
    "cancel_reason": "",
    "cancel_cause": "",
    "held_reason": "",
    "held_kind": "",
    "first_article": False,
    "good_prints": 0,
    "failed_prints": 0,
    "granted_reprints": 0,
    "scrapped_prints": 0,
}


def a_job_view(**stated: Any) -> JobView:
    """Return a job of one print that a node was just offered; what is stated is otherwise."""
    return JobView(**{field.name: None for field in fields(JobView)} | _JOB | stated)


def a_revision_view(**stated: Any) -> RevisionView:
    """Return a released revision of a nylon part."""
    known: dict[str, Any] = {
        "revision_id": "rev_1",
        "part_id": "part_1",
        "organisation_id": "org_owner",
        "part_no": "RL-0001",
        "name": "Vacuum nozzle adapter",
        "sector": "appliance",
        "criticality": "consumer",
        "hs_code": "8508.70",
        "revision": "A",
        "state": "released",
        "size": RevisionSize(box_x_mm=86, box_y_mm=58, box_z_mm=54, volume_cm3=24.5),
        "process_materials": ("MJF:PA12-MJF",),
        "required_certificates": ("ISO9001",),
        "part_qualification": False,
        "export_class": "none",
        "ip_zone": "any",
        "released_at": NOW,
        "file": None,
    }
    return RevisionView(**known | stated)


def a_shipment_view(*, state: str = "prepared", quantity: int = 1) -> ShipmentView:
    """Return a shipment that was packed."""
    return ShipmentView(
        shipment_id="shp_1",
        job_id="job_1",
        organisation_id="org_owner",
        order_id="ord_1",
        node_id="N101",
        carrier="DHL",
        service="express",
        tracking_number="",
        state=state,
        quantity=quantity,
        created_by="per_1",
        created_at=NOW,
        handed_over_at=None,
        delivered_at=None,
        updated_at=NOW,
        version=1,
        parcels=(),
        events=(),
    )
