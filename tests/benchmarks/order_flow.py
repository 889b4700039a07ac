"""How far orders have come, and how long each step took: asked of the database, which noted every commit."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import Engine

from tests.factories.databases import in_transaction, rows

_BACKLOG = """
SELECT (SELECT count(*) FROM idempotency_keys WHERE location LIKE '/v1/orders/%') AS placed,
    (SELECT count(*) FROM order_lines WHERE state IN ('pending', 'routing')) AS undecided,
    (SELECT count(*) FROM jobs WHERE state = 'planned') AS planned,
    (SELECT count(*) FROM jobs WHERE state = 'offered' AND lease_id IS NULL) AS unclaimed,
    (SELECT count(*) FROM outbox_events WHERE published_at IS NULL) AS unpublished,
    (SELECT count(*) FROM outbox_events WHERE sequenced_at IS NULL) AS unsequenced
"""
_STEPS = """
WITH placed AS (
    SELECT substring(location FROM 12) AS order_id, pg_xact_commit_timestamp(xmin) AS at
    FROM idempotency_keys WHERE location LIKE '/v1/orders/%'
), decided AS (
    SELECT DISTINCT ON (order_id) order_id, pg_xact_commit_timestamp(xmin) AS at
    FROM routing_decisions ORDER BY order_id, id
), offered AS (
    SELECT DISTINCT ON (job.order_id) job.order_id, job.id AS job_id,
        CASE WHEN job.dispatch_at IS NULL THEN decided.at ELSE job.offered_at END AS at
    FROM jobs job JOIN decided USING (order_id) ORDER BY job.order_id, job.id
), claimed AS (
    SELECT subject_id AS job_id, min(pg_xact_commit_timestamp(xmin)) AS at
    FROM audit_entries WHERE action = 'job.claimed' GROUP BY subject_id
)
SELECT placed.order_id, extract(epoch FROM placed.at)::float8, extract(epoch FROM decided.at)::float8,
    extract(epoch FROM offered.at)::float8, extract(epoch FROM claimed.at)::float8, offered.job_id
FROM placed LEFT JOIN decided USING (order_id) LEFT JOIN offered USING (order_id)
LEFT JOIN claimed ON claimed.job_id = offered.job_id
"""
"""A job that nobody has to wait with is offered in the transaction of its decision."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What was placed so far, and what waits now."""

    placed: int
    undecided: int
    """Lines."""
    planned: int
    unclaimed: int
    """Jobs that are offered and that nobody has claimed."""
    unpublished: int
    """Events that no broker was told of."""
    unsequenced: int
    """Events that are in no feed yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """When an order was committed, decided, offered, claimed, and with its bureau; ``None`` where it has not come."""

    placed: float
    decided: float | None
    offered: float | None
    claimed: float | None
    received: float | None


Step = tuple[str, str, str]
STEPS: Sequence[Step] = (
    ("commit to decision", "placed", "decided"),
    ("decision to offer", "decided", "offered"),
    ("offer to claim", "offered", "claimed"),
    ("claim to its answer", "claimed", "received"),
    ("commit to the bureau", "placed", "received"),
)


def read_backlog(engine: Engine) -> Backlog:
    """Return what waits now."""
    ((placed, undecided, planned, unclaimed, unpublished, unsequenced),) = in_transaction(
        engine, lambda session: rows(session, _BACKLOG)
    )
    return Backlog(
        placed=_whole(placed),
        undecided=_whole(undecided),
        planned=_whole(planned),
        unclaimed=_whole(unclaimed),
        unpublished=_whole(unpublished),
        unsequenced=_whole(unsequenced),
    )


def read_ways(engine: Engine, received: Mapping[str, float]) -> list[Way]:
    """Return the way of each order, with when its first job's bureau had the answer: ``received``, by job."""
    found = in_transaction(engine, lambda session: rows(session, _STEPS))
    return [
        Way(
            placed=float(str(placed)),
            decided=_instant(decided),
            offered=_instant(offered),
            claimed=_instant(claimed),
            received=received.get(str(job_id)),
        )
        for _, placed, decided, offered, claimed, job_id in found
    ]


def seconds_of(ways: Sequence[Way], step: Step) -> list[float]:
    """Return how long a step took, of all orders that have made it."""
    _, first, last = step
    pairs = ((getattr(way, first), getattr(way, last)) for way in ways)
    return [end - begin for begin, end in pairs if begin is not None and end is not None]


def _instant(value: object) -> float | None:
    return None if value is None else float(str(value))


def _whole(value: object) -> int:
    return int(str(value))
