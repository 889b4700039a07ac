"""Statements on passports and certificates of conformity."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import func, update
from sqlmodel import Session, col, select

from fabroute.database.bulk import is_one_of
from fabroute.production.models import Build, ConformityCertificate, Inspection, JobEvidence, Passport, PrintRecord


def read_passports(session: Session, *, job_id: str) -> Sequence[Passport]:
    """Return the passports of a job by the number of their print."""
    statement = select(Passport).where(Passport.job_id == job_id).order_by(col(Passport.print_number))
    return session.exec(statement).all()


def find_passport(session: Session, *, token: str) -> Passport | None:
    """Return the passport with this token."""
    return session.get(Passport, token)


def find_serial(session: Session, *, job_id: str, serial: str) -> Passport | None:
    """Return the passport of a job's part with this serial."""
    return session.exec(select(Passport).where(Passport.job_id == job_id, Passport.serial == serial)).first()


def read_good_prints(session: Session, *, job_id: str) -> Sequence[PrintRecord]:
    """Return the prints of a job that were reported good, scrapped ones among them, by number."""
    good = (PrintRecord.job_id == job_id, PrintRecord.result == "good")
    statement = select(PrintRecord).where(*good).order_by(col(PrintRecord.number))
    return session.exec(statement.execution_options(populate_existing=True)).all()


def read_inspections(session: Session, *, job_id: str) -> Sequence[Inspection]:
    """Return the inspections of a job, oldest first."""
    statement = select(Inspection).where(Inspection.job_id == job_id)
    return session.exec(statement.order_by(col(Inspection.reported_at), col(Inspection.id))).all()


def read_evidence(session: Session, *, job_id: str) -> Sequence[JobEvidence]:
    """Return all evidence of a job, oldest first."""
    return session.exec(select(JobEvidence).where(JobEvidence.job_id == job_id).order_by(col(JobEvidence.id))).all()


def read_builds(session: Session, *, build_ids: Collection[str]) -> dict[str, Build]:
    """Return builds by their ids."""
    if not build_ids:
        return {}
    return {build.id: build for build in session.exec(select(Build).where(col(Build.id).in_(build_ids)))}


def read_certificates(session: Session, *, job_id: str) -> Sequence[ConformityCertificate]:
    """Return the certificates of a job, the first one first."""
    statement = select(ConformityCertificate).where(ConformityCertificate.job_id == job_id)
    fresh = statement.order_by(col(ConformityCertificate.number)).execution_options(populate_existing=True)
    return session.exec(fresh).all()


def find_certificate(session: Session, certificate_id: str) -> ConformityCertificate | None:
    """Return a certificate."""
    return session.get(ConformityCertificate, certificate_id, populate_existing=True)


def next_certificate_number(session: Session, *, job_id: str) -> int:
    """Return the number that the job's next certificate gets; the caller has locked the job."""
    last = select(func.max(ConformityCertificate.number)).where(ConformityCertificate.job_id == job_id)
    return (session.exec(last).one() or 0) + 1


def withdraw(
    session: Session, *, job_ids: Collection[str], reason: str, now: datetime
) -> Sequence[ConformityCertificate]:
    """Withdraw the certificates of these jobs that stand; return them by id."""
    statement = (
        update(ConformityCertificate)
        .where(is_one_of(col(ConformityCertificate.job_id), job_ids), col(ConformityCertificate.withdrawn_at).is_(None))
        .values(withdrawn_at=now, withdrawal_reason=reason)
        .returning(ConformityCertificate)
        .execution_options(populate_existing=True)
    )
    return sorted(session.scalars(statement).all(), key=lambda certificate: certificate.id)
