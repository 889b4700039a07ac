"""Runs as archives keep them, decided by hand-made snapshots."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules.policies import MinimumShare, PolicyView, ShareCap
from fabroute.routing.service.archive import ArchivedRun, unpack_run
from fabroute.routing.service.decide import decide
from fabroute.routing.snapshot import RoutingSnapshot
from fabroute.solver.limits import SolveLimits
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view, an_offer_view
from tests.factories.snapshots import a_line, a_revision_view, a_snapshot

OWNER = "org_owner"
LIMITS = SolveLimits(seed=7, deterministic_seconds=2.0, wall_seconds=20.0)
NODES = tuple(
    a_node_view(node_id=node_id, city=city, latitude=52.0, longitude=10.0, margin=margin)
    for node_id, city, margin in (("N1", "Hannover", 0.1), ("N2", "Göttingen", 0.2), ("N3", "Kassel", 0.3))
)
"""Three nodes at one place that put a tenth, two and three tenths on what making a part costs them.

They nest parts through the bed of a powder machine: nothing is opened for a line, so none shares a build.
"""


def a_policy(*caps: ShareCap, minimum_shares: tuple[MinimumShare, ...] = (), owner: str = OWNER) -> PolicyView:
    """Return the first version of an owner's policy."""
    return PolicyView(organisation_id=owner, version=1, caps=caps, minimum_shares=minimum_shares)


def some_orders(
    count: int, *, owner: str = OWNER, prefix: str = "line", objective: str = "cheapest"
) -> tuple[ClaimedLine, ...]:
    """Return equal lines of orders of their own."""
    lines = (a_line(line_id=f"{prefix}_{number}", objective=objective) for number in range(count))
    return tuple(replace(line, organisation_id=owner) for line in lines)


def a_snapshot_under(
    *lines: ClaimedLine,
    policies: tuple[PolicyView, ...] = (),
    free_minutes: Mapping[str, tuple[int, ...]] | None = None,
    now: datetime = MONDAY_MORNING,
) -> RoutingSnapshot:
    """Return a snapshot of three nodes under some owners' policies."""
    snapshot = a_snapshot(
        *lines,
        nodes=NODES,
        offers=tuple(an_offer_view(node_id=node.node_id) for node in NODES),
        lots=tuple(a_lot_view(lot_id=f"lot_{node.node_id}", node_id=node.node_id) for node in NODES),
        revisions=(a_revision_view(process_materials=("MJF:PA12-MJF",)),),
        free_minutes=free_minutes,
        now=now,
    )
    return replace(snapshot, policies={policy.organisation_id: policy for policy in policies})


def an_archived_run(
    *lines: ClaimedLine,
    policies: tuple[PolicyView, ...] = (),
    free_minutes: Mapping[str, tuple[int, ...]] | None = None,
    now: datetime = MONDAY_MORNING,
) -> ArchivedRun:
    """Return a run as its archive gives it back."""
    snapshot = a_snapshot_under(*lines, policies=policies, free_minutes=free_minutes, now=now)
    archive = decide(snapshot, LIMITS).archive
    assert archive is not None
    return unpack_run(archive)
