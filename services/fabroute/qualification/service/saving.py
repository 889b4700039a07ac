"""Save many certificates and first articles at once, as the reference network and imports do."""

from dataclasses import asdict
from datetime import datetime

from sqlmodel import Session

from fabroute.kernel.ids import new_id
from fabroute.qualification import repository
from fabroute.qualification.service.data import NewCertificate, NewFirstArticle
from fabroute.qualification.service.telling import Done, tell

_ACTOR = "system:qualification"


def save_certificates(
    session: Session, *, certificates: tuple[NewCertificate, ...], now: datetime, actor: str = _ACTOR
) -> int:
    """Save certificates by their ids, verified by ``actor``; return how many were new or different.

    If any: audited, ``network.changed``. A known one that is revoked, or waits for verification, stays so. What they
    name is not checked here: see ``read_known_network``.
    """
    rows = [certificate_row(certificate, actor=actor, now=now) | _verified(actor, now) for certificate in certificates]
    changed = repository.save_certificates(session, rows)
    return _tell(session, changed, what="certificates", actor=actor, now=now)


def save_first_articles(
    session: Session, *, first_articles: tuple[NewFirstArticle, ...], now: datetime, actor: str = _ACTOR
) -> int:
    """Save first articles by revision, machine, material and parameter set; return how many were new or different.

    If any: audited, ``network.changed``. A revoked one stays so.
    """
    rows = [first_article_row(article, actor=actor) for article in first_articles]
    changed = repository.save_first_articles(session, rows)
    return _tell(session, changed, what="first_articles", actor=actor, now=now)


def certificate_row(certificate: NewCertificate, *, actor: str, now: datetime) -> dict[str, object]:
    """Return a new certificate's columns, not verified."""
    facts: dict[str, object] = asdict(certificate)
    return {
        "id": facts.pop("certificate_id") or new_id("cert"),
        **facts,
        "scope_kind": certificate.scope_kind,
        "submitted_by": actor,
        "submitted_at": now,
        "verified_by": None,
        "verified_at": None,
        "revoked_at": None,
    }


def first_article_row(article: NewFirstArticle, *, actor: str) -> dict[str, object]:
    """Return a new first article's columns."""
    facts: dict[str, object] = asdict(article)
    return {"id": facts.pop("first_article_id") or new_id("fa"), **facts, "approved_by": actor, "revoked_at": None}


def _verified(actor: str, now: datetime) -> dict[str, object]:
    return {"verified_by": actor, "verified_at": now}


def _tell(session: Session, changed: int, *, what: str, actor: str, now: datetime) -> int:
    if changed:
        done = Done(
            action=f"{what}.saved",
            subject_type=what,
            subject_id="*",
            organisation_id=None,
            actor=actor,
            now=now,
            data={"changed": changed},
        )
        tell(session, done, reason=f"{what}_changed")
    return changed
