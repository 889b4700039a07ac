"""Until when offers stand: their nodes' next cut-off, in the time zones and on the working days of the nodes."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from fabroute.routing.service.quoting import QuoteBook, quote
from fabroute.routing.service.quoting.scalar import quote_one_by_one
from tests.factories.routing import a_node_view
from tests.factories.snapshots import a_snapshot
from tests.unit.routing.quoting.test_quotes import a_question


def june(day: int, hour: int, minute: int = 0, second: int = 0) -> datetime:
    return datetime(2026, 6, day, hour, minute, second, tzinfo=UTC)


# The node closes its book at 15:00 in Berlin: 13:00 UTC in summer. 15 June 2026 is a Monday.
@pytest.mark.parametrize(
    ("now", "cutoff"),
    [
        (june(15, 12, 30), june(15, 13)),
        (june(15, 13, 30), june(16, 13)),
        (june(19, 12, 30), june(19, 13)),
        (june(19, 13, 30), june(22, 13)),
        (june(20, 9), june(22, 13)),
        (june(15, 13), june(15, 13)),
        (june(15, 13, 0, 1), june(16, 13)),
        (datetime(2026, 10, 23, 13, 30, tzinfo=UTC), datetime(2026, 10, 26, 14, tzinfo=UTC)),
    ],
    ids=["14:30", "15:30", "Friday 14:30", "Friday 15:30", "Saturday", "15:00", "a second after", "clocks go back"],
)
def test_an_offer_stands_until_the_next_cut_off_of_its_node(now: datetime, cutoff: datetime) -> None:
    book = QuoteBook(snapshot=a_snapshot(now=now))

    quick, slow = quote(book, a_question()), quote_one_by_one(book, a_question())

    assert {offer.cutoff_at for offer in quick.quotes[0].offers} == {cutoff}
    assert {offer.cutoff_at for offer in slow.quotes[0].offers} == {cutoff}


def test_every_offer_has_the_cut_off_of_its_own_node_and_week() -> None:
    nodes = (
        replace(a_node_view(node_id="N101", cutoff_local="15:00"), minimum_order_minor=0),
        replace(a_node_view(node_id="N102", cutoff_local="16:30", working_days="Mon-Sat"), timezone="America/Chicago"),
    )
    cutoffs = set()
    for only in nodes:
        book = QuoteBook(snapshot=a_snapshot(nodes=(only,), now=june(19, 22)))
        (found,) = quote(book, a_question()).quotes
        cutoffs |= {(offer.node.node_id, offer.cutoff_at) for offer in found.offers}

    # It is Friday 17:00 in Chicago, where Saturday is worked; and Saturday 00:00 in Berlin.
    assert cutoffs == {("N101", june(22, 13)), ("N102", june(20, 21, 30))}
    assert len(cutoffs) == 2
