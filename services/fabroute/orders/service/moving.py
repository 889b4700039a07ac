"""Lines that were promised something may move to a better place, as long as the promise is kept."""

from collections.abc import Collection, Mapping
from datetime import datetime

from sqlmodel import Session

from fabroute.orders.repository import standing as standing_rows
from fabroute.orders.repository.standing import StandingLine
from fabroute.orders.service.outcomes import LinesLost, derive_orders

__all__ = ["StandingLine", "lock_standing_lines", "read_standing_lines", "record_moves"]


def read_standing_lines(session: Session, *, line_ids: Collection[str]) -> tuple[StandingLine, ...]:
    """Return those of the lines that are routed, by id, each as a run would claim it under its next fence."""
    return tuple(standing_rows.read_standing(session, line_ids))


def lock_standing_lines(session: Session, *, fences: Mapping[str, int]) -> frozenset[str]:
    """Lock, by id, the lines that are still routed under these very fences, before anything of their jobs; return them.

    What is missing was cancelled, taken back or moved meanwhile.
    """
    return standing_rows.lock_standing(session, fences)


def record_moves(session: Session, *, decisions: Mapping[str, str], now: datetime) -> None:
    """Give lines locked by ``lock_standing_lines`` their new decisions; each order is a new version of itself.

    What was promised first stays with the line. Raises ``LinesLost``, and then nothing may be committed.
    """
    order_ids = standing_rows.write_moves(session, decisions)
    if len(order_ids) != len(decisions):
        raise LinesLost(f"{len(decisions) - len(order_ids)} of {len(decisions)} lines are not routed any more")
    derive_orders(session, set(order_ids), now=now)
