"""Statements on what proves a job's quality: inspections, scrapped prints, first articles, serials."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from fabroute.production.models import Build, BuildPart, Inspection, Job, JobEvidence, PrintRecord
from fabroute.production.states import JobState, states_before

_FRESH = {"populate_existing": True}


def begin_with_first_article(session: Session, *, job_ids: Collection[str]) -> None:
    """Let jobs that were just made begin with a first article: one print, which waits for the owner's approval."""
    session.exec(update(Job).where(col(Job.id).in_(job_ids)).values(first_article=True))


def start(session: Session, *, job_id: str, now: datetime) -> Job | None:
    """Let an accepted job be in production, since its node has printed; None if it is not accepted (any more)."""
    return _move(session, job_id, "in_production", sources={"accepted"}, values={"started_at": now}, now=now)


def finish(session: Session, *, job_id: str, now: datetime) -> Job | None:
    """Let a job be inspected; None if it is not in production (any more)."""
    return _move(session, job_id, "inspected", sources={"in_production"}, values={"inspected_at": now}, now=now)


def reopen(session: Session, *, job_id: str, now: datetime) -> Job | None:
    """Put an inspected job back into production, since a part of it is no good; None if it is not inspected."""
    return _move(session, job_id, "in_production", sources={"inspected"}, values={"inspected_at": None}, now=now)


def hold_first_article(session: Session, *, job_id: str, reason: str, now: datetime) -> Job | None:
    """Hold a job in production until its first article is approved: its file tickets are void."""
    held = {"held_from": Job.state, "held_at": now, "held_reason": reason, "held_kind": "first_article"}
    fenced = {**held, "fence": Job.fence + 1}
    return _move(session, job_id, "held", sources={"in_production"}, values=fenced, now=now)


def end_first_article(session: Session, *, job_id: str, approved_at: datetime | None, now: datetime) -> Job | None:
    """Put a job that is held for its first article back into production: approved, or to make another one."""
    released = {
        **{"held_from": None, "held_at": None, "held_reason": "", "held_kind": ""},
        "first_article_submitted_at": Job.first_article_submitted_at if approved_at else None,
        "first_article_evidence_id": Job.first_article_evidence_id if approved_at else None,
        "first_article_approved_at": approved_at,
        "lease_until": Job.lease_until + (now - col(Job.held_at)),
        "fence": Job.fence + 1,
    }
    return _move(session, job_id, "in_production", sources={"held"}, values=released, now=now)


def note_submission(session: Session, *, job_id: str, evidence_id: str, now: datetime) -> Job:
    """Note that the owner was asked to approve the first article of a locked job."""
    values = {"first_article_submitted_at": now, "first_article_evidence_id": evidence_id}
    statement = update(Job).where(col(Job.id) == job_id).values(**values, updated_at=now, version=Job.version + 1)
    return session.scalars(statement.returning(Job).execution_options(**_FRESH)).one()


def scrap(
    session: Session, *, job_id: str, number: int, scrapped_by: str, reason: str, now: datetime
) -> PrintRecord | None:
    """Count a good print of a locked job as failed from now on; None if it is scrapped already."""
    statement = (
        update(PrintRecord)
        .where(
            col(PrintRecord.job_id) == job_id,
            col(PrintRecord.number) == number,
            col(PrintRecord.result) == "good",
            col(PrintRecord.scrapped_at).is_(None),
        )
        .values(scrapped_at=now, scrapped_by=scrapped_by, scrap_reason=reason)
        .returning(PrintRecord)
        .execution_options(**_FRESH)
    )
    scrapped = session.scalars(statement).one_or_none()
    if scrapped is not None:
        _count_scrapped(session, job_id, now=now)
    return scrapped


def count_reprint(session: Session, *, job_id: str, now: datetime) -> None:
    """Allow one more print of a locked job."""
    counted = {"granted_reprints": Job.granted_reprints + 1, "version": Job.version + 1, "updated_at": now}
    session.exec(update(Job).where(col(Job.id) == job_id).values(**counted))


def standing_good_prints(session: Session, *, job_id: str) -> tuple[int, ...]:
    """Return the numbers of a job's good prints that were not scrapped."""
    wanted = (PrintRecord.job_id == job_id, PrintRecord.result == "good", col(PrintRecord.scrapped_at).is_(None))
    return tuple(session.exec(select(PrintRecord.number).where(*wanted).order_by(col(PrintRecord.number))))


def serial_is_taken(session: Session, *, job_id: str, serial: str) -> bool:
    """Return whether a print of the job has this serial."""
    found = select(PrintRecord.number).where(PrintRecord.job_id == job_id, PrintRecord.serial == serial)
    return session.exec(found).first() is not None


def build_that_holds(session: Session, *, job_id: str, build_id: str | None) -> Build | None:
    """Return the build that a print of a job is of: this one if it holds the job, else the only one that runs now."""
    statement = select(Build).join(BuildPart, col(BuildPart.build_id) == col(Build.id))
    statement = statement.where(col(BuildPart.job_id) == job_id, col(Build.state) != "cancelled")
    if build_id is not None:
        return session.exec(statement.where(col(Build.id) == build_id)).first()
    running = session.exec(statement.where(col(Build.state) == "running").limit(2)).all()
    return running[0] if len(running) == 1 else None


def evidence_by(session: Session, *, job_id: str, name_or_id: str) -> JobEvidence | None:
    """Return a piece of evidence of a job by its id or its name."""
    named = (col(JobEvidence.id) == name_or_id) | (col(JobEvidence.name) == name_or_id)
    return session.exec(select(JobEvidence).where(JobEvidence.job_id == job_id, named)).first()


def read_page(session: Session, *, job_id: str, cursor: str | None, limit: int) -> list[Inspection]:
    """Return inspections of a job in the order of their ids, after the id ``cursor``."""
    statement = select(Inspection).where(Inspection.job_id == job_id, col(Inspection.id) > (cursor or ""))
    return list(session.exec(statement.order_by(col(Inspection.id)).limit(limit)).all())


def _count_scrapped(session: Session, job_id: str, *, now: datetime) -> None:
    counted = {
        "good_prints": Job.good_prints - 1,
        "failed_prints": Job.failed_prints + 1,
        "scrapped_prints": Job.scrapped_prints + 1,
        "updated_at": now,
        "version": Job.version + 1,
    }
    session.exec(update(Job).where(col(Job.id) == job_id).values(**counted))


def _move(
    session: Session,
    job_id: str,
    to: JobState,
    *,
    sources: Collection[str],
    values: Mapping[str, object],
    now: datetime,
) -> Job | None:
    allowed = sorted(states_before(to) & frozenset(sources))
    statement = (
        update(Job)
        .where(col(Job.id) == job_id, col(Job.state).in_(allowed))
        .values({"state": to, **values, "updated_at": now, "version": Job.version + 1})
        .returning(Job)
        .execution_options(**_FRESH)
    )
    return session.scalars(statement).one_or_none()
