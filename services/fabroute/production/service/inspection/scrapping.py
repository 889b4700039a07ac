"""A print that was reported good is scrapped: it counts as failed, and its licensed print is given back."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.inventory import service as inventory
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.production.models import Job, PrintRecord
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository import prints as print_rows
from fabroute.production.repository import proofs as rows
from fabroute.production.rules import LONGEST_TEXT
from fabroute.production.service.access import require_state
from fabroute.production.service.conformity.withdrawing import withdraw_certificates
from fabroute.production.service.evidence import named_evidence
from fabroute.production.service.inspection.finishing import awaits_first_article, reopen
from fabroute.production.service.inspection.reporting import PrintMismatch, UnknownPrint
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.phases.reviving import revive
from fabroute.production.service.telling import tell
from fabroute.production.service.views import PrintView, print_view


class InvalidScrap(DomainError):
    """A print is scrapped without a reason."""

    code = "invalid_scrap"
    status = 422


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrap:
    """Why a print is no good, and the evidence (id or name) that shows it."""

    reason: str
    evidence: str

    def __post_init__(self) -> None:
        if not 0 < len(self.reason.strip()) <= LONGEST_TEXT:
            message = f"say why, in 1 to {LONGEST_TEXT:,} characters"
            raise InvalidScrap(message, problems=(FieldProblem(pointer="/reason", message=message),))


def scrap_print(
    session: Session,
    *,
    principal: Principal,
    job_id: str,
    number: int,
    scrap: Scrap,
    now: datetime,
    lease: Lease | None = None,
) -> PrintView:
    """Count a print that was reported good as failed, for its node or the operator. Audited, told; twice is once.

    The licence gets the print back, an inspected job is in production again, its certificates are withdrawn. To make
    the part once more takes a reprint (``request_reprint``). Raises ``UnknownJob``, ``NotTheNode``, ``LeaseLost``,
    ``LeaseRequired``, ``UnknownPrint``, ``PrintMismatch`` for a print that failed, ``UnknownEvidence``, and
    ``JobStateConflict`` once the job was shipped, is over, or waits for the owner to look at its first article.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    job = revive(session, job, actor=principal.key_id, now=now)
    found = _reported_good(session, job, number)
    if found.scrapped_at is not None:
        return print_view(found)
    require_state(job, "in_production", "inspected", wish="told of a scrapped print")
    evidence = named_evidence(session, job_id=job_id, name_or_id=scrap.evidence)
    scrapped, _ = scrap_locked(session, job, number, reason=scrap.reason, actor=principal.key_id, now=now)
    data: dict[str, JsonScalar] = {"number": number, "reason": scrap.reason, "evidence": evidence.id}
    tell(session, job, "job.print_scrapped", actor=principal.key_id, now=now, **data)
    return print_view(scrapped)


def scrap_locked(
    session: Session, job: Job, number: int, *, reason: str, actor: str, now: datetime
) -> tuple[PrintRecord, Job]:
    """Scrap a good print of a locked job; return it and the job as they are now. The caller tells of it."""
    scrapped = rows.scrap(session, job_id=job.id, number=number, scrapped_by=actor, reason=reason, now=now)
    assert scrapped is not None, "the job is locked, and the print is good"
    inventory.return_good_print(session, job_id=job.id)
    withdraw_certificates(session, job_ids=[job.id], reason=f"print {number} was scrapped: {reason}", now=now)
    reopened = reopen(session, job, actor=actor, reason=f"print {number} was scrapped: {reason}", now=now)
    current = job_rows.find_job(session, reopened.id)
    assert current is not None, "jobs are never deleted"
    return scrapped, current


def first_article_of(session: Session, job: Job) -> int | None:
    """Return the number of the print that waits as a job's first article; None where it has none."""
    standing = rows.standing_good_prints(session, job_id=job.id) if awaits_first_article(job) else ()
    return next(iter(standing), None)


def _reported_good(session: Session, job: Job, number: int) -> PrintRecord:
    found = print_rows.find_print(session, job_id=job.id, number=number)
    if found is None:
        raise UnknownPrint(f"job {job.id} has no print {number}: GET /v1/jobs/{job.id}/prints lists them")
    if found.result != "good":
        raise PrintMismatch(f"print {number} of job {job.id} was reported as failed already: ask for a reprint")
    return found
