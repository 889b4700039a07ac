"""A batch of orders as large as a run takes."""

from dataclasses import replace
from datetime import timedelta

from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view
from tests.factories.snapshots import a_line, a_printer, a_revision_view, a_snapshot


def a_large_snapshot() -> RoutingSnapshot:
    """Return 200 lines of thirty parts, to 200 places, against sixty nodes, a third of which prints them."""
    nodes = tuple(
        a_node_view(node_id=f"N{n:03}", latitude=36 + n * 0.3, longitude=n * 0.4, margin=n / 200) for n in range(60)
    )
    offers = tuple(a_printer(node_id=node.node_id) for node in nodes[::3])
    lots = tuple(a_lot_view(lot_id=f"lot_{node.node_id}", node_id=node.node_id, material="PLA") for node in nodes)
    revisions = tuple(a_revision_view(revision_id=f"rev_{n}", volume_cm3=5 + n) for n in range(30))
    lines = tuple(
        replace(
            a_line(
                line_id=f"line_{n}",
                quantity=1 + n % 7,
                need_by=MONDAY_MORNING + timedelta(days=6 + n % 20) if n % 3 else None,
            ),
            revision_id=f"rev_{n % 30}",
            ship_to_longitude=8 + n * 0.02,
        )
        for n in range(200)
    )
    return a_snapshot(*lines, nodes=nodes, offers=offers, lots=lots, revisions=revisions, horizon_days=45)
