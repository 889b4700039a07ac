"""Statements on the jobs of many nodes at once: what is open, what was on time, how long answers took."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session


@dataclass(frozen=True, slots=True, kw_only=True)
class FigureWindow:
    """Which jobs count: offered since then for what is judged, the newest ``most`` of them; which states are open."""

    since: datetime
    now: datetime
    open_states: Collection[str]
    most: int


_COLUMNS = (
    "job.node_id, job.state, job.produce_by, job.offered_at, job.accepted_at, job.shipped_at, job.ended_at, job.id"
)
_NEWEST_AT_NODES = f"""
SELECT {_COLUMNS} FROM unnest(CAST(:node_ids AS text[])) AS wanted(node_id)
CROSS JOIN unnest(CAST(:states AS text[])) AS listed(state)
CROSS JOIN LATERAL (
    SELECT * FROM jobs WHERE jobs.node_id = wanted.node_id AND jobs.state = listed.state
    ORDER BY jobs.id DESC LIMIT :most
) job WHERE job.dispatch_at IS NULL OR job.offered_at >= job.dispatch_at
"""
_NEWEST_OF_OWNER = f"""
SELECT {_COLUMNS} FROM (
    SELECT * FROM jobs WHERE organisation_id = :organisation_id ORDER BY id DESC LIMIT :most
) job WHERE job.node_id = ANY(:node_ids)
"""
_FIGURES = """
WITH seen AS MATERIALIZED ({newest})
SELECT seen.node_id,
    count(*) FILTER (WHERE seen.state = ANY(:open_states)) AS open_jobs,
    count(*) FILTER (WHERE seen.state = 'offered') AS offered_jobs,
    count(*) FILTER (WHERE seen.state IN ('held', 'suspect')) AS stuck_jobs,
    count(*) FILTER (WHERE judged.counts) AS judged_jobs,
    count(*) FILTER (WHERE judged.counts
        AND CAST(seen.shipped_at AT TIME ZONE node.timezone AS date) <= seen.produce_by) AS punctual_jobs,
    count(answered.seconds) AS answered_offers,
    percentile_cont(0.5) WITHIN GROUP (ORDER BY answered.seconds) AS median_answer_seconds
FROM seen JOIN nodes node ON node.id = seen.node_id
CROSS JOIN LATERAL (
    SELECT seen.offered_at >= :since AND (seen.shipped_at IS NOT NULL
        OR seen.state IN ('accepted', 'in_production', 'inspected', 'suspect')
        AND seen.produce_by < CAST(CAST(:now AS timestamptz) AT TIME ZONE node.timezone AS date)) AS counts
) judged
CROSS JOIN LATERAL (
    SELECT CASE WHEN seen.offered_at >= :since THEN CAST(extract(epoch FROM coalesce(
        seen.accepted_at, CASE WHEN seen.state = 'declined' THEN seen.ended_at END) - seen.offered_at
    ) AS double precision) END AS seconds
) answered
GROUP BY seen.node_id ORDER BY seen.node_id
"""
_AT_NODES = text(_FIGURES.format(newest=_NEWEST_AT_NODES))
_OF_OWNER = text(_FIGURES.format(newest=_NEWEST_OF_OWNER))


def read_figures_at_nodes(
    session: Session, *, node_ids: Collection[str], states: Collection[str], window: FigureWindow
) -> Sequence[RowMapping]:
    """Return by node the figures of its newest jobs, up to ``window.most`` in each state."""
    values = _values(node_ids, window) | {"states": sorted(states)}
    return session.connection().execute(_AT_NODES, values).mappings().all()


def read_figures_of_owner(
    session: Session, *, organisation_id: str, node_ids: Collection[str], window: FigureWindow
) -> Sequence[RowMapping]:
    """Return by node the figures of an owner's newest jobs, up to ``window.most`` in all."""
    values = _values(node_ids, window) | {"organisation_id": organisation_id}
    return session.connection().execute(_OF_OWNER, values).mappings().all()


def _values(node_ids: Collection[str], window: FigureWindow) -> dict[str, object]:
    return {
        "node_ids": sorted(node_ids),
        "open_states": sorted(window.open_states),
        "since": window.since,
        "now": window.now,
        "most": window.most,
    }
