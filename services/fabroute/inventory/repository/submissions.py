"""Statements on uploaded files on their way through validation. A claim's fence makes every later write safe."""

from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass

from sqlalchemy import text
from sqlmodel import Session, col, select

from fabroute.inventory.models import PrintFileSubmission


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimTerms:
    """How many submissions are claimed, for how long, and after how many attempts no more."""

    limit: int
    lease_seconds: float
    attempt_cap: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedSubmission:
    """An uploaded file that the caller may validate until its lease lapses, and what its revision says of it.

    ``fence`` is the claim's own number: a later claim has a higher one, and only the highest may write.
    """

    submission_id: str
    organisation_id: str
    revision_id: str
    file_name: str
    size_bytes: int
    sha256: str
    fence: int
    attempts: int
    part_no: str
    revision: str
    name: str
    process_materials: Sequence[str]
    box_mm: Sequence[float] | None
    """As the revision states it, if it does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The submissions that were claimed, and those that had all their attempts and failed instead."""

    claimed: tuple[ClaimedSubmission, ...]
    failed: tuple[ClaimedSubmission, ...]


_DUE = """(
    submission.state = 'queued'
        AND (submission.next_attempt_at IS NULL OR submission.next_attempt_at <= clock_timestamp())
    OR submission.state = 'validating' AND submission.lease_until <= clock_timestamp()
)"""

_CLAIM = text(f"""
WITH due AS (
    SELECT submission.id, submission.attempts >= :attempt_cap AS is_worn_out FROM print_file_submissions submission
    WHERE submission.state IN ('queued', 'validating') AND {_DUE}
    ORDER BY submission.next_attempt_at, submission.id
    LIMIT :limit FOR UPDATE SKIP LOCKED
)
UPDATE print_file_submissions submission
SET state = CASE WHEN is_worn_out THEN 'failed' ELSE 'validating' END,
    reason = CASE WHEN is_worn_out THEN :reason ELSE '' END,
    finished_at = CASE WHEN is_worn_out THEN clock_timestamp() END,
    fence = submission.fence + 1,
    attempts = submission.attempts + CASE WHEN is_worn_out THEN 0 ELSE 1 END,
    next_attempt_at = CASE WHEN is_worn_out THEN NULL ELSE clock_timestamp() END,
    lease_until = CASE WHEN is_worn_out THEN NULL ELSE clock_timestamp() + make_interval(secs => :lease_seconds) END
FROM due, part_revisions revision, parts part
WHERE submission.id = due.id AND revision.id = submission.revision_id AND part.id = revision.part_id
RETURNING is_worn_out, submission.id AS submission_id, submission.organisation_id, submission.revision_id,
    submission.file_name, submission.size_bytes, submission.sha256, submission.fence, submission.attempts,
    part.part_no, revision.revision, part.name, revision.process_materials,
    CASE WHEN revision.size_is_stated AND revision.box_x_mm IS NOT NULL
         THEN ARRAY[revision.box_x_mm, revision.box_y_mm, revision.box_z_mm] END AS box_mm
""")

_POSTPONE = text("""
UPDATE print_file_submissions
SET state = 'queued', reason = :reason, lease_until = NULL, attempts = attempts - :given_back,
    next_attempt_at = clock_timestamp() + make_interval(secs => :seconds)
WHERE id = :id AND fence = :fence AND state = 'validating'
RETURNING id
""")

_REPLACE = text("""
UPDATE print_file_submissions
SET state = 'replaced', reason = :reason, fence = fence + 1, lease_until = NULL, next_attempt_at = NULL,
    finished_at = clock_timestamp()
WHERE revision_id = :revision_id AND state IN ('queued', 'validating')
RETURNING id
""")

_ANY_DUE = text(
    f"SELECT EXISTS (SELECT 1 FROM print_file_submissions submission WHERE state IN ('queued', 'validating')"
    f" AND {_DUE})"
)


def add_submission(session: Session, submission: PrintFileSubmission) -> None:
    """Keep a new submission."""
    session.add(submission)
    session.flush()


def latest(session: Session, *, revision_id: str) -> PrintFileSubmission | None:
    """Return the newest submission of a revision."""
    statement = (
        select(PrintFileSubmission)
        .where(col(PrintFileSubmission.revision_id) == revision_id)
        .order_by(col(PrintFileSubmission.submitted_at).desc(), col(PrintFileSubmission.id).desc())
        .limit(1)
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).one_or_none()


def replace_unfinished(session: Session, *, revision_id: str, reason: str) -> Collection[str]:
    """End the submissions of a revision that are not finished, fencing out who validates them; return their ids."""
    parameters = {"revision_id": revision_id, "reason": reason}
    return session.connection().execute(_REPLACE, parameters).scalars().all()


def claim(session: Session, terms: ClaimTerms, *, reason: str) -> Claim:
    """Take due submissions that no other transaction holds: next fence, one more attempt, a lease by the database's
    clock. Those that had all their attempts fail with ``reason`` instead.
    """
    rows = [dict(row) for row in session.connection().execute(_CLAIM, asdict(terms) | {"reason": reason}).mappings()]
    found = [(row.pop("is_worn_out"), ClaimedSubmission(**row)) for row in rows]
    return Claim(
        claimed=tuple(submission for is_worn_out, submission in found if not is_worn_out),
        failed=tuple(submission for is_worn_out, submission in found if is_worn_out),
    )


def lock_claimed(session: Session, *, submission_id: str, fence: int) -> PrintFileSubmission | None:
    """Return a submission that is still being validated under this very fence, locked."""
    statement = (
        select(PrintFileSubmission)
        .where(
            col(PrintFileSubmission.id) == submission_id,
            col(PrintFileSubmission.fence) == fence,
            col(PrintFileSubmission.state) == "validating",
        )
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return session.exec(statement).one_or_none()


def postpone(session: Session, claimed: ClaimedSubmission, *, reason: str, seconds: float, given_back: int) -> bool:
    """Send a claimed submission back for later, with so many attempts given back; False if it was claimed anew."""
    parameters = {
        "id": claimed.submission_id,
        "fence": claimed.fence,
        "reason": reason,
        "seconds": seconds,
        "given_back": given_back,
    }
    return session.connection().execute(_POSTPONE, parameters).one_or_none() is not None


def any_due(session: Session) -> bool:
    """Return whether a submission waits for a validator."""
    return bool(session.connection().execute(_ANY_DUE).scalar_one())


def submitter_of(session: Session, submission_id: str | None) -> str | None:
    """Return who uploaded a file; ``None`` where it was recorded without an upload."""
    if submission_id is None:
        return None
    statement = select(PrintFileSubmission.submitted_by).where(col(PrintFileSubmission.id) == submission_id)
    return session.exec(statement).one_or_none()
