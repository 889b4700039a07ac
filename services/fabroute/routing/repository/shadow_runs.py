"""Statements on shadow runs and replays. A claim's number of attempts makes every later write of a lost worker fail."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, col, select

from fabroute.routing.models import ShadowRun


@dataclass(frozen=True, slots=True, kw_only=True)
class ClaimedShadowRun:
    """A shadow run or replay that the caller may work on until its lease lapses."""

    id: str
    organisation_id: str
    request: Mapping[str, Any]
    report: Mapping[str, Any] | None
    runs_done: int
    attempts: int
    """Claims so far, this one included: only the latest may write."""


_DUE = "(state = 'waiting' OR state = 'running' AND lease_until <= clock_timestamp())"

_CLAIM = text(f"""
WITH due AS (
    SELECT id FROM shadow_runs WHERE state IN ('waiting', 'running') AND {_DUE}
    ORDER BY attempts, id LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE shadow_runs shadow
SET state = 'running', attempts = attempts + 1,
    lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
FROM due WHERE shadow.id = due.id
RETURNING shadow.id, organisation_id, request, report, runs_done, attempts
""")

_KEEP = text("""
UPDATE shadow_runs
SET report = CAST(:report AS jsonb), runs_done = :runs_done, runs_total = :runs_total, state = CAST(:state AS text),
    lease_until = CASE WHEN CAST(:state AS text) = 'running'
        THEN clock_timestamp() + make_interval(secs => :lease_seconds) END,
    finished_at = CASE WHEN CAST(:state AS text) IN ('done', 'failed') THEN clock_timestamp() END
WHERE id = :id AND attempts = :attempts AND state = 'running'
RETURNING id
""")

_ANY_DUE = text(f"SELECT EXISTS (SELECT 1 FROM shadow_runs WHERE state IN ('waiting', 'running') AND {_DUE})")


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How far a shadow run is, to be kept."""

    state: str
    report: Mapping[str, Any]
    runs_done: int
    runs_total: int


def add_shadow_run(session: Session, row: ShadowRun) -> None:
    """Add a shadow run or replay."""
    session.add(row)
    session.flush()


def find_shadow_run(session: Session, shadow_run_id: str, *, organisation_id: str) -> ShadowRun | None:
    """Return a shadow run or replay if it is the organisation's."""
    statement = select(ShadowRun).where(
        col(ShadowRun.id) == shadow_run_id, col(ShadowRun.organisation_id) == organisation_id
    )
    return session.exec(statement.execution_options(populate_existing=True)).one_or_none()


def read_shadow_runs(
    session: Session, *, organisation_id: str, prefix: str, before: str | None, limit: int
) -> Sequence[ShadowRun]:
    """Return an organisation's shadow runs whose ids begin so, the newest first, before an id."""
    statement = select(ShadowRun).where(
        col(ShadowRun.organisation_id) == organisation_id, col(ShadowRun.id).startswith(prefix, autoescape=True)
    )
    if before is not None:
        statement = statement.where(col(ShadowRun.id) < before)
    return session.exec(statement.order_by(col(ShadowRun.id).desc()).limit(limit)).all()


def claim(session: Session, *, lease_seconds: float) -> ClaimedShadowRun | None:
    """Take a due shadow run that nobody holds, the one with the fewest claims first."""
    found = session.connection().execute(_CLAIM, {"lease_seconds": lease_seconds}).mappings().one_or_none()
    return None if found is None else ClaimedShadowRun(**found)


def keep(session: Session, claimed: ClaimedShadowRun, progress: Progress, *, lease_seconds: float) -> bool:
    """Keep how far a shadow run is; False if it was claimed anew meanwhile."""
    values = {
        "id": claimed.id,
        "attempts": claimed.attempts,
        "state": progress.state,
        "report": json.dumps(progress.report),
        "runs_done": progress.runs_done,
        "runs_total": progress.runs_total,
        "lease_seconds": lease_seconds,
    }
    return session.connection().execute(_KEEP, values).one_or_none() is not None


def any_due(session: Session) -> bool:
    """Return whether a shadow run or replay waits for a worker."""
    return bool(session.connection().execute(_ANY_DUE).scalar_one())
