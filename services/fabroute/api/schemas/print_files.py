"""Print files over the wire: what came in, what its validation found, what is like it."""

from typing import Literal

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.api.schemas.revisions import BoxOut
from fabroute.inventory.ports import Finding, Measures, Printability, ValidationReport
from fabroute.inventory.service import SimilarFile, SubmissionView

WAITING = ("queued", "validating")
"""States in which it is worth asking again."""


class FindingOut(ResponseModel):
    """Something that was noticed about a print file."""

    code: str = Field(description="Stable name of what was noticed.")
    severity: Literal["error", "warning", "note"] = Field(description="An `error` refuses the file.")
    message: str = Field(description="What is the case, with figures.")
    advice: str = Field(description="What to do about it.")
    where: str = Field(description="The part of the file that it is about; empty for all of it.")


class MeasuresOut(ResponseModel):
    """What was measured of everything that the file wants built."""

    unit: str = Field(description="As the file says; empty for STL, which is taken for millimetres.")
    box: BoxOut
    volume_cm3: float
    area_cm2: float
    triangles: int
    vertices: int
    bodies: int
    thinnest_wall_mm: float | None


class PrintabilityOut(ResponseModel):
    """Whether one process can print the file, by that process's limits."""

    process: str
    printable: bool
    findings: list[FindingOut]


class ValidationReportOut(ResponseModel):
    """All that the validator found out about a file."""

    valid: bool
    format: str
    findings: list[FindingOut]
    measures: MeasuresOut | None = Field(description="Null if the file could not be read.")
    printability: list[PrintabilityOut]
    canonical_sha256: str | None = Field(
        description="Of the file that is released: the geometry written anew, without anything unknown."
    )
    readers: list[str] = Field(description="The libraries that read it, with their versions.")


class ValidationOut(ResponseModel):
    """An uploaded print file on its way through validation, and what was found."""

    submission_id: str
    revision_id: str
    state: str = Field(
        description="`queued`, `validating`, `valid`, `invalid`, `failed` (nobody could validate it: send it again) or "
        "`replaced` (by a newer file)."
    )
    summary: str = Field(description="The outcome in a sentence.")
    file_name: str
    media_type: str
    size_bytes: int
    sha256: str = Field(description="Of the file as it was uploaded.")
    submitted_by: str
    submitted_at: AwareDatetime
    finished_at: AwareDatetime | None
    attempts: int
    report: ValidationReportOut | None


class SimilarFileOut(ResponseModel):
    """Another revision of yours whose print file is the same, or has the same or nearly the same geometry."""

    kind: str = Field(description="`same_source`, `same_file`, `same_geometry` or `similar_geometry`.")
    revision_id: str
    part_no: str
    name: str
    revision: str
    state: str
    deviation: float = Field(description="How far the shapes are apart, relative: 0.001 is a thousandth.")


class SimilarFilesOut(ResponseModel):
    """The files that are like a revision's, the most alike first."""

    data: list[SimilarFileOut]


def validation_out(submission: SubmissionView) -> ValidationOut:
    """Return a submission with its report for an answer."""
    return ValidationOut(
        submission_id=submission.submission_id,
        revision_id=submission.revision_id,
        state=submission.state,
        summary=summary_of(submission),
        file_name=submission.file_name,
        media_type=submission.media_type,
        size_bytes=submission.size_bytes,
        sha256=submission.sha256,
        submitted_by=submission.submitted_by,
        submitted_at=submission.submitted_at,
        finished_at=submission.finished_at,
        attempts=submission.attempts,
        report=None if submission.report is None else _report_out(submission.report),
    )


def similar_files_out(found: tuple[SimilarFile, ...]) -> SimilarFilesOut:
    """Return similar files for an answer."""
    return SimilarFilesOut(
        data=[
            SimilarFileOut(
                kind=file.kind,
                revision_id=file.revision_id,
                part_no=file.part_no,
                name=file.name,
                revision=file.revision,
                state=file.state,
                deviation=file.deviation,
            )
            for file in found
        ]
    )


def summary_of(submission: SubmissionView) -> str:
    """Return in a sentence what became of a file."""
    report = submission.report
    if submission.state == "valid" and report is not None and report.measures is not None:
        return f"valid: {_measured(report.measures)}{_warnings(report)}"
    if submission.state == "invalid" and report is not None:
        return f"refused: {_errors(report)}"
    words = _SUMMARIES.get(submission.state, submission.state)
    return f"{words}: {submission.reason}" if submission.reason else words


_SUMMARIES = {
    "queued": "waits for its validation",
    "validating": "is being validated",
    "valid": "valid",
    "invalid": "refused",
    "failed": "could not be validated, send it again",
    "replaced": "a newer file took its place",
}


def _measured(measures: Measures) -> str:
    box = " × ".join(f"{side:,.4g}" for side in measures.box_mm)
    bodies = "1 body" if measures.bodies == 1 else f"{measures.bodies:,} bodies"
    return f"{box} mm, {measures.volume_cm3:,.4g} cm³, {measures.triangles:,} triangles, {bodies}"


def _warnings(report: ValidationReport) -> str:
    count = sum(finding.severity == "warning" for finding in report.findings)
    return "" if not count else f"; {count} warning{'s' if count > 1 else ''}"


def _errors(report: ValidationReport) -> str:
    messages = [finding.message for finding in report.findings if finding.severity == "error"]
    more = f" (and {len(messages) - 1} more)" if len(messages) > 1 else ""
    return (messages[0] if messages else "see the findings") + more


def _report_out(report: ValidationReport) -> ValidationReportOut:
    return ValidationReportOut(
        valid=report.valid,
        format=report.format,
        findings=[_finding_out(finding) for finding in report.findings],
        measures=None if report.measures is None else _measures_out(report.measures),
        printability=[_printability_out(item) for item in report.printability],
        canonical_sha256=report.canonical_sha256,
        readers=list(report.readers),
    )


def _finding_out(finding: Finding) -> FindingOut:
    return FindingOut(
        code=finding.code,
        severity=finding.severity,
        message=finding.message,
        advice=finding.advice,
        where=finding.where,
    )


def _printability_out(item: Printability) -> PrintabilityOut:
    findings = [_finding_out(finding) for finding in item.findings]
    return PrintabilityOut(process=item.process, printable=item.printable, findings=findings)


def _measures_out(measures: Measures) -> MeasuresOut:
    x_mm, y_mm, z_mm = measures.box_mm
    return MeasuresOut(
        unit=measures.unit,
        box=BoxOut(x_mm=x_mm, y_mm=y_mm, z_mm=z_mm),
        volume_cm3=measures.volume_cm3,
        area_cm2=measures.area_cm2,
        triangles=measures.triangles,
        vertices=measures.vertices,
        bodies=measures.bodies,
        thinnest_wall_mm=measures.thinnest_wall_mm,
    )
