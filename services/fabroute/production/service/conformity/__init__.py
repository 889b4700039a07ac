"""Proof that parts conform: serials, passports, certificates of conformity."""

from fabroute.production.service.conformity.certificates import (
    CertificateView,
    NotInspected,
    UnknownConformityCertificate,
    certify_inspected,
    get_certificate,
    issue_certificate,
    list_certificates,
    statement_of,
)
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
    RecallRecord,
    RevisionRecord,
    SerialRecord,
)
from fabroute.production.service.conformity.recalled import PartsRecalled, require_not_recalled
from fabroute.production.service.conformity.records import UnknownPassport, find_passport, part_record, passport_tokens
from fabroute.production.service.conformity.withdrawing import withdraw_certificates

__all__ = [
    "BuildRecord",
    "CertificateRecord",
    "CertificateView",
    "EvidenceRecord",
    "InspectionRecord",
    "LotRecord",
    "MakerRecord",
    "MeasurementRecord",
    "NotInspected",
    "ParameterRecord",
    "PartRecord",
    "PartsRecalled",
    "PassportRecord",
    "RecallRecord",
    "RevisionRecord",
    "SerialRecord",
    "UnknownConformityCertificate",
    "UnknownPassport",
    "certify_inspected",
    "find_passport",
    "get_certificate",
    "issue_certificate",
    "list_certificates",
    "part_record",
    "passport_tokens",
    "require_not_recalled",
    "statement_of",
    "withdraw_certificates",
]
