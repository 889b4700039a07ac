"""Facts that the inventory tells."""

from datetime import datetime

from fabroute.kernel.events import DomainEvent, JsonScalar


def network_changed(*, revision_id: str, reason: str, now: datetime) -> DomainEvent:
    """Return the event that what can be printed has changed: lines without a route are worth another look."""
    return DomainEvent(
        name="network.changed",
        subject_type="part_revision",
        subject_id=revision_id,
        occurred_at=now,
        data={"reason": reason},
    )


def revision_moved(*, state: str, revision_id: str, organisation_id: str, part_no: str, now: datetime) -> DomainEvent:
    """Return the event ``part_revision.<state>``."""
    return DomainEvent(
        name=f"part_revision.{state}",
        subject_type="part_revision",
        subject_id=revision_id,
        organisation_id=organisation_id,
        occurred_at=now,
        data={"part_no": part_no},
    )


def print_file_told(
    what: str, *, submission_id: str, revision_id: str, organisation_id: str, now: datetime
) -> DomainEvent:
    """Return the event ``print_file.submitted``, ``.validated``, ``.refused`` or ``.failed`` about an uploaded file."""
    return DomainEvent(
        name=f"print_file.{what}",
        subject_type="print_file_submission",
        subject_id=submission_id,
        organisation_id=organisation_id,
        occurred_at=now,
        data={"revision_id": revision_id},
    )


def licence_told(
    what: str,
    *,
    licence_id: str,
    revision_id: str,
    organisation_id: str,
    node_ids: str,
    now: datetime,
    **figures: JsonScalar,
) -> DomainEvent:
    """Return the event ``print_licence.granted``, ``.frozen`` or ``.revoked``; ``node_ids`` are the nodes it names."""
    return DomainEvent(
        name=f"print_licence.{what}",
        subject_type="print_licence",
        subject_id=licence_id,
        organisation_id=organisation_id,
        occurred_at=now,
        data={"revision_id": revision_id, "node_ids": node_ids, **figures},
    )
