"""Everything that is on record about the parts of a job: what certificates, passports and papers are made of."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView, canonical_json
from fabroute.kernel.errors import DomainError
from fabroute.network import service as network
from fabroute.network.service import NodeDetail
from fabroute.production.models import (
    Build,
    ConformityCertificate,
    Inspection,
    Job,
    JobEvidence,
    Passport,
    PrintRecord,
)
from fabroute.production.repository import conformity as rows
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import recalls as recall_rows
from fabroute.production.service.access import UnknownJob
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


class UnknownPassport(DomainError):
    """No part has this passport."""

    code = "unknown_passport"
    status = 404


def part_record(session: Session, *, job_id: str) -> PartRecord:
    """Return all that is on record about the parts of a job; whoever asks has been let in. Raises ``UnknownJob``."""
    job = job_rows.find_job(session, job_id)
    if job is None:
        raise UnknownJob(f"there is no job {job_id}")
    node = network.get_node(session, node_id=job.node_id)
    revision = inventory.read_revisions(session, revision_ids={job.revision_id})[job.revision_id]
    inspections = tuple(_inspection(row) for row in rows.read_inspections(session, job_id=job_id))
    serials = _serials(session, job_id, inspections)
    return PartRecord(
        job_id=job.id,
        order_id=job.order_id,
        order_line_id=job.order_line_id,
        organisation_id=job.organisation_id,
        state=job.state,
        quantity=job.quantity,
        revision=_revision(revision),
        parameters=parameters_of(node, job),
        maker=_maker(node, job),
        lot=_lot(session, node, job, serials),
        serials=serials,
        inspections=inspections,
        evidence=tuple(_evidence(row) for row in rows.read_evidence(session, job_id=job_id)),
        first_article=job.first_article,
        first_article_approved_at=job.first_article_approved_at,
        accepted_at=job.accepted_at,
        started_at=job.started_at,
        inspected_at=job.inspected_at,
        shipped_at=job.shipped_at,
        certificate=latest_certificate(rows.read_certificates(session, job_id=job_id)),
        recall=_recall(session, job_id),
    )


def find_passport(session: Session, *, token: str) -> PassportRecord:
    """Return the part that a passport's token names, with its job's record. Raises ``UnknownPassport``."""
    passport = rows.find_passport(session, token=token)
    if passport is None:
        raise UnknownPassport("no part has this passport: check the code on the part's label")
    record = part_record(session, job_id=passport.job_id)
    part = next((serial for serial in record.serials if serial.token == token), None)
    if part is None:
        raise UnknownPassport("the print of this passport is not on record any more: ask the owner of the part")
    return PassportRecord(part=part, record=record)


def passport_tokens(session: Session, *, job_id: str) -> dict[int, str]:
    """Return the tokens of a job's passports by the numbers of their prints; whoever asks has been let in."""
    return {passport.print_number: passport.token for passport in rows.read_passports(session, job_id=job_id)}


def parameters_of(node: NodeDetail, job: Job) -> ParameterRecord:
    """Return how a job is printed, with one SHA-256 for machine model, process, material and parameter set."""
    machine = next((machine for machine in node.machines if machine.machine_id == job.machine_id), None)
    facts = {
        "machine_model": "" if machine is None else machine.model.model,
        "process": "" if machine is None else machine.model.process,
        "material": job.material,
        "parameter_set": job.parameter_set,
    }
    return ParameterRecord(**facts, sha256=hashlib.sha256(canonical_json(facts).encode()).hexdigest())


def latest_certificate(certificates: Sequence[ConformityCertificate]) -> CertificateRecord | None:
    """Return the latest certificate that stands, else the latest of all; None without any."""
    standing = [row for row in certificates if row.withdrawn_at is None]
    found = (standing or certificates)[-1:]
    for row in found:
        return CertificateRecord(
            certificate_id=row.id,
            number=row.number,
            sha256=row.sha256,
            issued_at=row.issued_at,
            withdrawn_at=row.withdrawn_at,
            withdrawal_reason=row.withdrawal_reason,
        )
    return None


