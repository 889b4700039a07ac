"""An event as it is told: the same object in the feed and as the body of a message."""

from collections.abc import Mapping
from datetime import UTC, datetime

from pydantic_core import to_json

LARGEST_BODY_BYTES = 64 * 1024


def envelope(
    *,
    event_id: str,
    type: str,
    version: int,
    subject_type: str,
    subject_id: str,
    occurred_at: datetime,
    data: Mapping[str, object],
) -> dict[str, object]:
    """Return an event as JSON knows it: id, type, version, time, what it is about, and its facts."""
    return {
        "id": event_id,
        "type": type,
        "version": version,
        "timestamp": occurred_at.astimezone(UTC).isoformat().replace("+00:00", "Z"),
        "subject": {"type": subject_type, "id": subject_id},
        "data": dict(data),
    }


def body_of(told: Mapping[str, object]) -> bytes:
    """Return the bytes that are signed and sent."""
    return to_json(told)
