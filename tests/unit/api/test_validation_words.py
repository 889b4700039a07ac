from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fabroute.api.schemas.print_files import summary_of, validation_out
from fabroute.inventory.ports import Printability, ValidationReport
from fabroute.inventory.service import SubmissionView
from tests.factories.validation import a_finding, a_report, some_measures


def a_submission(*, state: str, reason: str = "", report: ValidationReport | None = None) -> SubmissionView:
    return SubmissionView(
        submission_id="sub_1",
        organisation_id="org_1",
        revision_id="rev_1",
        file_name="bracket.3mf",
        media_type="model/3mf",
        size_bytes=2048,
        sha256="ab" * 32,
        state=state,
        reason=reason,
        attempts=1,
        next_attempt_at=None,
        report=report,
        canonical_sha256=None,
        submitted_by="key_1",
        submitted_at=datetime(2026, 6, 15, tzinfo=UTC),
        finished_at=None,
    )


@pytest.mark.parametrize(
    ("state", "reason", "words"),
    [
        ("queued", "", "waits for its validation"),
        ("queued", "the store is down", "waits for its validation: the store is down"),
        ("validating", "", "is being validated"),
        ("failed", "it broke off 4 times", "could not be validated, send it again: it broke off 4 times"),
        ("replaced", "", "a newer file took its place"),
        ("invalid", "the file could not be written anew", "refused: the file could not be written anew"),
    ],
)
def test_what_became_of_a_file_is_said_in_a_sentence(state: str, reason: str, words: str) -> None:
    assert summary_of(a_submission(state=state, reason=reason)) == words
    assert validation_out(a_submission(state=state, reason=reason)).report is None


def test_a_valid_file_is_told_with_its_measures_and_warnings() -> None:
    report = a_report(measures=some_measures(), findings=(a_finding(), a_finding(code="SMALL_PART")))
    several = replace(report, measures=replace(some_measures(), bodies=3), findings=())

    assert summary_of(a_submission(state="valid", report=report)) == (
        "valid: 29.3 × 8.3 × 2,190 mm, 2.622 cm³, 1,044 triangles, 1 body; 2 warnings"
    )
    assert summary_of(a_submission(state="valid", report=several)).endswith("1,044 triangles, 3 bodies")


def test_a_refused_file_is_told_with_the_first_reason_and_how_many_more() -> None:
    findings = (
        a_finding(severity="note"),
        a_finding(code="MESH_OPEN", severity="error", message="12 edges are open."),
        a_finding(code="MESH_TURNED", severity="error"),
        a_finding(code="NOT_A_NUMBER", severity="error"),
    )
    refused = a_submission(state="invalid", report=a_report(findings=findings, valid=False))

    assert summary_of(refused) == "refused: 12 edges are open. (and 2 more)"
    assert [finding.severity for finding in findings] == ["note", "error", "error", "error"]


def test_processes_that_can_not_print_a_file_say_why() -> None:
    judged = (
        Printability(process="MJF", findings=()),
        Printability(process="LPBF", findings=(a_finding(code="THIN_WALL", severity="error", where="object 3"),)),
    )
    report = validation_out(a_submission(state="valid", report=a_report(printability=judged))).report

    assert report is not None
    assert [(item.process, item.printable) for item in report.printability] == [("MJF", True), ("LPBF", False)]
    assert [(it.code, it.where, it.advice) for it in report.printability[1].findings] == [
        ("THIN_WALL", "object 3", "Mend THIN_WALL.")
    ]
