"""Statements on everything that belongs to an order: what it is, and what was done to it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_OF_ORDER = """
WITH of_order AS MATERIALIZED (SELECT id FROM jobs WHERE order_id = :order_id),
subject AS (
    SELECT 'order' AS type, CAST(:order_id AS text) AS id
    UNION ALL SELECT 'order_line', id FROM order_lines WHERE order_id = :order_id
    UNION ALL SELECT 'job', id FROM of_order
    UNION ALL SELECT 'shipment', id FROM shipments WHERE job_id IN (SELECT id FROM of_order)
    UNION ALL SELECT 'owner_note', id FROM owner_notes WHERE job_id IN (SELECT id FROM of_order)
    UNION ALL SELECT 'reprint_request', id FROM reprint_requests WHERE job_id IN (SELECT id FROM of_order)
    UNION ALL SELECT 'reconciliation', id FROM reconciliations WHERE job_id IN (SELECT id FROM of_order)
    UNION ALL SELECT 'conformity_certificate', id FROM conformity_certificates
        WHERE job_id IN (SELECT id FROM of_order)
)
"""

_SUBJECTS = text(f"{_OF_ORDER} SELECT id FROM subject LIMIT :limit")

_ACTS = text(f"""{_OF_ORDER}
SELECT entry.id, entry.occurred_at, entry.actor, coalesce(person.name, key.name, client.name) AS actor_name,
    entry.action, entry.subject_type, entry.subject_id, entry.data
FROM subject
JOIN audit_entries entry ON entry.subject_type = subject.type AND entry.subject_id = subject.id
LEFT JOIN people person ON person.id = entry.actor
LEFT JOIN api_keys key ON key.id = entry.actor
LEFT JOIN oauth_clients client ON client.id = entry.actor
ORDER BY entry.id DESC LIMIT :limit
""")


def read_subjects(session: Session, *, order_id: str, limit: int) -> Sequence[str]:
    """Return the ids of an order, its lines and jobs, and of all that belongs to those."""
    parameters = {"order_id": order_id, "limit": limit}
    return session.connection().execute(_SUBJECTS, parameters).scalars().all()


def read_acts(session: Session, *, order_id: str, limit: int) -> Sequence[RowMapping]:
    """Return what was done to these things, the last first; the name of who did it only where the caller may see it."""
    return session.connection().execute(_ACTS, {"order_id": order_id, "limit": limit}).mappings().all()
