"""Statements on how long builds took, and on all that teaches about machines."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import TextClause, func, text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col, select

from fabroute.production.models import BuildTime


def add(session: Session, build: BuildTime) -> None:
    """Add or change a build of a job that the caller has locked."""
    session.add(build)
    session.flush()


def find_build(session: Session, *, job_id: str, number: int) -> BuildTime | None:
    """Return one build of a job."""
    return session.get(BuildTime, (job_id, number))


def count_builds(session: Session, *, job_id: str) -> tuple[int, int]:
    """Return how many builds of a job were ever reported, and the parts in those that were not withdrawn."""
    counting = func.sum(col(BuildTime.parts)).filter(col(BuildTime.withdrawn_at).is_(None))
    builds, parts = func.count(), func.coalesce(counting, 0)
    row = session.exec(select(builds, parts).where(BuildTime.job_id == job_id)).one()
    return int(row[0]), int(row[1])


def read_builds(session: Session, *, job_id: str, after: int, limit: int) -> Sequence[BuildTime]:
    """Return builds of a job by number, after the number ``after``."""
    statement = select(BuildTime).where(BuildTime.job_id == job_id, col(BuildTime.number) > after)
    return session.exec(statement.order_by(col(BuildTime.number)).limit(limit)).all()


def lock_machine(session: Session, *, machine_id: str) -> None:
    """Let nobody else report a build of this machine until this transaction ends."""
    session.exec(select(func.pg_advisory_xact_lock(func.hashtextextended(f"builds of {machine_id}", 0))))


def find_overlapping(
    session: Session, *, machine_id: str, finished_at: datetime, minutes: int, most: timedelta
) -> RowMapping | None:
    """Return the first build of a machine that was on it for longer than ``most`` during the one that is described.

    For longer than half of the shorter one, if that is less. Job, number, end and minutes; withdrawn ones don't count.
    """
    parameters = {"machine_id": machine_id, "finished_at": finished_at, "minutes": minutes, "most": most}
    return session.connection().execute(_OVERLAPPING, parameters).mappings().first()


def read_taught(session: Session, *, node_id: str | None) -> list[tuple[str, str]]:
    """Return the machines with parameter sets that jobs have taught something about: a node's jobs, or all."""
    statement = _TAUGHT if node_id is None else _TAUGHT_AT_NODE
    found = session.connection().execute(statement, {"node_id": node_id} if node_id else {})
    return [(row.machine_id, row.parameter_set) for row in found]


def sum_builds(session: Session, keys: Collection[tuple[str, str]], *, most: float) -> Sequence[RowMapping]:
    """Return count and sums of the builds of machines with parameter sets, added up in the order of jobs.

    A ratio over ``most``, or under one over it, counts as that. What was withdrawn doesn't count.
    """
    return _summed(session, _BUILDS.bindparams(most=most), keys)


def sum_prints(session: Session, keys: Collection[tuple[str, str]]) -> Sequence[RowMapping]:
    """Return how many prints of machines with parameter sets came out good and failed."""
    return _summed(session, _PRINTS, keys)


def _summed(session: Session, statement: TextClause, keys: Collection[tuple[str, str]]) -> Sequence[RowMapping]:
    machine_ids, parameter_sets = [machine for machine, _ in keys], [parameter_set for _, parameter_set in keys]
    parameters = {"machine_ids": machine_ids, "parameter_sets": parameter_sets}
    return session.connection().execute(statement, parameters).mappings().all()


_OVERLAPPING = text("""
SELECT build.job_id, build.number, build.finished_at, build.machine_minutes FROM build_times build
CROSS JOIN LATERAL (SELECT make_interval(mins => build.machine_minutes) AS took) lasted
CROSS JOIN LATERAL (SELECT make_interval(mins => :minutes) AS took) wanted
WHERE build.machine_id = :machine_id AND build.withdrawn_at IS NULL
    AND least(build.finished_at, :finished_at)
        - greatest(build.finished_at - lasted.took, CAST(:finished_at AS timestamptz) - wanted.took)
        > least(CAST(:most AS interval), least(lasted.took, wanted.took) / 2)
ORDER BY build.finished_at, build.job_id, build.number LIMIT 1
""")

_WITH_EVIDENCE = """
SELECT DISTINCT job.machine_id, job.parameter_set FROM jobs job
WHERE {where} (job.good_prints + job.failed_prints > 0 OR EXISTS (
    SELECT FROM build_times build WHERE build.job_id = job.id))
ORDER BY job.machine_id, job.parameter_set
"""
_TAUGHT = text(_WITH_EVIDENCE.format(where=""))
_TAUGHT_AT_NODE = text(_WITH_EVIDENCE.format(where="job.node_id = :node_id AND"))

_ASKED = "unnest(CAST(:machine_ids AS text[]), CAST(:parameter_sets AS text[])) AS asked (machine_id, parameter_set)"

_BUILDS = text(f"""
SELECT build.machine_id, build.parameter_set, count(*) AS builds,
    sum(learnt.ratio ORDER BY build.job_id, build.number) AS log_ratio_sum,
    sum(learnt.ratio * learnt.ratio ORDER BY build.job_id, build.number) AS log_ratio_sum_squares
FROM {_ASKED}
JOIN build_times build ON build.machine_id = asked.machine_id AND build.parameter_set = asked.parameter_set
    AND build.withdrawn_at IS NULL
CROSS JOIN LATERAL (SELECT ln(least(CAST(:most AS float8), greatest(1 / CAST(:most AS float8),
    build.machine_minutes::float8 / build.estimated_minutes))) AS ratio) learnt
GROUP BY build.machine_id, build.parameter_set
""")
"""In one order, because sums of binary fractions depend on it: the same evidence gives the same row, bit by bit."""

_PRINTS = text(f"""
SELECT job.machine_id, job.parameter_set, sum(job.good_prints) AS good_prints, sum(job.failed_prints) AS failed_prints
FROM {_ASKED} JOIN jobs job ON job.machine_id = asked.machine_id AND job.parameter_set = asked.parameter_set
GROUP BY job.machine_id, job.parameter_set
""")
