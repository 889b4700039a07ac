"""Statements on how a part was wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
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

_PLACES = text("""
SELECT line.part_id, "order".ship_to_country AS country, "order".ship_to_city AS city,
    "order".ship_to_latitude AS latitude, "order".ship_to_longitude AS longitude, line.quantity, count(*) AS lines
FROM order_lines line JOIN orders "order" ON "order".id = line.order_id
WHERE "order".organisation_id = :organisation_id AND line.state <> 'cancelled'
GROUP BY 1, 2, 3, 4, 5, 6
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderedTo:
    """How often a part was ordered in a quantity to a place."""

    part_id: str
    country: str
    city: str
    latitude: float
    longitude: float
    quantity: int
    lines: int


def read_ordered_to(session: Session, *, organisation_id: str) -> tuple[OrderedTo, ...]:
    """Return how often each part of an organisation was ordered in each quantity to each place."""
    rows = session.connection().execute(_PLACES, {"organisation_id": organisation_id}).mappings()
    return tuple(OrderedTo(**row) for row in rows)


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
