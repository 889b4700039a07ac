"""Jobs are held when a gate closes: in the transaction that closes it, and by a regular look at all of them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.database import act_for_everyone, reaches
from fabroute.identity.rules import Principal
from fabroute.identity.service import record_audits
from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView
from fabroute.network import service as network
from fabroute.outbox import service as outbox
from fabroute.production.events import job_event
from fabroute.production.repository import jobs as job_rows
from fabroute.production.repository.jobs import CheckedJob, HeldJob
from fabroute.production.service.access import conflict, lock_visible
from fabroute.production.service.recheck import (
    Window,
    at_the_end,
    closed_gates,
    require_qualified,
    through_production,
    words_of,
)
from fabroute.production.service.telling import audit_entry, tell
from fabroute.production.service.views import JobView, job_view
from fabroute.qualification import service as qualification
from fabroute.qualification.service import CertificateView, FirstArticleView

_ACTOR = "system:production"
FIRST_ARTICLE = "first_article"
"""The kind of hold that only the owner's decision on the first article ends."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateRevocation:
    """A certificate that was taken back, and how many jobs that held."""

    certificate: CertificateView
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FirstArticleRevocation:
    """A first article that was taken back, and how many jobs that held."""

    first_article: FirstArticleView
    held: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Withdrawal:
    """A revision that was taken out of use, and how many jobs that held."""

    revision: RevisionView
    held: int


def hold_unqualified(session: Session, *, now: datetime, node_ids: Collection[str] | None = None) -> int:
    """Hold the offered and accepted jobs (of all nodes, or of these) to which a gate is closed; return how many.

    Each is held with its reasons, and its file tickets are void. Audited, ``job.held``. What nobody has started is
    then taken back by ``take_back_held``; the rest waits for a person.
    """
    jobs = job_rows.read_live(session) if node_ids is None else job_rows.read_live_at_nodes(session, node_ids=node_ids)
    return _hold_closed(session, jobs, actor=_ACTOR, now=now)


def revoke_certificate(
    session: Session, *, certificate_id: str, reason: str, principal: Principal, now: datetime
) -> CertificateRevocation:
    """Take a certificate back and hold the jobs that need it, for the node's organisation or the operator. Audited.

    Raises ``UnknownCertificate``, also to everyone else.
    """
    before = qualification.get_certificate(session, certificate_id=certificate_id)
    node = network.find_node(session, node_id=before.node_id)
    if principal.kind != "operator" and node.organisation_id != principal.organisation_id:
        raise qualification.UnknownCertificate(f"there is no certificate {certificate_id} that you may see")
    network.reach_everyone_from(session, node_id=before.node_id)
    actor = principal.key_id
    revoked = qualification.revoke_certificate(
        session, certificate_id=certificate_id, reason=reason, actor=actor, now=now
    )
    jobs = job_rows.read_live_at_nodes(session, node_ids=(before.node_id,))
    cause = f"certificate {before.scheme} was revoked ({reason}); "
    return CertificateRevocation(
        certificate=revoked, held=_hold_closed(session, jobs, actor=actor, now=now, cause=cause)
    )


def revoke_first_article(
    session: Session, *, first_article_id: str, reason: str, principal: Principal, now: datetime
) -> FirstArticleRevocation:
    """Take a first article back and hold the jobs that need it, for the owner of the part or the operator. Audited.

    Raises ``UnknownFirstArticle``, also to everyone else.
    """
    before = qualification.get_first_article(session, first_article_id=first_article_id)
    if not owns_revision(session, principal, before.revision_id):
        raise qualification.UnknownFirstArticle(f"there is no first article {first_article_id} that you may see")
    act_for_everyone(session)
    actor = principal.key_id
    job_rows.lock_live_of_revision(session, revision_id=before.revision_id)  # a good print holds its job, then renews
    revoked = qualification.revoke_first_article(
        session, first_article_id=first_article_id, reason=reason, actor=actor, now=now
    )
    jobs = job_rows.read_live_of_revisions(session, revision_ids=(before.revision_id,))
    cause = f"the first article was revoked ({reason}); "
    held = _hold_closed(session, jobs, actor=actor, now=now, cause=cause)
    return FirstArticleRevocation(first_article=revoked, held=held)


