"""Whose certificates and first articles are whose: what a caller sees of them, and what it may change."""

from collections.abc import Iterator
from datetime import datetime
from typing import Annotated

from fastapi import Depends, Request
from sqlmodel import Session

from fabroute.api.dependencies import Identifier, NetworkWriter, work_of
from fabroute.api.downloads import StoredFile
from fabroute.api.errors import NodeNotYours
from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView, UnknownRevision
from fabroute.kernel.errors import DomainError
from fabroute.network import service as network
from fabroute.network.service import UnknownNode
from fabroute.qualification import service as qualification
from fabroute.qualification.service import (
    CertificateView,
    Evidence,
    Expiry,
    FirstArticleView,
    NewCertificate,
    NewFirstArticle,
    UnknownCertificate,
    UnknownFirstArticle,
)

_MOST_OF_A_NODE = 2_000
"""Certificates among which the very same is looked for."""
_OF_AN_ARTICLE = (
    "revision_id",
    "node_id",
    "machine_id",
    "material",
    "parameter_set",
    "approved_on",
    "last_production_on",
    "note",
)


class NoEvidence(DomainError):
    """Nobody has sent this document yet."""

    code = "no_evidence"
    status = 404


class FirstArticleRevoked(DomainError):
    """The first article was revoked: nothing proves it any more."""

    code = "first_article_revoked"
    status = 409


def require_visible_node(session: Session, *, caller: Principal, node_id: str) -> None:
    """Raise ``UnknownNode`` for a node whose proofs the caller may not see: a rival's."""
    node = network.find_node(session, node_id=node_id)
    if caller.kind == "bureau" and node.organisation_id != caller.organisation_id:
        raise UnknownNode(f"there is no node {node_id} of yours")


def visible_nodes(session: Session, *, caller: Principal) -> frozenset[str] | None:
    """Return the nodes whose proofs the caller may see, ``None`` for all: a bureau sees its own."""
    if caller.kind != "bureau":
        return None
    return network.nodes_of(session, organisation_id=caller.organisation_id)


def certificate_for(session: Session, *, caller: Principal, certificate_id: str) -> CertificateView:
    """Return a certificate that the caller may see; ``UnknownCertificate`` otherwise, as if there were none."""
    found = qualification.get_certificate(session, certificate_id=certificate_id)
    visible = visible_nodes(session, caller=caller)
    if visible is not None and found.node_id not in visible:
        raise UnknownCertificate(f"there is no certificate {certificate_id} that you may see")
    return found


def require_managed(session: Session, *, caller: Principal, certificate_id: str) -> CertificateView:
    """Return a certificate that the caller may change: the operator and the node's own organisation may.

    Raises ``UnknownCertificate``, and ``NodeNotYours`` to those who may only look.
    """
    found = certificate_for(session, caller=caller, certificate_id=certificate_id)
    node = network.find_node(session, node_id=found.node_id)
    if caller.kind != "operator" and node.organisation_id != caller.organisation_id:
        raise NodeNotYours(f"certificate {certificate_id} is changed by its node's organisation or by the operator")
    return found


def get_managed_certificate(request: Request, certificate_id: Identifier, principal: NetworkWriter) -> str:
    """Return the id of a certificate that the caller may change, asked in a transaction that ends at once."""
    with work_of(request, principal) as session:
        return require_managed(session, caller=principal, certificate_id=certificate_id).certificate_id


ManagedCertificate = Annotated[str, Depends(get_managed_certificate)]


def hand_in(
    session: Session, *, caller: Principal, certificate: NewCertificate, now: datetime
) -> tuple[CertificateView, bool]:
    """Return a certificate that was handed in, and whether it is new: the very same again is the one that is there.

    What the operator hands in counts at once, also where it had been waiting.
    """
    counts, actor = caller.kind == "operator", caller.key_id
    same = _same(session, certificate)
    if same is None:
        added = qualification.add_certificate(session, certificate=certificate, actor=actor, verified=counts, now=now)
        return added, True
    if counts:
        same = qualification.verify_certificate(session, certificate_id=same.certificate_id, actor=actor, now=now)
    return same, False


