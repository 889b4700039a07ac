"""Certificates of conformity over the wire."""

import json
from collections.abc import Mapping

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.production.service.conformity import CertificateView


class PassportLinkOut(ResponseModel):
    """A part of a certificate, and where its passport is read without a key."""

    number: int = Field(description="Of the print.")
    serial: str
    passport_url: str | None


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
    parts: list[PassportLinkOut] = Field(description="Those that the statement names.")


class ConformityCertificatesOut(ResponseModel):
    """The certificates of a job, the first one first; withdrawn ones among them."""

    data: list[ConformityCertificateOut]


def conformity_certificate_out(certificate: CertificateView, passports: Mapping[int, str]) -> ConformityCertificateOut:
    """Return a certificate for an answer; ``passports``: where they are read, by the number of the print."""
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
        parts=[
            PassportLinkOut(
                number=part["number"], serial=part["serial"], passport_url=passports.get(int(part["number"]))
            )
            for part in json.loads(certificate.statement).get("parts", ())
        ],
    )
