"""Who has proved what: site and process certificates, and first articles of part revisions."""

from dataclasses import asdict, dataclass
from datetime import date, datetime

from sqlmodel import Session

from fabroute.identity.service import AuditRecord, record_audit
from fabroute.kernel.errors import DomainError
from fabroute.outbox.service import record
from fabroute.qualification import repository
from fabroute.qualification.events import network_changed
from fabroute.qualification.rules import CertificateView, FirstArticleView
from fabroute.qualification.snapshot import FirstArticleKey, Qualifications, read_qualifications

__all__ = [
    "CertificateView",
    "FirstArticleKey",
    "FirstArticleView",
    "InvalidCertificate",
    "NewCertificate",
    "NewFirstArticle",
    "Qualifications",
    "read_qualifications",
    "save_certificates",
    "save_first_articles",
]

_ACTOR = "system:qualification"


class InvalidCertificate(DomainError):
    """A certificate that ends before it begins, or a first article approved after its last production."""

    code = "invalid_certificate"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class NewCertificate:
    """A certificate of a node: its scheme, its scope (``*`` or ``PROCESS:MATERIAL``), its first and last day."""

    certificate_id: str
    node_id: str
    scheme: str
    scope_kind: str
    scope: str
    valid_from: date
    valid_to: date

    def __post_init__(self) -> None:
        if self.valid_from > self.valid_to:
            raise InvalidCertificate(
                f"{self.scheme} of {self.node_id} ends ({self.valid_to}) before it begins ({self.valid_from})"
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewFirstArticle:
    """An approved first article of a part revision on one machine with one material and parameter set."""

    first_article_id: str
    revision_id: str
    node_id: str
    machine_id: str
    material: str
    parameter_set: str
    approved_on: date
    last_production_on: date

    def __post_init__(self) -> None:
        if self.approved_on > self.last_production_on:
            raise InvalidCertificate(
                f"the first article of {self.revision_id} on {self.machine_id} was approved on {self.approved_on}, "
                f"after its last production ({self.last_production_on}): the first article is itself a production"
            )


def save_certificates(session: Session, *, certificates: tuple[NewCertificate, ...], now: datetime) -> int:
    """Save certificates by their ids; return how many were new or different. If any: audited, ``network.changed``."""
    rows = [_renamed(asdict(certificate), "certificate_id") for certificate in certificates]
    changed = repository.save_certificates(session, [row | {"revoked_at": None} for row in rows])
    return _tell(session, changed, subject_type="certificates", reason="certificates_changed", now=now)


def save_first_articles(session: Session, *, first_articles: tuple[NewFirstArticle, ...], now: datetime) -> int:
    """Save first articles by revision, machine, material and parameter set; return how many were new or different.

    If any: audited, ``network.changed``.
    """
    rows = [_renamed(asdict(article), "first_article_id") for article in first_articles]
    changed = repository.save_first_articles(session, [row | {"revoked_at": None} for row in rows])
    return _tell(session, changed, subject_type="first_articles", reason="first_articles_changed", now=now)


def _renamed(row: dict[str, object], name: str) -> dict[str, object]:
    return {"id" if key == name else key: value for key, value in row.items()}


def _tell(session: Session, changed: int, *, subject_type: str, reason: str, now: datetime) -> int:
    if changed:
        entry = AuditRecord(
            organisation_id=None,
            occurred_at=now,
            actor=_ACTOR,
            action=f"{subject_type}.saved",
            subject_type=subject_type,
            subject_id="*",
            data={"changed": changed},
        )
        record_audit(session, entry=entry)
        record(session, network_changed(subject_type=subject_type, reason=reason, now=now))
    return changed
