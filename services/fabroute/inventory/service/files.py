"""Uploaded print files: handed in, claimed for validation, and what became of them."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlmodel import Session

from fabroute.inventory.events import print_file_told
from fabroute.inventory.models import Part, PartRevision, PrintFileSubmission
from fabroute.inventory.ports import Finding, Measures, ValidationReport, report_document, report_of
from fabroute.inventory.repository import submissions
from fabroute.inventory.repository.submissions import ClaimedSubmission, ClaimTerms
from fabroute.inventory.service.attaching import (
    PrintFileRecord,
    differences_from,
    drop_print_file,
    keep_print_file,
)
from fabroute.inventory.service.moves import (
    SYSTEM,
    Mover,
    RevisionFrozen,
    Subject,
    audit,
    locked,
    note,
    void_approval,
)
from fabroute.inventory.service.revisions import get_revision
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.outbox.service import record

MEDIA_TYPE = "model/3mf"
"""Of every print file in its canonical form."""
_BACKOFF_SECONDS = (10.0, 60.0, 300.0)
_OUTAGE_SECONDS = 15.0
_BY_THE_REVISION = ("SIZE_MISMATCH", "UNITS_")
"""Findings (their beginnings) that another statement of the revision may cure: such a file is looked at again."""


class SubmissionLost(DomainError):
    """The submission was claimed anew or replaced meanwhile: what came of this attempt is dropped."""

    code = "submission_lost"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """A file that lies in the store under its SHA-256, for a revision; ``file_name`` is the sender's."""

    revision_id: str
    file_name: str
    media_type: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SubmissionView:
    """An uploaded file: ``queued``, ``validating``, ``valid``, ``invalid``, ``replaced`` or ``failed``, and why."""

    submission_id: str
    organisation_id: str
    revision_id: str
    file_name: str
    media_type: str
    size_bytes: int
    sha256: str
    state: str
    reason: str
    attempts: int
    next_attempt_at: datetime | None
    report: ValidationReport | None
    canonical_sha256: str | None
    submitted_by: str
    submitted_at: datetime
    finished_at: datetime | None

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in ("queued", "validating")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationResult:
    """What a validator found out, and where its files lie in the store; ``size_bytes`` is the canonical file's."""

    report: ValidationReport
    canonical_sha256: str | None = None
    size_bytes: int = 0
    preview_sha256: str | None = None
    model_sha256: str | None = None


def submit_print_file(
    session: Session, *, organisation_id: str, upload: Upload, actor: str, now: datetime
) -> SubmissionView:
    """Hand in a file of a revision for validation; the same content as the newest submission's is that one, unchanged.

    A validated revision becomes a draft again, its approval is void; unfinished older submissions are replaced. A
    submission that failed (not the file's fault) can be handed in again. Raises ``UnknownRevision``, and
    ``RevisionFrozen`` once the revision was released.
    """
    revision, part = locked(session, upload.revision_id, organisation_id=organisation_id)
    if revision.state not in ("draft", "validated"):
        raise RevisionFrozen(
            f"revision {revision.revision} of {part.part_no} is {revision.state} and keeps its print file: add a new "
            "revision for another one"
        )
    newest = submissions.latest(session, revision_id=revision.id)
    if newest is not None and newest.sha256 == upload.sha256 and _stands(newest):
        return submission_view(newest)
    by = Mover(actor=actor, now=now, reason="another print file was uploaded")
    submissions.replace_unfinished(session, revision_id=revision.id, reason="a newer file was uploaded")
    if revision.state == "validated":
        void_approval(session, revision, part, by=by)
        drop_print_file(session, revision, part, by=by)
    return submission_view(_submit(session, revision, part, upload, Mover(actor=actor, now=now)))


def latest_submission(session: Session, *, organisation_id: str, revision_id: str) -> SubmissionView | None:
    """Return the newest submission of an owner's revision, ``None`` without any; ``UnknownRevision``."""
    get_revision(session, organisation_id=organisation_id, revision_id=revision_id)
    newest = submissions.latest(session, revision_id=revision_id)
    return None if newest is None else submission_view(newest)


def due_submissions(session: Session) -> bool:
    """Return whether an uploaded file waits for a validator, or its validator went away."""
    return submissions.any_due(session)


