"""What the database says, read in one snapshot by statements of the judge's own."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, text

LIVE = "state NOT IN ('cancelled', 'declined', 'lapsed', 'failed')"


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRow:
    """An order as it lies in the database, with its lines in order."""

    organisation_id: str
    reference: str | None
    state: str
    lines: tuple[tuple[str, int], ...]
    """Part and quantity."""
    unexplained: int
    """Lines without a route whose decision names no excluded node."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRow:
    """A job as it lies in the database."""

    order_line_id: str
    state: str
    fence: int
    lease_epoch: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """All that is held against what clients were told."""

    orders: Mapping[str, OrderRow]
    keys: Mapping[tuple[str, str], str]
    """The order of an organisation's key."""
    jobs: Mapping[str, JobRow]
    line_quantities: Mapping[str, int]
    claims: frozenset[tuple[str, int]]
    """Job and epoch of each claim on the audit log."""
    accepted: frozenset[str]
    """Jobs whose acceptance is on the audit log."""
    prints: Mapping[tuple[str, int], str]
    """Result of each print, by job and number."""
    shipments: Mapping[str, str]
    """State of each."""
    routed_seconds: tuple[float, ...]
    """Of each line from its placing to the commit of its first decision."""
    slowest: tuple[str, ...] = ()
    """The lines that took longest, with the time of day at which they were placed, to be looked up in the logs."""


def read_record(engine: Engine) -> Record:
    """Return the record, all of it of one instant."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection:
        return record_on(connection)


def record_on(connection: Connection) -> Record:
    """Return the record as a connection sees it."""
    decisions = _rows(connection, _FIRST_DECISIONS)
    return Record(
        orders=_orders(connection),
        keys={(owner, key): order for owner, key, order in _rows(connection, _KEYS)},
        jobs={
            job_id: JobRow(order_line_id=line, state=state, fence=fence, lease_epoch=epoch)
            for job_id, line, state, fence, epoch in _rows(connection, _JOBS)
        },
        line_quantities=dict(_rows(connection, "SELECT id, quantity FROM order_lines")),
        claims=frozenset((job_id, int(epoch)) for job_id, epoch in _rows(connection, _CLAIMS)),
        accepted=frozenset(job_id for (job_id,) in _rows(connection, _ACCEPTED)),
        prints={(job_id, number): result for job_id, number, result in _rows(connection, _PRINTS)},
        shipments=dict(_rows(connection, "SELECT id, state FROM shipments")),
        routed_seconds=tuple(_seconds(placed, decided) for _, placed, decided in decisions),
        slowest=tuple(
            f"{line}, placed {placed:%H:%M:%S}: {_seconds(placed, decided):.1f} s"
            for line, placed, decided in sorted(decisions, key=lambda it: _seconds(*it[1:]), reverse=True)[:_SLOWEST]
        ),
    )


def _orders(connection: Connection) -> dict[str, OrderRow]:
    lines: dict[str, list[tuple[str, int]]] = defaultdict(list)
    unexplained: dict[str, int] = defaultdict(int)
    for order_id, part, quantity, is_unexplained in _rows(connection, _LINES):
        lines[order_id].append((part, quantity))
        unexplained[order_id] += bool(is_unexplained)
    return {
        order_id: OrderRow(
            organisation_id=owner,
            reference=reference,
            state=state,
            lines=tuple(lines[order_id]),
            unexplained=unexplained[order_id],
        )
        for order_id, owner, reference, state in _rows(connection, _ORDERS)
    }


def _rows(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return [tuple(row) for row in connection.execute(text(sql))]


def _seconds(placed: datetime, decided: datetime) -> float:
    return max(0.0, (decided - placed).total_seconds())


_SLOWEST = 12
_ORDERS = "SELECT id, organisation_id, reference, state FROM orders"
_KEYS = "SELECT organisation_id, key, subject_id FROM idempotency_keys WHERE location LIKE '/v1/orders/%'"
_LINES = """
SELECT line.order_id, part.part_no, line.quantity,
    line.state = 'no_route' AND (line.state_reason = '' OR decision.id IS NULL OR decision.excluded = 0)
FROM order_lines line JOIN parts part ON part.id = line.part_id
LEFT JOIN routing_decisions decision ON decision.id = line.decision_id
ORDER BY line.order_id, line.position
"""
_JOBS = "SELECT id, order_line_id, state, fence, lease_epoch FROM jobs"
_CLAIMS = "SELECT subject_id, data ->> 'epoch' FROM audit_entries WHERE action = 'job.claimed'"
_ACCEPTED = "SELECT DISTINCT subject_id FROM audit_entries WHERE action = 'job.accepted'"
_PRINTS = "SELECT job_id, number, result FROM print_records"
_FIRST_DECISIONS = """
SELECT decision.order_line_id || ' (' || line.planning_scope || ', attempt ' || line.attempts || ')',
  placed.placed_at, min(greatest(decision.decided_at, run.finished_at))
FROM routing_decisions decision JOIN routing_runs run ON run.id = decision.run_id
JOIN orders placed ON placed.id = decision.order_id JOIN order_lines line ON line.id = decision.order_line_id
GROUP BY decision.order_line_id, line.planning_scope, line.attempts, placed.placed_at
"""
