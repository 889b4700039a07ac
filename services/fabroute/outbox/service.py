"""Record events with the change that made them true; hand them to a relay that delivers at least once."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlmodel import Session

from fabroute.kernel.events import DomainEvent, JsonScalar
from fabroute.kernel.ids import new_id
from fabroute.outbox import repository
from fabroute.outbox.models import OutboxEvent

NOTIFY_CHANNEL = "fabroute_outbox"
"""PostgreSQL channel that is notified after events were committed. A lost notice costs latency, never an event."""
PURGED_AT_ONCE = 5_000
_RECORDED = "fabroute.outbox.recorded"


@dataclass(frozen=True, slots=True, kw_only=True)
class OutboxMessage:
    """An event as the relay sees it; ``event_id`` is the same at every delivery."""

    id: int
    event_id: str
    name: str
    subject_type: str
    subject_id: str
    organisation_id: str | None
    occurred_at: datetime
    data: Mapping[str, JsonScalar]


def record(session: Session, event: DomainEvent) -> str:
    """Keep ``event`` in the transaction of ``session``; it is told if that commits, and forgotten if it does not.

    Returns the id under which it will be told.
    """
    row = _row(event)
    _insert(session, [row])
    return str(row["event_id"])


def record_all(session: Session, events: Sequence[DomainEvent]) -> None:
    """Keep several events, in their order, in one round trip."""
    if events:
        _insert(session, [_row(event) for event in events])


def recorded_names(session: Session) -> frozenset[str]:
    """Return the names of the events that ``session`` has recorded; read it after the commit to know what is true."""
    return frozenset(session.info.get(_RECORDED, ()))


def claim_unpublished(session: Session, *, limit: int) -> tuple[OutboxMessage, ...]:
    """Return up to ``limit`` of the oldest unpublished events, locked until the transaction ends.

    Any number of relays may claim at once: none sees an event that another holds.
    """
    return tuple(_message(row) for row in repository.lock_unpublished(session, limit=limit))


def mark_published(session: Session, *, ids: Sequence[int], now: datetime) -> None:
    """Note that the broker has the events ``ids``: they are not claimed again."""
    if ids:
        repository.set_published(session, ids=ids, now=now)


def claim_unsequenced(session: Session, *, limit: int) -> tuple[OutboxMessage, ...]:
    """Return up to ``limit`` of the oldest events that are in no feed yet, in the order of their ids.

    One transaction at a time gets any, so that feeds have one order; the others get none.
    """
    if not repository.try_to_sequence(session):
        return ()
    return tuple(_message(row) for row in repository.read_unsequenced(session, limit=limit))


def mark_sequenced(session: Session, *, ids: Sequence[int], now: datetime) -> None:
    """Note that the events ``ids`` are in the feeds of those whom they concern, if there are any."""
    if ids:
        repository.set_sequenced(session, ids=ids, now=now)


def oldest_unpublished_age_seconds(session: Session) -> float | None:
    """Return how long the oldest unpublished event has waited, ``None`` if nothing waits. Alert above 60 s."""
    return repository.oldest_unpublished_age(session)


def purge_published(session: Session, *, days: int, now: datetime, limit: int = PURGED_AT_ONCE) -> int:
    """Remove events that were published longer ago and are in their feeds, some thousands at a time; return how many.

    The feeds keep what they tell. Events that the broker or a feed does not have yet stay, however old they are.
    """
    return repository.delete_told(session, before=now - timedelta(days=days), limit=limit)


def _insert(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    repository.insert_events(session, rows)
    session.info.setdefault(_RECORDED, set()).update(str(row["name"]) for row in rows)


def _row(event: DomainEvent) -> Mapping[str, object]:
    return {
        "event_id": new_id("evt"),
        "name": event.name,
        "organisation_id": event.organisation_id,
        "subject_type": event.subject_type,
        "subject_id": event.subject_id,
        "data": dict(event.data),
        "occurred_at": event.occurred_at,
    }


def _message(row: OutboxEvent) -> OutboxMessage:
    assert row.id is not None
    return OutboxMessage(
        id=row.id,
        event_id=row.event_id,
        name=row.name,
        subject_type=row.subject_type,
        subject_id=row.subject_id,
        organisation_id=row.organisation_id,
        occurred_at=row.occurred_at,
        data=row.data,
    )
