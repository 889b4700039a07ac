"""Scenario S6 as a snapshot: caps of 40 minutes each, node A at the factory, node B a courier's two hours away.

A cap fills a plate. Its 40 minutes are 29.6 on the machine, a quarter more in one build of ten, and 3 for finishing and
inspection. It costs 14.00: 11.84 for the machine, 2.00 for what a build uses up, 0.16 for 10 g of plastic. Node B adds
a margin of two sevenths: 18.00.
"""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from fabroute.logistics.rules import Mode, Service, Tariff, Zone, any_weight, freight_book
from fabroute.logistics.service import LogisticsView
from fabroute.network.service import LotView, MachineModelView
from fabroute.orders.service import ClaimedLine
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view
from tests.factories.snapshots import (
    ALWAYS,
    G_PER_TONNE_KM,
    PLA,
    PRINTER,
    a_line,
    a_printer,
    a_revision_view,
    a_snapshot,
)

CAP_MM, CAP_CM3 = (200.0, 200.0, 100.0), 10.0
COURIER_KM_NORTH = 0.43
"""Degrees of latitude: 47.8 km as the crow flies, 59.8 on the road, 119.5 minutes at 30 km/h."""
WAITING_MINOR = 200_000

CAP_PRINTER: MachineModelView = replace(
    PRINTER,
    layer_um=200,
    layer_fixed_s=3.552,  # 500 layers: 29.6 minutes
    rate_cm3_per_hour=0,
    warmup_hours=0,
    cooldown_hours=0,
    setup_hours=0,
    unload_hours=0,
    rate_minor_per_hour=2_400,
)
CAP_PLASTIC = replace(PLA, density_g_per_cm3=1.0, price_minor_per_kg=1_600, refresh_ratio=0.0, support_fraction=0.0)
NODE_A = replace(
    a_node_view(node_id="A", city="Peine", latitude=53.0, longitude=10.0, working_days="Mon-Sun", margin=0),
    labour_minor_per_hour=0,
)
NODE_B = replace(
    a_node_view(node_id="B", city="Uelzen", latitude=53.0 + COURIER_KM_NORTH, longitude=10.0, margin=2 / 7),
    labour_minor_per_hour=0,
    working_days="Mon-Sun",
)
PRINTERS = (*(("A", f"A-{n}") for n in (1, 2, 3)), *(("B", f"B-{n}") for n in (1, 2)))


def a_cap_line(
    *,
    line_id: str = "line_1",
    quantity: int = 60,
    within_hours: float | None = None,
    cost_of_waiting_minor: int | None = None,
    max_nodes: int = 2,
    min_per_node: int = 1,
    objective: str = "cheapest",
    criticality: str = "routine",
    max_price_minor: int | None = None,
) -> ClaimedLine:
    """Return sixty caps for the factory, which two nodes may share."""
    line = a_line(
        line_id=line_id,
        quantity=quantity,
        objective=objective,
        criticality=criticality,
        max_price_minor=max_price_minor,
        need_by=None if within_hours is None else MONDAY_MORNING + timedelta(hours=within_hours),
    )
    return replace(
        line,
        split_max_nodes=max_nodes,
        split_min_per_node=min_per_node,
        cost_of_waiting_minor=cost_of_waiting_minor,
    )


def a_line_down_snapshot(
    *lines: ClaimedLine,
    free_minutes: Mapping[str, tuple[int, ...]] | None = None,
    lots: tuple[LotView, ...] | None = None,
    now: datetime = MONDAY_MORNING,
    part_qualification: bool = False,
) -> RoutingSnapshot:
    """Return the two nodes of S6 with five printers that work day and night for nobody else."""
    days = 14
    stores = lots or tuple(a_lot_view(lot_id=f"lot_{node}", node_id=node, material="PLA") for node in ("A", "B"))
    snapshot = a_snapshot(
        *lines,
        nodes=(NODE_A, NODE_B),
        offers=tuple(
            replace(a_printer(node_id=node, machine_id=machine, model=CAP_PRINTER), material=CAP_PLASTIC)
            for node, machine in PRINTERS
        ),
        lots=stores,
        revisions=(a_revision_view(box_mm=CAP_MM, volume_cm3=CAP_CM3, part_qualification=part_qualification),),
        free_minutes={machine: (1440,) * days for _, machine in PRINTERS} | dict(free_minutes or {}),
        now=now,
        horizon_days=days,
    )
    machines = {name: replace(machine, utilisation=0.0) for name, machine in snapshot.network.machines.items()}
    return replace(snapshot, network=replace(snapshot.network, machines=machines), logistics=_carriers())


def _carriers() -> LogisticsView:
    tariffs = (_tariff(Service.ECONOMY, base_minor=0), _tariff(Service.EXPRESS, base_minor=3_500))
    lanes = {"A": {Zone.LOCAL: (Service.ECONOMY,)}, "B": {Zone.LOCAL: (Service.EXPRESS,)}}
    return LogisticsView(lanes=lanes, freight=freight_book(tariffs=tariffs, duties=(), g_per_tonne_km=G_PER_TONNE_KM))


def _tariff(service: Service, *, base_minor: int) -> Tariff:
    return Tariff(
        carrier="works transport" if service is Service.ECONOMY else "city courier",
        zone=Zone.LOCAL,
        service=service,
        bands=any_weight(base_minor=base_minor, per_kg_minor=0),
        fuel_fraction=0,
        surcharge_minor=0,
        transit=((0, 1000),),
        mode=Mode.VAN,
        valid_from=ALWAYS[0],
        valid_to=ALWAYS[1],
    )
