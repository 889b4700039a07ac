"""Certificates of nodes, one at a time: handed in, verified by the operator, revoked, read."""

from collections.abc import Collection, Sequence
from datetime import date, datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.kernel.errors import DomainError
from fabroute.kernel.events import JsonScalar
from fabroute.network.service import find_node
from fabroute.qualification import repository
from fabroute.qualification.models import Certificate
from fabroute.qualification.repository import CertificateFilter
from fabroute.qualification.rules import CertificateView
from fabroute.qualification.service.data import Evidence, InvalidCertificate, NewCertificate
from fabroute.qualification.service.known import read_known_network
from fabroute.qualification.service.saving import certificate_row
from fabroute.qualification.service.telling import Done, require_reason, tell, tell_all
from fabroute.qualification.snapshot import certificate_view


class UnknownCertificate(DomainError):
    """There is no such certificate."""

    code = "unknown_certificate"
    status = 404


class CertificateKnown(DomainError):
    """There is a certificate of this id already."""

    code = "certificate_known"
    status = 409


class CertificateRevoked(DomainError):
    """The certificate was revoked: nothing can be done with it any more."""

    code = "certificate_revoked"
    status = 409


class EvidenceFrozen(DomainError):
    """The certificate was verified with the evidence that it has."""

    code = "evidence_frozen"
    status = 409


def add_certificate(
    session: Session, *, certificate: NewCertificate, actor: str, verified: bool, now: datetime
) -> CertificateView:
    """Add a certificate to a node and return it; it counts at once if ``verified`` (by the operator), else it waits.

    Audited; ``network.changed`` where it counts. Raises ``UnknownNode``, ``InvalidCertificate`` with what is allowed
    for a scope, machine or parameter set that the node doesn't have, ``CertificateKnown`` for an id given before.
    """
    find_node(session, node_id=certificate.node_id)
    known_id = certificate.certificate_id
    if known_id is not None and repository.find_certificate(session, known_id) is not None:
        raise CertificateKnown(f"there is a certificate {known_id} already: leave the id out, or give another one")
    (added,) = add_certificates(session, certificates=(certificate,), actor=actor, verified=verified, now=now)
    return added


def hold_certificates(session: Session) -> None:
    """Wait for whoever else holds the certificates, so that what one hands in is there for the next.

    The transaction holds them until it ends. Single certificates are not held up by it.
    """
    repository.hold_certificates(session)


def add_certificates(
    session: Session, *, certificates: Sequence[NewCertificate], actor: str, verified: bool, now: datetime
) -> tuple[CertificateView, ...]:
    """Add certificates that are not there yet, as ``add_certificate`` does, in a few statements a thousand.

    Raises ``InvalidCertificate`` for the first that names what isn't there: see ``read_known_network``.
    """
    known = read_known_network(session, today=now.date())
    for certificate in certificates:
        problems = known.certificate_problems(certificate)
        if problems:
            raise InvalidCertificate(". ".join(problem.message for problem in problems), problems=problems)
    by = {"verified_by": actor, "verified_at": now} if verified else {}
    rows = [Certificate.model_validate(certificate_row(it, actor=actor, now=now) | by) for it in certificates]
    repository.insert_certificates(session, [row.model_dump() for row in rows])
    pairs = zip(rows, certificates, strict=True)
    told = [_added(row, it.what, known.owners[row.node_id], actor=actor, now=now) for row, it in pairs]
    tell_all(session, told, reason="certificate_added" if verified else None)
    return tuple(certificate_view(row) for row in rows)


def verify_certificate(session: Session, *, certificate_id: str, actor: str, now: datetime) -> CertificateView:
    """Let a certificate count, and return it; one that was verified before stays as it is.

    Audited; ``network.changed``. Raises ``UnknownCertificate``, ``CertificateRevoked``.
    """
    row = _locked(session, certificate_id)
    _require_standing(row)
    if row.verified_at is None:
        row.verified_by, row.verified_at = actor, now
        session.flush()
        _tell(session, row, "verified", actor=actor, now=now, data={"evidence": row.evidence_sha256}, counts=True)
    return certificate_view(row)


