"""Statements on planning scopes. A scope is locked before the lines in it, and before everything else."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

_CLAIM = text("""
WITH before AS (SELECT holder FROM planning_scopes WHERE name = :name)
INSERT INTO planning_scopes AS scope (name, fence, holder, lease_until, updated_at)
VALUES (:name, 1, :holder, clock_timestamp() + make_interval(secs => :lease_seconds), clock_timestamp())
ON CONFLICT (name) DO UPDATE
SET fence = scope.fence + 1, holder = excluded.holder, lease_until = excluded.lease_until,
    updated_at = excluded.updated_at
WHERE scope.lease_until IS NULL OR scope.lease_until <= clock_timestamp()
RETURNING fence, (SELECT holder FROM before) IS NOT NULL AS taken_over
""")

_RENEW = text("""
UPDATE planning_scopes SET lease_until = clock_timestamp() + make_interval(secs => :lease_seconds)
WHERE name = :name AND fence = :fence AND holder IS NOT NULL
""")

_RELEASE = text("""
UPDATE planning_scopes SET holder = NULL, lease_until = NULL, updated_at = clock_timestamp()
WHERE name = :name AND fence = :fence
""")

_HOLD = text("SELECT fence FROM planning_scopes WHERE name = :name AND fence = :fence FOR SHARE")

_LAPSED = text("""
SELECT name FROM planning_scopes WHERE holder IS NOT NULL AND lease_until <= clock_timestamp() ORDER BY name
""")

_READ = text("""
WITH last AS (
    SELECT DISTINCT ON (planning_scope) planning_scope AS name, id AS run_id, finished_at, routed, no_route, deferred
    FROM routing_runs ORDER BY planning_scope, id DESC
)
SELECT scope.name, scope.fence, scope.lease_until,
    CASE WHEN scope.lease_until > clock_timestamp() THEN scope.holder END AS holder,
    last.run_id, last.finished_at, last.routed, last.no_route, last.deferred
FROM planning_scopes scope LEFT JOIN last ON last.name = scope.name ORDER BY scope.name
""")


def claim(session: Session, *, name: str, holder: str, lease_seconds: float) -> tuple[int, bool] | None:
    """Take a scope that nobody holds, new or known; ``None`` while another lease runs.

    Return the new fence, and whether somebody had it before whose lease lapsed.
    """
    parameters = {"name": name, "holder": holder, "lease_seconds": lease_seconds}
    row = session.connection().execute(_CLAIM, parameters).one_or_none()
    return None if row is None else (row.fence, row.taken_over)


def renew(session: Session, *, name: str, fence: int, lease_seconds: float) -> bool:
    """Make a lease longer; ``False`` where it was released, or someone else has the scope."""
    parameters = {"name": name, "fence": fence, "lease_seconds": lease_seconds}
    return session.connection().execute(_RENEW, parameters).rowcount == 1


def release(session: Session, *, name: str, fence: int) -> None:
    """End a lease; nothing where someone else has the scope."""
    session.connection().execute(_RELEASE, {"name": name, "fence": fence})


def hold(session: Session, *, name: str, fence: int) -> bool:
    """Lock a scope until the transaction ends, so that nobody can take it; ``False`` if its fence is a newer one."""
    return session.connection().execute(_HOLD, {"name": name, "fence": fence}).one_or_none() is not None


def lapsed(session: Session) -> Sequence[str]:
    """Return the scopes whose holder neither released them nor made its lease longer."""
    return session.connection().execute(_LAPSED).scalars().all()


def read_scopes(session: Session) -> dict[str, Mapping[str, Any]]:
    """Return all scopes that were ever claimed by name, with their holders and their last runs."""
    return {row["name"]: dict(row) for row in session.connection().execute(_READ).mappings()}
