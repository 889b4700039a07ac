"""What is known of the parts that a job made: for certificates of conformity, part passports and papers."""

from dataclasses import dataclass
from datetime import date, datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class RevisionRecord:
    """The revision that was printed, and its print file."""

    revision_id: str
    part_no: str
    name: str
    revision: str
    file_sha256: str
    """Of the released print file."""
    inspection_level: str
    """``none``, ``visual``, ``dimensional``, ``ct`` or ``test_report``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParameterRecord:
    """How it was printed; ``sha256`` names machine model, material, parameter set and process by one value."""

    machine_model: str
    process: str
    material: str
    parameter_set: str
    sha256: str
    """Of the canonical JSON (sorted keys, no spaces) of the four above."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakerRecord:
    """Where it was printed."""

    node_id: str
    organisation_id: str
    city: str
    country: str
    machine_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class LotRecord:
    """The lot of material that it was printed from."""

    lot_id: str
    material: str
    supplier_lot: str
    """The manufacturer's lot number; the lot's own id where the store knows no other."""
    reuse_count: int
    """When the last of the parts was printed: what was mixed into the lot since then is not in them."""
    expires_on: date


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildRecord:
    """The run of the machine in which it was printed."""

    build_id: str
    state: str
    started_at: datetime | None
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceRecord:
    """A photo, measurement or report about the job."""

    evidence_id: str
    kind: str
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    added_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasurementRecord:
    """A characteristic that was looked at, with its limits where it has some; lengths in mm."""

    name: str
    kind: str
    """As in the inspection plan; empty for one that the plan doesn't ask for."""
    nominal_mm: float | None
    lower_mm: float | None
    upper_mm: float | None
    value_mm: float | None
    text: str
    passed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class InspectionRecord:
    """One inspection of a print, or of the job as a whole where ``print_number`` is None."""

    inspection_id: str
    print_number: int | None
    level: str
    result: str
    """``pass`` or ``fail``."""
    measurements: tuple[MeasurementRecord, ...]
    findings: tuple[str, ...]
    inspector: str
    note: str
    inspected_at: datetime
    evidence_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SerialRecord:
    """One good print of the job: one part with a serial and a passport."""

    number: int
    """Of the print, 1 for the first one of the job."""
    serial: str
    token: str
    """Of its passport: whoever knows it may read the passport."""
    printed_at: datetime
    build: BuildRecord | None
    inspections: tuple[InspectionRecord, ...]
    """Its own, and those of the job as a whole; oldest first."""
    scrapped_at: datetime | None = None
    scrap_reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRecord:
    """A certificate of conformity of the job; the latest one that stands, else the latest that was withdrawn."""

    certificate_id: str
    number: int
    sha256: str
    issued_at: datetime
    withdrawn_at: datetime | None
    withdrawal_reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecallRecord:
    """That the material of the job was recalled: the first recall of it."""

    recall_id: str
    supplier_lot: str
    reason: str
    recalled_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class PartRecord:
    """Everything that is on record about the parts of one job."""

    job_id: str
    order_id: str
    order_line_id: str
    organisation_id: str
    """The owner's of the part."""
    state: str
    quantity: int
    revision: RevisionRecord
    parameters: ParameterRecord
    maker: MakerRecord
    lot: LotRecord | None
    serials: tuple[SerialRecord, ...]
    """Good prints in the order of their numbers, those that were scrapped later among them."""
    inspections: tuple[InspectionRecord, ...]
    """All of them, oldest first."""
    evidence: tuple[EvidenceRecord, ...]
    first_article: bool
    """Whether its first print had to be approved by the owner."""
    first_article_approved_at: datetime | None
    accepted_at: datetime | None
    started_at: datetime | None
    inspected_at: datetime | None
    shipped_at: datetime | None
    certificate: CertificateRecord | None
    recall: RecallRecord | None = None

    @property
    def good_serials(self) -> tuple[SerialRecord, ...]:
        """The parts that were not scrapped."""
        return tuple(serial for serial in self.serials if serial.scrapped_at is None)


@dataclass(frozen=True, slots=True, kw_only=True)
class PassportRecord:
    """One part with all that is on record about the job that made it."""

    part: SerialRecord
    record: PartRecord
