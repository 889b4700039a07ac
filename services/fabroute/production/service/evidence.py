"""Photos, measurements and reports that a node adds to a job."""

import re
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database.pages import Page, page_of
from fabroute.identity.rules import Principal
from fabroute.identity.service import record_audit
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.ids import new_id
from fabroute.production.models import JobEvidence
from fabroute.production.repository import prints as rows
from fabroute.production.repository import proofs as proof_rows
from fabroute.production.rules import EVIDENCE_KINDS, evidence_media_type, name_problem
from fabroute.production.service.access import conflict, find_visible
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.telling import audit_entry
from fabroute.production.service.views import EvidenceView, evidence_view
from fabroute.production.states import ENDED_STATES

_TAKEN = (
    "send a photo (JPEG, PNG, WebP, HEIC, TIFF), a video (MP4), a PDF, a table (CSV, a spreadsheet), a text, a model "
    "or a ZIP archive, with the Content-Type of what it is"
)
_SHA256 = re.compile(r"[0-9a-f]{64}")


class InvalidEvidence(DomainError):
    """Evidence of an unknown kind, with a name that is none, or a file that is not what it is called."""

    code = "invalid_evidence"
    status = 422


class EvidenceExists(DomainError):
    """The job has other evidence under this name; evidence never changes."""

    code = "evidence_exists"
    status = 409


class UnknownEvidence(DomainError):
    """The job has no such evidence."""

    code = "unknown_evidence"
    status = 404


@dataclass(frozen=True, slots=True, kw_only=True)
class NewEvidence:
    """A file about a job that lies in the store already, under its SHA-256."""

    kind: str
    """``photo``, ``measurement``, ``report`` or ``other``."""
    name: str
    media_type: str
    size_bytes: int
    sha256: str
    head: bytes
    """How it begins, up to ``EVIDENCE_HEAD_BYTES``: what it is called has to be what it is."""

    def __post_init__(self) -> None:
        problems = []
        if self.kind not in EVIDENCE_KINDS:
            problems.append(FieldProblem(pointer="/kind", message=f"use {', '.join(EVIDENCE_KINDS)}"))
        if wrong := name_problem(self.name):
            problems.append(FieldProblem(pointer="/name", message=wrong))
        if self.size_bytes <= 0:
            problems.append(FieldProblem(pointer="", message="the file is empty: send its content"))
        elif evidence_media_type(self.media_type, self.head) is None:
            problems.append(FieldProblem(pointer="", message=f"the content is no {self.media_type}: {_TAKEN}"))
        if problems:
            raise InvalidEvidence("; ".join(problem.message for problem in problems), problems=tuple(problems))
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"{self.sha256!r} is no SHA-256 in lower-case hexadecimal")


def add_evidence(
    session: Session,
    *,
    principal: Principal,
    job_id: str,
    evidence: NewEvidence,
    now: datetime,
    lease: Lease | None = None,
) -> EvidenceView:
    """Add evidence to a job, for its node's organisation or the operator. The same again changes nothing. Audited.

    Raises ``UnknownJob``, ``NotTheNode``, ``LeaseLost``, ``LeaseRequired``, ``JobStateConflict`` once the job is over,
    and ``EvidenceExists`` for other content or another kind under a known name.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    known = rows.find_evidence_named(session, job_id=job_id, name=evidence.name)
    if known is not None:
        return _same(known, evidence)
    if job.state in ENDED_STATES:
        raise conflict(job, wish="given evidence")
    file = asdict(evidence)
    del file["head"]
    row = JobEvidence(id=new_id("evd"), job_id=job_id, added_by=principal.key_id, added_at=now, **file)
    rows.add(session, row)
    data = {"name": evidence.name, "kind": evidence.kind, "sha256": evidence.sha256}
    entry = audit_entry(job_id, job.organisation_id, "job.evidence_added", actor=principal.key_id, now=now, **data)
    record_audit(session, entry=entry)
    return evidence_view(row)


def require_evidence(session: Session, *, job_id: str, evidence_id: str | None) -> None:
    """Raise ``UnknownEvidence`` unless the job has this evidence; none is asked for where it is None."""
    if evidence_id is not None and rows.find_evidence(session, job_id=job_id, evidence_id=evidence_id) is None:
        raise UnknownEvidence(
            f"job {job_id} has no evidence {evidence_id}: add it with PUT /v1/jobs/{job_id}/evidence/…"
        )


def named_evidence(session: Session, *, job_id: str, name_or_id: str) -> JobEvidence:
    """Return evidence of a job by its id or its name. Raises ``UnknownEvidence``, also for another job's."""
    found = proof_rows.evidence_by(session, job_id=job_id, name_or_id=name_or_id)
    if found is None:
        raise UnknownEvidence(
            f"job {job_id} has no evidence {name_or_id!r}: add it with PUT /v1/jobs/{job_id}/evidence/…"
        )
    return found


def get_evidence(session: Session, *, principal: Principal, job_id: str, name: str) -> EvidenceView:
    """Return a piece of evidence to whoever may see the job. Raises ``UnknownJob``, ``UnknownEvidence``."""
    find_visible(session, principal=principal, job_id=job_id)
    found = rows.find_evidence_named(session, job_id=job_id, name=name)
    if found is None:
        raise UnknownEvidence(f"job {job_id} has no evidence {name!r}: GET /v1/jobs/{job_id}/evidence lists it")
    return evidence_view(found)


def list_evidence(
    session: Session, *, principal: Principal, job_id: str, cursor: str | None, limit: int
) -> Page[EvidenceView]:
    """Return a page of a job's evidence, oldest first, to whoever may see the job. Raises ``UnknownJob``."""
    find_visible(session, principal=principal, job_id=job_id)
    found = rows.read_evidence(session, job_id=job_id, cursor=cursor, limit=limit + 1)
    return page_of([evidence_view(row) for row in found], limit=limit, cursor_of=lambda view: view.evidence_id)


def _same(known: JobEvidence, evidence: NewEvidence) -> EvidenceView:
    if (known.sha256, known.kind) != (evidence.sha256, evidence.kind):
        raise EvidenceExists(
            f"job {known.job_id} has other evidence called {known.name!r}, and evidence never changes: use a new name"
        )
    return evidence_view(known)