def claim_submissions(
    session: Session, *, limit: int, lease_seconds: float, attempt_cap: int, now: datetime
) -> tuple[ClaimedSubmission, ...]:
    """Return up to ``limit`` submissions that the caller may validate for ``lease_seconds``.

    One that used up ``attempt_cap`` attempts without a result fails instead, audited and told.
    """
    terms = ClaimTerms(limit=limit, lease_seconds=lease_seconds, attempt_cap=attempt_cap)
    reason = (
        f"the validation broke off {attempt_cap} times without a result: upload the file again, or ask the operator"
    )
    claim = submissions.claim(session, terms, reason=reason)
    for failed in claim.failed:
        _tell_failed(session, failed, reason, now)
    return claim.claimed


def record_validation(
    session: Session, *, claimed: ClaimedSubmission, result: ValidationResult, now: datetime
) -> SubmissionView:
    """Note what a validator found: a good file makes the draft validated, a bad one leaves it with the findings.

    A good file of another size than the revision states is a bad one, too. ``SubmissionLost`` for a claim that is not
    the latest any more.
    """
    revision, part = locked(session, claimed.revision_id)
    row = _claimed_row(session, claimed)
    by = Mover(actor=SYSTEM, now=now)
    facts = _facts(claimed, result)
    if revision.state != "draft":
        _finish(session, row, "replaced", f"revision {revision.revision} is {revision.state} meanwhile", now)
    elif facts is None:
        _refuse(session, row, revision, part, result.report, by)
    elif differences := differences_from(revision, facts):
        _refuse(session, row, revision, part, _of_another_size(result.report, differences), by)
    else:
        keep_print_file(session, revision, part, facts, by=by)
        row.report, row.canonical_sha256 = report_document(result.report), facts.sha256
        _finish(session, row, "valid", "", now)
        _tell(session, row, "validated", now)
    return submission_view(row)


def postpone_submission(
    session: Session, *, claimed: ClaimedSubmission, reason: str, attempt_cap: int | None, now: datetime
) -> None:
    """Send a claimed submission back for later: the validator or the store could not work.

    With an ``attempt_cap`` the attempt counts and the last one fails, audited and told; without one (an outage of the
    store) it doesn't. ``SubmissionLost`` for a claim that is not the latest any more.
    """
    if attempt_cap is not None and claimed.attempts >= attempt_cap:
        fail_submission(session, claimed=claimed, reason=f"{reason} (attempt {claimed.attempts}, the last)", now=now)
        return
    seconds, given_back = _OUTAGE_SECONDS, 1
    if attempt_cap is not None:
        seconds, given_back = _BACKOFF_SECONDS[min(claimed.attempts, len(_BACKOFF_SECONDS)) - 1], 0
    if not submissions.postpone(session, claimed, reason=reason, seconds=seconds, given_back=given_back):
        raise _lost(claimed)


def fail_submission(session: Session, *, claimed: ClaimedSubmission, reason: str, now: datetime) -> None:
    """Give a claimed submission up: no fault of the file, nothing is known about it. Audited and told.

    ``SubmissionLost`` for a claim that is not the latest any more.
    """
    _finish(session, _claimed_row(session, claimed), "failed", reason, now)
    _tell_failed(session, claimed, reason, now)


def submission_view(row: PrintFileSubmission) -> SubmissionView:
    """Return the view of a submission."""
    return SubmissionView(
        submission_id=row.id,
        **{name: getattr(row, name) for name in _VIEW_FIELDS},
        report=None if row.report is None else report_of(row.report),
    )


_VIEW_FIELDS = tuple(name for name in SubmissionView.__dataclass_fields__ if name not in ("submission_id", "report"))


def _stands(newest: PrintFileSubmission) -> bool:
    """Return whether the same content, handed in once more, is the same submission."""
    if newest.state != "invalid":
        return newest.state != "failed"
    found = () if newest.report is None else report_of(newest.report).findings
    return not any(finding.code.startswith(_BY_THE_REVISION) for finding in found)


