"""Statements on the documents of revisions."""

from collections.abc import Collection, Sequence

from sqlmodel import Session, col, select

from fabroute.database.bulk import is_one_of
from fabroute.inventory.models import RevisionDocument


def find_document(session: Session, *, revision_id: str, name: str) -> RevisionDocument | None:
    """Return a revision's document by its name."""
    statement = select(RevisionDocument).where(
        col(RevisionDocument.revision_id) == revision_id, col(RevisionDocument.name) == name
    )
    return session.exec(statement).one_or_none()


def add_document(session: Session, document: RevisionDocument) -> None:
    """Keep the facts about a document."""
    session.add(document)
    session.flush()


def delete_document(session: Session, document: RevisionDocument) -> None:
    """Forget the facts about a document; the content stays in the store."""
    session.delete(document)
    session.flush()


def read_of_revisions(session: Session, revision_ids: Collection[str]) -> Sequence[RevisionDocument]:
    """Return the documents of revisions, by revision and name."""
    statement = (
        select(RevisionDocument)
        .where(is_one_of(col(RevisionDocument.revision_id), revision_ids))
        .order_by(col(RevisionDocument.revision_id), col(RevisionDocument.name))
    )
    return session.exec(statement).all()
