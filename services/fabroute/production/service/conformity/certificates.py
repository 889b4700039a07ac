"""Certificates of conformity: generated from the record of a job, signed by the installation, never changed.

To check one without this software: the UTF-8 bytes of ``statement`` are what was signed (Ed25519, RFC 8032, signature
and 32-byte public key in base64); ``sha256`` is their SHA-256; the key is that of ``GET /v1/signing-key``.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime
from typing import Any

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.identity.service import record_audit
from fabroute.inventory.ports import PrintFileSigner
from fabroute.inventory.service import canonical_json
from fabroute.kernel.errors import DomainError
from fabroute.kernel.ids import new_id
from fabroute.outbox import service as outbox
from fabroute.production.events import certificate_event
from fabroute.production.models import ConformityCertificate, Job
from fabroute.production.repository import conformity as rows
from fabroute.production.repository import jobs as job_rows
from fabroute.production.service.access import UnknownJob, find_visible, lock_visible
from fabroute.production.service.conformity.data import InspectionRecord, PartRecord, SerialRecord
from fabroute.production.service.conformity.recalled import is_recalled, require_not_recalled
from fabroute.production.service.conformity.records import part_record
from fabroute.production.service.telling import audit_entry

CERTIFIED_STATES = ("inspected", "shipped", "delivered")
STATEMENT_KIND = "fabroute certificate of conformity"
STATEMENT_VERSION = 1
_SYSTEM = "system:production"


class NotInspected(DomainError):
    """The job's parts are not all made and inspected: there is nothing yet that could be certified."""

    code = "not_inspected"
    status = 409


class UnknownConformityCertificate(DomainError):
    """No such certificate, or not one that the asking organisation may see."""

    code = "unknown_conformity_certificate"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateView:
    """A certificate of conformity, with all that is needed to check it."""

    certificate_id: str
    job_id: str
    organisation_id: str
    """The owner's."""
    number: int
    """1 for the first certificate of the job."""
    statement: str
    """Canonical JSON: this is what is signed."""
    sha256: str
    signature: str
    public_key: str
    issued_by: str
    issued_at: datetime
    withdrawn_at: datetime | None
    withdrawal_reason: str

    @property
    def stands(self) -> bool:
        """Whether it was not withdrawn."""
        return self.withdrawn_at is None


def issue_certificate(
    session: Session, *, principal: Principal, job_id: str, signer: PrintFileSigner, now: datetime
) -> CertificateView:
    """Certify an inspected job for its owner, its node or the operator; one that stands is returned. Audited, told.

    Raises ``UnknownJob``, ``NotInspected``, ``PartsRecalled``, and what the signer raises without a key.
    """
    job = lock_visible(session, principal=principal, job_id=job_id)
    if job.state not in CERTIFIED_STATES:
        raise NotInspected(
            f"job {job_id} is {job.state}: a certificate of conformity is made once all its parts are made and passed "
            "their inspection"
        )
    require_not_recalled(session, job_id=job_id, wish="certified")
    return _issued(session, job, signer=signer, actor=principal.key_id, now=now)


def certify_inspected(session: Session, *, job_id: str, signer: PrintFileSigner, now: datetime) -> None:
    """Certify a job of its own accord if it is inspected, its material not recalled, and no certificate stands."""
    job = job_rows.lock_job(session, job_id)
    if job is not None and job.state == "inspected" and not is_recalled(session, job_id=job_id):
        _issued(session, job, signer=signer, actor=_SYSTEM, now=now)


def list_certificates(session: Session, *, principal: Principal, job_id: str) -> tuple[CertificateView, ...]:
    """Return a job's certificates, withdrawn ones too, to whoever may see the job. Raises ``UnknownJob``."""
    find_visible(session, principal=principal, job_id=job_id)
    return tuple(certificate_view(row) for row in rows.read_certificates(session, job_id=job_id))


def get_certificate(session: Session, *, principal: Principal, certificate_id: str) -> CertificateView:
    """Return a certificate to whoever may see its job; ``UnknownConformityCertificate`` to everyone else."""
    row = rows.find_certificate(session, certificate_id)
    if row is None:
        raise UnknownConformityCertificate(_unknown(certificate_id))
    try:
        find_visible(session, principal=principal, job_id=row.job_id)
    except UnknownJob as error:
        raise UnknownConformityCertificate(_unknown(certificate_id)) from error
    return certificate_view(row)


