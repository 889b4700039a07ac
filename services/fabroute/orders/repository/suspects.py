"""Statements on lines with which runs broke. Lines are locked by id, before anything else of theirs."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import text
from sqlmodel import Session

from fabroute.orders.repository.lines import DUE


@dataclass(frozen=True, slots=True, kw_only=True)
class BrokenLine:
    """A line that was in a run which broke."""

    line_id: str
    order_id: str
    organisation_id: str
    broken_runs: int
    """Up to now, this one included."""
    state: str
    """``pending``, or ``parked`` where there were too many."""


_BREAK = text("""
WITH broken AS (
    SELECT line.id, line.broken_runs + 1 AS runs FROM order_lines line
    JOIN unnest(CAST(:ids AS text[]), CAST(:fences AS int[])) AS held (id, fence) ON held.id = line.id
    WHERE line.state = 'routing' AND line.fence = held.fence
    ORDER BY line.id FOR UPDATE OF line
)
UPDATE order_lines line
SET state = CASE WHEN broken.runs >= :cap THEN 'parked' ELSE 'pending' END,
    state_reason = CASE WHEN broken.runs >= :cap THEN :parked_reason ELSE :reason END,
    fence = line.fence + 1, lease_until = NULL, broken_runs = broken.runs, planning_scope = :suspects,
    next_attempt_at = CASE WHEN broken.runs >= :cap THEN NULL ELSE clock_timestamp() END
FROM broken, orders placed
WHERE line.id = broken.id AND placed.id = line.order_id
RETURNING line.id AS line_id, line.order_id, placed.organisation_id, line.broken_runs, line.state
""")

_SUSPECT = text("""
WITH left_behind AS (
    SELECT id FROM order_lines WHERE planning_scope = :scope AND state = 'routing' ORDER BY id FOR UPDATE
)
UPDATE order_lines line
SET state = 'pending', state_reason = :reason, fence = line.fence + 1, lease_until = NULL,
    broken_runs = greatest(line.broken_runs, 1), planning_scope = :suspects, next_attempt_at = clock_timestamp()
FROM left_behind WHERE line.id = left_behind.id
RETURNING line.id
""")

_FEWEST = text(f"""
SELECT min(line.broken_runs) FROM order_lines line
WHERE line.planning_scope = :scope AND line.state IN ('pending', 'routing') AND ({DUE} OR line.state = 'routing')
""")


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakTerms:
    """What is noted of lines with which a run broke."""

    suspects: str
    """The scope that they go to."""
    reason: str
    parked_reason: str
    cap: int
    """So many broken runs park a line."""


def note_broken(session: Session, fences: Mapping[str, int], terms: BreakTerms) -> list[BrokenLine]:
    """Count a broken run of the lines that are still routed under these fences; send them back, or park them."""
    parameters = {
        "ids": list(fences),
        "fences": list(fences.values()),
        "suspects": terms.suspects,
        "reason": terms.reason,
        "parked_reason": terms.parked_reason,
        "cap": terms.cap,
    }
    return [BrokenLine(**row) for row in session.connection().execute(_BREAK, parameters).mappings()]


def suspect_left_behind(session: Session, *, scope: str, suspects: str, reason: str) -> list[str]:
    """Send the lines that are being routed in a scope, which the caller holds, to its suspects; return their ids."""
    parameters = {"scope": scope, "suspects": suspects, "reason": reason}
    return list(session.connection().execute(_SUSPECT, parameters).scalars())


def fewest_broken_runs(session: Session, *, scope: str) -> int | None:
    """Return the least broken runs of a due line of a scope that the caller holds; ``None`` where none is due."""
    found: int | None = session.connection().execute(_FEWEST, {"scope": scope}).scalar_one()
    return found
