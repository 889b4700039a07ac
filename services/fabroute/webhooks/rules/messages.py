"""An event as it is told: the same object in the feed and as the body of a message."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic_core import to_json

from fabroute.kernel.ids import sandbox_of

LARGEST_BODY_BYTES = 64 * 1024


def envelope(
    *,
    event_id: str,
    organisation_id: str,
    type: str,
    version: int,
    subject_type: str,
    subject_id: str,
    occurred_at: datetime,
    data: Mapping[str, object],
) -> dict[str, object]:
    """Return an event as JSON knows it: id, type, version, time, whether it is real, what it is about, its facts.

    ``organisation_id`` is who is told: what a sandbox is told happened in a sandbox.
    """
    return {
        "id": event_id,
        "type": type,
        "version": version,
        "timestamp": occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "sandbox": bool(sandbox_of(organisation_id)),
        "subject": {"type": subject_type, "id": subject_id},
        "data": dict(data),
    }


def body_of(told: Mapping[str, object]) -> bytes:
    """Return the bytes that are signed and sent."""
    return to_json(told)
