"""Jobs as their node puts them into builds, without any database."""

from datetime import date, datetime
from typing import Any

from fabroute.estimation.facts import PartGeometry
from fabroute.production.models import Job
from fabroute.production.service.builds.jobs import BuildJob
from tests.factories.organisations import NOW
from tests.factories.spares import CAP_CM3, CAP_MM

CAP = PartGeometry(box_mm=CAP_MM, volume_cm3=CAP_CM3)


def a_build_job(
    job_id: str = "job_1",
    quantity: int = 4,
    *,
    part: PartGeometry = CAP,
    company: str = "",
    in_open: int = 0,
    in_closed: int = 0,
    **job: Any,
) -> BuildJob:
    """Return a job for caps in ASA on the cap printer, of which nothing is made; with other columns of the job."""
    made = a_job(job_id, quantity, **job)
    return BuildJob(job=made, part=part, company=company, in_open=in_open, in_closed=in_closed)


def a_job(job_id: str = "job_1", quantity: int = 4, **columns: Any) -> Job:
    """Return an accepted job for caps, to be made by the end of the week."""
    usual: dict[str, Any] = {
        "id": job_id,
        "organisation_id": "org_1",
        "node_id": "N101",
        "order_id": "ord_1",
        "order_line_id": f"line_{job_id}",
        "decision_id": "dec_1",
        "revision_id": "rev_1",
        "part_no": "FU-0001",
        "quantity": quantity,
        "machine_id": "N101-A",
        "material": "ASA",
        "parameter_set": "PS-1",
        "lot_id": "lot_1",
        "grams": 100,
        "machine_minutes": 285,
        "price_minor": 1_000,
        "produce_by": date(2026, 6, 19),
        "shipping_service": "standard",
        "packaging": "plain",
        "ship_to_city": "Hamburg",
        "ship_to_country": "DE",
        "promised_at": NOW,
        "state": "accepted",
        "offered_at": NOW,
        "updated_at": NOW,
    }
    return Job(**usual | columns)


def on(day: int, hour: int = 8) -> datetime:
    """Return an hour of a day in June 2026, UTC."""
    return NOW.replace(year=2026, month=6, day=day, hour=hour, minute=0, second=0, microsecond=0)
