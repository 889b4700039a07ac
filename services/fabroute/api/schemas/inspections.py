"""Inspections, scrapped prints and first articles of a job over the wire."""

from typing import Annotated, Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Instant, Label, Note, RequestModel, ResponseModel, Sentence, TrimmedLabel
from fabroute.production.service.inspection import (
    FirstArticleDecision,
    InspectionDone,
    InspectionLevel,
    InspectionResult,
    InspectionView,
    Measurement,
    NewInspection,
    Scrap,
    Submission,
)

Millimetres = Annotated[float, Field(ge=-100_000, le=100_000, allow_inf_nan=False)]


class MeasurementIn(RequestModel):
    """What was found about one characteristic of the part's inspection plan."""

    name: Label = Field(description="As the plan names it; others may be added.")
    value_mm: Millimetres | None = Field(default=None, description="Needed where the plan has limits.")
    text: Note = Field(default="", description="What was seen, where it is no length: such as `Ra 3.2`.")
    passed: bool | None = Field(
        default=None, description="Needed where the plan has no limits; else the limits decide."
    )


class InspectionIn(RequestModel):
    """What an inspection found. The limits of the part's plan decide whether it passed, whatever is claimed."""

    level: InspectionLevel
    print_number: int | None = Field(
        default=None,
        ge=1,
        le=1_000_000,
        description="Which print; null for the job as a whole, which covers the prints reported so far. A dimensional "
        "inspection is always of one print.",
    )
    serial: str = Field(
        default="",
        max_length=120,
        pattern=r"^[^\x00-\x1f\x7f]*$",
        description="Of the part, to make sure that it is the one meant.",
    )
    inspector: TrimmedLabel = Field(description="Who looked, as the certificate names them.")
    measurements: list[MeasurementIn] = Field(
        default=[], max_length=200, description="At the level that the part asks for: every one of its plan."
    )
    evidence: Label | None = Field(
        default=None, description="Id or name of evidence of this job; CT and test reports need one of kind `report`."
    )
    result: InspectionResult | None = Field(
        default=None, description="What you say. A `fail` counts; a `pass` only where nothing is out of limits."
    )
    note: Note = Field(default="", description="Also what was put right since an inspection that failed.")
    inspected_at: Instant | None = Field(default=None, description="Null: now.")


class MeasurementOut(ResponseModel):
    """A characteristic as it was judged."""

    name: str
    kind: str = Field(description="As in the plan; empty for one that the plan doesn't ask for.")
    nominal_mm: float | None
    lower_mm: float | None
    upper_mm: float | None
    value_mm: float | None
    text: str
    passed: bool


class InspectionOut(ResponseModel):
    """An inspection as it was judged."""

    id: str
    job_id: str
    print_number: int | None
    through_print: int = Field(description="The last print that it speaks of, where it is of the whole job.")
    level: str
    result: Literal["pass", "fail"]
    findings: list[str] = Field(description="What is wrong, with figures; empty if nothing is.")
    measurements: list[MeasurementOut]
    evidence_id: str | None
    inspector: str
    note: str
    inspected_at: AwareDatetime
    reported_at: AwareDatetime


class InspectionReportedOut(ResponseModel):
    """An inspection, and the state of its job: `inspected` once nothing is missing."""

    inspection: InspectionOut
    job_state: str


class ScrapIn(RequestModel):
    """Why a print that was reported good is none."""

    reason: Sentence
    evidence: Label = Field(description="Id or name of evidence of this job that shows it.")


class FirstArticleSubmissionIn(RequestModel):
    """A first article that is sent to the owner of the part."""

    evidence: list[Label] = Field(
        min_length=1, max_length=20, description="Ids or names of evidence of this job; the first one is kept with it."
    )
    note: Note = ""


class FirstArticleDecisionIn(RequestModel):
    """What the owner of the part says to a first article."""

    approved: bool
    reason: Note = Field(default="", description="Needed for a refusal.")
    again: bool = Field(
        default=True, description="Where it is refused: whether the node may make another one; else the job moves on."
    )


def new_inspection(told: InspectionIn) -> NewInspection:
    """Return an inspection as production takes it."""
    return NewInspection(
        level=told.level,
        inspector=told.inspector,
        print_number=told.print_number,
        serial=told.serial,
        measurements=tuple(
            Measurement(name=it.name, value_mm=it.value_mm, text=it.text, passed=it.passed) for it in told.measurements
        ),
        evidence=told.evidence,
        claimed=told.result,
        note=told.note,
        inspected_at=told.inspected_at,
    )


def inspection_out(inspection: InspectionView) -> InspectionOut:
    """Return an inspection for an answer."""
    return InspectionOut.model_validate(
        {
            "id": inspection.inspection_id,
            "job_id": inspection.job_id,
            "print_number": inspection.print_number,
            "through_print": inspection.through_print,
            "level": inspection.level,
            "result": inspection.result,
            "findings": list(inspection.findings),
            "measurements": [dict(measured) for measured in inspection.measurements],
            "evidence_id": inspection.evidence_id,
            "inspector": inspection.inspector,
            "note": inspection.note,
            "inspected_at": inspection.inspected_at,
            "reported_at": inspection.reported_at,
        }
    )


def inspection_reported_out(done: InspectionDone) -> InspectionReportedOut:
    """Return what became of an inspection for an answer."""
    return InspectionReportedOut(inspection=inspection_out(done.inspection), job_state=done.job.state)


def scrap(asked: ScrapIn) -> Scrap:
    """Return what production takes."""
    return Scrap(reason=asked.reason, evidence=asked.evidence)


def submission(asked: FirstArticleSubmissionIn) -> Submission:
    """Return what production takes."""
    return Submission(evidence=tuple(asked.evidence), note=asked.note)


def first_article_decision(said: FirstArticleDecisionIn) -> FirstArticleDecision:
    """Return what production takes."""
    return FirstArticleDecision(approved=said.approved, reason=said.reason, again=said.again)
