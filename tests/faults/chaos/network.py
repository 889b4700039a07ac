"""The network that chaos happens to: 12 nodes of 6 bureaus on two continents, 20 parts of 3 owners, scarce stock.

Four planning scopes come of it: powder and extrusion, in Europe and in North America. Two parts nobody can make.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from types import MappingProxyType

from sqlalchemy import Engine
from sqlmodel import Session

from fabroute.database import unit_of_work
from fabroute.identity.rules import ALL_SCOPES, OrganisationKind
from fabroute.identity.service import create_organisation, issue_api_key
from fabroute.integrations.object_storage import open_print_file_store
from fabroute.inventory.service import add_revision, attach_print_file, register_part
from fabroute.logistics.rules import Mode, Service, Tariff, Zone, any_weight, transit_of
from fabroute.logistics.service import (
    LogisticsData,
    NewCarbonFactor,
    NewLane,
    NewTariff,
    PlaceView,
    save_logistics,
)
from fabroute.network.service import (
    NetworkData,
    NewLot,
    NewMachineModel,
    NewMaterial,
    NewNode,
    NewOffer,
    extend_capacity,
    save_network,
)
from fabroute.qualification.service import NewCertificate, save_certificates
from tests.factories.inventory import a_part, a_print_file, a_revision, release
from tests.factories.network import a_machine, a_material, a_model, a_node, an_offer

HORIZON_DAYS = 45
OFFER_SECONDS, PORTAL_SECONDS = 30, 180
"""How long nodes with a connector, and others, have to answer. A busy machine must not make them miss their offers:
silence is what the tempers of connectors are for."""
POWDER, FILAMENT = "PA12-MJF", "ASA-MEX"
MATERIALS: Mapping[str, str] = MappingProxyType({POWDER: "MJF", FILAMENT: "MEX"})
"""The process of each material."""
COMMON, RARE, NOBODYS = "ISO9001", "EN45545-HL2", "NADCAP-7110"
"""Certificates that all nodes hold, three nodes, and none."""
RARE_NODES = ("C01", "C04", "C09")
TOO_LARGE_MM = (900.0, 900.0, 900.0)
_GRAMS_PER_ORDER = 60
"""What an order takes of its material as a rule, and a little more."""
_LOTS = 3
_ALWAYS = (date(2020, 1, 1), date(2099, 12, 31))
_EUROPE = (
    ("Berlin", "DE", 52.5244, 13.4105, "Europe/Berlin"),
    ("Hamburg", "DE", 53.5507, 9.993, "Europe/Berlin"),
    ("Lyon", "FR", 45.7485, 4.8467, "Europe/Paris"),
    ("Lille", "FR", 50.633, 3.0586, "Europe/Paris"),
    ("Eindhoven", "NL", 51.4408, 5.4778, "Europe/Amsterdam"),
    ("Wroclaw", "PL", 51.1, 17.0333, "Europe/Warsaw"),
    ("Graz", "AT", 47.0667, 15.45, "Europe/Vienna"),
    ("Turin", "IT", 45.0705, 7.6868, "Europe/Rome"),
)
_AMERICA = (
    ("Chicago", "US", 41.85, -87.65, "America/Chicago"),
    ("Austin", "US", 30.2672, -97.7431, "America/Chicago"),
    ("Columbus", "US", 39.9612, -82.9988, "America/New_York"),
    ("Denver", "US", 39.7392, -104.9847, "America/Denver"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosPart:
    """A part that can be ordered, or that nobody can make."""

    part_no: str
    revision_id: str
    sha256: str
    """Of its print file."""
    feasible: bool
    """Whether some node can make it as long as nothing happens to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosOwner:
    """An owner of parts, with a key."""

    organisation_id: str
    token: str
    parts: tuple[ChaosPart, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosBureau:
    """A bureau with two nodes, and a key."""

    organisation_id: str
    token: str
    node_ids: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ChaosNetwork:
    """Who there is, and the keys to be them."""

    owners: tuple[ChaosOwner, ...]
    bureaus: tuple[ChaosBureau, ...]
    operator: str
    """The operator's key."""
    cities: Mapping[str, tuple[str, ...]]
    """Where to send parts to, by country."""

    @property
    def node_ids(self) -> tuple[str, ...]:
        """All nodes, in order."""
        return tuple(sorted(node_id for bureau in self.bureaus for node_id in bureau.node_ids))

    def bureau_of(self, node_id: str) -> ChaosBureau:
        """The bureau that has a node."""
        return next(bureau for bureau in self.bureaus if node_id in bureau.node_ids)


def given_network(engine: Engine, now: datetime, *, storage_url: str, orders: int = 500) -> ChaosNetwork:
    """Save the network, with print files in the store and stock for about half as much again as ``orders`` orders."""
    places = _EUROPE + _AMERICA
    node_ids = [f"C{number:02}" for number in range(1, len(places) + 1)]
    bureaus = tuple(f"org_chaos_bureau_{number}" for number in range(1, 7))
    owners = tuple(f"org_chaos_owner_{number}" for number in range(1, 4))
    with unit_of_work(engine) as session:
        tokens = {
            **{who: _organisation(session, who, "owner", now) for who in owners},
            **{who: _organisation(session, who, "bureau", now) for who in bureaus},
            "operator": _organisation(session, "org_chaos_operator", "operator", now),
        }
        nodes = {
            node_id: _node(node_id, place, bureaus[number % len(bureaus)])
            for number, (node_id, place) in enumerate(zip(node_ids, places, strict=True))
        }
        save_network(session, data=_network(tuple(nodes.values()), today=now.date(), orders=orders))
        extend_capacity(session, today=now.date(), horizon_days=HORIZON_DAYS)
        save_logistics(session, data=_logistics(nodes.values()))
        save_certificates(session, certificates=tuple(_certificates(nodes)), now=now)
    parts = _save_parts(engine, owners, storage_url=storage_url, now=now)
    return ChaosNetwork(
        owners=tuple(ChaosOwner(organisation_id=who, token=tokens[who], parts=parts[who]) for who in owners),
        bureaus=tuple(
            ChaosBureau(
                organisation_id=who,
                token=tokens[who],
                node_ids=tuple(it.node_id for it in nodes.values() if it.organisation_id == who),
            )
            for who in bureaus
        ),
        operator=tokens["operator"],
        cities={country: tuple(it[0] for it in places if it[1] == country) for country in {it[1] for it in places}},
    )


def _organisation(session: Session, organisation_id: str, kind: OrganisationKind, now: datetime) -> str:
    create_organisation(session, name=organisation_id, kind=kind, now=now, organisation_id=organisation_id)
    return issue_api_key(session, organisation_id=organisation_id, name="chaos", scopes=ALL_SCOPES, now=now).token


def _node(node_id: str, place: tuple[str, str, float, float, str], bureau: str) -> NewNode:
    """Return a node that costs what all others cost: work goes to the nearest, and is spread with the cities."""
    city, country, latitude, longitude, timezone = place
    node = a_node(
        node_id=node_id,
        organisation_id=bureau,
        city=city,
        country=country,
        latitude=latitude,
        longitude=longitude,
        timezone=timezone,
        working_days="Mon-Sun",
        minimum_order_minor=400,
    )
    return replace(node, offer_seconds=OFFER_SECONDS if node_id in RARE_NODES else PORTAL_SECONDS)


def _network(nodes: tuple[NewNode, ...], *, today: date, orders: int) -> NetworkData:
    machines = {(it.node_id, code): f"{it.node_id}-{process}" for it in nodes for code, process in MATERIALS.items()}
    return NetworkData(
        nodes=nodes,
        models=(_powder_printer(), _extruder()),
        materials=(a_material(code=POWDER), _filament()),
        machines=tuple(
            a_machine(machine_id=machine_id, node_id=node_id, model=f"Chaos {MATERIALS[code]}", utilisation=0.3)
            for (node_id, code), machine_id in machines.items()
        ),
        offers=tuple(_offer(machine_id, code) for (_, code), machine_id in machines.items()),
        lots=tuple(_lots(nodes, today=today, orders=orders)),
    )


def _offer(machine_id: str, code: str) -> NewOffer:
    return an_offer(machine_id=machine_id, process=MATERIALS[code], material=code)


def _lots(nodes: tuple[NewNode, ...], *, today: date, orders: int) -> Iterable[NewLot]:
    """Yield three lots of each material at each node, the later ones larger; two nodes share a supplier's lot."""
    grams = max(500, orders * _GRAMS_PER_ORDER * 3 // 2 // (len(nodes) * len(MATERIALS) * _LOTS))
    for number, node in enumerate(nodes):
        for code in MATERIALS:
            for lot in range(_LOTS):
                yield NewLot(
                    node_id=node.node_id,
                    material=code,
                    grams=grams * (lot + 1) // 2,
                    expires_on=today + timedelta(days=365 + lot),
                    lot_id=f"lot_{node.node_id}_{code}_{lot}",
                    supplier_lot=f"L-{code}-{lot}-{number // 2}",
                )


def _powder_printer() -> NewMachineModel:
    return replace(
        a_model(model="Chaos MJF"),
        layer_fixed_s=3.0,
        warmup_hours=0.05,
        cooldown_hours=0.05,
        setup_hours=0.05,
        unload_hours=0.05,
        rate_minor_per_hour=900,
    )


def _extruder() -> NewMachineModel:
    return replace(
        a_model(model="Chaos MEX", process="MEX", box_mm=(330, 240, 300)),
        layer_um=200,
        layer_fixed_s=0,
        rate_cm3_per_hour=60,
        warmup_hours=0.05,
        cooldown_hours=0.05,
        setup_hours=0.05,
        unload_hours=0.05,
        rate_minor_per_hour=600,
        power_kw=0.3,
    )


def _filament() -> NewMaterial:
    return replace(
        a_material(code=FILAMENT, process="MEX"),
        density_g_per_cm3=1.07,
        bulk_density_g_per_cm3=None,
        price_minor_per_kg=4500,
        refresh_ratio=None,
    )


def _certificates(nodes: Iterable[str]) -> Iterable[NewCertificate]:
    for node_id in nodes:
        for scheme in (COMMON, RARE) if node_id in RARE_NODES else (COMMON,):
            yield NewCertificate(
                certificate_id=f"crt_{node_id}_{scheme}",
                node_id=node_id,
                scheme=scheme,
                scope="*",
                valid_from=_ALWAYS[0],
                valid_to=_ALWAYS[1],
            )


def _logistics(nodes: Iterable[NewNode]) -> LogisticsData:
    zones = (Zone.LOCAL, Zone.DOMESTIC, Zone.CUSTOMS_UNION)
    services = (Service.ECONOMY, Service.EXPRESS)
    return LogisticsData(
        places=tuple(
            PlaceView(city=city, country=country, latitude=latitude, longitude=longitude, is_capital=city == "Berlin")
            for city, country, latitude, longitude, _ in _EUROPE + _AMERICA
        ),
        lanes=tuple(NewLane(node_id=node.node_id, zone=zone, services=services) for node in nodes for zone in zones),
        tariffs=tuple(
            NewTariff(tariff=_tariff(zone, service), source="chaos") for zone in zones for service in services
        ),
        carbon_factors=tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="chaos") for mode in Mode),
    )