def require_own_revision(session: Session, *, caller: Principal, revision_id: str) -> None:
    """Raise ``UnknownRevision`` unless the revision is the caller's, or the caller is the operator."""
    revision = inventory.read_revisions(session, revision_ids={revision_id}).get(revision_id)
    if revision is None or not _owns(caller, revision):
        raise UnknownRevision(f"you have no part revision {revision_id}: GET /v1/parts lists yours")


def first_article_for(session: Session, *, caller: Principal, first_article_id: str) -> FirstArticleView:
    """Return a first article to the part's owner, its node or the operator; ``UnknownFirstArticle`` to others."""
    found = qualification.get_first_article(session, first_article_id=first_article_id)
    at_home = found.node_id in network.nodes_of(session, organisation_id=caller.organisation_id)
    if not at_home and not _owns(caller, _revision_of(session, found)):
        raise UnknownFirstArticle(f"there is no first article {first_article_id} that you may see")
    return found


def prove_first_article(
    session: Session, *, caller: Principal, first_article_id: str, evidence: Evidence, now: datetime
) -> FirstArticleView:
    """Note the file that proves a first article of the caller's, and return it; the same file again changes nothing.

    Raises ``UnknownFirstArticle``, also to everyone but the part's owner, and ``FirstArticleRevoked``.
    """
    known = qualification.get_first_article(session, first_article_id=first_article_id)
    if _revision_of(session, known).organisation_id != caller.organisation_id:
        raise UnknownFirstArticle(f"there is no first article {first_article_id} that you may see")
    if known.revoked:
        raise FirstArticleRevoked(f"first article {first_article_id} was revoked: approve it again first")
    if known.evidence_sha256 == evidence.sha256:
        return known
    same = NewFirstArticle(**{name: getattr(known, name) for name in _OF_AN_ARTICLE})
    return qualification.add_first_article(
        session,
        organisation_id=caller.organisation_id,
        first_article=same,
        actor=caller.key_id,
        now=now,
        evidence=evidence,
    )


def ending_soon(session: Session, *, caller: Principal, within_days: int, now: datetime) -> tuple[Expiry, ...]:
    """Return what counts today and ends within so many days, the first to end first.

    The operator sees all of it, a bureau its own nodes', an owner what its released parts need.
    """
    found = qualification.expiring(
        session, within_days=within_days, today=now.date(), node_ids=visible_nodes(session, caller=caller)
    )
    return found if caller.kind != "owner" else tuple(_needed(session, caller, found))


def proof_file(thing: CertificateView | FirstArticleView) -> StoredFile:
    """Return where the document of a certificate or first article lies; ``NoEvidence`` if there is none."""
    if thing.evidence_sha256 is None:
        raise NoEvidence("nobody has sent this document yet: PUT …/evidence")
    return StoredFile(sha256=thing.evidence_sha256, file_name=thing.evidence_name, media_type=thing.evidence_media_type)


def _same(session: Session, certificate: NewCertificate) -> CertificateView | None:
    held = qualification.list_certificates(session, node_ids={certificate.node_id}, limit=_MOST_OF_A_NODE).items
    return next((known for known in held if not known.revoked and _says(known) == _says(certificate)), None)


def _says(certificate: NewCertificate | CertificateView) -> tuple[object, ...]:
    names = ("scheme", "scope", "machine_id", "parameter_set", "number", "issuer", "valid_from", "valid_to")
    return tuple(getattr(certificate, name) for name in names)


def _revision_of(session: Session, article: FirstArticleView) -> RevisionView:
    return inventory.read_revisions(session, revision_ids={article.revision_id})[article.revision_id]


def _owns(caller: Principal, revision: RevisionView) -> bool:
    return caller.kind == "operator" or revision.organisation_id == caller.organisation_id


def _needed(session: Session, caller: Principal, found: tuple[Expiry, ...]) -> Iterator[Expiry]:
    own_nodes = network.nodes_of(session, organisation_id=caller.organisation_id)
    needs = inventory.read_released_needs(session, organisation_id=caller.organisation_id)
    schemes = frozenset[str]().union(*needs.values())
    for expiry in found:
        certificate, article = expiry.certificate, expiry.first_article
        needed = certificate is not None and certificate.scheme in schemes
        if needed or expiry.node_id in own_nodes or (article is not None and article.revision_id in needs):
            yield expiry
