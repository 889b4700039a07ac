"""What of orders waits for a person: lines that were parked, each with its reason."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.identity.rules import Principal
from fabroute.orders.repository import waiting as rows


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedLine:
    """A line that is routed no more until somebody sends it on, and why."""

    line_id: str
    order_id: str
    organisation_id: str
    reference: str | None
    position: int
    part_no: str
    part_name: str
    quantity: int
    reason: str
    need_by: datetime | None
    placed_at: datetime
    updated_at: datetime
    """Of its order."""
    organisation_name: str | None
    """``None`` where the caller may not see it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ParkedLines:
    """The first parked lines, those soonest needed first, and how many there are in all."""

    lines: tuple[ParkedLine, ...]
    total: int


def list_parked(session: Session, *, principal: Principal, limit: int = 20) -> ParkedLines:
    """Return the parked lines of an owner, to the operator those of all owners; a bureau has none."""
    whose = None if principal.kind == "operator" else principal.organisation_id
    found = rows.read_parked(session, organisation_id=whose, limit=limit)
    return ParkedLines(lines=tuple(_line(row) for row in found), total=found[0]["total"] if found else 0)


def _line(row: RowMapping) -> ParkedLine:
    return ParkedLine(**{name: value for name, value in row.items() if name != "total"})
