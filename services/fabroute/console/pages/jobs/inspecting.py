"""An inspection out of its form: a field for each characteristic of the part's plan."""

import re

from fabroute.console.forms import Form, field_refused
from fabroute.console.pages.jobs.job import JobPage
from fabroute.inventory.service import Characteristic
from fabroute.production.service.inspection import InspectionResult, Measurement, NewInspection

_LENGTH = re.compile(r"[+-]?\d{1,6}(?:\.\d{1,9})?", re.ASCII)
_LONGEST_MM = 100_000
REPORT = "report"
"""The kind of characteristic that a report answers, without a measurement."""


def is_measured(wanted: Characteristic) -> bool:
    """Tell whether a characteristic has limits in mm; others are looked at."""
    return wanted.lower_mm is not None or wanted.upper_mm is not None


def new_inspection(form: Form, page: JobPage, *, evidence_id: str | None) -> NewInspection:
    """Return the inspection that a form tells. Refused at its field: a figure that is none, nothing said."""
    level = page.records.revision.inspection_level
    number = form.whole_number("print_number", least=1) if form.text("print_number") else None
    found = [_measured(form, index, it) for index, it in enumerate(page.characteristics)]
    said = form.text("result")
    if said not in ("pass", "fail"):
        raise field_refused("result", "Say whether it is good.")
    claimed: InspectionResult | None = "fail" if said == "fail" else None
    if claimed and not form.text("note"):
        raise field_refused("note", "Say what is wrong with it.")
    return NewInspection(
        level="visual" if level == "none" else level,
        inspector=form.required("inspector", "Say who looked at the parts."),
        print_number=number,
        measurements=tuple(it for it in found if it is not None),
        evidence=evidence_id,
        claimed=claimed,
        note=form.text("note"),
    )


def _measured(form: Form, index: int, wanted: Characteristic) -> Measurement | None:
    said = form.text(f"value-{index}")
    if is_measured(wanted):
        return Measurement(name=wanted.name, value_mm=_millimetres(said, index)) if said else None
    return Measurement(name=wanted.name, passed=said == "yes") if said else None


def _millimetres(text: str, index: int) -> float:
    plain = text.replace(",", ".")
    if not _LENGTH.fullmatch(plain) or abs(float(plain)) > _LONGEST_MM:
        raise field_refused(f"value-{index}", "Write millimetres, such as 12.05.")
    return float(plain)
