"""What there is to know beside an event: read for a whole batch, by one query for each kind of subject."""

from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from fabroute.orders.rules import CURRENCY
from fabroute.webhooks.rules.telling import LONGEST_LINE_REASON, MOST_ITEMS

_JOBS = text("""
SELECT job.id AS job_id, job.node_id, job.order_id, placed.reference AS order_reference, job.order_line_id,
       job.part_no AS part, job.revision_id, job.quantity, job.price_minor, job.produce_by,
       job.dispatch_at IS NULL OR job.offered_at >= job.dispatch_at AS known_to_node,
       node.organisation_id AS node_organisation
FROM jobs job
JOIN nodes node ON node.id = job.node_id
LEFT JOIN orders placed ON placed.id = job.order_id
WHERE job.id = ANY(:ids)
""")
_SHIPMENTS = text("""
SELECT id, quantity, carrier, tracking_number FROM shipments WHERE id = ANY(:ids)
""")
_ORDERS = text("SELECT id, reference FROM orders WHERE id = ANY(:ids)")
_LINES = text("""
SELECT line.order_id, line.position, part.part_no, line.quantity, line.state, line.state_reason, line.promised_at,
       line.promised_minor, line.line_count
FROM (
    SELECT *, count(*) OVER (PARTITION BY order_id) AS line_count,
           row_number() OVER (PARTITION BY order_id ORDER BY position) AS place
    FROM order_lines WHERE order_id = ANY(:ids)
) line
JOIN parts part ON part.id = line.part_id
WHERE line.place <= :most
ORDER BY line.order_id, line.position
""")
_NODES = text("SELECT id, organisation_id FROM nodes WHERE id = ANY(:ids)")
_OPERATORS = text("SELECT id FROM organisations WHERE kind = 'operator' ORDER BY id")
_ENDPOINTS = text("SELECT id, url FROM webhook_endpoints WHERE id = ANY(:ids)")

Facts = dict[str, dict[str, object]]


def read_jobs(session: Session, ids: Collection[str]) -> Facts:
    """Return what there is to know of jobs, by their ids."""
    return {str(row["job_id"]): row for row in _rows(session, _JOBS, ids)}


def read_shipments(session: Session, ids: Collection[str]) -> Facts:
    """Return how many parts are in shipments, who carries them, under which number."""
    return {str(row.pop("id")): row for row in _rows(session, _SHIPMENTS, ids)}


def read_orders(session: Session, ids: Collection[str]) -> Facts:
    """Return the references of orders."""
    return {str(row["id"]): {"order_reference": row["reference"]} for row in _rows(session, _ORDERS, ids)}


def read_lines(session: Session, ids: Collection[str]) -> Facts:
    """Return the first lines of orders, as they are told, and how many there are."""
    found: dict[str, dict[str, Any]] = {}
    for row in _rows(session, _LINES, ids, most=MOST_ITEMS):
        order = found.setdefault(str(row["order_id"]), {"line_count": row["line_count"], "lines": []})
        order["lines"].append(_line(row))
    return found


def read_nodes(session: Session, ids: Collection[str]) -> dict[str, str]:
    """Return whose nodes these are."""
    return {str(row["id"]): str(row["organisation_id"]) for row in _rows(session, _NODES, ids)}


def read_endpoints(session: Session, ids: Collection[str]) -> Facts:
    """Return where endpoints are."""
    return {str(row["id"]): {"url": row["url"]} for row in _rows(session, _ENDPOINTS, ids)}


def read_operators(session: Session) -> tuple[str, ...]:
    """Return the organisations that operate this installation."""
    return tuple(session.connection().execute(_OPERATORS).scalars())


def _rows(session: Session, statement: Any, ids: Collection[str], **values: object) -> list[dict[str, Any]]:
    if not ids:
        return []
    return [dict(row) for row in session.connection().execute(statement, {"ids": sorted(ids)} | values).mappings()]


def _line(row: Mapping[str, Any]) -> dict[str, object]:
    minor, promised_at = row["promised_minor"], row["promised_at"]
    return {
        "position": row["position"],
        "part": row["part_no"],
        "quantity": row["quantity"],
        "state": row["state"],
        "state_reason": row["state_reason"][:LONGEST_LINE_REASON],
        "promised_at": None if promised_at is None else promised_at.isoformat(),
        "promised": None if minor is None else {"amount_minor": minor, "currency": CURRENCY},
    }
