"""Certificates of nodes over the wire."""

from datetime import date

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Day, Label, Note, RequestModel, ResponseModel, Sentence
from fabroute.qualification.service import CertificateView, FirstArticleView, NewCertificate


class ProofOut(ResponseModel):
    """The file that proves something; it is read at `…/evidence`."""

    name: str
    media_type: str
    sha256: str = Field(description="Hexadecimal; also the file's ETag.")


class CertificateIn(RequestModel):
    """A certificate of a node."""

    scheme: Label = Field(description="As parts ask for it.", examples=["ISO9001", "EN45545-HL2"])
    scope: Label = Field(
        default="*",
        description="`*` for the whole site, else `PROCESS` or `PROCESS:MATERIAL`.",
        examples=["*", "MJF", "MJF:PA12-MJF"],
    )
    machine_id: Label | None = Field(default=None, description="Only where it is for one machine.")
    parameter_set: Label | None = Field(default=None, description="Only where it is for one parameter set.")
    number: Note = Field(default="", description="As it stands on the document.")
    issuer: Note = Field(default="", description="Who gave it.")
    valid_from: Day = Field(description="Its first day.")
    valid_to: Day = Field(description="Its last day.")


class RevocationIn(RequestModel):
    """Why something no longer counts."""

    reason: Sentence = Field(description="For the people who will ask why.")


class CertificateOut(ResponseModel):
    """A certificate of a node. It counts once the operator has verified it, from its first to its last day."""

    id: str
    node_id: str
    scheme: str
    scope_kind: str = Field(description="`site`, `process`, `process_material`, `machine` or `parameter_set`.")
    scope: str = Field(description="`*`, `PROCESS` or `PROCESS:MATERIAL`.")
    machine_id: str | None
    parameter_set: str | None
    number: str
    issuer: str
    valid_from: date
    valid_to: date
    state: str = Field(description="`waiting` for the operator, `valid`, `not_yet_valid`, `expired` or `revoked`.")
    days_left: int = Field(description="From today to its last day; negative when that has gone by.")
    evidence: ProofOut | None
    submitted_at: AwareDatetime | None
    verified_at: AwareDatetime | None
    revoked_at: AwareDatetime | None
    revocation_reason: str


class CertificateRevokedOut(ResponseModel):
    """A certificate that no longer counts, and what that stopped."""

    certificate: CertificateOut
    held_jobs: int = Field(description="Jobs that are held now because they stood on it.")


def new_certificate(node_id: str, certificate: CertificateIn) -> NewCertificate:
    """Return a certificate as qualification takes it."""
    return NewCertificate(
        node_id=node_id,
        scheme=certificate.scheme,
        scope=certificate.scope,
        machine_id=certificate.machine_id,
        parameter_set=certificate.parameter_set,
        number=certificate.number,
        issuer=certificate.issuer,
        valid_from=certificate.valid_from,
        valid_to=certificate.valid_to,
    )


def certificate_out(certificate: CertificateView, *, today: date) -> CertificateOut:
    """Return a certificate for an answer of ``today``."""
    return CertificateOut(
        id=certificate.certificate_id,
        node_id=certificate.node_id,
        scheme=certificate.scheme,
        scope_kind=certificate.scope_kind,
        scope=certificate.scope,
        machine_id=certificate.machine_id,
        parameter_set=certificate.parameter_set,
        number=certificate.number,
        issuer=certificate.issuer,
        valid_from=certificate.valid_from,
        valid_to=certificate.valid_to,
        state=certificate.state_on(today),
        days_left=(certificate.valid_to - today).days,
        evidence=proof_out(certificate),
        submitted_at=certificate.submitted_at,
        verified_at=certificate.verified_at,
        revoked_at=certificate.revoked_at,
        revocation_reason=certificate.revocation_reason,
    )


def proof_out(thing: CertificateView | FirstArticleView) -> ProofOut | None:
    """Return the evidence of a certificate or first article for an answer, ``None`` where there is none yet."""
    if thing.evidence_sha256 is None:
        return None
    return ProofOut(name=thing.evidence_name, media_type=thing.evidence_media_type, sha256=thing.evidence_sha256)
