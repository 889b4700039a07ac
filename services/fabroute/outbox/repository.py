"""Statements on the outbox table."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Float, cast, func, insert, update
from sqlmodel import Session, col, select

from fabroute.outbox.models import OutboxEvent


def insert_events(session: Session, rows: Sequence[Mapping[str, object]]) -> None:
    """Add events, unpublished, in one round trip."""
    session.exec(insert(OutboxEvent), params=[dict(row) for row in rows])


def lock_unpublished(session: Session, *, limit: int) -> Sequence[OutboxEvent]:
    """Return the oldest unpublished events that no other transaction holds, locked until this one ends."""
    statement = (
        select(OutboxEvent)
        .where(col(OutboxEvent.published_at).is_(None))
        .order_by(col(OutboxEvent.id))
        .limit(limit)
        .with_for_update(skip_locked=True)
    )
    return session.exec(statement).all()


def set_published(session: Session, *, ids: Sequence[int], now: datetime) -> None:
    """Note that the broker has these events."""
    session.exec(update(OutboxEvent).where(col(OutboxEvent.id).in_(ids)).values(published_at=now))


def oldest_unpublished_age(session: Session) -> float | None:
    """Return the age in seconds, by the database's clock, of the oldest unpublished event."""
    age = cast(func.extract("epoch", func.clock_timestamp() - col(OutboxEvent.occurred_at)), Float)
    unpublished = select(age).where(col(OutboxEvent.published_at).is_(None))
    return session.exec(unpublished.order_by(col(OutboxEvent.id)).limit(1)).first()
