"""How parts were wanted: month by month, and where."""

from datetime import UTC, date, datetime

from sqlmodel import Session

from fabroute.orders.repository import demand
from fabroute.orders.repository.demand import OrderedTo


def monthly_demand(
    session: Session, *, organisation_id: str, part_id: str, today: date, months: int
) -> tuple[int, ...] | None:
    """Return what was ordered of a part in each of the last full calendar months (UTC), the oldest first.

    Cancelled lines don't count. ``None`` if the first order is younger than that: so little says nothing about demand.
    """
    last = today.year * 12 + today.month - 1
    start, end = _first_instant(last - months), _first_instant(last)
    first = demand.first_wanted(session, organisation_id=organisation_id, part_id=part_id)
    if first is None or first >= _first_instant(last - months + 1):
        return None
    found = [0] * months
    for placed_at, quantity in demand.read_wanted(
        session, organisation_id=organisation_id, part_id=part_id, start=start, end=end
    ):
        placed = placed_at.astimezone(UTC)
        found[placed.year * 12 + placed.month - 1 - (last - months)] += quantity
    return tuple(found)


def ordered_to(session: Session, *, organisation_id: str) -> tuple[OrderedTo, ...]:
    """Return how often each part of an organisation was ordered, by quantity and place; cancelled lines don't count."""
    return demand.read_ordered_to(session, organisation_id=organisation_id)


def _first_instant(month: int) -> datetime:
    """Return when a month begins; months are counted from January of year 0."""
    return datetime(month // 12, month % 12 + 1, 1, tzinfo=UTC)