def certificate_view(row: ConformityCertificate) -> CertificateView:
    """Return the view of a certificate."""
    columns = row.model_dump()
    return CertificateView(certificate_id=columns.pop("id"), **columns)


def statement_of(record: PartRecord, *, certificate_id: str, number: int, issued_at: datetime) -> str:
    """Return what a certificate says: canonical JSON (sorted keys, no spaces, ASCII), times in RFC 3339.

    It names the print file and the parameters by SHA-256, machine, lot, first article, and for each part its serial,
    build and inspections with the SHA-256 of their evidence. Tokens of passports are not in it.
    """
    return canonical_json(
        _plain(
            {
                "kind": STATEMENT_KIND,
                "version": STATEMENT_VERSION,
                "certificate_id": certificate_id,
                "number": number,
                "issued_at": issued_at,
                "job_id": record.job_id,
                "order_id": record.order_id,
                "owner_id": record.organisation_id,
                "quantity": record.quantity,
                "revision": asdict(record.revision),
                "parameters": asdict(record.parameters),
                "maker": asdict(record.maker),
                "lot": None if record.lot is None else asdict(record.lot),
                "first_article": {
                    "made_with_this_job": record.first_article,
                    "approved_at": record.first_article_approved_at,
                },
                "inspected_at": record.inspected_at,
                "parts": [_part(serial, record) for serial in record.good_serials],
            }
        )
    )


def _issued(session: Session, job: Job, *, signer: PrintFileSigner, actor: str, now: datetime) -> CertificateView:
    standing = next((row for row in rows.read_certificates(session, job_id=job.id) if row.withdrawn_at is None), None)
    if standing is not None:
        return certificate_view(standing)
    row = _signed(session, job, signer=signer, actor=actor, now=now)
    session.add(row)
    session.flush()
    data = {"certificate": row.id, "sha256": row.sha256}
    record_audit(
        session, entry=audit_entry(job.id, job.organisation_id, "conformity.issued", actor=actor, now=now, **data)
    )
    outbox.record(
        session,
        certificate_event(
            "conformity.issued",
            certificate_id=row.id,
            organisation_id=job.organisation_id,
            job_id=job.id,
            occurred_at=now,
        ),
    )
    return certificate_view(row)


def _signed(session: Session, job: Job, *, signer: PrintFileSigner, actor: str, now: datetime) -> ConformityCertificate:
    certificate_id, number = new_id("coc"), rows.next_certificate_number(session, job_id=job.id)
    record = part_record(session, job_id=job.id)
    statement = statement_of(record, certificate_id=certificate_id, number=number, issued_at=now)
    return ConformityCertificate(
        id=certificate_id,
        job_id=job.id,
        organisation_id=job.organisation_id,
        number=number,
        statement=statement,
        sha256=hashlib.sha256(statement.encode()).hexdigest(),
        signature=signer.sign(statement.encode()),
        public_key=signer.public_key,
        issued_by=actor,
        issued_at=now,
    )


def _part(serial: SerialRecord, record: PartRecord) -> dict[str, Any]:
    hashes = {it.evidence_id: it.sha256 for it in record.evidence}
    return {
        "number": serial.number,
        "serial": serial.serial,
        "printed_at": serial.printed_at,
        "build": None if serial.build is None else asdict(serial.build),
        "inspections": [_inspection(it, hashes) for it in serial.inspections],
    }


def _inspection(inspection: InspectionRecord, hashes: dict[str, str]) -> dict[str, Any]:
    said = asdict(inspection)
    evidence_id = said.pop("evidence_id")
    return {**said, "evidence_sha256": None if evidence_id is None else hashes.get(evidence_id)}


def _plain(value: Any) -> Any:
    """Return the same with times and dates as text, for JSON."""
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, dict):
        return {name: _plain(held) for name, held in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_plain(held) for held in value]
    return value


def _unknown(certificate_id: str) -> str:
    return f"there is no certificate of conformity {certificate_id} that you may see"
