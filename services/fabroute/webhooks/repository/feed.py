"""Statements on the event feed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from psycopg import AsyncConnection
from pydantic_core import to_json
from sqlalchemy import delete, func, text
from sqlmodel import Session, col, select

from fabroute.webhooks.models import FeedBreak, FeedEvent

_TELL = text("""
WITH told AS (
    INSERT INTO events
        (event_id, organisation_id, type, version, subject_type, subject_id, data, occurred_at, told_at)
    SELECT event_id, organisation_id, type, version, subject_type, subject_id, data, occurred_at, :now
    FROM ROWS FROM (json_to_recordset(CAST(:rows AS json)) AS (
        event_id text, organisation_id text, type text, version int, subject_type text, subject_id text, data jsonb,
        occurred_at timestamptz
    )) WITH ORDINALITY AS event
        (event_id, organisation_id, type, version, subject_type, subject_id, data, occurred_at, number)
    ORDER BY number
    RETURNING position, organisation_id, type, subject_type, subject_id
)
INSERT INTO webhook_deliveries
    (id, organisation_id, endpoint_id, position, subject_type, subject_id, state, attempts, fence, next_attempt_at,
     created_at, reason)
SELECT 'whd_' || replace(gen_random_uuid()::text, '-', ''), told.organisation_id, endpoint.id, told.position,
       told.subject_type, told.subject_id, 'pending', 0, 0, :now, :now, ''
FROM told
JOIN webhook_endpoints endpoint ON endpoint.organisation_id = told.organisation_id AND endpoint.state = 'enabled'
WHERE CASE WHEN told.type = 'webhook_endpoint.tested' THEN endpoint.id = told.subject_id
      ELSE endpoint.types && ARRAY['*', told.type::text, split_part(told.type, '.', 1) || '.*'] END
ORDER BY told.position, endpoint.id
""")
_HEADS = """
SELECT organisation_id, max(position) FROM events WHERE position > %s GROUP BY organisation_id
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFilter:
    """Which events of an organisation are asked for."""

    organisation_id: str
    after: int
    limit: int
    types: Sequence[str] = ()
    families: Sequence[str] = ()
    subject_id: str | None = None
    since: datetime | None = None


def insert_told(session: Session, rows: Sequence[Mapping[str, object]], *, now: datetime) -> int:
    """Add events to feeds, in their order, with a delivery to each enabled endpoint that wants them.

    Returns how many deliveries there are.
    """
    counted = session.connection().execute(
        _TELL, {"rows": to_json(rows).decode(), "now": now}, execution_options={"preserve_rowcount": True}
    )
    return counted.rowcount


def read_feed(session: Session, wanted: FeedFilter) -> Sequence[FeedEvent]:
    """Return events of an organisation after a position, in the order of their positions."""
    statement = (
        select(FeedEvent)
        .where(col(FeedEvent.organisation_id) == wanted.organisation_id, col(FeedEvent.position) > wanted.after)
        .order_by(col(FeedEvent.position))
        .limit(wanted.limit)
    )
    if wanted.types or wanted.families:
        family = func.split_part(col(FeedEvent.type), ".", 1)
        statement = statement.where(col(FeedEvent.type).in_(wanted.types) | family.in_(wanted.families))
    if wanted.subject_id is not None:
        statement = statement.where(col(FeedEvent.subject_id) == wanted.subject_id)
    if wanted.since is not None:
        statement = statement.where(col(FeedEvent.occurred_at) >= wanted.since)
    return session.exec(statement).all()


def find_break(session: Session, *, position: int) -> FeedBreak | None:
    """Return the restore that took back the event at a position, ``None`` if none did."""
    taken_back = (col(FeedBreak.last_position) < position, col(FeedBreak.next_position) > position)
    statement = select(FeedBreak).where(*taken_back).order_by(col(FeedBreak.next_position).desc()).limit(1)
    return session.exec(statement).one_or_none()


def find_event(session: Session, *, organisation_id: str, event_id: str) -> FeedEvent | None:
    """Return an event of an organisation's feed."""
    statement = select(FeedEvent).where(
        col(FeedEvent.organisation_id) == organisation_id, col(FeedEvent.event_id) == event_id
    )
    return session.exec(statement).one_or_none()


def delete_before(session: Session, *, before: datetime, limit: int) -> int:
    """Remove up to ``limit`` of the events that were told before an instant, with their deliveries and attempts."""
    old = select(FeedEvent.position).where(col(FeedEvent.told_at) < before).order_by(col(FeedEvent.told_at))
    statement = delete(FeedEvent).where(col(FeedEvent.position).in_(old.limit(limit)))
    return int(session.connection().execute(statement).rowcount)


async def read_heads(connection: AsyncConnection[Any], *, after: int) -> dict[str, int]:
    """Return the last positions of the feeds that went on after a position."""
    found = await connection.execute(_HEADS, (after,))
    return dict(await found.fetchall())
