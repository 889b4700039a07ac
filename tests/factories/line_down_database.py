"""Scenario S6 in a database: nodes, carriers and the cap of ``tests.factories.line_down``, saved as a user would."""

from dataclasses import replace
from datetime import date

from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.inventory.service import add_revision, attach_print_file
from fabroute.logistics.rules import Mode, Service, Tariff, Zone, any_weight
from fabroute.logistics.service import LogisticsData, NewCarbonFactor, NewLane, NewTariff, save_logistics
from fabroute.network.service import NetworkData, NewNode, extend_capacity, save_network
from tests.factories.inventory import a_print_file, a_revision, release
from tests.factories.line_down import CAP_CM3, CAP_MM, CAP_PLASTIC, CAP_PRINTER, COURIER_KM_NORTH, PRINTERS
from tests.factories.network import a_lot, a_machine, a_material, a_model, a_node, an_offer
from tests.factories.orders import given_part
from tests.factories.organisations import NOW, save_organisations
from tests.factories.routing import MONDAY_MORNING

CAP = "leg cap"
FACTORY = {"city": "Peine", "country": "DE", "latitude": 53.0, "longitude": 10.0}
ALWAYS = (date(2020, 1, 1), date(2099, 12, 31))
MODEL, PLASTIC = CAP_PRINTER.model, CAP_PLASTIC.code
SCOPE = "material_extrusion/europe"


def given_line_down(engine: Engine, *, organisation_id: str) -> str:
    """Save the network of S6 and the cap, which the organisation owns; return the id of its revision."""
    network = NetworkData(
        nodes=(_node("A", "Peine", latitude=53.0), _node("B", "Uelzen", latitude=53.0 + COURIER_KM_NORTH)),
        models=(
            replace(
                a_model(model=MODEL, process="MEX", box_mm=(CAP_PRINTER.x_mm, CAP_PRINTER.y_mm, CAP_PRINTER.z_mm)),
                layer_um=CAP_PRINTER.layer_um,
                layer_fixed_s=CAP_PRINTER.layer_fixed_s,
                warmup_hours=0,
                cooldown_hours=0,
                setup_hours=0,
                unload_hours=0,
                rate_minor_per_hour=CAP_PRINTER.rate_minor_per_hour,
            ),
        ),
        materials=(
            replace(
                a_material(code=PLASTIC, process="MEX"),
                density_g_per_cm3=1.0,
                bulk_density_g_per_cm3=None,
                price_minor_per_kg=1_600,
                refresh_ratio=0.0,
            ),
        ),
        machines=tuple(
            a_machine(machine_id=machine, node_id=node, model=MODEL, utilisation=0.0) for node, machine in PRINTERS
        ),
        offers=tuple(an_offer(machine_id=machine, process="MEX", material=PLASTIC) for _, machine in PRINTERS),
        lots=tuple(a_lot(lot_id=f"lot_{node}", node_id=node, material=PLASTIC) for node in ("A", "B")),
    )
    part_id = given_part(engine, organisation_id=organisation_id, part_no=CAP)
    with unit_of_work(engine) as session:
        save_organisations(session)
        save_network(session, data=network)
        extend_capacity(session, today=MONDAY_MORNING.date(), horizon_days=45)
        save_logistics(session, data=_carriers())
        cap = a_revision(
            part_id=part_id,
            box_mm=CAP_MM,
            volume_cm3=CAP_CM3,
            process_materials=(f"MEX:{PLASTIC}",),
            required_certificates=(),
        )
        revision_id = add_revision(session, revision=cap, now=NOW)
        attach_print_file(
            session,
            revision_id=revision_id,
            facts=a_print_file(content=revision_id, box_mm=CAP_MM, volume_cm3=CAP_CM3),
            now=NOW,
        )
        release(session, revision_id)
    return revision_id


def _node(node_id: str, city: str, *, latitude: float) -> NewNode:
    node = a_node(
        node_id=node_id,
        city=city,
        latitude=latitude,
        longitude=10.0,
        working_days="Mon-Sun",
        labour_minor_per_hour=0,
        minimum_order_minor=0,
    )
    return replace(node, margin=0 if node_id == "A" else 2 / 7, first_pass_yield=1.0)


def _carriers() -> LogisticsData:
    services = {"A": Service.ECONOMY, "B": Service.EXPRESS}
    return LogisticsData(
        lanes=tuple(NewLane(node_id=node, zone=Zone.LOCAL, services=(service,)) for node, service in services.items()),
        tariffs=(
            _tariff("works transport", Service.ECONOMY, base_minor=0),
            _tariff("city courier", Service.EXPRESS, base_minor=3_500),
        ),
        carbon_factors=tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="S6") for mode in Mode),
    )


def _tariff(carrier: str, service: Service, *, base_minor: int) -> NewTariff:
    tariff = Tariff(
        carrier=carrier,
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
    return NewTariff(tariff=tariff, source="scenario S6")
