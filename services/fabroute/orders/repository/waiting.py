"""Statements on lines that wait until a person has looked at them."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_PARKED = """
SELECT line.id AS line_id, line.order_id, placed.organisation_id, placed.reference, line.position, part.part_no,
    part.name AS part_name, line.quantity, line.state_reason AS reason, placed.need_by, placed.placed_at,
    placed.updated_at, owner.name AS organisation_name, count(*) OVER () AS total
FROM orders placed
JOIN order_lines line ON line.order_id = placed.id AND line.state = 'parked'
JOIN parts part ON part.id = line.part_id
LEFT JOIN organisations owner ON owner.id = placed.organisation_id
WHERE placed.state IN ('partly_routed', 'no_route', 'parked'){whose}
ORDER BY placed.need_by NULLS LAST, line.id LIMIT :limit
"""
_OF_ALL = text(_PARKED.format(whose=""))
_OF_ONE = text(_PARKED.format(whose=" AND placed.organisation_id = :organisation_id"))


def read_parked(session: Session, *, organisation_id: str | None, limit: int) -> Sequence[RowMapping]:
    """Return parked lines, the soonest needed first, each with how many there are in all; of all owners for None."""
    if organisation_id is None:
        return session.connection().execute(_OF_ALL, {"limit": limit}).mappings().all()
    values = {"organisation_id": organisation_id, "limit": limit}
    return session.connection().execute(_OF_ONE, values).mappings().all()
