"""Certificates of conformity over the wire."""

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.production.service.conformity import CertificateView


class ConformityCertificateOut(ResponseModel):
    """A certificate of conformity. Anyone can check it: Ed25519 over the UTF-8 bytes of `statement`."""

    id: str
    job_id: str
    number: int = Field(description="1 for the first certificate of the job.")
    statement: str = Field(
        description="Canonical JSON of what is certified: revision and SHA-256 of its print file, parameters and their "
        "SHA-256, node, machine, lot, and each part with serial, build and inspections."
    )
    sha256: str = Field(description="Of the UTF-8 bytes of `statement`, hexadecimal.")
    signature: str = Field(description="Ed25519 over the same bytes, base64.")
    public_key: str = Field(description="Ed25519, base64; compare it with GET /v1/signing-key.")
    issued_at: AwareDatetime
    withdrawn_at: AwareDatetime | None = Field(description="Since when it holds no longer; null while it stands.")
    withdrawal_reason: str


class ConformityCertificatesOut(ResponseModel):
    """The certificates of a job, the first one first; withdrawn ones among them."""

    data: list[ConformityCertificateOut]


def conformity_certificate_out(certificate: CertificateView) -> ConformityCertificateOut:
    """Return a certificate for an answer."""
    return ConformityCertificateOut(
        id=certificate.certificate_id,
        job_id=certificate.job_id,
        number=certificate.number,
        statement=certificate.statement,
        sha256=certificate.sha256,
        signature=certificate.signature,
        public_key=certificate.public_key,
        issued_at=certificate.issued_at,
        withdrawn_at=certificate.withdrawn_at,
        withdrawal_reason=certificate.withdrawal_reason,
    )
