"""Statements on the inbox of numbered reports."""

from collections.abc import Sequence

from sqlmodel import Session, col, select

from fabroute.production.models import JobReport


def add(session: Session, report: JobReport) -> None:
    """Keep a report of a job that the caller has locked."""
    session.add(report)
    session.flush()


def read_reports(session: Session, *, job_id: str, lease_id: str) -> Sequence[JobReport]:
    """Return the reports under a lease of a job that the caller has locked, by number."""
    statement = select(JobReport).where(JobReport.job_id == job_id, JobReport.lease_id == lease_id)
    fresh = statement.order_by(col(JobReport.sequence)).execution_options(populate_existing=True)
    return session.exec(fresh).all()
