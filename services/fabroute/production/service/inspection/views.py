"""Inspections as those who may see the job see them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from fabroute.production.models import Inspection


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionView:
    """What was found when a print of a job, or the job as a whole, was inspected."""

    inspection_id: str
    job_id: str
    print_number: int | None
    """None for the job as a whole."""
    through_print: int
    """The last print that had been reported then: one of the whole job says nothing of later prints."""
    level: str
    result: str
    """``pass`` or ``fail``."""
    measurements: tuple[Mapping[str, object], ...]
    findings: tuple[str, ...]
    evidence_id: str | None
    inspector: str
    note: str
    inspected_at: datetime
    reported_by: str
    reported_at: datetime


def inspection_view(row: Inspection) -> InspectionView:
    """Return the view of an inspection."""
    columns = row.model_dump()
    measurements, findings = columns.pop("measurements"), columns.pop("findings")
    return InspectionView(
        inspection_id=columns.pop("id"), measurements=tuple(measurements), findings=tuple(findings), **columns
    )
