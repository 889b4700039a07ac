"""The event feed: what webhooks tell, to be read. The same ids, and the same order of the events of one thing."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from psycopg import AsyncConnection
from sqlmodel import Session

from fabroute.kernel.errors import DomainError
from fabroute.webhooks.repository import feed as rows
from fabroute.webhooks.repository.feed import FeedFilter
from fabroute.webhooks.rules.patterns import require_known, split_patterns
from fabroute.webhooks.service.views import EventView, event_view

PURGE_EVENTS = 5_000


class UnknownEvent(DomainError):
    """No such event in this organisation's feed; they are kept for 30 days."""

    code = "unknown_event"
    status = 404


class UnusableCursor(DomainError):
    """A cursor that this feed has not given out."""

    code = "unusable_cursor"
    status = 422


class FeedRestored(DomainError):
    """The cursor is of events that a restore took back; ``resume_from`` is where the feed goes on."""

    code = "feed_restored"
    status = 410

    def __init__(self, message: str, *, resume_from: str, details: Mapping[str, object]) -> None:
        super().__init__(message, details=details)
        self.resume_from = resume_from


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedQuery:
    """Which events an organisation asks for. Without ``cursor`` from the oldest that is kept."""

    organisation_id: str
    cursor: str | None = None
    limit: int = 50
    types: Sequence[str] = ()
    subject_id: str | None = None
    since: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedPage:
    """Events in their order; ``resume_from`` is always there: what comes later is read from it."""

    events: tuple[EventView, ...]
    has_more: bool
    resume_from: str


def read_feed(session: Session, query: FeedQuery) -> FeedPage:
    """Return the next events after the cursor. Raises ``UnknownEventType``, ``UnusableCursor``, ``FeedRestored``."""
    types, families = split_patterns(require_known(query.types, field="type"))
    after = position_of(query.cursor)
    _require_not_taken_back(session, after)
    found = rows.read_feed(
        session,
        FeedFilter(
            organisation_id=query.organisation_id,
            after=after,
            limit=query.limit + 1,
            types=types,
            families=families,
            subject_id=query.subject_id,
            since=query.since,
        ),
    )
    events = tuple(event_view(row) for row in found[: query.limit])
    last = events[-1].position if events else after
    return FeedPage(events=events, has_more=len(found) > query.limit, resume_from=str(last))


def get_event(session: Session, *, organisation_id: str, event_id: str) -> EventView:
    """Return an event of an organisation's feed; ``UnknownEvent``."""
    found = rows.find_event(session, organisation_id=organisation_id, event_id=event_id)
    if found is None:
        raise UnknownEvent(f"there is no event {event_id} in your feed: GET /v1/events lists the last 30 days")
    return event_view(found)


def purge_events(session: Session, *, days: int, now: datetime) -> int:
    """Remove events that were told longer ago, with their deliveries; some thousands at a time. Return how many."""
    return rows.delete_before(session, before=now - timedelta(days=days), limit=PURGE_EVENTS)


def _require_not_taken_back(session: Session, position: int) -> None:
    """Raise ``FeedRestored`` if a restore took back the event at this position: it is not in the backup."""
    broken = rows.find_break(session, position=position) if position else None
    if broken is None:
        return
    raise FeedRestored(
        f"this installation was restored at {broken.restored_at:%Y-%m-%d %H:%M:%S} UTC, and everything is as it was at "
        f"{broken.snapshot_at:%Y-%m-%d %H:%M:%S} UTC; your cursor is of later events, which are gone. Go on from "
        "resume_cursor, and send what you sent since then again, with the same Idempotency-Key",
        resume_from=str(broken.last_position),
        details={"snapshot_at": broken.snapshot_at.isoformat(), "restored_at": broken.restored_at.isoformat()},
    )


async def read_heads(connection: AsyncConnection[Any], *, after: int) -> Mapping[str, int]:
    """Return the last positions of the feeds that went on after a position, by their organisations."""
    return await rows.read_heads(connection, after=after)


def position_of(cursor: str | None) -> int:
    """Return the position that a cursor names, 0 for none; ``UnusableCursor``."""
    if cursor is None:
        return 0
    if not (cursor.isdecimal() and cursor.isascii() and len(cursor) <= 18):
        raise UnusableCursor("parameter cursor: take next_cursor of the page before as it is, or leave it out")
    return int(cursor)