def withdraw_revision(
    session: Session, *, revision_id: str, reason: str, principal: Principal, now: datetime
) -> Withdrawal:
    """Take a revision out of use for good and hold the jobs that make it, for its owner or the operator. Audited.

    Raises ``UnknownRevision`` (also to everyone else) and ``RevisionStateConflict``.
    """
    if not owns_revision(session, principal, revision_id):
        raise inventory.UnknownRevision(f"there is no part revision {revision_id} of yours")
    act_for_everyone(session)
    job_rows.lock_live_of_revision(session, revision_id=revision_id)  # before the licences, which it freezes
    inventory.withdraw_revision(session, revision_id=revision_id, actor=principal.key_id, reason=reason, now=now)
    cause = f"the revision was withdrawn ({reason}); "
    held = hold_of_revision(session, revision_id=revision_id, cause=cause, actor=principal.key_id, now=now)
    return Withdrawal(revision=inventory.read_revisions(session, revision_ids={revision_id})[revision_id], held=held)


def resume_job(session: Session, *, principal: Principal, job_id: str, now: datetime) -> JobView:
    """Put a held job back to where it was held, for its owner, its node or the operator. Audited, ``job.resumed``.

    The gates must be open again; a first article is the owner's to decide. Raises ``UnknownJob``, ``JobUnqualified``,
    and ``JobStateConflict`` unless it is held.
    """
    job = lock_visible(session, principal=principal, job_id=job_id)
    if job.state != "held" or job.held_from is None or job.held_kind == FIRST_ARTICLE:
        raise conflict(job, wish="resumed")
    require_qualified(session, job=job, wish="resumed", actor=principal.key_id, now=now)
    resumed = job_rows.resume_job(session, job_id=job_id, state=job.held_from, now=now)
    assert resumed is not None, "the job is locked and held"
    tell(session, resumed, "job.resumed", actor=principal.key_id, now=now, state=resumed.state)
    return job_view(resumed)


def hold_closed(session: Session, *, job_ids: Collection[str], actor: str, now: datetime) -> int:
    """Hold those of these jobs to which a gate is closed now or until their production ends; return how many."""
    jobs = job_rows.read_checked(session, job_ids=job_ids)
    return _hold_closed(session, jobs, actor=actor, now=now, window=through_production)


def hold_of_revision(session: Session, *, revision_id: str, cause: str, actor: str, now: datetime) -> int:
    """Hold the jobs of a revision, locked by the caller, to which a gate is closed now; return how many."""
    jobs = job_rows.read_live_of_revisions(session, revision_ids=(revision_id,))
    return _hold_closed(session, jobs, actor=actor, now=now, cause=cause)


def owns_revision(session: Session, principal: Principal, revision_id: str) -> bool:
    """Return whether a revision is the principal's, or the principal is the operator."""
    revision = inventory.read_revisions(session, revision_ids={revision_id}).get(revision_id)
    if revision is None:
        return False
    own = revision.organisation_id == principal.organisation_id and reaches(session, revision.organisation_id)
    return principal.kind == "operator" or own


def _hold_closed(
    session: Session,
    jobs: Sequence[CheckedJob],
    *,
    actor: str,
    now: datetime,
    cause: str = "",
    window: Window = at_the_end,
) -> int:
    """Hold those of ``jobs`` to which a gate is closed; ``cause`` is what was done that closed it, for the reader."""
    closed = closed_gates(session, jobs, today=now.date(), window=window)
    reasons = {job_id: cause + words_of(found) for job_id, found in closed.items() if found}
    if not reasons:
        return 0
    held = job_rows.hold_jobs(session, reasons, now=now)
    _tell_held(session, held, actor=actor, now=now)
    return len(held)


def _tell_held(session: Session, held: Sequence[HeldJob], *, actor: str, now: datetime) -> None:
    network.bump_queue_versions(session, node_ids=sorted({job.node_id for job in held if job.known_to_node}))
    outbox.record_all(
        session,
        [
            job_event(
                "job.held",
                job_id=job.job_id,
                organisation_id=job.organisation_id,
                node_id=job.node_id,
                order_line_id=job.order_line_id,
                occurred_at=now,
                reason=job.held_reason,
            )
            for job in held
        ],
    )
    data = [{"from": job.held_from, "reason": job.held_reason, "node_id": job.node_id} for job in held]
    record_audits(
        session,
        entries=[
            audit_entry(job.job_id, job.organisation_id, "job.held", actor=actor, now=now, **facts)
            for job, facts in zip(held, data, strict=True)
        ],
    )
