"""Facts that production tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent


def job_offered(
    *, job_id: str, organisation_id: str, node_id: str, order_line_id: str, occurred_at: datetime
) -> DomainEvent:
    """Return the event that a job lies in a node's queue."""
    return DomainEvent(
        name="job.offered",
        subject_type="job",
        subject_id=job_id,
        organisation_id=organisation_id,
        occurred_at=occurred_at,
        data={"node_id": node_id, "order_line_id": order_line_id},
    )


def job_cancelled(
    *, job_id: str, organisation_id: str, node_id: str, order_line_id: str, occurred_at: datetime
) -> DomainEvent:
    """Return the event that a job was taken out of a node's queue."""
    return DomainEvent(
        name="job.cancelled",
        subject_type="job",
        subject_id=job_id,
        organisation_id=organisation_id,
        occurred_at=occurred_at,
        data={"node_id": node_id, "order_line_id": order_line_id},
    )


def capacity_released(*, order_id: str, occurred_at: datetime) -> DomainEvent:
    """Return the event that machine time and material became free: lines without a route are worth another look."""
    return DomainEvent(
        name="network.changed",
        subject_type="order",
        subject_id=order_id,
        occurred_at=occurred_at,
        data={"reason": "capacity_released"},
    )