def revoke_certificate(
    session: Session, *, certificate_id: str, reason: str, actor: str, now: datetime
) -> CertificateView:
    """Take a certificate back for good, and return it; one that was revoked before keeps its first reason.

    Audited; ``network.changed``. Jobs that stand on it are held by ``production``. Raises ``UnknownCertificate``, and
    ``InvalidCertificate`` without a reason.
    """
    words = require_reason(reason)
    row = _locked(session, certificate_id)
    if row.revoked_at is None:
        row.revoked_at, row.revoked_by, row.revocation_reason = now, actor, words
        session.flush()
        _tell(session, row, "revoked", actor=actor, now=now, data={"reason": words}, counts=True)
    return certificate_view(row)


def attach_evidence(
    session: Session, *, certificate_id: str, evidence: Evidence, actor: str, now: datetime
) -> CertificateView:
    """Note the file that proves a certificate, and return it; the same file again changes nothing. Audited.

    Raises ``UnknownCertificate``, ``CertificateRevoked``, and ``EvidenceFrozen`` for another file than the one that
    the operator verified.
    """
    row = _locked(session, certificate_id)
    if row.evidence_sha256 == evidence.sha256:
        return certificate_view(row)
    _require_standing(row)
    if row.verified_at is not None and row.evidence_sha256 is not None:
        raise EvidenceFrozen(f"certificate {certificate_id} was verified with {row.evidence_name}: add a new one")
    row.evidence_sha256, row.evidence_name = evidence.sha256, evidence.name
    row.evidence_media_type = evidence.media_type
    session.flush()
    _tell(session, row, "evidence_attached", actor=actor, now=now, data={"sha256": evidence.sha256}, counts=False)
    return certificate_view(row)


def get_certificate(session: Session, *, certificate_id: str) -> CertificateView:
    """Return a certificate, revoked or not; ``UnknownCertificate`` if there is none."""
    return certificate_view(_known(certificate_id, repository.find_certificate(session, certificate_id)))


def list_certificates(
    session: Session,
    *,
    node_ids: Collection[str] | None = None,
    scheme: str | None = None,
    expiring_before: date | None = None,
    waiting: bool = False,
    cursor: str | None = None,
    limit: int = 50,
) -> Page[CertificateView]:
    """Return a page of certificates in the order of their ids, revoked ones among them, after the id ``cursor``.

    ``expiring_before`` leaves those that are not revoked and whose last day is before it; ``waiting`` leaves those that
    wait for the operator.
    """
    wanted = CertificateFilter(
        node_ids=node_ids,
        scheme=scheme,
        expiring_before=expiring_before,
        waiting=waiting,
        after=cursor or "",
        limit=limit + 1,
    )
    rows = repository.list_certificates(session, wanted)
    return page_of([certificate_view(row) for row in rows], limit=limit, cursor_of=lambda view: view.certificate_id)


def _known(certificate_id: str, row: Certificate | None) -> Certificate:
    if row is None:
        raise UnknownCertificate(f"there is no certificate {certificate_id} that you may see")
    return row


def _require_standing(row: Certificate) -> None:
    if row.revoked_at is not None:
        raise CertificateRevoked(f"certificate {row.id} was revoked on {row.revoked_at:%Y-%m-%d}: add a new one")


def _locked(session: Session, certificate_id: str) -> Certificate:
    return _known(certificate_id, repository.find_certificate(session, certificate_id, lock=True))


def _added(row: Certificate, what: str, organisation_id: str, *, actor: str, now: datetime) -> Done:
    return Done(
        action="certificate.added",
        subject_type="certificate",
        subject_id=row.id,
        organisation_id=organisation_id,
        actor=actor,
        now=now,
        data={"node_id": row.node_id, "scheme": row.scheme, "scope": what, "valid_to": str(row.valid_to)},
    )


def _tell(
    session: Session,
    row: Certificate,
    what: str,
    *,
    actor: str,
    now: datetime,
    data: dict[str, JsonScalar],
    counts: bool,
) -> None:
    done = Done(
        action=f"certificate.{what}",
        subject_type="certificate",
        subject_id=row.id,
        organisation_id=find_node(session, node_id=row.node_id).organisation_id,
        actor=actor,
        now=now,
        data={"node_id": row.node_id, **data},
    )
    tell(session, done, reason=f"certificate_{what}" if counts else None)
