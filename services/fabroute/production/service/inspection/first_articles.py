"""First articles with an order: one print, which the owner approves before the others are made.

The key is revision, machine, material and parameter set (DOMAIN.md 5); what is approved counts for later orders too.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.kernel.errors import DomainError, FieldProblem
from fabroute.kernel.events import JsonScalar
from fabroute.kernel.ids import new_id
from fabroute.production.models import Job, JobEvidence, ReprintRequest
from fabroute.production.repository import conformity as conformity_rows
from fabroute.production.repository import prints as print_rows
from fabroute.production.repository import proofs as rows
from fabroute.production.rules import LONGEST_TEXT
from fabroute.production.service.access import conflict, find_to_change, lock_of_owner
from fabroute.production.service.evidence import named_evidence
from fabroute.production.service.inspection.finishing import awaits_first_article, finish_if_inspected
from fabroute.production.service.inspection.scrapping import first_article_of, scrap_locked
from fabroute.production.service.leases import Lease, lock_for_work
from fabroute.production.service.recheck import require_qualified
from fabroute.production.service.rerouting.reroute import lock_for_reroute, reroute_jobs
from fabroute.production.service.telling import tell
from fabroute.production.service.views import JobView, job_view
from fabroute.qualification import service as qualification
from fabroute.qualification.service import Evidence, NewFirstArticle

HELD_KIND = "first_article"
_MOST_EVIDENCE = 20


class InvalidFirstArticle(DomainError):
    """A first article is sent in without evidence, or refused without a reason."""

    code = "invalid_first_article"
    status = 422


class NoFirstArticle(DomainError):
    """The job has no first article that waits, or its node has not sent it in yet."""

    code = "no_first_article"
    status = 409


class FirstArticleFailed(DomainError):
    """The first article failed its inspection: it can't be approved."""

    code = "first_article_failed"
    status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Submission:
    """The evidence (ids or names) of a first article; the first one is kept with what the owner approves."""

    evidence: tuple[str, ...]
    note: str = ""

    def __post_init__(self) -> None:
        if not 0 < len(self.evidence) <= _MOST_EVIDENCE:
            _refuse("/evidence", f"name 1 to {_MOST_EVIDENCE} pieces of evidence of this job")
        if len(self.note) > LONGEST_TEXT:
            _refuse("/note", f"use up to {LONGEST_TEXT:,} characters")


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstArticleDecision:
    """What the owner says of a first article, and why; a refused one may be made again, or the job is taken back."""

    approved: bool
    reason: str = ""
    again: bool = True
    """Whether the node may make another one, if it is refused."""

    def __post_init__(self) -> None:
        if not self.approved and not self.reason.strip():
            _refuse("/reason", "say why, in a few words: the node has to know")
        if len(self.reason) > LONGEST_TEXT:
            _refuse("/reason", f"use up to {LONGEST_TEXT:,} characters")


def hold_first_article(session: Session, job: Job, *, number: int, actor: str, now: datetime) -> Job:
    """Hold a locked job whose first article was just printed: nothing more is released until it is approved."""
    reason = f"its first article (print {number}) waits for the owner's approval"
    held = rows.hold_first_article(session, job_id=job.id, reason=reason, now=now)
    assert held is not None, "the job is locked and in production"
    tell(session, held, "job.held", actor=actor, now=now, reason=reason)
    return held


def submit_first_article(
    session: Session,
    *,
    principal: Principal,
    job_id: str,
    submission: Submission,
    now: datetime,
    lease: Lease | None = None,
) -> JobView:
    """Ask the owner to approve a job's first article, for its node or the operator. Audited, told; anew replaces it.

    Raises ``UnknownJob``, ``NotTheNode``, ``LeaseLost``, ``LeaseRequired``, ``NoFirstArticle`` and ``UnknownEvidence``.
    """
    job = lock_for_work(session, principal=principal, job_id=job_id, lease=lease)
    number = _waiting(session, job)
    named = [named_evidence(session, job_id=job_id, name_or_id=it) for it in submission.evidence]
    if job.first_article_submitted_at is not None and job.first_article_evidence_id == named[0].id:
        return job_view(job)
    noted = rows.note_submission(session, job_id=job_id, evidence_id=named[0].id, now=now)
    shown = ",".join(it.id for it in named)
    data: dict[str, JsonScalar] = {"print": number, "evidence": shown, "note": submission.note}
    tell(session, noted, "job.first_article_submitted", actor=principal.key_id, now=now, **data)
    return job_view(noted)


def decide_first_article(
    session: Session, *, principal: Principal, job_id: str, decision: FirstArticleDecision, now: datetime
) -> JobView:
    """Approve a first article, or refuse it: for the owner of the part alone. Audited, told.

    Approved, it counts for revision, machine, material and parameter set, and the rest may be made. Refused, it is
    scrapped; its node may make another one, or the job goes to another node. Raises ``UnknownJob``, ``NotTheOwner``,
    ``NoFirstArticle`` (also before it was sent in), ``FirstArticleFailed``, and ``JobUnqualified`` on the audit log.
    """
    find_to_change(session, principal=principal, job_id=job_id)
    if not (decision.approved or decision.again):
        lock_for_reroute(session, [job_id])
    job = lock_of_owner(session, principal=principal, job_id=job_id, operator_too=False)
    if decision.approved and job.first_article_approved_at is not None:
        return job_view(job)
    number = _waiting(session, job)
    if job.first_article_submitted_at is None:
        raise NoFirstArticle(
            f"the first article of job {job_id} (print {number}) is made, but its node has not sent it in: wait for "
            f"POST /v1/jobs/{job_id}/first-article with its evidence"
        )
    if decision.approved:
        return _approve(session, job, number, decision, actor=principal.key_id, now=now)
    return _refused(session, job, number, decision, actor=principal.key_id, now=now)


