"""Facts that production tells."""

from datetime import datetime
from typing import Literal

from fabroute.kernel.events import DomainEvent, JsonScalar

JobEvent = Literal[
    "job.offered",
    "job.claimed",
    "job.nudged",
    "job.returned",
    "job.accepted",
    "job.countered",
    "job.counter_refused",
    "job.started",
    "job.suspect",
    "job.suspicion_decided",
    "job.revived",
    "job.went_offline",
    "job.cancel_requested",
    "job.cancel_refused",
    "job.reported_late",
    "job.duplicate_detected",
    "job.held",
    "job.resumed",
    "job.cancelled",
    "job.declined",
    "job.lapsed",
    "job.failed",
    "job.cancel_withdrawn",
    "job.shipped",
    "job.delivered",
    "job.file_released",
    "job.print_reported",
    "job.print_scrapped",
    "job.first_article_submitted",
    "job.first_article_approved",
    "job.first_article_refused",
    "job.inspection_reported",
    "job.inspected",
    "job.reopened",
    "build.timed",
    "build.withdrawn",
]
RecallEvent = Literal["recall.opened", "recall.parts_shipped"]
NoteEvent = Literal["note.opened", "note.closed"]
BuildEvent = Literal["build.opened", "build.changed", "build.started", "build.closed", "build.cancelled"]
ReprintEvent = Literal["reprint.requested", "reprint.granted", "reprint.refused"]
ShipmentEventName = Literal["shipment.handed_over", "shipment.delivered", "shipment.exception", "shipment.lost"]


def job_event(
    name: JobEvent,
    *,
    job_id: str,
    organisation_id: str,
    node_id: str,
    order_line_id: str,
    occurred_at: datetime,
    **data: JsonScalar,
) -> DomainEvent:
    """Return the event that something happened to a job; ``data`` is what there is to know beside node and line."""
    return DomainEvent(
        name=name,
        subject_type="job",
        subject_id=job_id,
        organisation_id=organisation_id,
        occurred_at=occurred_at,
        data={"node_id": node_id, "order_line_id": order_line_id, **data},
    )


def note_event(
    name: NoteEvent, *, note_id: str, organisation_id: str, job_id: str, node_id: str, occurred_at: datetime
) -> DomainEvent:
    """Return the event that a node told an owner something about a part, or that it was seen to."""
    return DomainEvent(
        name=name,
        subject_type="owner_note",
        subject_id=note_id,
        organisation_id=organisation_id,
        occurred_at=occurred_at,
        data={"job_id": job_id, "node_id": node_id},
    )


def build_event(
    name: BuildEvent, *, build_id: str, organisation_id: str, node_id: str, jobs: int, occurred_at: datetime
) -> DomainEvent:
    """Return the event that something happened to a build with so many jobs of an organisation in it."""
    return DomainEvent(
        name=name,
        subject_type="build",
        subject_id=build_id,
        organisation_id=organisation_id,
        occurred_at=occurred_at,
        data={"node_id": node_id, "jobs": jobs},
    )


def reprint_event(
    name: ReprintEvent, *, request_id: str, organisation_id: str, job_id: str, node_id: str, occurred_at: datetime
) -> DomainEvent:
    """Return the event that a node asked to print once more, or what its owner said."""
    return DomainEvent(
        name=name,
        subject_type="reprint_request",
        subject_id=request_id,
        organisation_id=organisation_id,
        occurred_at=occurred_at,
        data={"job_id": job_id, "node_id": node_id},
    )


def shipment_event(
    name: ShipmentEventName,
    *,
    shipment_id: str,
    organisation_id: str,
    job_id: str,
    order_id: str,
    occurred_at: datetime,
) -> DomainEvent:
    """Return the event that something happened to a shipment."""
    return DomainEvent(
        name=name,
        subject_type="shipment",
        subject_id=shipment_id,
        organisation_id=organisation_id,
        occurred_at=occurred_at,
        data={"job_id": job_id, "order_id": order_id},
    )


def recall_event(
    name: RecallEvent, *, recall_id: str, organisation_id: str | None, now: datetime, **data: JsonScalar
) -> DomainEvent:
    """Return the event that material was recalled, or (``recall.parts_shipped``) what that is to one owner."""
    return DomainEvent(
        name=name,
        subject_type="recall",
        subject_id=recall_id,
        organisation_id=organisation_id,
        occurred_at=now,
        data=dict(data),
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


def certificate_event(
    name: Literal["conformity.issued", "conformity.withdrawn"],
    *,
    certificate_id: str,
    organisation_id: str,
    job_id: str,
    occurred_at: datetime,
    **data: JsonScalar,
) -> DomainEvent:
    """Return the event that a certificate of conformity was issued or withdrawn."""
    return DomainEvent(
        name=name,
        subject_type="conformity_certificate",
        subject_id=certificate_id,
        organisation_id=organisation_id,
        occurred_at=occurred_at,
        data={"job_id": job_id, **data},
    )
