"""The print file of a revision: its picture and model, and what its validation found."""

from dataclasses import dataclass
from datetime import datetime

from fabroute.api.schemas.print_files import summary_of
from fabroute.console.words import Kind
from fabroute.inventory.ports import Finding, Measures, Printability, Severity
from fabroute.inventory.service import RevisionView, SubmissionView

_ORDER: tuple[Severity, ...] = ("error", "warning", "note")
_KINDS: dict[str, Kind] = {"error": "bad", "warning": "waits", "note": "busy"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Preview:
    """Where picture and model of a print file are; empty where there is none."""

    picture: str
    model: str


@dataclass(frozen=True, slots=True, kw_only=True)
class FindingRow:
    """Something that was noticed."""

    severity: str
    kind: Kind
    message: str
    advice: str
    where: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessRow:
    """Whether one process can print the file, and what speaks against it."""

    process: str
    is_printable: bool
    findings: tuple[FindingRow, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Validation:
    """What became of the newest upload of a revision."""

    state: str
    summary: str
    file_name: str
    submitted_at: datetime
    finished_at: datetime | None
    is_waiting: bool
    is_newer: bool
    """Whether it is about another file than the one that is printed."""
    findings: tuple[FindingRow, ...]
    counts: tuple[tuple[str, int], ...]
    processes: tuple[ProcessRow, ...]
    measures: Measures | None
    readers: tuple[str, ...]


def preview_of(revision: RevisionView | None) -> Preview:
    """Return where picture and model of a revision are."""
    if revision is None or revision.file is None:
        return Preview(picture="", model="")
    base, file = f"/console/revisions/{revision.revision_id}", revision.file
    return Preview(
        picture=f"{base}/preview.png" if file.preview_sha256 else "",
        model=f"{base}/preview.glb" if file.model_sha256 else "",
    )


def validation_of(submission: SubmissionView | None, revision: RevisionView | None) -> Validation | None:
    """Return what became of the newest upload, ``None`` where nothing was uploaded."""
    if submission is None:
        return None
    report = submission.report
    findings = _sorted(() if report is None else report.findings)
    file = None if revision is None else revision.file
    return Validation(
        state=submission.state,
        summary=_summary(submission),
        file_name=submission.file_name,
        submitted_at=submission.submitted_at,
        finished_at=submission.finished_at,
        is_waiting=not submission.finished,
        is_newer=file is not None and file.source_sha256 != submission.sha256,
        findings=findings,
        counts=_counts(findings),
        processes=() if report is None else tuple(_process(it) for it in report.printability),
        measures=None if report is None else report.measures,
        readers=() if report is None else report.readers,
    )


def _summary(submission: SubmissionView) -> str:
    """Return what became of a file in a sentence; whether it is valid stands beside it."""
    report = submission.report
    if submission.state == "invalid" and report is not None:
        errors = sum(it.severity == "error" for it in report.findings)
        return (
            "One error keeps it from being printed." if errors == 1 else f"{errors} errors keep it from being printed."
        )
    words = summary_of(submission).removeprefix("valid: ")
    return f"{words[:1].upper()}{words[1:].removesuffix('.')}."


def _sorted(findings: tuple[Finding, ...]) -> tuple[FindingRow, ...]:
    return tuple(_finding(it) for it in sorted(findings, key=lambda it: _ORDER.index(it.severity)))


def _finding(it: Finding) -> FindingRow:
    return FindingRow(
        severity=it.severity, kind=_KINDS[it.severity], message=it.message, advice=it.advice, where=it.where
    )


def _counts(findings: tuple[FindingRow, ...]) -> tuple[tuple[str, int], ...]:
    counted = [(severity, sum(it.severity == severity for it in findings)) for severity in _ORDER]
    return tuple(it for it in counted if it[1])


def _process(it: Printability) -> ProcessRow:
    return ProcessRow(process=it.process, is_printable=it.printable, findings=_sorted(it.findings))
