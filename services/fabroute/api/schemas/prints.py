"""Files, evidence, prints and reprints of a job over the wire."""

from collections.abc import Mapping

from pydantic import AwareDatetime, Field

from fabroute.api.schemas.base import Label, Note, RequestModel, ResponseModel, Sentence
from fabroute.production.rules import PrintResult
from fabroute.production.service import (
    EvidenceView,
    IssuedTicket,
    JobView,
    NewReprint,
    PrintReport,
    PrintView,
    ReprintDecision,
    ReprintView,
)


class FileTicketOut(ResponseModel):
    """The right to fetch a job's print file once, and all that a node needs to check and print it."""

    id: str
    job_id: str
    url: str = Field(description="Where the file is fetched, once, with your API key.")
    expires_at: AwareDatetime
    file_name: str
    media_type: str
    size_bytes: int
    sha256: str = Field(description="Of the file, hexadecimal. Print nothing that has another.")
    statement: str = Field(
        description="What was signed at the revision's release: canonical JSON of the file, its measures and what the "
        "part requires. Empty for a revision released before statements were signed."
    )
    signature: str = Field(description="Ed25519 over the UTF-8 bytes of `statement`, base64.")
    public_key: str = Field(description="Ed25519, base64; compare it with GET /v1/signing-key.")
    part: str
    quantity: int
    prints_left: int = Field(description="How often it may still be printed, with granted reprints.")
    machine_id: str
    material: str
    parameter_set: str
    lot_id: str | None


class JobEvidenceOut(ResponseModel):
    """A file about a job; it is read at `/v1/jobs/{job_id}/evidence/{name}`."""

    id: str
    job_id: str
    kind: str = Field(description="`photo`, `measurement`, `report` or `other`.")
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    added_at: AwareDatetime


class PrintIn(RequestModel):
    """How a print came out."""

    number: int = Field(ge=1, le=1_000_000, description="1 for the first print of the job; counts up without gaps.")
    result: PrintResult
    serial: str = Field(default="", max_length=120, pattern=r"^[^\x00-\x1f\x7f]*$", description="Of the part made.")
    note: Note = ""
    evidence_id: Label | None = Field(default=None, description="Evidence of this job.")
    build_id: Label | None = Field(
        default=None, description="The build that it was made in; null: the one that runs now, if there is one alone."
    )


class PrintOut(ResponseModel):
    """One print of a job."""

    job_id: str
    number: int
    result: str = Field(description="`good` or `failed`.")
    serial: str
    note: str
    evidence_id: str | None
    reported_at: AwareDatetime
    build_id: str | None = Field(description="The build that it was made in, where its node says.")
    scrapped_at: AwareDatetime | None = Field(description="Since when a good print counts as failed; null: it doesn't.")
    scrap_reason: str
    passport_url: str | None = Field(
        description="Where whoever holds the part reads its passport, as the code on papers says; null: it has none."
    )


class ReprintRequestIn(RequestModel):
    """The wish to print once more after a failed print."""

    print_number: int = Field(ge=1, le=1_000_000, description="The failed print.")
    reason: Sentence
    evidence_id: Label = Field(description="Id or name of evidence of this job that shows it, as a rule a photo.")


class ReprintDecisionIn(RequestModel):
    """What the owner of the part says to a reprint request."""

    granted: bool
    reason: Note = Field(default="", description="Needed for a refusal.")


class ReprintRequestOut(ResponseModel):
    """The wish to print once more, and what the owner said."""

    id: str
    job_id: str
    print_number: int
    reason: str
    evidence_id: str
    state: str = Field(description="`requested`, `granted` or `refused`.")
    requested_at: AwareDatetime
    decided_at: AwareDatetime | None
    decision_reason: str


def file_ticket_out(ticket: IssuedTicket, job: JobView) -> FileTicketOut:
    """Return a ticket for an answer, with what its job says of the print."""
    return FileTicketOut(
        id=ticket.ticket_id,
        job_id=ticket.job_id,
        url=f"/v1/print-files/{ticket.token}",
        expires_at=ticket.expires_at,
        file_name=ticket.file.file_name,
        media_type=ticket.file.media_type,
        size_bytes=ticket.file.size_bytes,
        sha256=ticket.file.sha256,
        statement=ticket.file.statement,
        signature=ticket.file.signature,
        public_key=ticket.file.public_key,
        part=job.part_no,
        quantity=job.quantity,
        prints_left=job.prints_left,
        machine_id=job.machine_id,
        material=job.material,
        parameter_set=job.parameter_set,
        lot_id=job.lot_id,
    )


def job_evidence_out(evidence: EvidenceView) -> JobEvidenceOut:
    """Return a piece of evidence for an answer."""
    return JobEvidenceOut(
        id=evidence.evidence_id,
        job_id=evidence.job_id,
        kind=evidence.kind,
        name=evidence.name,
        media_type=evidence.media_type,
        size_bytes=evidence.size_bytes,
        sha256=evidence.sha256,
        added_at=evidence.added_at,
    )


def print_report(told: PrintIn) -> PrintReport:
    """Return a report as production takes it."""
    return PrintReport(
        result=told.result,
        serial=told.serial,
        note=told.note,
        evidence_id=told.evidence_id,
        build_id=told.build_id,
        number=told.number,
    )


def print_out(record: PrintView, passports: Mapping[int, str]) -> PrintOut:
    """Return a print for an answer; ``passports``: where they are read, by the number of the print."""
    return PrintOut(
        job_id=record.job_id,
        number=record.number,
        result=record.result,
        serial=record.serial,
        note=record.note,
        evidence_id=record.evidence_id,
        reported_at=record.reported_at,
        build_id=record.build_id,
        scrapped_at=record.scrapped_at,
        scrap_reason=record.scrap_reason,
        passport_url=passports.get(record.number),
    )


def new_reprint(asked: ReprintRequestIn) -> NewReprint:
    """Return a request as production takes it."""
    return NewReprint(print_number=asked.print_number, reason=asked.reason, evidence_id=asked.evidence_id)


def reprint_decision(said: ReprintDecisionIn) -> ReprintDecision:
    """Return a decision as production takes it."""
    return ReprintDecision(granted=said.granted, reason=said.reason)


def reprint_request_out(request: ReprintView) -> ReprintRequestOut:
    """Return a reprint request for an answer."""
    return ReprintRequestOut(
        id=request.request_id,
        job_id=request.job_id,
        print_number=request.print_number,
        reason=request.reason,
        evidence_id=request.evidence_id,
        state=request.state,
        requested_at=request.requested_at,
        decided_at=request.decided_at,
        decision_reason=request.decision_reason,
    )
