"""Statements on certificates and first articles."""

from collections.abc import Collection, Mapping, Sequence

from sqlmodel import Session, col, select

from fabroute.database.bulk import upsert
from fabroute.qualification.models import Certificate, FirstArticle


def save_certificates(session: Session, rows: Sequence[Mapping[str, object]]) -> int:
    """Save certificates by id; return how many were new or different. A revoked one stays revoked."""
    return upsert(session, Certificate, rows, key=("id",), keep={"revoked_at"})


def save_first_articles(session: Session, rows: Sequence[Mapping[str, object]]) -> int:
    """Save first articles by what they prove; return how many were new or different. A revoked one stays revoked."""
    key = ("revision_id", "machine_id", "material", "parameter_set")
    return upsert(session, FirstArticle, rows, key=key, keep={"id", "revoked_at"})


def read_certificates(session: Session) -> Sequence[Certificate]:
    """Return all certificates that are not revoked, by node and id."""
    statement = select(Certificate).where(col(Certificate.revoked_at).is_(None))
    return session.exec(statement.order_by(col(Certificate.node_id), col(Certificate.id))).all()


def read_first_articles(session: Session, revision_ids: Collection[str]) -> Sequence[FirstArticle]:
    """Return the first articles of part revisions that are not revoked, by id."""
    statement = select(FirstArticle).where(
        col(FirstArticle.revision_id).in_(revision_ids), col(FirstArticle.revoked_at).is_(None)
    )
    return session.exec(statement.order_by(col(FirstArticle.id))).all()
