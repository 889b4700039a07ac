"""Parked lines: whose they are, why in words, and what to do about each."""

from datetime import timedelta

import pytest

from fabroute.console.pages.parked import ParkedRow, parked_page
from fabroute.orders.service.waiting import ParkedLine, ParkedLines
from tests.factories.order_pages import FMT, NOW


def row_of(reason: str, *, whole_network: bool = True, needed_in_days: int = 2) -> ParkedRow:
    line = ParkedLine(
        line_id="line_1",
        order_id="ord_1",
        organisation_id="org_1",
        reference=None,
        position=2,
        part_no="RL-0001",
        part_name="Winch lever",
        quantity=3,
        reason=reason,
        need_by=NOW + timedelta(days=needed_in_days),
        placed_at=NOW,
        updated_at=NOW,
        organisation_name="Northgate",
    )
    page = parked_page(ParkedLines(lines=(line,), total=1), FMT, whole_network=whole_network, now=NOW)
    (row,) = page.rows
    assert page.shows_owners == whole_network
    return row


@pytest.mark.parametrize(
    ("reason", "to_the_operator", "to_the_owner"),
    [
        ("needs attention: 3 nodes could not make it (N1 declined: no capacity)", "Ask these nodes why.",
         "Ask these nodes why."),
        ("needs attention: 4 runs broke with it in them (killed)", "The worker's log says how it broke the routing.",
         "Ask the operator of the network, who finds more in the log."),
        ("routing was tried 5 times without an outcome: see the worker's log", "The worker's log says why.",
         "Ask the operator of the network why."),
        ("something new", "Mend what is said here, then send it on.", "Mend what is said here, then send it on."),
    ],
)  # fmt: skip
def test_each_reason_comes_with_what_to_do_for_who_reads_it(
    reason: str, to_the_operator: str, to_the_owner: str
) -> None:
    assert row_of(reason).advice.startswith(to_the_operator)
    assert row_of(reason, whole_network=False).advice.startswith(to_the_owner)


def test_a_parked_line_tells_what_it_is_whose_and_why() -> None:
    row = row_of("needs attention: 3 nodes could not make it (N1 lapsed: by 2026-06-20)")

    assert (row.path, row.name, row.number, row.quantity) == (
        "/console/orders/ord_1?line=2", "Winch lever", "RL-0001", 3,
    )  # fmt: skip
    assert (row.owner, row.order) == ("Northgate", "ord_1")
    assert row.why == "3 nodes could not make it (N1 lapsed: by 20 Jun 2026)"
    assert (row.is_late, row_of("x", needed_in_days=-1).is_late) == (False, True)
    assert row_of("x", whole_network=False).owner == ""
    assert row_of("").why == "It could not be decided."
