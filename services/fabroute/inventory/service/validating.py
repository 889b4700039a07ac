"""Validate what was uploaded: fetch it, have it judged, keep what was made of it, note the result."""

import shutil
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import structlog
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.ports import (
    PrintFileDamaged,
    PrintFileMissing,
    PrintFileStore,
    PrintFileStoreDown,
    PrintFileValidator,
    ValidationOutcome,
    ValidationRequest,
    ValidatorBroken,
)
from fabroute.inventory.repository.submissions import ClaimedSubmission
from fabroute.inventory.service.files import (
    SubmissionLost,
    ValidationResult,
    claim_submissions,
    fail_submission,
    postpone_submission,
    record_validation,
)

_PREFIX = "fabroute-validation-"
_log: structlog.stdlib.BoundLogger = structlog.stdlib.get_logger("fabroute.inventory.validating")


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationLimits:
    """How long a claim holds, after how many broken attempts a file fails, and how many files one call takes."""

    lease_seconds: float = 90.0
    attempt_cap: int = 4
    files: int = 1


def validate_submissions(
    engine: Engine,
    *,
    store: PrintFileStore,
    validator: PrintFileValidator,
    workspace_root: Path,
    limits: ValidationLimits,
    now: datetime,
) -> int:
    """Validate uploaded files that are due, one after the other, and return how many were taken; 0 if none is due.

    No transaction is open while a file is fetched and judged. Each file has a folder of its own under
    ``workspace_root``, which is gone in the end; folders of processes that died are removed. Whatever goes wrong, the
    submission says so: a store that is down postpones it, a validator that breaks does so for ``attempt_cap`` times.
    """
    _remove_leftovers(workspace_root, older_than_seconds=2 * limits.lease_seconds)
    with unit_of_work(engine) as session:
        claims = claim_submissions(
            session,
            limit=limits.files,
            lease_seconds=limits.lease_seconds,
            attempt_cap=limits.attempt_cap,
            now=now,
        )
    work = _Work(engine=engine, store=store, validator=validator, limits=limits, now=now)
    for claimed in claims:
        with tempfile.TemporaryDirectory(prefix=_PREFIX, dir=workspace_root) as folder:
            _validate(work, claimed, Path(folder))
    return len(claims)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Work:
    engine: Engine
    store: PrintFileStore
    validator: PrintFileValidator
    limits: ValidationLimits
    now: datetime


def _validate(work: _Work, claimed: ClaimedSubmission, folder: Path) -> None:
    try:
        result = _judged(work, claimed, folder)
    except PrintFileStoreDown as error:
        _postpone(work, claimed, error.message, attempt_cap=None)
    except (PrintFileMissing, PrintFileDamaged) as error:
        _give_up(work, claimed, f"{error.message}: upload the file again")
    except (ValidatorBroken, OSError) as error:
        _postpone(work, claimed, str(error), attempt_cap=work.limits.attempt_cap)
    else:
        _note(work, claimed, result)


def _judged(work: _Work, claimed: ClaimedSubmission, folder: Path) -> ValidationResult:
    source, made = folder / "source", folder / "made"
    made.mkdir()
    with source.open("wb") as target:
        work.store.fetch(claimed.sha256, target)
    outcome = work.validator(source, request=request_of(claimed), workspace=made)
    return _kept(work.store, outcome)


def request_of(claimed: ClaimedSubmission) -> ValidationRequest:
    """Return what a validator is told about an uploaded file."""
    pairs = claimed.process_materials
    return ValidationRequest(
        file_name=claimed.file_name,
        processes=tuple(dict.fromkeys(pair.split(":")[0] for pair in pairs)),
        part_no=claimed.part_no,
        revision=claimed.revision,
        name=claimed.name,
        expected_box_mm=_box(claimed.box_mm),
    )


def _box(sizes: Sequence[float] | None) -> tuple[float, float, float] | None:
    if sizes is None:
        return None
    x, y, z = sizes
    return (x, y, z)


def _kept(store: PrintFileStore, outcome: ValidationOutcome) -> ValidationResult:
    if not outcome.report.valid or outcome.canonical is None:
        return ValidationResult(report=outcome.report)
    preview, model = outcome.preview_png, outcome.preview_glb
    return ValidationResult(
        report=outcome.report,
        canonical_sha256=store.put_file(outcome.canonical),
        size_bytes=outcome.canonical.stat().st_size,
        preview_sha256=None if preview is None else store.put_file(preview),
        model_sha256=None if model is None else store.put_file(model),
    )


def _note(work: _Work, claimed: ClaimedSubmission, result: ValidationResult) -> None:
    try:
        with unit_of_work(work.engine) as session:
            noted = record_validation(session, claimed=claimed, result=result, now=work.now)
    except SubmissionLost as lost:
        _log.warning("print_file.lost", submission_id=claimed.submission_id, reason=lost.message)
        return
    _log.info(
        "print_file.judged",
        submission_id=claimed.submission_id,
        state=noted.state,
        cpu_ms=result.report.cpu_ms,
        peak_kib=result.report.peak_kib,
    )


def _postpone(work: _Work, claimed: ClaimedSubmission, reason: str, *, attempt_cap: int | None) -> None:
    _log.warning("print_file.postponed", submission_id=claimed.submission_id, reason=reason, attempt=claimed.attempts)
    try:
        with unit_of_work(work.engine) as session:
            postpone_submission(session, claimed=claimed, reason=reason, attempt_cap=attempt_cap, now=work.now)
    except SubmissionLost as lost:
        _log.warning("print_file.lost", submission_id=claimed.submission_id, reason=lost.message)


def _give_up(work: _Work, claimed: ClaimedSubmission, reason: str) -> None:
    _log.warning("print_file.failed", submission_id=claimed.submission_id, reason=reason)
    try:
        with unit_of_work(work.engine) as session:
            fail_submission(session, claimed=claimed, reason=reason, now=work.now)
    except SubmissionLost as lost:
        _log.warning("print_file.lost", submission_id=claimed.submission_id, reason=lost.message)


def _remove_leftovers(workspace_root: Path, *, older_than_seconds: float) -> None:
    """Remove the folders of validations that ended with their process."""
    for folder in workspace_root.glob(f"{_PREFIX}*"):
        try:
            is_old = time.time() - folder.stat().st_mtime > older_than_seconds
        except FileNotFoundError:
            continue
        if is_old:
            shutil.rmtree(folder, ignore_errors=True)
