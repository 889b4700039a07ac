"""Statements on readiness reports: asked for, claimed by a worker under a fence, filled piece by piece, read."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import delete, insert, text, tuple_
from sqlmodel import Session, col, select

from fabroute.routing.models import ReadinessEntry, ReadinessReport

_DUE = "state = 'asked' AND (lease_until IS NULL OR lease_until <= clock_timestamp())"

_ASK = text("""
INSERT INTO readiness_reports
    (id, organisation_id, state, asked_by, asked_at, fence, attempts, entries, document)
VALUES (:id, :organisation_id, 'asked', :asked_by, :now, 0, 0, 0, '{}')
ON CONFLICT (organisation_id) WHERE state = 'asked' DO NOTHING
""")

_CLAIM = text(f"""
WITH due AS (
    SELECT id FROM readiness_reports WHERE {_DUE} ORDER BY as_of NULLS FIRST, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE readiness_reports report
SET fence = fence + 1, attempts = attempts + 1, as_of = coalesce(as_of, :now),
    lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
FROM due WHERE report.id = due.id
RETURNING report.id AS report_id, organisation_id, as_of, fence, attempts
""")

_KEEP = text("""
UPDATE readiness_reports
SET attempts = 0, entries = entries + :entries,
    lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
WHERE id = :id AND fence = :fence AND state = 'asked'
""")

_RELEASE = text("UPDATE readiness_reports SET lease_until = NULL, attempts = 0 WHERE id = :id AND fence = :fence")

_FINISH = text("""
UPDATE readiness_reports SET state = :state, lease_until = NULL, document = CAST(:document AS jsonb)
WHERE id = :id AND fence = :fence AND state = 'asked'
""")

_ANY_DUE = text(f"SELECT EXISTS (SELECT FROM readiness_reports WHERE {_DUE})")

_ASKED_SINCE = text("SELECT DISTINCT organisation_id FROM readiness_reports WHERE asked_at >= :since")


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedReport:
    """A report that the caller may fill while its lease runs, under a fence that only a later claim raises."""

    report_id: str
    organisation_id: str
    as_of: datetime
    fence: int
    attempts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EntryFilter:
    """Which entries of a report are listed; ``None`` means any. ``after`` is part number and region of the last one."""

    state: str | None = None
    part: str | None = None
    region: str | None = None
    after: tuple[str, str] | None = None


def ask(session: Session, *, report_id: str, organisation_id: str, asked_by: str, now: datetime) -> bool:
    """Ask for a report; ``False`` if one is asked for already."""
    parameters = {"id": report_id, "organisation_id": organisation_id, "asked_by": asked_by, "now": now}
    return session.connection().execute(_ASK, parameters).rowcount == 1


def any_due(session: Session) -> bool:
    """Tell whether a report waits for a worker."""
    return bool(session.connection().execute(_ANY_DUE).scalar_one())


def asked_since(session: Session, since: datetime) -> Collection[str]:
    """Return the organisations that asked for a report since an instant."""
    return set(session.connection().execute(_ASKED_SINCE, {"since": since}).scalars())


def claim(session: Session, *, lease_seconds: float, now: datetime) -> ClaimedReport | None:
    """Take a report that waits, those not begun first; from its first claim on it is of that instant."""
    parameters = {"lease_seconds": lease_seconds, "now": now}
    row = session.connection().execute(_CLAIM, parameters).mappings().one_or_none()
    return None if row is None else ClaimedReport(**row)


def keep_entries(
    session: Session, claimed: ClaimedReport, rows: Sequence[Mapping[str, Any]], *, lease_seconds: float
) -> bool:
    """Add entries to a claimed report, with a longer lease; ``False``, and nothing kept, if it is someone else's."""
    parameters = {
        "id": claimed.report_id,
        "fence": claimed.fence,
        "entries": len(rows),
        "lease_seconds": lease_seconds,
    }
    if session.connection().execute(_KEEP, parameters).rowcount != 1:
        return False
    if rows:
        session.exec(insert(ReadinessEntry), params=[dict(row) for row in rows])
    return True


def release(session: Session, claimed: ClaimedReport) -> None:
    """Give a report back, to be gone on with."""
    session.connection().execute(_RELEASE, {"id": claimed.report_id, "fence": claimed.fence})


def finish(session: Session, claimed: ClaimedReport, *, state: str, document: str) -> bool:
    """End a report as ``made`` or ``failed``; ``False`` if it is someone else's."""
    parameters = {"id": claimed.report_id, "fence": claimed.fence, "state": state, "document": document}
    return session.connection().execute(_FINISH, parameters).rowcount == 1


def drop_entries_before(session: Session, *, organisation_id: str, report_ids: Collection[str]) -> None:
    """Remove the entries of all reports of an organisation but these: what they came to stays in the reports."""
    old = select(ReadinessReport.id).where(
        col(ReadinessReport.organisation_id) == organisation_id, col(ReadinessReport.id).not_in(report_ids)
    )
    session.exec(delete(ReadinessEntry).where(col(ReadinessEntry.report_id).in_(old)))


def find_reports(session: Session, *, organisation_id: str, state: str, limit: int = 1) -> Sequence[ReadinessReport]:
    """Return the newest reports of an organisation that are in a state."""
    statement = (
        select(ReadinessReport)
        .where(col(ReadinessReport.organisation_id) == organisation_id, col(ReadinessReport.state) == state)
        .order_by(col(ReadinessReport.id).desc())
        .limit(limit)
    )
    return session.exec(statement.execution_options(populate_existing=True)).all()


def read_all_entries(session: Session, report_id: str) -> Sequence[ReadinessEntry]:
    """Return all entries of a report, by part number and region."""
    statement = (
        select(ReadinessEntry)
        .where(col(ReadinessEntry.report_id) == report_id)
        .order_by(col(ReadinessEntry.part_no), col(ReadinessEntry.region))
    )
    return session.exec(statement).all()


def read_entries(session: Session, report_id: str, wanted: EntryFilter, *, limit: int) -> Sequence[ReadinessEntry]:
    """Return entries of a report, by part number and region."""
    statement = select(ReadinessEntry).where(col(ReadinessEntry.report_id) == report_id)
    for column, value in (
        (ReadinessEntry.state, wanted.state),
        (ReadinessEntry.part_no, wanted.part),
        (ReadinessEntry.region, wanted.region),
    ):
        if value is not None:
            statement = statement.where(col(column) == value)
    if wanted.after is not None:
        place = tuple_(col(ReadinessEntry.part_no), col(ReadinessEntry.region))
        statement = statement.where(place > tuple_(*wanted.after))
    ordered = statement.order_by(col(ReadinessEntry.part_no), col(ReadinessEntry.region))
    return session.exec(ordered.limit(limit)).all()


def read_states(session: Session, report_id: str, part_ids: Collection[str]) -> Sequence[tuple[str, str]]:
    """Return part and state of each entry of a report that is about one of these parts."""
    statement = select(ReadinessEntry.part_id, ReadinessEntry.state).where(
        col(ReadinessEntry.report_id) == report_id, col(ReadinessEntry.part_id).in_(part_ids)
    )
    return session.exec(statement).all()