def _approve(
    session: Session, job: Job, number: int, decision: FirstArticleDecision, *, actor: str, now: datetime
) -> JobView:
    _require_not_failed(session, job, number)
    require_qualified(session, job=job, wish="resumed", actor=actor, now=now)
    qualification.add_first_article(
        session,
        organisation_id=job.organisation_id,
        first_article=_qualified(job, decision, now=now),
        actor=actor,
        now=now,
        evidence=_proof(session, job),
    )
    resumed = rows.end_first_article(session, job_id=job.id, approved_at=now, now=now)
    assert resumed is not None, "the job is locked and held"
    data: dict[str, JsonScalar] = {"print": number, "reason": decision.reason}
    tell(session, resumed, "job.first_article_approved", actor=actor, now=now, **data)
    return job_view(finish_if_inspected(session, resumed, actor=actor, now=now))


def _refused(
    session: Session, job: Job, number: int, decision: FirstArticleDecision, *, actor: str, now: datetime
) -> JobView:
    reason = f"the owner refused it as first article: {decision.reason}"
    evidence_id = job.first_article_evidence_id
    assert evidence_id is not None, "it was sent in with evidence"
    scrap_locked(session, job, number, reason=reason, actor=actor, now=now)
    resumed = rows.end_first_article(session, job_id=job.id, approved_at=None, now=now)
    assert resumed is not None, "the job is locked and held"
    tell(session, resumed, "job.first_article_refused", actor=actor, now=now, print=number, reason=decision.reason)
    if not decision.again:
        moved = reroute_jobs(
            session,
            job_ids=[job.id],
            cause="print_failed",
            reason=reason,
            actor=actor,
            now=now,
            state="failed",
            exclude=True,
        )
        return job_view(next(each for each in moved if each.id == job.id))
    _grant_another(session, resumed, number, reason, evidence_id=evidence_id, actor=actor, now=now)
    session.refresh(resumed)
    return job_view(resumed)


def _grant_another(
    session: Session, job: Job, number: int, reason: str, *, evidence_id: str, actor: str, now: datetime
) -> None:
    """Grant the reprint that a refused first article needs, as if its node had asked for it."""
    if print_rows.find_request_for(session, job_id=job.id, print_number=number) is not None:
        return
    row = ReprintRequest(
        id=new_id("rep"),
        job_id=job.id,
        organisation_id=job.organisation_id,
        print_number=number,
        reason=reason[:LONGEST_TEXT],
        evidence_id=evidence_id,
        state="granted",
        requested_by=actor,
        requested_at=now,
        decided_by=actor,
        decided_at=now,
        decision_reason="granted with the refusal",
    )
    print_rows.add(session, row)
    rows.count_reprint(session, job_id=job.id, now=now)


def _waiting(session: Session, job: Job) -> int:
    """Return the number of the print that waits for approval."""
    number = first_article_of(session, job)
    if job.state in ("cancelled", "failed", "shipped", "delivered", "declined", "lapsed"):
        raise conflict(job, wish="asked about its first article")
    if not awaits_first_article(job):
        raise NoFirstArticle(f"job {job.id} has no first article to be approved")
    if number is None or job.state != "held" or job.held_kind != HELD_KIND:
        raise NoFirstArticle(f"the first article of job {job.id} is not printed yet: report a good print first")
    return number


def _require_not_failed(session: Session, job: Job, number: int) -> None:
    found = conformity_rows.read_inspections(session, job_id=job.id)
    about = [it for it in found if it.print_number in (None, number)]
    for latest in about[-1:]:
        if latest.result == "fail":
            raise FirstArticleFailed(
                f"the first article of job {job.id} failed inspection {latest.id} ({'; '.join(latest.findings)}): "
                "refuse it, or wait until it is put right and inspected again"
            )


def _qualified(job: Job, decision: FirstArticleDecision, *, now: datetime) -> NewFirstArticle:
    return NewFirstArticle(
        revision_id=job.revision_id,
        node_id=job.node_id,
        machine_id=job.machine_id,
        material=job.material,
        parameter_set=job.parameter_set,
        approved_on=now.date(),
        last_production_on=now.date(),
        note=decision.reason[:200] or f"made with job {job.id}",
    )


def _proof(session: Session, job: Job) -> Evidence:
    found = _evidence_of(session, job)
    return Evidence(sha256=found.sha256, name=found.name, media_type=found.media_type)


def _evidence_of(session: Session, job: Job) -> JobEvidence:
    found: Sequence[JobEvidence] = conformity_rows.read_evidence(session, job_id=job.id)
    return next(it for it in found if it.id == job.first_article_evidence_id)


def _refuse(pointer: str, message: str) -> None:
    raise InvalidFirstArticle(message, problems=(FieldProblem(pointer=pointer, message=message),))
