"""Part passports over the wire: for whoever holds the part, without a key. Never a price, never a customer."""

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import ResponseModel
from fabroute.production.service.conformity import (
    CertificateRecord,
    EvidenceRecord,
    InspectionRecord,
    MeasurementRecord,
    PartRecord,
    PassportRecord,
    RecallRecord,
    SerialRecord,
)


class PassportEndOut(ResponseModel):
    """Since when a part is not to be used, and why."""

    at: AwareDatetime
    reason: str


class PassportLotOut(ResponseModel):
    """What the part was made of."""

    supplier_lot: str = Field(description="The manufacturer's number of the lot.")
    reuse_count: int


class PassportMeasurementOut(ResponseModel):
    """A characteristic that was looked at."""

    name: str
    limits: str = Field(description="In mm, as a person reads them; empty without limits.")
    found: str
    passed: bool


class PassportInspectionOut(ResponseModel):
    """An inspection of the part, or of all parts that were made with it."""

    level: str = Field(description="`visual`, `dimensional`, `ct` or `test_report`.")
    result: str = Field(description="`pass` or `fail`.")
    inspected_at: AwareDatetime
    measurements: list[PassportMeasurementOut]


class PassportEvidenceOut(ResponseModel):
    """A file that proves something: whoever has it can compare its hash."""

    kind: str
    sha256: str


class PassportCertificateOut(ResponseModel):
    """The certificate of conformity that the part is on."""

    issued_at: AwareDatetime
    sha256: str = Field(description="Of the signed statement.")


class PassportRecallOut(ResponseModel):
    """That the material of the part was recalled."""

    id: str
    supplier_lot: str = Field(description="The manufacturer's number of the recalled lot; empty where it has none.")
    recalled_at: AwareDatetime
    reason: str


class PassportOut(ResponseModel):
    """One part: what it is, how it was made, and what was found."""

    part: str
    name: str
    revision: str
    serial: str
    printed_at: AwareDatetime
    file_sha256: str = Field(description="Of the released print file.")
    parameters_sha256: str = Field(description="Of machine model, process, material and parameter set.")
    country: str = Field(description="Where it was printed: ISO 3166-1 alpha-2.")
    machine_model: str
    process: str
    material: str
    lot: PassportLotOut | None
    build_id: str | None
    inspection_level: str = Field(description="That the revision asks for; `none`: none.")
    inspections: list[PassportInspectionOut]
    evidence: list[PassportEvidenceOut]
    certificate: PassportCertificateOut | None
    withdrawn: PassportEndOut | None = Field(
        description="Its certificate was withdrawn or its material recalled; null if not."
    )
    recall: PassportRecallOut | None = Field(description="The recall of its material; null without one.")
    scrapped: PassportEndOut | None = Field(description="The part was scrapped; null if not.")


def passport_out(found: PassportRecord) -> PassportOut:
    """Return a part for an answer to anyone."""
    part, record = found.part, found.record
    return PassportOut(
        part=record.revision.part_no,
        name=record.revision.name,
        revision=record.revision.revision,
        serial=part.serial,
        printed_at=part.printed_at,
        file_sha256=record.revision.file_sha256,
        parameters_sha256=record.parameters.sha256,
        country=record.maker.country,
        machine_model=record.parameters.machine_model,
        process=record.parameters.process,
        material=record.parameters.material,
        lot=_lot(record),
        build_id=None if part.build is None else part.build.build_id,
        inspection_level=record.revision.inspection_level,
        inspections=[_inspection(it) for it in part.inspections],
        evidence=_evidence(record.evidence, part),
        certificate=_certificate(record.certificate),
        withdrawn=_withdrawn(record),
        recall=_recall(record.recall),
        scrapped=_scrapped(part),
    )


def _lot(record: PartRecord) -> PassportLotOut | None:
    if record.lot is None:
        return None
    return PassportLotOut(supplier_lot=record.lot.supplier_lot, reuse_count=record.lot.reuse_count)


def _inspection(inspection: InspectionRecord) -> PassportInspectionOut:
    return PassportInspectionOut(
        level=inspection.level,
        result=inspection.result,
        inspected_at=inspection.inspected_at,
        measurements=[_measurement(it) for it in inspection.measurements],
    )


def _measurement(measured: MeasurementRecord) -> PassportMeasurementOut:
    found = measured.text if measured.value_mm is None else f"{measured.value_mm:g}"
    return PassportMeasurementOut(name=measured.name, limits=_limits(measured), found=found, passed=measured.passed)


def _limits(measured: MeasurementRecord) -> str:
    lower, upper = measured.lower_mm, measured.upper_mm
    if lower is not None and upper is not None:
        return f"{lower:g} to {upper:g}"
    return "" if lower is upper else f"≥ {lower:g}" if lower is not None else f"≤ {upper:g}"


def _evidence(evidence: tuple[EvidenceRecord, ...], part: SerialRecord) -> list[PassportEvidenceOut]:
    """Return the evidence of the part's own inspections: photos of other prints are nobody's business here."""
    wanted = {it.evidence_id for it in part.inspections}
    return [PassportEvidenceOut(kind=it.kind, sha256=it.sha256) for it in evidence if it.evidence_id in wanted]


def _certificate(certificate: CertificateRecord | None) -> PassportCertificateOut | None:
    if certificate is None:
        return None
    return PassportCertificateOut(issued_at=certificate.issued_at, sha256=certificate.sha256)


def _withdrawn(record: PartRecord) -> PassportEndOut | None:
    """Return since when the part is not to be used: a recall counts whether or not there is a certificate."""
    certificate, recall = record.certificate, record.recall
    if certificate is not None and certificate.withdrawn_at is not None:
        return PassportEndOut(at=certificate.withdrawn_at, reason=certificate.withdrawal_reason)
    if recall is not None:
        return PassportEndOut(at=recall.recalled_at, reason=f"material recalled: {recall.reason}")
    return None


def _recall(recall: RecallRecord | None) -> PassportRecallOut | None:
    if recall is None:
        return None
    return PassportRecallOut(
        id=recall.recall_id, supplier_lot=recall.supplier_lot, recalled_at=recall.recalled_at, reason=recall.reason
    )


def _scrapped(part: SerialRecord) -> PassportEndOut | None:
    return None if part.scrapped_at is None else PassportEndOut(at=part.scrapped_at, reason=part.scrap_reason)
