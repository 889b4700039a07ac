"""A report whose turn it is does what the endpoint of its name does."""

from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.production.models import JobReport
from fabroute.production.service.inspection.reporting import InvalidInspection, NewInspection, report_inspection
from fabroute.production.service.inspection.rules import Measurement
from fabroute.production.service.leases import Lease
from fabroute.production.service.phases.starting import start_job
from fabroute.production.service.prints import PrintReport, report_print

_MEASURED = frozenset({"name", "value_mm", "text", "passed"})


def apply_report(session: Session, report: JobReport, *, principal: Principal, lease: Lease, now: datetime) -> None:
    """Do what a report says. Raises whatever the endpoint would refuse it with."""
    _APPLY[report.name](session, report, principal, lease, now)


def _start(session: Session, report: JobReport, principal: Principal, lease: Lease, now: datetime) -> None:
    start_job(session, principal=principal, job_id=report.job_id, lease=lease, now=now)


def _print(session: Session, report: JobReport, principal: Principal, lease: Lease, now: datetime) -> None:
    told: dict[str, Any] = {"result": "good", **report.data}
    if report.name == "print_failed":
        told["result"] = "failed"
    report_print(session, principal=principal, job_id=report.job_id, report=PrintReport(**told), lease=lease, now=now)


def _inspect(session: Session, report: JobReport, principal: Principal, lease: Lease, now: datetime) -> None:
    told: dict[str, Any] = {"level": "", "inspector": "", **report.data}
    told["evidence"] = told.pop("evidence_id", told.get("evidence"))
    told["claimed"] = told.pop("result", None)
    told["measurements"] = tuple(_measurement(item) for item in told.get("measurements", ()))
    inspection = NewInspection(inspected_at=report.occurred_at, **told)
    report_inspection(session, principal=principal, job_id=report.job_id, inspection=inspection, lease=lease, now=now)


def _measurement(item: object) -> Measurement:
    if not isinstance(item, Mapping) or not isinstance(item.get("name"), str) or not _MEASURED.issuperset(item):
        raise InvalidInspection("a measurement is an object with name, and value_mm, text or passed")
    value, words = item.get("value_mm"), item.get("text", "")
    if (
        not (value is None or type(value) in (int, float))
        or not isinstance(words, str)
        or item.get("passed") not in (None, True, False)
    ):
        raise InvalidInspection("value_mm is a number of millimetres, text is a text, passed is true or false")
    return Measurement(**item)


_Apply = Callable[[Session, JobReport, Principal, Lease, datetime], None]
_APPLY: Mapping[str, _Apply] = MappingProxyType(
    {"started": _start, "printed": _print, "print_failed": _print, "inspected": _inspect}
)
