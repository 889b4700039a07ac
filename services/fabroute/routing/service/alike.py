"""Lines that ask for the same: what is found for one of them in a run is found for all."""

from dataclasses import replace
from datetime import UTC, datetime

from fabroute.orders.service import ClaimedLine

_ANY_TIME = datetime(1, 1, 1, tzinfo=UTC)


def likeness(line: ClaimedLine) -> ClaimedLine:
    """Return what a line asks, without what only says which line it is: equal likenesses meet equal networks.

    All else counts, so that a wish which orders learn to state tells lines apart from the first day. What an earlier
    node would not or could not make, and until when a line waits for others, is a line's own: see to that beside.
    """
    return replace(line, line_id="", order_id="", position=0, fence=0, attempts=0, placed_at=_ANY_TIME)
