"""Proof that parts conform: serials, passports, certificates of conformity."""

from fabroute.production.service.conformity.data import (
    BuildRecord,
    CertificateRecord,
    EvidenceRecord,
    InspectionRecord,
    LotRecord,
    MakerRecord,
    MeasurementRecord,
    ParameterRecord,
    PartRecord,
    PassportRecord,
    RevisionRecord,
    SerialRecord,
)
from fabroute.production.service.conformity.records import UnknownPassport, find_passport, part_record

__all__ = [
    "BuildRecord",
    "CertificateRecord",
    "EvidenceRecord",
    "InspectionRecord",
    "LotRecord",
    "MakerRecord",
    "MeasurementRecord",
    "ParameterRecord",
    "PartRecord",
    "PassportRecord",
    "RevisionRecord",
    "SerialRecord",
    "UnknownPassport",
    "find_passport",
    "part_record",
]