def _recall(session: Session, job_id: str) -> RecallRecord | None:
    """Return the first recall of what the job's parts were made of."""
    for row in recall_rows.read_recalls_of_jobs(session, job_ids=[job_id]):
        return RecallRecord(**{name: row[name] for name in ("recall_id", "supplier_lot", "reason", "recalled_at")})
    return None


def _revision(revision: RevisionView) -> RevisionRecord:
    return RevisionRecord(
        revision_id=revision.revision_id,
        part_no=revision.part_no,
        name=revision.name,
        revision=revision.revision,
        file_sha256=revision.file_sha256 or "",
        inspection_level=revision.inspection_level,
    )


def _maker(node: NodeDetail, job: Job) -> MakerRecord:
    return MakerRecord(
        node_id=node.node_id,
        organisation_id=node.organisation_id,
        city=node.city,
        country=node.country,
        machine_id=job.machine_id,
    )


def _lot(session: Session, node: NodeDetail, job: Job, serials: Sequence[SerialRecord]) -> LotRecord | None:
    lot = next((lot for lot in node.lots if lot.lot_id == job.lot_id), None)
    if lot is None:
        return None
    printed = max((_begun_at(serial) for serial in serials), default=job.started_at or job.offered_at)
    return LotRecord(
        lot_id=lot.lot_id,
        material=lot.material,
        supplier_lot=lot.supplier_lot or lot.lot_id,
        reuse_count=max(0, lot.reuse_count - network.refreshes_since(session, lot_id=lot.lot_id, since=printed)),
        expires_on=lot.expires_on,
    )


def _begun_at(serial: SerialRecord) -> datetime:
    """Return when the powder of a part was on the machine at the latest: at the start of its build, if known."""
    begun = None if serial.build is None else serial.build.started_at
    return serial.printed_at if begun is None else min(begun, serial.printed_at)


def _serials(session: Session, job_id: str, inspections: Sequence[InspectionRecord]) -> tuple[SerialRecord, ...]:
    prints = {row.number: row for row in rows.read_good_prints(session, job_id=job_id)}
    builds = rows.read_builds(session, build_ids={row.build_id for row in prints.values() if row.build_id is not None})
    return tuple(
        _serial(passport, prints[passport.print_number], builds, inspections)
        for passport in rows.read_passports(session, job_id=job_id)
        if passport.print_number in prints
    )


def _serial(
    passport: Passport, made: PrintRecord, builds: Mapping[str, Build], inspections: Iterable[InspectionRecord]
) -> SerialRecord:
    build = builds.get(made.build_id or "")
    return SerialRecord(
        number=made.number,
        serial=passport.serial,
        token=passport.token,
        printed_at=made.reported_at,
        build=None if build is None else _build(build),
        inspections=tuple(it for it in inspections if it.print_number in (None, made.number)),
        scrapped_at=made.scrapped_at,
        scrap_reason=made.scrap_reason,
    )


def _build(build: Build) -> BuildRecord:
    return BuildRecord(build_id=build.id, state=build.state, started_at=build.started_at, finished_at=build.finished_at)


def _evidence(row: JobEvidence) -> EvidenceRecord:
    return EvidenceRecord(
        evidence_id=row.id,
        kind=row.kind,
        name=row.name,
        media_type=row.media_type,
        size_bytes=row.size_bytes,
        sha256=row.sha256,
        added_at=row.added_at,
    )


def _inspection(row: Inspection) -> InspectionRecord:
    return InspectionRecord(
        inspection_id=row.id,
        print_number=row.print_number,
        level=row.level,
        result=row.result,
        measurements=tuple(MeasurementRecord(**measured) for measured in row.measurements),
        findings=tuple(str(finding) for finding in row.findings),
        inspector=row.inspector,
        note=row.note,
        inspected_at=row.inspected_at,
        evidence_id=row.evidence_id,
    )
