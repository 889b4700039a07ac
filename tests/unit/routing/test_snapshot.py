"""The hash of a snapshot tells whether two runs decided on the same."""

from dataclasses import replace
from datetime import date, timedelta

import pytest

from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view
from tests.factories.snapshots import (
    a_certificate,
    a_first_article,
    a_licence,
    a_line,
    a_printer,
    a_revision_view,
    a_snapshot,
)

PLAIN = a_snapshot()


@pytest.mark.parametrize(
    "other",
    [
        a_snapshot(a_line(quantity=3)),
        a_snapshot(a_line(need_by=MONDAY_MORNING)),
        a_snapshot(nodes=(a_node_view(latitude=52.0, longitude=10.1),)),
        a_snapshot(offers=(a_printer(state="development"),)),
        a_snapshot(lots=(a_lot_view(lot_id="lot_N101", material="PLA", grams=9_999),)),
        a_snapshot(revisions=(a_revision_view(volume_cm3=20.1),)),
        a_snapshot(certificates=(a_certificate(),)),
        a_snapshot(first_articles=(a_first_article(last_production_on=date(2026, 1, 11)),)),
        a_snapshot(lanes={}),
        a_snapshot(free_minutes={"N101-A": (719,) * 14}),
        a_snapshot(machine_status={"N101-A": "down"}),
        a_snapshot(spent_minor={"ord_1": 1}),
        a_snapshot(licences=(a_licence(),)),
        a_snapshot(certificates=(a_certificate(verified=False),)),
        a_snapshot(revisions=(a_revision_view(ip_nodes=("N101",)),)),
        a_snapshot(now=MONDAY_MORNING + timedelta(minutes=1)),
        a_snapshot(horizon_days=15),
    ],
)
def test_whatever_differs_changes_the_hash(other: RoutingSnapshot) -> None:
    assert other.sha256() != PLAIN.sha256()
    assert len(other.sha256()) == 64


def test_what_is_left_of_a_licence_changes_the_hash() -> None:
    one_held = a_snapshot(licences=(a_licence(leased=1),))

    assert one_held.sha256() != a_snapshot(licences=(a_licence(),)).sha256()
    assert one_held.sha256() == a_snapshot(licences=(a_licence(leased=1),)).sha256()


def test_what_no_decision_depends_on_does_not() -> None:
    (line,) = PLAIN.lines
    claimed_again = replace(PLAIN, lines=(replace(line, fence=9, attempts=4),))
    node = PLAIN.network.nodes["N101"]
    queue_changed = replace(
        PLAIN, network=replace(PLAIN.network, nodes={"N101": replace(node, version=3, queue_version=8)})
    )

    assert claimed_again.sha256() == PLAIN.sha256()
    assert queue_changed.sha256() == PLAIN.sha256()
    assert a_snapshot().sha256() == PLAIN.sha256()


def test_the_order_in_which_lines_were_read_does_not_matter() -> None:
    lines = (a_line(line_id="line_1"), a_line(line_id="line_2"))

    assert a_snapshot(*lines).sha256() == a_snapshot(*lines[::-1]).sha256()
