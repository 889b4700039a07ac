"""Statements on uploaded files on their way through validation."""

from sqlmodel import Session, col, select

from fabroute.inventory.models import PrintFileSubmission


def submitter_of(session: Session, submission_id: str | None) -> str | None:
    """Return who uploaded a file; ``None`` where it was recorded without an upload."""
    statement = select(PrintFileSubmission.submitted_by).where(col(PrintFileSubmission.id) == submission_id)
    return session.exec(statement).one_or_none()
