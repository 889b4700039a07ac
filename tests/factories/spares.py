"""The eternal spares of scenario S2: leg caps at 1.10 each, on a printer that costs 45.00 to set up for a build."""

from dataclasses import replace
from datetime import datetime, timedelta

from fabroute.inventory.service import RevisionView
from fabroute.network.service import LotView, MachineModelView, MaterialView, NodeView, OfferRates, OfferView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.rules.policies import PolicyView
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view
from tests.factories.snapshots import a_line, a_revision_view, a_snapshot

OPENING_MINOR, CAP_MINOR = 4_500, 110
OPENING_MINUTES, CAP_MINUTES = 258, 6.6
"""4.3 h at 10.00 and 2.00 of consumables; 14.85 cm³ at 135 cm³/h, 0.11 h at 10.00."""
CAPS_PER_BUILD = 28
"""Seven by four on the plate: 44 mm and a gap of 5 mm on 350 by 200 mm."""
CAP_MM = (44.0, 44.0, 36.0)
CAP_CM3 = 14.85

CAP_PRINTER = MachineModelView(
    model="Cap printer",
    process="MEX",
    x_mm=350,
    y_mm=200,
    z_mm=300,
    layer_um=200,
    layer_fixed_s=0,
    rate_cm3_per_hour=180,
    warmup_hours=1.0,
    cooldown_hours=0.8,
    setup_hours=2.0,
    unload_hours=0.5,
    rate_minor_per_hour=1_000,
    power_kw=0.25,
    source="test",
)
ASA = MaterialView(
    code="ASA",
    process="MEX",
    density_g_per_cm3=1.07,
    bulk_density_g_per_cm3=None,
    price_minor_per_kg=4_500,
    refresh_ratio=None,
    support_fraction=0,
    source="test",
)


def a_cap(*, revision_id: str = "rev_1", height_mm: float = CAP_MM[2], export_class: str = "none") -> RevisionView:
    """Return a leg cap that anybody may print in ASA."""
    return a_revision_view(
        revision_id=revision_id,
        box_mm=(CAP_MM[0], CAP_MM[1], height_mm),
        volume_cm3=CAP_CM3,
        process_materials=("MEX:ASA",),
        export_class=export_class,
    )


def a_spares_node(*, node_id: str = "N1", minimum_order_minor: int = 0, margin: float = 0.0) -> NodeView:
    """Return a node without margin and pay for work by hand, north of which the customers live."""
    place = a_node_view(node_id=node_id, latitude=52.0, longitude=10.0, minimum_order_minor=minimum_order_minor)
    return replace(place, labour_minor_per_hour=0, margin=margin)


def a_cap_printer(
    *, node_id: str = "N1", machine_id: str | None = None, model: MachineModelView = CAP_PRINTER
) -> OfferView:
    """Return the printer with ASA, for which its node asks nothing."""
    machine = machine_id or f"{node_id}-A"
    return OfferView(
        offer_id=f"offer_{machine}",
        machine_id=machine,
        node_id=node_id,
        process="MEX",
        material=ASA,
        model=model,
        parameter_set="PS-1",
        parameter_set_state="qualified",
        rates=OfferRates(material_minor_per_kg=0),
    )


def a_spares_lot(*, node_id: str = "N1", lot_id: str | None = None) -> LotView:
    """Return ten kilograms of ASA."""
    return a_lot_view(lot_id=lot_id or f"lot_{node_id}", node_id=node_id, material="ASA")


def a_spare_order(
    number: int = 1,
    *,
    quantity: int = 4,
    owner: str | None = None,
    placed_at: datetime = MONDAY_MORNING,
    due_days: int = 7,
    objective: str = "cheapest",
    criticality: str = "consumer",
    revision_id: str = "rev_1",
) -> ClaimedLine:
    """Return the order of a consumer: four caps, due in seven days."""
    line = a_line(
        line_id=f"line_{number}",
        quantity=quantity,
        objective=objective,
        criticality=criticality,
        need_by=placed_at + timedelta(days=due_days),
    )
    return replace(line, organisation_id=owner or f"org_{number}", placed_at=placed_at, revision_id=revision_id)


def a_spares_snapshot(
    *lines: ClaimedLine,
    nodes: tuple[NodeView, ...] | None = None,
    offers: tuple[OfferView, ...] | None = None,
    lots: tuple[LotView, ...] | None = None,
    revisions: tuple[RevisionView, ...] | None = None,
    window_hours: int = 0,
    now: datetime = MONDAY_MORNING,
) -> RoutingSnapshot:
    """Return a snapshot with these orders, one node with one cap printer, and a window for every owner.

    Printers are free day and night, all week.
    """
    present = nodes or (a_spares_node(),)
    printers = offers or tuple(a_cap_printer(node_id=node.node_id) for node in present)
    snapshot = a_snapshot(
        *lines,
        nodes=present,
        offers=printers,
        free_minutes={printer.machine_id: (1440,) * 14 for printer in printers},
        lots=lots or tuple(a_spares_lot(node_id=node.node_id) for node in present),
        revisions=revisions or (a_cap(),),
        now=now,
    )
    owners = {line.organisation_id for line in lines}
    policies = {
        owner: PolicyView(organisation_id=owner, version=1, consolidation_window_hours=window_hours) for owner in owners
    }
    return replace(snapshot, policies=policies if window_hours else {})
