"""The statement by which a node's queue is read in stages: what is to be answered, made, shipped, and what is stuck."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from fabroute.production.repository.claims import QueueFilter


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a job stands in its stage, 0 first, and how many jobs are in it."""

    stage: str
    job_id: str
    place: int
    total: int


@dataclass(frozen=True, slots=True, kw_only=True)
class StageWindow:
    """Which places of each stage are read, and how many jobs of a state are counted at most."""

    first: int
    limit: int
    most: int


_STAGES = text("""
WITH open AS MATERIALIZED (
    SELECT job.id, job.state, job.produce_by,
        CASE WHEN job.cancel_requested_at IS NULL THEN listed.stage ELSE :stopped END AS stage,
        CASE WHEN job.state = 'offered' THEN coalesce(job.offer_until, job.offered_at) END AS clock
    FROM unnest(CAST(:states AS text[]), CAST(:stages AS text[])) AS listed (state, stage)
    CROSS JOIN LATERAL (
        SELECT * FROM jobs WHERE jobs.node_id = :node_id AND jobs.state = listed.state
            AND (CAST(:owner AS text) IS NULL OR jobs.organisation_id = :owner)
            AND (CAST(:unknown_of AS text) IS NULL OR jobs.organisation_id = :unknown_of
                OR jobs.dispatch_at IS NULL OR jobs.offered_at >= jobs.dispatch_at)
        ORDER BY jobs.id LIMIT :most
    ) job
), placed AS (
    SELECT open.stage, open.id, count(*) OVER (PARTITION BY open.stage) AS total,
        row_number() OVER (PARTITION BY open.stage ORDER BY open.clock, open.produce_by, open.id) - 1 AS place
    FROM open WHERE CAST(:only AS text) IS NULL OR open.stage = :only
)
SELECT stage, id AS job_id, place, total FROM placed WHERE place >= :first AND place < CAST(:first AS int) + :limit
ORDER BY stage, place
""")
"""The index ``ix_jobs_queue`` gives the jobs of each state. Offers come by their clocks, work by its last day."""


def read_stages(
    session: Session,
    wanted: QueueFilter,
    *,
    stages: Mapping[str, str],
    stopped: str,
    only: str | None,
    window: StageWindow,
) -> Sequence[Place]:
    """Return the places of a node's jobs, by the stage of each state; those to be ``stopped`` are in that stage.

    ``only``: of this stage.
    """
    values = {
        "node_id": wanted.node_id,
        "owner": wanted.organisation_id,
        "unknown_of": wanted.unknown_of,
        "states": list(stages),
        "stages": list(stages.values()),
        "stopped": stopped,
        "only": only,
        "first": window.first,
        "limit": window.limit,
        "most": window.most,
    }
    return [Place(**row) for row in session.connection().execute(_STAGES, values).mappings()]