def _tariff(zone: Zone, service: Service) -> Tariff:
    fast = service is Service.EXPRESS
    days = 1 if fast else 3
    return Tariff(
        carrier="reference",
        zone=zone,
        service=service,
        bands=any_weight(base_minor=900 if fast else 400, per_kg_minor=90),
        fuel_fraction=0.1,
        surcharge_minor=0,
        transit=transit_of(p50_days=days, p95_days=days),
        mode=Mode.HGV,
        valid_from=_ALWAYS[0],
        valid_to=_ALWAYS[1],
    )


def _save_parts(
    engine: Engine, owners: tuple[str, ...], *, storage_url: str, now: datetime
) -> dict[str, tuple[ChaosPart, ...]]:
    store = open_print_file_store(storage_url)
    found: dict[str, list[ChaosPart]] = {owner: [] for owner in owners}
    with unit_of_work(engine) as session:
        for number in range(20):
            owner = owners[number % len(owners)]
            content = f"print file of part {number}: ".encode() + bytes(range(256)) * 16
            found[owner].append(_save_part(session, number, owner, sha256=store.put(content), now=now))
    return {owner: tuple(parts) for owner, parts in found.items()}


def _save_part(session: Session, number: int, owner: str, *, sha256: str, now: datetime) -> ChaosPart:
    part_no = f"CH-{number:04}"
    part_id = register_part(session, part=a_part(part_no=part_no, organisation_id=owner), now=now)
    box = TOO_LARGE_MM if number == 18 else (20.0 + number, 20.0 + number, 15.0 + number)
    wanted = replace(
        a_revision(
            part_id=part_id,
            box_mm=box,
            volume_cm3=3.0 + number / 4,
            process_materials=_ways(number),
            required_certificates=_certificates_of(number),
        ),
        inspection_level="visual" if number % 4 == 2 else "none",
    )
    revision_id = add_revision(session, revision=wanted, now=now)
    facts = replace(a_print_file(box_mm=box, volume_cm3=3.0 + number / 4), sha256=sha256)
    attach_print_file(session, revision_id=revision_id, facts=facts, now=now)
    release(session, revision_id, now=now)
    return ChaosPart(part_no=part_no, revision_id=revision_id, sha256=sha256, feasible=number not in (18, 19))


def _certificates_of(number: int) -> tuple[str, ...]:
    if number == 19:
        return (NOBODYS,)
    return (RARE,) if number in (6, 11) else (COMMON,) if number % 4 == 1 else ()


def _ways(number: int) -> tuple[str, ...]:
    powder, filament = f"MJF:{POWDER}", f"MEX:{FILAMENT}"
    if number % 5 == 4:
        return (powder, filament)
    return (powder,) if number % 2 == 0 else (filament,)
