"""The network as it was at one instant, ready to be asked for quotes."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from fabroute.routing.snapshot import RoutingSnapshot, read_snapshot


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class QuoteBook:
    """All nodes with what they offer, hold, prove and charge at ``as_of``."""

    snapshot: RoutingSnapshot
    """Without lines and revisions: those come with what is asked."""

    @property
    def as_of(self) -> datetime:
        """The instant of the network; quotes count from it."""
        return self.snapshot.now


def read_book(session: Session, *, now: datetime, horizon_days: int) -> QuoteBook:
    """Return the book of this instant; read it in a repeatable-read unit of work."""
    return QuoteBook(snapshot=read_snapshot(session, lines=(), now=now, horizon_days=horizon_days))
