"""Statements on the archives of runs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, insert
from sqlalchemy import select as select_columns
from sqlmodel import Session, col

from fabroute.routing.models import RoutingDecision, RoutingRun, RunArchive


@dataclass(frozen=True, slots=True, kw_only=True)
class DecidedLine:
    """What a decision says of the run that made it."""

    run_id: str
    run_kind: str
    order_line_id: str
    outcome: str
    snapshot_sha256: str | None


def insert_archive(session: Session, row: Mapping[str, object]) -> None:
    """Add the archive of a run."""
    session.exec(insert(RunArchive), params=[dict(row)])


def find_archive(session: Session, run_id: str) -> RunArchive | None:
    """Return the archive of a run."""
    return session.get(RunArchive, run_id)


def delete_archives(session: Session, *, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` archives of before an instant, the oldest first; return how many."""
    old = select_columns(col(RunArchive.run_id)).where(col(RunArchive.created_at) < before)
    oldest = old.order_by(col(RunArchive.created_at)).limit(limit)
    return session.exec(delete(RunArchive).where(col(RunArchive.run_id).in_(oldest))).rowcount


def archived_runs(
    session: Session, *, since: datetime, until: datetime, organisation_id: str | None = None
) -> Sequence[str]:
    """Return the runs of a time that have an archive, the first first; only those that decided an owner's lines."""
    statement = select_columns(col(RunArchive.run_id)).where(
        col(RunArchive.created_at) >= since, col(RunArchive.created_at) < until
    )
    if organisation_id is not None:
        own = select_columns(col(RoutingDecision.run_id)).where(
            col(RoutingDecision.organisation_id) == organisation_id,
            col(RoutingDecision.decided_at) >= since,
            col(RoutingDecision.decided_at) < until,
        )
        statement = statement.where(col(RunArchive.run_id).in_(own))
    ordered = statement.order_by(col(RunArchive.created_at), col(RunArchive.run_id))
    return session.connection().execute(ordered).scalars().all()


def decided_lines(session: Session, run_id: str) -> Mapping[str, str]:
    """Return the lines that a run gave an outcome to, with their owners; others of its plan were sent back."""
    statement = select_columns(col(RoutingDecision.order_line_id), col(RoutingDecision.organisation_id)).where(
        col(RoutingDecision.run_id) == run_id
    )
    return {row.order_line_id: row.organisation_id for row in session.connection().execute(statement)}


def owner_of_decision(session: Session, decision_id: str) -> str | None:
    """Return whose line a decision is about; ``None`` if there is none."""
    statement = select_columns(col(RoutingDecision.organisation_id)).where(col(RoutingDecision.id) == decision_id)
    return session.connection().execute(statement).scalar_one_or_none()


def find_decided(session: Session, decision_id: str) -> DecidedLine | None:
    """Return of a decision what a replay is compared with."""
    statement = select_columns(
        col(RoutingDecision.run_id),
        col(RoutingRun.kind).label("run_kind"),
        col(RoutingDecision.order_line_id),
        col(RoutingDecision.outcome),
        col(RoutingDecision.document)["solver"]["snapshot_sha256"].as_string().label("snapshot_sha256"),
    ).join(RoutingRun, col(RoutingRun.id) == col(RoutingDecision.run_id))
    own = statement.where(col(RoutingDecision.id) == decision_id)
    found = session.connection().execute(own).mappings().one_or_none()
    return None if found is None else DecidedLine(**found)
