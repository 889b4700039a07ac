"""Instants and windows. Instants always carry a time zone."""

from dataclasses import dataclass
from datetime import UTC, datetime


def utc_now() -> datetime:
    """Return the present instant in UTC. Called at the edges only (an endpoint, a task, a command); passed in below."""
    return datetime.now(UTC)


def require_aware(instant: datetime, *, name: str) -> datetime:
    """Return ``instant`` in UTC; ``ValueError`` if it has no offset."""
    if instant.tzinfo is None:
        raise ValueError(f"{name} needs a time zone offset, such as 2026-06-15T12:00:00+02:00")
    return instant.astimezone(UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class TimeWindow:
    """From ``start`` to ``end``, both with a time zone, ``start`` not after ``end``."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        require_aware(self.start, name="start")
        require_aware(self.end, name="end")
        if self.start > self.end:
            raise ValueError(f"the window ends ({self.end}) before it starts ({self.start})")
