"""The statement that finds the jobs of sandboxes that something is due for; it reads tables of three contexts."""

from collections.abc import Sequence
from typing import Any

from sqlalchemy import Row, text
from sqlmodel import Session

_DUE = """
SELECT job.id, job.node_id, node.organisation_id AS bureau_id, job.state, job.part_no, job.revision_id, job.quantity,
    job.grams, job.price_minor, job.good_prints, job.failed_prints, job.lease_id, job.lease_kind, job.lease_epoch,
    job.cancel_requested_at IS NOT NULL AS cancel_requested, placed.reference, parcels.id AS shipment_id,
    parcels.state AS shipment_state, EXISTS (SELECT FROM jobs other WHERE other.order_line_id = job.order_line_id
        AND other.id <> job.id AND other.state IN ('declined', 'lapsed', 'failed'))
    OR EXISTS (SELECT FROM counter_offers counter WHERE counter.job_id = job.id) AS tried_before,
    extract(epoch FROM clock_timestamp() - greatest(job.updated_at, job.offered_at, parcels.updated_at))::float8
        AS quiet_seconds
FROM nodes node JOIN jobs job ON job.node_id = node.id JOIN orders placed ON placed.id = job.order_id
    LEFT JOIN LATERAL (
        SELECT shipment.id, shipment.state, shipment.updated_at FROM shipments shipment
        WHERE shipment.job_id = job.id AND shipment.state <> 'cancelled' ORDER BY shipment.id DESC LIMIT 1
    ) parcels ON true
WHERE starts_with(node.organisation_id, 'org_sandbox_')
    AND job.state IN ('offered', 'accepted', 'in_production', 'inspected', 'shipped', 'suspect')
    AND greatest(job.updated_at, job.offered_at, parcels.updated_at)
        <= clock_timestamp() - make_interval(secs => :pace_seconds)
"""

_READ = text(f"{_DUE} ORDER BY greatest(job.updated_at, job.offered_at, parcels.updated_at), job.id LIMIT :limit")
_ANY = text(f"SELECT EXISTS ({_DUE})")


def read_due(session: Session, *, pace_seconds: float, limit: int) -> Sequence[Row[Any]]:
    """Return jobs at nodes of sandboxes to which nothing has happened for so long, the quietest first."""
    return session.connection().execute(_READ, {"pace_seconds": pace_seconds, "limit": limit}).all()


def any_due(session: Session, *, pace_seconds: float) -> bool:
    """Tell whether there is such a job."""
    return bool(session.connection().execute(_ANY, {"pace_seconds": pace_seconds}).scalar_one())
