"""Statements on lines that wait for a person, or were sent on their way again by one."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text
from sqlmodel import Session

from fabroute.orders.rules import BROKEN_RUN_CAP, SUB_SCOPE


@dataclass(frozen=True, slots=True, kw_only=True)
class WaitingLine:
    """A line of an order with its state and the reason for it."""

    line_id: str
    order_id: str
    organisation_id: str
    position: int
    state: str
    state_reason: str
    planning_scope: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderTerms:
    """What an order was placed under: its objective, the quote that it accepted, and whose it is."""

    objective: str
    quote_id: str | None
    organisation_id: str


_FIND = """
SELECT line.id AS line_id, line.order_id, placed.organisation_id, line.position, line.state, line.state_reason,
    line.planning_scope
FROM order_lines line JOIN orders placed ON placed.id = line.order_id
WHERE line.order_id = :order_id AND line.position = :position
  AND (CAST(:organisation_id AS text) IS NULL OR placed.organisation_id = :organisation_id)
"""

_FIND_LINE = text(_FIND)
_LOCK_LINE = text(f"{_FIND} FOR UPDATE OF line")

_ORDER_EXISTS = text("""
SELECT EXISTS (SELECT FROM orders WHERE id = :order_id
  AND (CAST(:organisation_id AS text) IS NULL OR organisation_id = :organisation_id))
""")

_RETURNED = text("""
SELECT count(*) FROM order_lines WHERE planning_scope = :scope AND state = 'pending' AND attempts = 0
  AND decision_id IS NOT NULL AND coalesce(next_attempt_at, '-infinity') <= clock_timestamp()
""")

_LOCK_ORDER = text("""
SELECT line.id, line.state FROM order_lines line JOIN orders placed ON placed.id = line.order_id
WHERE line.order_id = :order_id
  AND (CAST(:organisation_id AS text) IS NULL OR placed.organisation_id = :organisation_id)
ORDER BY line.id FOR UPDATE OF line
""")

_TERMS = text("SELECT objective, quote_id, organisation_id FROM orders WHERE id = :order_id")
_SET_OBJECTIVE = text("""
UPDATE orders SET objective = :objective, version = version + 1, updated_at = :now WHERE id = :order_id
""")

_PARK = text("""
UPDATE order_lines line SET state = 'parked', state_reason = parked.reason, fence = line.fence + 1, lease_until = NULL
FROM unnest(CAST(:ids AS text[]), CAST(:reasons AS text[])) AS parked (id, reason)
WHERE line.id = parked.id AND line.state IN ('pending', 'routing') RETURNING line.id, line.order_id
""")

_RETRY = text(f"""
WITH waiting AS (
    SELECT id FROM order_lines WHERE id = ANY(:ids) AND state IN ('parked', 'no_route') ORDER BY id FOR UPDATE
)
UPDATE order_lines line
SET state = 'pending', state_reason = '', attempts = 0, fence = line.fence + 1, next_attempt_at = clock_timestamp(),
    broken_runs = least(line.broken_runs, {BROKEN_RUN_CAP - 2}),
    planning_scope = CASE WHEN line.broken_runs > 0 THEN line.planning_scope
        ELSE regexp_replace(line.planning_scope, '{SUB_SCOPE}', '') END
FROM waiting WHERE line.id = waiting.id
RETURNING line.id, line.order_id, line.planning_scope
""")


def order_exists(session: Session, *, organisation_id: str | None, order_id: str) -> bool:
    """Return whether there is such an order; of any owner where ``organisation_id`` is ``None``."""
    parameters = {"organisation_id": organisation_id, "order_id": order_id}
    return bool(session.connection().execute(_ORDER_EXISTS, parameters).scalar_one())


def count_returned(session: Session, *, scope: str) -> int:
    """Return how many due lines of a planning scope came back from a node and were not tried since."""
    return int(session.connection().execute(_RETURNED, {"scope": scope}).scalar_one())


def lock_order(session: Session, *, organisation_id: str | None, order_id: str) -> list[tuple[str, str]] | None:
    """Lock the lines of an order, by id; return each with its state, ``None`` if there is no such order.

    Of any owner where ``organisation_id`` is ``None``.
    """
    parameters = {"organisation_id": organisation_id, "order_id": order_id}
    found = [(row.id, row.state) for row in session.connection().execute(_LOCK_ORDER, parameters)]
    return found or None


def read_terms(session: Session, *, order_id: str) -> OrderTerms:
    """Return what an order that there is was placed under."""
    return OrderTerms(**session.connection().execute(_TERMS, {"order_id": order_id}).mappings().one())


def set_objective(session: Session, *, order_id: str, objective: str, now: datetime) -> None:
    """Give an order another objective, as a new version of itself."""
    session.connection().execute(_SET_OBJECTIVE, {"order_id": order_id, "objective": objective, "now": now})


def find_line(
    session: Session, *, organisation_id: str | None, order_id: str, position: int, lock: bool = False
) -> WaitingLine | None:
    """Return a line by its place in its order; of any owner where ``organisation_id`` is ``None``."""
    parameters = {"organisation_id": organisation_id, "order_id": order_id, "position": position}
    row = session.connection().execute(_LOCK_LINE if lock else _FIND_LINE, parameters).mappings().one_or_none()
    return None if row is None else WaitingLine(**row)


def park(session: Session, reasons: Mapping[str, str]) -> dict[str, str]:
    """Park open lines that the caller has locked, each for its reason; return the order of each, by line."""
    parameters = {"ids": list(reasons), "reasons": list(reasons.values())}
    return {row.id: row.order_id for row in session.connection().execute(_PARK, parameters)}


def retry(session: Session, line_ids: Collection[str]) -> dict[str, tuple[str, str]]:
    """Make lines that are parked or have no route pending again; return order and planning scope of each.

    A line that broke runs is decided alone, and parked again when that breaks twice.
    """
    rows = session.connection().execute(_RETRY, {"ids": list(line_ids)})
    return {row.id: (row.order_id, row.planning_scope) for row in rows}
