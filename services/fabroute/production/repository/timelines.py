"""The statement that puts together what happened to an order: audit log, decisions, re-routes and their outcomes."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_TIMELINE = text("""
WITH of_order AS (SELECT id, order_line_id FROM jobs WHERE order_id = :order_id),
happened AS (
    SELECT entry.occurred_at AS at, 'a' || lpad(entry.id::text, 20, '0') AS key, entry.action AS what,
        job.order_line_id AS line_id, job.id AS job_id, entry.data, entry.actor
    FROM audit_entries entry LEFT JOIN of_order job ON entry.subject_type = 'job' AND job.id = entry.subject_id
    WHERE entry.action <> 'job.offered' AND (entry.subject_type = 'order' AND entry.subject_id = :order_id
       OR entry.subject_type = 'job' AND entry.subject_id IN (SELECT id FROM of_order))
    UNION ALL
    SELECT decided_at, 'b' || id, 'line.decided', order_line_id, NULL, jsonb_build_object('decision_id', id,
        'outcome', outcome, 'kind', kind, 'node_id', node_id, 'landed_minor', landed_minor, 'promised_at', promised_at,
        'why', why), 'system:routing'
    FROM routing_decisions WHERE order_id = :order_id
    UNION ALL
    SELECT offered_at, 'c' || id, 'job.offered', order_line_id, id, jsonb_build_object('node_id', node_id,
        'quantity', quantity, 'produce_by', produce_by, 'promised_at', promised_at), 'system:production'
    FROM jobs WHERE order_id = :order_id AND (dispatch_at IS NULL OR offered_at >= dispatch_at)
    UNION ALL
    SELECT rerouted_at, 'd' || id, 'line.rerouted', order_line_id, job_id, jsonb_build_object('reroute_id', id,
        'cause', cause, 'reason', detail, 'node_id', node_id, 'quantity', quantity, 'promised_at', promised_at), actor
    FROM reroutes WHERE order_id = :order_id
    UNION ALL
    SELECT settled_at, 'e' || id, 'line.promise_settled', order_line_id, job_id, jsonb_build_object('reroute_id', id,
        'outcome', outcome, 'cause', cause, 'decision_id', decision_id, 'promised_at', promised_at,
        'arrives_at', arrives_at, 'promised_minor', promised_minor, 'landed_minor', landed_minor), 'system:production'
    FROM reroutes WHERE order_id = :order_id AND settled_at IS NOT NULL
)
SELECT happened.*, line.position FROM happened LEFT JOIN order_lines line ON line.id = happened.line_id
WHERE CAST(:at AS timestamptz) IS NULL OR (happened.at, happened.key) > (:at, :key)
ORDER BY happened.at, happened.key LIMIT :limit
""")


def read_timeline(
    session: Session, *, order_id: str, after: tuple[datetime, str] | None, limit: int
) -> Sequence[RowMapping]:
    """Return what happened to an order in the order in which it did, after the instant and key of ``after``."""
    at, key = (None, "") if after is None else after
    parameters = {"order_id": order_id, "at": at, "key": key, "limit": limit}
    return session.connection().execute(_TIMELINE, parameters).mappings().all()
