"""Statements on how a part was wanted."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

_FIRST = text("""
SELECT min("order".placed_at) FROM order_lines line JOIN orders "order" ON "order".id = line.order_id
WHERE "order".organisation_id = :organisation_id AND line.part_id = :part_id
""")
_SINCE = text("""
SELECT "order".placed_at, line.quantity FROM order_lines line JOIN orders "order" ON "order".id = line.order_id
WHERE "order".organisation_id = :organisation_id AND line.part_id = :part_id AND line.state <> 'cancelled'
  AND "order".placed_at >= :start AND "order".placed_at < :end
""")


def first_wanted(session: Session, *, organisation_id: str, part_id: str) -> datetime | None:
    """Return when a part was first ordered; ``None`` if it never was."""
    parameters = {"organisation_id": organisation_id, "part_id": part_id}
    found: datetime | None = session.connection().execute(_FIRST, parameters).scalar_one()
    return found


def read_wanted(
    session: Session, *, organisation_id: str, part_id: str, start: datetime, end: datetime
) -> Sequence[tuple[datetime, int]]:
    """Return the instants and quantities in which a part was ordered from ``start`` until before ``end``."""
    parameters = {"organisation_id": organisation_id, "part_id": part_id, "start": start, "end": end}
    rows = session.connection().execute(_SINCE, parameters)
    return [(row.placed_at, row.quantity) for row in rows]
