"""Statements on builds, the prints in them, and the jobs that could be put into one."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, exists, func, text, update
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col, select

from fabroute.database.bulk import is_one_of
from fabroute.production.models import Build, BuildPart, Job
from fabroute.production.states import WORKING_STATES

OPEN_STATES: tuple[str, ...] = ("planned", "running")
"""States of builds whose prints are still to be made."""
_FRESH = {"populate_existing": True}


@dataclass(frozen=True, slots=True, kw_only=True)
class BuildCounts:
    """How many prints of a job are in builds, and what its order says of it."""

    in_open: int = 0
    """In builds that are planned or running."""
    in_closed: int = 0
    criticality: str = ""


def add(session: Session, build: Build, parts: Sequence[BuildPart]) -> None:
    """Add or change a build and the prints in it, which replace those of before."""
    session.add(build)
    session.flush()
    session.exec(delete(BuildPart).where(col(BuildPart.build_id) == build.id))
    session.add_all(parts)
    session.flush()


def save(session: Session, build: Build, parts: Sequence[BuildPart] = ()) -> None:
    """Write a build, and prints in it, that the caller has locked and changed."""
    session.add_all((build, *parts))
    session.flush()


def find_build(session: Session, build_id: str) -> Build | None:
    """Return a build by its id."""
    return session.get(Build, build_id, populate_existing=True)


def lock_build(session: Session, build_id: str) -> Build | None:
    """Return a build that nobody else can change until this transaction ends."""
    return session.get(Build, build_id, populate_existing=True, with_for_update=True)


def lock_planned_with(session: Session, *, job_ids: Collection[str]) -> Sequence[Build]:
    """Lock, by id, the builds that have not begun and hold prints of these jobs."""
    holds = exists().where(col(BuildPart.build_id) == col(Build.id), is_one_of(col(BuildPart.job_id), job_ids))
    return _lock_planned(session, holds)


def lock_planned_of_lots(session: Session, *, lot_ids: Collection[str]) -> Sequence[Build]:
    """Lock, by id, the builds of these lots that have not begun."""
    return _lock_planned(session, col(Build.lot_id).in_(lot_ids))


def _lock_planned(session: Session, which: ColumnElement[bool]) -> Sequence[Build]:
    statement = select(Build).where(Build.state == "planned", which).order_by(col(Build.id)).with_for_update()
    return session.exec(statement.execution_options(**_FRESH)).all()


def keep_only(session: Session, build: Build, *, job_ids: Collection[str]) -> None:
    """Take all jobs but these out of a build; their shares of it grow alike, to 1 in all."""
    parts = read_parts(session, [build.id])[build.id]
    staying = [part for part in parts if part.job_id in job_ids]
    whole = sum(part.share for part in staying)
    for part in staying:
        part.share /= whole
    for part in parts:
        if part.job_id not in job_ids:
            session.delete(part)
    session.flush()


def read_parts(session: Session, build_ids: Collection[str]) -> Mapping[str, Sequence[BuildPart]]:
    """Return the prints in builds, by build and then in the order of job ids."""
    statement = select(BuildPart).where(is_one_of(col(BuildPart.build_id), build_ids)).order_by(col(BuildPart.job_id))
    found: dict[str, list[BuildPart]] = {build_id: [] for build_id in build_ids}
    for part in session.exec(statement.execution_options(**_FRESH)).all():
        found[part.build_id].append(part)
    return found


def read_builds(
    session: Session, *, node_id: str, states: Collection[str], owner: str | None, cursor: str | None, limit: int
) -> Sequence[Build]:
    """Return builds of a node by id after ``cursor``; only those with jobs of ``owner`` where one is given."""
    statement = select(Build).where(Build.node_id == node_id, col(Build.state).in_(states))
    if owner is not None:
        own = exists().where(
            col(BuildPart.build_id) == col(Build.id),
            col(BuildPart.job_id) == col(Job.id),
            col(Job.organisation_id) == owner,
        )
        statement = statement.where(own)
    if cursor is not None:
        statement = statement.where(col(Build.id) > cursor)
    return session.exec(statement.order_by(col(Build.id)).limit(limit)).all()


def read_jobs(session: Session, job_ids: Collection[str]) -> Sequence[Job]:
    """Return jobs by id."""
    statement = select(Job).where(is_one_of(col(Job.id), job_ids)).order_by(col(Job.id))
    return session.exec(statement.execution_options(**_FRESH)).all()


def lock_jobs(session: Session, job_ids: Collection[str]) -> Sequence[Job]:
    """Lock jobs, by id, and return them: until the transaction ends nobody else puts them into builds."""
    statement = select(Job).where(is_one_of(col(Job.id), job_ids)).order_by(col(Job.id)).with_for_update(key_share=True)
    return session.exec(statement.execution_options(**_FRESH)).all()


def read_working(session: Session, *, node_id: str) -> Sequence[Job]:
    """Return the jobs of a node that it may print."""
    working = (Job.node_id == node_id, col(Job.state).in_(WORKING_STATES))
    return session.exec(select(Job).where(*working).order_by(col(Job.produce_by), col(Job.id))).all()


def count_parts(session: Session, job_ids: Collection[str], *, without: str | None = None) -> dict[str, BuildCounts]:
    """Return by job how many of its prints are in builds, leaving out one build where it is given."""
    rows = session.connection().execute(_COUNTS, {"job_ids": list(job_ids), "without": without or ""}).mappings()
    return {row["job_id"]: BuildCounts(**{name: row[name] for name in _COUNTED}) for row in rows}


def find_running(session: Session, *, machine_id: str) -> Build | None:
    """Return the build that runs on a machine."""
    return session.exec(select(Build).where(Build.machine_id == machine_id, Build.state == "running")).first()


def find_overlapping(
    session: Session, build: Build, *, finished_at: datetime, minutes: int, most: timedelta
) -> RowMapping | None:
    """Return another build that was closed on the machine and took it for longer than ``most`` in this one's time.

    For longer than half of the shorter one, if that is less.
    """
    parameters = {"id": build.id, "machine_id": build.machine_id, "finished_at": finished_at, "minutes": minutes}
    return session.connection().execute(_OVERLAPPING, parameters | {"most": most}).mappings().first()


def add_used_grams(session: Session, grams: Mapping[str, int], *, now: datetime) -> None:
    """Add what a build took to what its jobs, which the caller has locked, had used before."""
    for job_id, used in grams.items():
        before = func.coalesce(col(Job.used_grams), 0)
        values = {"used_grams": before + used, "updated_at": now, "version": Job.version + 1}
        session.connection().execute(update(Job).where(col(Job.id) == job_id).values(values))


_COUNTED = ("in_open", "in_closed", "criticality")
_COUNTS = text("""
SELECT job.id AS job_id, coalesce(placed.criticality, '') AS criticality,
    coalesce(sum(part.parts) FILTER (WHERE build.state IN ('planned', 'running')), 0)::int AS in_open,
    coalesce(sum(part.parts) FILTER (WHERE build.state = 'closed'), 0)::int AS in_closed
FROM jobs job
LEFT JOIN orders placed ON placed.id = job.order_id
LEFT JOIN build_parts part ON part.job_id = job.id AND part.build_id <> :without
LEFT JOIN builds build ON build.id = part.build_id
WHERE job.id = ANY(:job_ids)
GROUP BY job.id, placed.criticality
""")

_OVERLAPPING = text("""
SELECT other.id AS build_id, other.finished_at, other.machine_minutes FROM builds other
CROSS JOIN LATERAL (SELECT make_interval(mins => other.machine_minutes) AS took) lasted
CROSS JOIN LATERAL (SELECT make_interval(mins => :minutes) AS took) wanted
WHERE other.machine_id = :machine_id AND other.state = 'closed' AND other.id <> :id
    AND least(other.finished_at, :finished_at)
        - greatest(other.finished_at - lasted.took, CAST(:finished_at AS timestamptz) - wanted.took)
        > least(CAST(:most AS interval), least(lasted.took, wanted.took) / 2)
ORDER BY other.finished_at, other.id LIMIT 1
""")
