"""Statements on how long builds took, and on all that teaches about machines."""

from collections.abc import Collection, Sequence

from sqlalchemy import TextClause, func, text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session, col, select

from fabroute.production.models import BuildTime


def add(session: Session, build: BuildTime) -> None:
    """Add a build of a job that the caller has locked."""
    session.add(build)
    session.flush()


def find_build(session: Session, *, job_id: str, number: int) -> BuildTime | None:
    """Return one build of a job."""
    return session.get(BuildTime, (job_id, number))


def count_builds(session: Session, *, job_id: str) -> tuple[int, int]:
    """Return how many builds of a job were timed, and how many of its parts they held."""
    builds, parts = func.count(), func.coalesce(func.sum(col(BuildTime.parts)), 0)
    row = session.exec(select(builds, parts).where(BuildTime.job_id == job_id)).one()
    return int(row[0]), int(row[1])


def read_builds(session: Session, *, job_id: str, after: int, limit: int) -> Sequence[BuildTime]:
    """Return builds of a job by number, after the number ``after``."""
    statement = select(BuildTime).where(BuildTime.job_id == job_id, col(BuildTime.number) > after)
    return session.exec(statement.order_by(col(BuildTime.number)).limit(limit)).all()


def read_taught(session: Session, *, node_id: str | None) -> list[tuple[str, str]]:
    """Return the machines with parameter sets that jobs have taught something about: a node's jobs, or all."""
    statement = _TAUGHT if node_id is None else _TAUGHT_AT_NODE
    found = session.connection().execute(statement, {"node_id": node_id} if node_id else {})
    return [(row.machine_id, row.parameter_set) for row in found]


def sum_builds(session: Session, keys: Collection[tuple[str, str]]) -> Sequence[RowMapping]:
    """Return count and sums of the builds of machines with parameter sets, added up in the order of jobs."""
    return _summed(session, _BUILDS, keys)


def sum_prints(session: Session, keys: Collection[tuple[str, str]]) -> Sequence[RowMapping]:
    """Return how many prints of machines with parameter sets came out good and failed."""
    return _summed(session, _PRINTS, keys)


def _summed(session: Session, statement: TextClause, keys: Collection[tuple[str, str]]) -> Sequence[RowMapping]:
    machine_ids, parameter_sets = [machine for machine, _ in keys], [parameter_set for _, parameter_set in keys]
    parameters = {"machine_ids": machine_ids, "parameter_sets": parameter_sets}
    return session.connection().execute(statement, parameters).mappings().all()


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
CROSS JOIN LATERAL (SELECT ln(build.machine_minutes::float8 / build.estimated_minutes) AS ratio) learnt
GROUP BY build.machine_id, build.parameter_set
""")
"""In one order, because sums of binary fractions depend on it: the same evidence gives the same row, bit by bit."""

_PRINTS = text(f"""
SELECT job.machine_id, job.parameter_set, sum(job.good_prints) AS good_prints, sum(job.failed_prints) AS failed_prints
FROM {_ASKED} JOIN jobs job ON job.machine_id = asked.machine_id AND job.parameter_set = asked.parameter_set
GROUP BY job.machine_id, job.parameter_set
""")
