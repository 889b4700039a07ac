"""A job is inspected when all its prints are made, none is scrapped, and each passed what its part asks for."""

from collections.abc import Sequence
from datetime import datetime

from sqlmodel import Session

from fabroute.inventory import service as inventory
from fabroute.inventory.service import RevisionView
from fabroute.production.models import Inspection, Job
from fabroute.production.repository import conformity as conformity_rows
from fabroute.production.repository import proofs as rows
from fabroute.production.service.inspection.rules import Inspected, uncovered
from fabroute.production.service.telling import tell


def finish_if_inspected(session: Session, job: Job, *, actor: str, now: datetime) -> Job:
    """Let a locked job in production be inspected if nothing is missing; return it as it is. ``job.inspected``."""
    if job.state != "in_production" or job.good_prints < job.quantity or awaits_first_article(job):
        return job
    if missing_inspections(session, job):
        return job
    finished = rows.finish(session, job_id=job.id, now=now)
    assert finished is not None, "the job is locked and in production"
    tell(session, finished, "job.inspected", actor=actor, now=now)
    return finished


def reopen(session: Session, job: Job, *, actor: str, reason: str, now: datetime) -> Job:
    """Put an inspected job back into production, since a part is no good; others stay as they are."""
    opened = rows.reopen(session, job_id=job.id, now=now)
    if opened is None:
        return job
    tell(session, opened, "job.reopened", actor=actor, now=now, reason=reason)
    return opened


def missing_inspections(session: Session, job: Job) -> tuple[int, ...]:
    """Return the good prints of a job that lack a passed inspection of the level that its part asks for."""
    found = conformity_rows.read_inspections(session, job_id=job.id)
    return uncovered(
        level=revision_of(session, job).inspection_level,
        prints=rows.standing_good_prints(session, job_id=job.id),
        inspections=inspected(found),
    )


def inspected(found: Sequence[Inspection]) -> list[Inspected]:
    """Return as much of inspections as says which prints they cover."""
    return [
        Inspected(print_number=it.print_number, through_print=it.through_print, level=it.level, result=it.result)
        for it in found
    ]


def awaits_first_article(job: Job) -> bool:
    """Return whether a job makes one print first, and the owner has not approved it yet."""
    return job.first_article and job.first_article_approved_at is None


def revision_of(session: Session, job: Job) -> RevisionView:
    """Return the revision that a job makes."""
    return inventory.read_revisions(session, revision_ids={job.revision_id})[job.revision_id]
