"""Lots in stores: how much there is, how long it will last, and what moved."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta

from sqlalchemy.engine import RowMapping
from sqlmodel import Session

from fabroute.database.pages import Page, number_in, page_of
from fabroute.network.repository import lots
from fabroute.network.repository.lots import StockFilter
from fabroute.network.service.lots import UnknownLot
from fabroute.network.snapshot import LotView

RUNWAY_DAYS = 28
"""Over so many days the mean use is taken."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotStock(LotView):
    """A lot with what jobs have reserved of it and what builds have used, in grams."""

    reserved_grams: int
    """Held for jobs and not used yet: it lies in the store, beside what remains."""
    used_grams: int
    """By closed builds, so far."""
    lately_grams: int
    """Of these, in the last ``RUNWAY_DAYS`` days."""

    @property
    def runway_days(self) -> float | None:
        """How many days what nobody has reserved lasts at the mean use of the last days; None without any use."""
        return self.remaining_grams * RUNWAY_DAYS / self.lately_grams if self.lately_grams else None

    def days_left(self, today: date) -> int:
        """Return how many days the lot may still be used from ``today`` on; below 0: it expired."""
        return (self.expires_on - today).days


@dataclass(frozen=True, slots=True, kw_only=True)
class MovementView:
    """What came into a lot or left it, or a change of its state."""

    movement_id: int
    lot_id: str
    kind: str
    grams: int
    """What came; what went is negative."""
    remaining_grams: int
    """After it."""
    reuse_count: int
    job_id: str | None
    build_id: str | None
    actor: str
    note: str
    moved_at: datetime


def list_lots(session: Session, *, wanted: StockFilter, now: datetime) -> Page[LotStock]:
    """Return a page of lots in the order of their ids, ``wanted.limit`` on it."""
    more = StockFilter(
        node_id=wanted.node_id,
        state=wanted.state,
        material=wanted.material,
        after=wanted.after,
        limit=wanted.limit + 1,
    )
    rows = lots.read_stock(session, more, since=_since(now))
    return page_of([_stock(row) for row in rows], limit=wanted.limit, cursor_of=lambda lot: lot.lot_id)


def get_lot(session: Session, *, lot_id: str, now: datetime) -> LotStock:
    """Return a lot; ``UnknownLot`` if there is none."""
    rows = lots.read_stock(session, StockFilter(lot_id=lot_id), since=_since(now))
    if not rows:
        raise UnknownLot(f"there is no material lot {lot_id} of yours")
    return _stock(rows[0])


def find_lot(session: Session, *, lot_id: str) -> LotView:
    """Return a lot as its store describes it, by one short query; ``UnknownLot`` if there is none."""
    row = lots.find_lot(session, lot_id)
    if row is None:
        raise UnknownLot(f"there is no material lot {lot_id} of yours")
    return LotView(**row)


def lots_of_supplier(session: Session, *, supplier_lot: str, material: str | None) -> tuple[LotView, ...]:
    """Return the lots, in all stores, with a manufacturer's lot number (or, without one, that very id)."""
    found = lots.read_of_supplier(session, supplier_lot=supplier_lot, material=material)
    return tuple(LotView(**row) for row in found)


def list_movements(session: Session, *, lot_id: str, cursor: str | None, limit: int) -> Page[MovementView]:
    """Return a page of what moved in and out of a lot, oldest first."""
    after = number_in(cursor) or 0
    rows = lots.read_movements(session, lot_id=lot_id, after=after, limit=limit + 1)
    found = [MovementView(**row) for row in rows]
    return page_of(found, limit=limit, cursor_of=lambda movement: str(movement.movement_id))


def _since(now: datetime) -> datetime:
    return now - timedelta(days=RUNWAY_DAYS)


def _stock(row: RowMapping) -> LotStock:
    return LotStock(**row)
