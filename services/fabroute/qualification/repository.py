"""Statements on certificates and first articles."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import func, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, SQLModel, col, select

from fabroute.database.bulk import insert_many, upsert
from fabroute.qualification.models import Certificate, FirstArticle

_KEPT_CERTIFICATE = frozenset({"revoked_at", "submitted_by", "submitted_at", "verified_by", "verified_at"})
_KEPT_FIRST_ARTICLE = frozenset({"id", "revoked_at", "approved_by"})
_PROVES = ("revision_id", "machine_id", "material", "parameter_set")

_LAST_DAYS = text("""
SELECT node_id, scheme, max(valid_to) AS ends_on FROM certificates
WHERE node_id = ANY(:node_ids) AND revoked_at IS NULL AND verified_at IS NOT NULL AND valid_to >= :first_day
GROUP BY node_id, scheme, scope, machine_id, parameter_set ORDER BY node_id, ends_on, scheme
""")

_Row = TypeVar("_Row", bound=SQLModel)


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFilter:
    """Which certificates to read, revoked ones among them; ``None`` means any."""

    node_ids: Collection[str] | None
    scheme: str | None
    expiring_before: date | None
    """Those that count and whose last day is before this one."""
    waiting: bool
    """Only those that nobody has verified or revoked."""
    after: str
    limit: int


def save_certificates(session: Session, rows: Sequence[Mapping[str, object]]) -> int:
    """Save certificates by id; return how many were new or different. A revoked one stays revoked."""
    return upsert(session, Certificate, rows, key=("id",), keep=_KEPT_CERTIFICATE)


def insert_certificates(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Keep new certificates, all columns stated."""
    insert_many(session, insert(Certificate).returning(col(Certificate.id)), rows)


def hold_certificates(session: Session) -> None:
    """Wait until no other transaction holds all certificates, and hold them until this one ends."""
    session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended("certificates", 0))))


def save_first_articles(session: Session, rows: Sequence[Mapping[str, object]]) -> int:
    """Save first articles by what they prove; return how many were new or different. A revoked one stays revoked."""
    return upsert(session, FirstArticle, rows, key=_PROVES, keep=_KEPT_FIRST_ARTICLE)


def read_certificates(session: Session, node_ids: Collection[str] | None = None) -> Sequence[Certificate]:
    """Return the certificates that are not revoked, of all nodes or of these, by node and id."""
    statement = select(Certificate).where(col(Certificate.revoked_at).is_(None))
    if node_ids is not None:
        statement = statement.where(col(Certificate.node_id).in_(node_ids))
    return session.exec(statement.order_by(col(Certificate.node_id), col(Certificate.id))).all()


def read_first_articles(session: Session, revision_ids: Collection[str]) -> Sequence[FirstArticle]:
    """Return the first articles of part revisions that are not revoked, by id."""
    statement = select(FirstArticle).where(
        col(FirstArticle.revision_id).in_(revision_ids), col(FirstArticle.revoked_at).is_(None)
    )
    return session.exec(statement.order_by(col(FirstArticle.id))).all()


def list_certificates(session: Session, wanted: CertificateFilter) -> Sequence[Certificate]:
    """Return certificates after an id, in the order of their ids."""
    statement = select(Certificate).where(col(Certificate.id) > wanted.after)
    if wanted.node_ids is not None:
        statement = statement.where(col(Certificate.node_id).in_(wanted.node_ids))
    if wanted.scheme is not None:
        statement = statement.where(col(Certificate.scheme) == wanted.scheme)
    if wanted.expiring_before is not None:
        statement = statement.where(
            col(Certificate.valid_to) < wanted.expiring_before, col(Certificate.revoked_at).is_(None)
        )
    if wanted.waiting:
        statement = statement.where(col(Certificate.verified_at).is_(None), col(Certificate.revoked_at).is_(None))
    return session.exec(statement.order_by(col(Certificate.id)).limit(wanted.limit)).all()


def list_first_articles(session: Session, *, revision_id: str | None, node_id: str | None) -> Sequence[FirstArticle]:
    """Return the first articles of a revision, of a node or of both, revoked ones among them, by id."""
    statement = select(FirstArticle).order_by(col(FirstArticle.id))
    if revision_id is not None:
        statement = statement.where(col(FirstArticle.revision_id) == revision_id)
    if node_id is not None:
        statement = statement.where(col(FirstArticle.node_id) == node_id)
    return session.exec(statement).all()


def certificates_ending(
    session: Session, *, first_day: date, last_day: date, node_ids: Collection[str] | None
) -> Sequence[Certificate]:
    """Return the certificates that count and whose last day lies between two days, both included."""
    statement = select(Certificate).where(
        col(Certificate.valid_to).between(first_day, last_day),
        col(Certificate.revoked_at).is_(None),
        col(Certificate.verified_at).is_not(None),
    )
    if node_ids is not None:
        statement = statement.where(col(Certificate.node_id).in_(node_ids))
    return session.exec(statement).all()


def last_days(session: Session, *, node_ids: Collection[str], first_day: date) -> Sequence[RowMapping]:
    """Return of nodes' certificates that count, by what each proves, the last day of the one that goes on longest.

    What ended before ``first_day`` is left out.
    """
    return (
        session.connection()
        .execute(_LAST_DAYS, {"node_ids": sorted(node_ids), "first_day": first_day})
        .mappings()
        .all()
    )


def first_articles_produced(
    session: Session, *, first_day: date, last_day: date, node_ids: Collection[str] | None
) -> Sequence[FirstArticle]:
    """Return the first articles that are not revoked and were last produced between two days, both included."""
    statement = select(FirstArticle).where(
        col(FirstArticle.last_production_on).between(first_day, last_day), col(FirstArticle.revoked_at).is_(None)
    )
    if node_ids is not None:
        statement = statement.where(col(FirstArticle.node_id).in_(node_ids))
    return session.exec(statement).all()


def add(session: Session, row: SQLModel) -> None:
    """Keep a new certificate or first article."""
    session.add(row)
    session.flush()


def find_certificate(session: Session, certificate_id: str, *, lock: bool = False) -> Certificate | None:
    """Return a certificate as it is now; with ``lock`` no other transaction can change it until this one ends."""
    return _found(session, Certificate, certificate_id, lock=lock)


def find_first_article(session: Session, first_article_id: str, *, lock: bool = False) -> FirstArticle | None:
    """Return a first article as it is now; with ``lock`` no other transaction can change it until this one ends."""
    return _found(session, FirstArticle, first_article_id, lock=lock)


def lock_first_article_of(session: Session, proves: tuple[str, str, str, str]) -> FirstArticle | None:
    """Return and lock the first article of a revision on a machine with a material and a parameter set."""
    conditions = [col(getattr(FirstArticle, name)) == value for name, value in zip(_PROVES, proves, strict=True)]
    return session.exec(select(FirstArticle).where(*conditions).with_for_update()).one_or_none()


def note_production(session: Session, proves: tuple[str, str, str, str], *, day: date) -> None:
    """Set the last production of a first article that is not revoked to ``day``, unless a later one is known."""
    conditions = [col(getattr(FirstArticle, name)) == value for name, value in zip(_PROVES, proves, strict=True)]
    session.exec(
        update(FirstArticle)
        .where(*conditions, col(FirstArticle.revoked_at).is_(None))
        .values(last_production_on=func.greatest(FirstArticle.last_production_on, day))
    )


def _found(session: Session, model: type[_Row], row_id: str, *, lock: bool) -> _Row | None:
    return session.get(model, row_id, populate_existing=True, with_for_update=True if lock else None)
