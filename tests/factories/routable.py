"""A network in the database that can serve orders: nodes with a machine, a lot, a certificate, lanes and tariffs."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.logistics.rules import Mode, Service, Tariff, Zone, any_weight, transit_of
from fabroute.logistics.service import LogisticsData, NewCarbonFactor, NewLane, NewTariff, save_logistics
from fabroute.network.service import NetworkData, NewNode, extend_capacity, save_network
from fabroute.qualification.service import NewCertificate, save_certificates
from tests.factories.databases import rows
from tests.factories.network import a_lot, a_machine, a_material, a_model, a_node, an_offer
from tests.factories.organisations import NOW, save_organisations

TODAY = NOW.date()
HORIZON_DAYS = 45


def given_routable_network(
    engine: Engine,
    *,
    nodes: tuple[NewNode, ...] = (a_node(),),
    today: date = TODAY,
    lot_grams: int = 10_000,
    certified: bool = True,
) -> None:
    """Save nodes that can make ``tests.factories.orders``' part, with the capacity of the horizon from ``today`` on.

    The machine of node ``N101`` is ``N101-A``, its lot ``lot_N101``; half of each working day is free.
    """
    data = NetworkData(
        nodes=nodes,
        models=(a_model(),),
        materials=(a_material(),),
        machines=tuple(a_machine(machine_id=f"{node.node_id}-A", node_id=node.node_id) for node in nodes),
        offers=tuple(an_offer(machine_id=f"{node.node_id}-A") for node in nodes),
        lots=tuple(a_lot(lot_id=f"lot_{it.node_id}", node_id=it.node_id, grams=lot_grams) for it in nodes),
    )
    with unit_of_work(engine) as session:
        save_organisations(session)
        save_network(session, data=data)
        extend_capacity(session, today=today, horizon_days=HORIZON_DAYS)
        save_logistics(session, data=_logistics(node.node_id for node in nodes))
        if certified:
            save_certificates(session, certificates=tuple(_certificate(node.node_id) for node in nodes), now=NOW)
        session.connection().exec_driver_sql("UPDATE outbox_events SET published_at = now()")


def given_lanes(engine: Engine, *node_ids: str) -> None:
    """Save express lanes of nodes to all zones of the union, at 8.00 and 0.90 a kilogram, a working day long."""
    with unit_of_work(engine) as session:
        save_logistics(session, data=_logistics(node_ids))


def given_free_minutes(
    engine: Engine, minutes: Sequence[int], *, machine_id: str = "N101-A", today: date = TODAY
) -> None:
    """Give a machine these minutes from ``today`` on, and none afterwards."""
    update = (
        "UPDATE capacity_slots slot SET initial_minutes = wanted.free, remaining_minutes = wanted.free"
        " FROM (SELECT day, coalesce((CAST(:minutes AS int[]))[day - CAST(:today AS date) + 1], 0) AS free"
        " FROM capacity_slots WHERE machine_id = :machine_id) AS wanted"
        " WHERE slot.machine_id = :machine_id AND slot.day = wanted.day RETURNING 1"
    )
    with unit_of_work(engine) as session:
        rows(session, update, minutes=list(minutes), machine_id=machine_id, today=today)


def held_and_taken(session: Session) -> dict[str, int]:
    """Return what is taken of lots and slots, and what allocations hold of them; the two must be the same."""
    ((grams, minutes, held_grams, held_minutes),) = rows(
        session,
        "SELECT (SELECT sum(initial_grams - remaining_grams) FROM material_lots),"
        " (SELECT sum(initial_minutes - remaining_minutes) FROM capacity_slots),"
        " (SELECT coalesce(sum(grams), 0) FROM material_allocations WHERE released_at IS NULL),"
        " (SELECT coalesce(sum(minutes), 0) FROM capacity_allocations WHERE released_at IS NULL)",
    )
    return {
        "grams": int(str(grams)),
        "minutes": int(str(minutes)),
        "held_grams": int(str(held_grams)),
        "held_minutes": int(str(held_minutes)),
    }


def _logistics(node_ids: Iterable[str]) -> LogisticsData:
    zones = (Zone.LOCAL, Zone.DOMESTIC, Zone.CUSTOMS_UNION)
    return LogisticsData(
        lanes=tuple(
            NewLane(node_id=node_id, zone=zone, services=(Service.EXPRESS,)) for node_id in node_ids for zone in zones
        ),
        tariffs=tuple(NewTariff(tariff=_tariff(zone), source="test") for zone in zones),
        carbon_factors=tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="test") for mode in Mode),
    )


def _tariff(zone: Zone) -> Tariff:
    return Tariff(
        carrier="reference",
        zone=zone,
        service=Service.EXPRESS,
        bands=any_weight(base_minor=800, per_kg_minor=90),
        fuel_fraction=0.18,
        surcharge_minor=0,
        transit=transit_of(p50_days=1, p95_days=1),
        mode=Mode.HGV,
        valid_from=date(2010, 1, 1),
        valid_to=date(2099, 12, 31),
    )


def _certificate(node_id: str) -> NewCertificate:
    return NewCertificate(
        certificate_id=f"crt_{node_id}",
        node_id=node_id,
        scheme="ISO9001",
        scope="*",
        valid_from=date(2020, 1, 1),
        valid_to=date(2099, 12, 31),
    )
