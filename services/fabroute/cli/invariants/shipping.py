"""Rules about shipments and parcels."""

from collections.abc import Sequence

from fabroute.cli.invariants.rule import Invariant

_GONE = "('handed_over', 'in_transit', 'delivered', 'exception', 'lost')"

RULES: Sequence[Invariant] = (
    Invariant(
        name="all parts of a shipped job were handed to a carrier",
        query="SELECT j.id, j.state, j.quantity, coalesce(sum(s.quantity), 0) FROM jobs j LEFT JOIN shipments s"
        f" ON s.job_id = j.id AND s.state IN {_GONE} WHERE j.state IN ('shipped', 'delivered')"
        " GROUP BY j.id HAVING j.quantity <> coalesce(sum(s.quantity), 0)",
        advice="a job says that its parts left, and no shipment has them: ask the node where they are",
    ),
    Invariant(
        name="no more of a job is in shipments than was ordered",
        query="SELECT j.id, j.quantity, sum(s.quantity) FROM jobs j JOIN shipments s ON s.job_id = j.id"
        " AND s.state <> 'cancelled' GROUP BY j.id HAVING sum(s.quantity) > j.quantity",
        advice="parts are in two shipments, or nobody ordered them: ask the node, and report it",
    ),
    Invariant(
        name="somebody said of each parcel of a delivered shipment that it arrived",
        query="SELECT s.id, p.number FROM shipments s JOIN parcels p ON p.shipment_id = s.id"
        " WHERE s.state = 'delivered'"
        " AND NOT EXISTS (SELECT FROM shipment_events e WHERE e.shipment_id = s.id AND e.status = 'delivered'"
        " AND e.parcel_number IN (0, p.number))",
        advice="a parcel counts as delivered and nobody said so: ask the carrier, and report it",
    ),
    Invariant(
        name="a delivered job's shipments all arrived",
        query="SELECT j.id, s.id, s.state FROM jobs j JOIN shipments s ON s.job_id = j.id AND s.state NOT IN"
        " ('delivered', 'cancelled') WHERE j.state = 'delivered' AND NOT EXISTS (SELECT FROM audit_entries a"
        " WHERE a.subject_type = 'job' AND a.subject_id = j.id AND a.action = 'job.delivered'"
        " AND jsonb_exists(a.data, 'lost_quantity'))",
        advice="a job counts as delivered while parcels are on their way: ask the carrier where they are, and report "
        "it",
    ),
    Invariant(
        name="a shipment holds what its parcels hold",
        query="SELECT s.id, s.quantity, coalesce(sum(p.quantity), 0) FROM shipments s LEFT JOIN parcels p"
        " ON p.shipment_id = s.id GROUP BY s.id HAVING s.quantity <> coalesce(sum(p.quantity), 0)",
        advice="parcels and shipment disagree: count what the carrier has, and report it",
    ),
)