def _submit(session: Session, revision: PartRevision, part: Part, upload: Upload, by: Mover) -> PrintFileSubmission:
    row = PrintFileSubmission(
        id=new_id("sub"),
        organisation_id=part.organisation_id,
        revision_id=revision.id,
        file_name=upload.file_name,
        media_type=upload.media_type,
        size_bytes=upload.size_bytes,
        sha256=upload.sha256,
        submitted_by=by.actor,
        submitted_at=by.now,
    )
    submissions.add_submission(session, row)
    figures = {"submission_id": row.id, "sha256": upload.sha256, "file_name": upload.file_name}
    note(session, revision, part, "print_file.submitted", by=by, **figures)
    _tell(session, row, "submitted", by.now)
    return row


def _claimed_row(session: Session, claimed: ClaimedSubmission) -> PrintFileSubmission:
    row = submissions.lock_claimed(session, submission_id=claimed.submission_id, fence=claimed.fence)
    if row is None:
        raise _lost(claimed)
    return row


def _facts(claimed: ClaimedSubmission, result: ValidationResult) -> PrintFileRecord | None:
    """Return what is kept about a good file, ``None`` for a bad one."""
    measures = result.report.measures
    if not result.report.valid or measures is None or result.canonical_sha256 is None:
        return None
    return PrintFileRecord(
        sha256=result.canonical_sha256,
        size_bytes=result.size_bytes,
        media_type=MEDIA_TYPE,
        **_measured(measures),
        submission_id=claimed.submission_id,
        source_sha256=claimed.sha256,
        shape=measures.shape,
        preview_sha256=result.preview_sha256,
        model_sha256=result.model_sha256,
    )


def _measured(measures: Measures) -> dict[str, Any]:
    box: dict[str, Any] = dict(zip(("box_x_mm", "box_y_mm", "box_z_mm"), measures.box_mm, strict=True))
    names = ("volume_cm3", "area_cm2", "triangles", "bodies", "thinnest_wall_mm")
    return box | {name: getattr(measures, name) for name in names}


def _of_another_size(report: ValidationReport, differences: tuple[str, ...]) -> ValidationReport:
    finding = Finding(
        code="SIZE_MISMATCH",
        severity="error",
        message=f"The file is not the size that the revision states: {'; '.join(differences)}.",
        advice="Check the unit of the file, or that it is the right file; or correct the stated box and volume.",
    )
    return replace(report, findings=(*report.findings, finding))


def _refuse(
    session: Session,
    row: PrintFileSubmission,
    revision: PartRevision,
    part: Part,
    report: ValidationReport,
    by: Mover,
) -> None:
    errors = [finding for finding in report.findings if finding.severity == "error"]
    reason = errors[0].message if errors else "the file could not be written anew"
    row.report = report_document(report)
    _finish(session, row, "invalid", reason, by.now)
    codes = " ".join(dict.fromkeys(finding.code for finding in errors))
    note(session, revision, part, "print_file.refused", by=by, submission_id=row.id, sha256=row.sha256, codes=codes)
    _tell(session, row, "refused", by.now)


def _finish(session: Session, row: PrintFileSubmission, state: str, reason: str, now: datetime) -> None:
    row.state, row.reason, row.finished_at = state, reason, now
    row.lease_until = row.next_attempt_at = None
    session.flush()


def _tell(session: Session, row: PrintFileSubmission, what: str, now: datetime) -> None:
    told = print_file_told(
        what, submission_id=row.id, revision_id=row.revision_id, organisation_id=row.organisation_id, now=now
    )
    record(session, told)


def _tell_failed(session: Session, claimed: ClaimedSubmission, reason: str, now: datetime) -> None:
    subject = Subject(kind="part_revision", id=claimed.revision_id, organisation_id=claimed.organisation_id)
    by = Mover(actor=SYSTEM, now=now, reason=reason)
    audit(session, subject, "print_file.failed", by=by, submission_id=claimed.submission_id)
    told = print_file_told(
        "failed",
        submission_id=claimed.submission_id,
        revision_id=claimed.revision_id,
        organisation_id=claimed.organisation_id,
        now=now,
    )
    record(session, told)


def _lost(claimed: ClaimedSubmission) -> SubmissionLost:
    return SubmissionLost(
        f"submission {claimed.submission_id} was claimed anew or replaced after fence {claimed.fence}"
    )
