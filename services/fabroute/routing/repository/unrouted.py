"""Statements on lines without a route: grouped by the reason that binds, with what would change it."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.engine import RowMapping
from sqlmodel import Session

_WAITING = """
WITH waiting AS MATERIALIZED (
    SELECT line.id AS line_id, line.order_id, placed.organisation_id, placed.reference, line.position, line.part_id,
        line.quantity, line.state_reason AS code, line.decision_id, placed.need_by, placed.placed_at
    FROM orders placed JOIN order_lines line ON line.order_id = placed.id AND line.state = 'no_route'
    WHERE placed.state IN ('partly_routed', 'no_route', 'parked'){whose}
    ORDER BY placed.id LIMIT :most
), explained AS (
    SELECT waiting.*, decision.why, decision.fix, decision.decided_at, decision.reasons,
        row_number() OVER (PARTITION BY code ORDER BY need_by NULLS LAST, line_id) AS place
    FROM waiting LEFT JOIN routing_decisions decision ON decision.id = waiting.decision_id
)
"""
_GROUPS = """
SELECT code, count(*) AS lines, count(DISTINCT order_id) AS orders, min(placed_at) AS since,
    min(need_by) AS next_need_by, mode() WITHIN GROUP (ORDER BY fix) AS fix, count(fix) AS with_fix
FROM explained GROUP BY code ORDER BY lines DESC, code
"""
_EXAMPLES = """
SELECT explained.*, part.part_no, part.name AS part_name FROM explained JOIN parts part ON part.id = explained.part_id
WHERE place <= :of_each ORDER BY code, place
"""
_MINE = " AND placed.organisation_id = :organisation_id"


def read_groups(session: Session, *, organisation_id: str | None, most: int) -> Sequence[RowMapping]:
    """Return how many of the first ``most`` lines without a route each code binds, the most frequent first."""
    return _read(session, _GROUPS, organisation_id, most=most)


def read_examples(session: Session, *, organisation_id: str | None, most: int, of_each: int) -> Sequence[RowMapping]:
    """Return the first lines of each code, the soonest needed first, with what was decided last."""
    return _read(session, _EXAMPLES, organisation_id, most=most, of_each=of_each)


def _read(session: Session, query: str, organisation_id: str | None, **values: object) -> Sequence[RowMapping]:
    if organisation_id is None:
        statement = text(_WAITING.format(whose="") + query)
    else:
        statement, values = text(_WAITING.format(whose=_MINE) + query), {**values, "organisation_id": organisation_id}
    return session.connection().execute(statement, values).mappings().all()
