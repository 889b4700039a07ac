"""Statements on lines that are routed and may move: what they were promised, and that they moved."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import text
from sqlmodel import Session

from fabroute.orders.repository.lines import ClaimedLine, claimed_columns


@dataclass(frozen=True, slots=True, kw_only=True)
class StandingLine:
    """A routed line, as a run would claim it under its next fence, and what it was promised first."""

    line: ClaimedLine
    decision_id: str
    promised_at: datetime | None
    """``None`` for a line that was routed before promises were kept."""
    promised_minor: int | None

    @property
    def fence(self) -> int:
        """The fence that the line has now."""
        return self.line.fence - 1


_READ = text(f"""
SELECT {claimed_columns(fence="line.fence + 1")}, line.decision_id, line.promised_at, line.promised_minor
FROM order_lines line JOIN orders placed ON placed.id = line.order_id
WHERE line.id = ANY(:ids) AND line.state = 'routed' ORDER BY line.id
""")

_LOCK = text("""
SELECT line.id FROM order_lines line
JOIN unnest(CAST(:ids AS text[]), CAST(:fences AS int[])) AS held (id, fence) ON held.id = line.id
WHERE line.state = 'routed' AND line.fence = held.fence
ORDER BY line.id FOR UPDATE OF line
""")

_MOVE = text("""
UPDATE order_lines line SET decision_id = moved.decision_id, fence = line.fence + 1
FROM unnest(CAST(:ids AS text[]), CAST(:decision_ids AS text[])) AS moved (id, decision_id)
WHERE line.id = moved.id AND line.state = 'routed'
RETURNING line.order_id
""")


def read_standing(session: Session, line_ids: Collection[str]) -> list[StandingLine]:
    """Return those of the lines that are routed, by id."""
    return [_standing(dict(row)) for row in session.connection().execute(_READ, {"ids": list(line_ids)}).mappings()]


def lock_standing(session: Session, fences: Mapping[str, int]) -> frozenset[str]:
    """Lock, by id, the lines that are still routed under these very fences; return their ids."""
    columns = {"ids": list(fences), "fences": list(fences.values())}
    return frozenset(session.connection().execute(_LOCK, columns).scalars())


def write_moves(session: Session, decisions: Mapping[str, str]) -> list[str]:
    """Give routed lines their new decisions, by line id, under the next fence; return the order of each."""
    columns = {"ids": list(decisions), "decision_ids": list(decisions.values())}
    return list(session.connection().execute(_MOVE, columns).scalars())


def _standing(row: dict[str, Any]) -> StandingLine:
    own = {name: row.pop(name) for name in ("decision_id", "promised_at", "promised_minor")}
    return StandingLine(line=ClaimedLine(**row), **own)
