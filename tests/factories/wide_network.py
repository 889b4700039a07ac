"""The reference network, repeated as often as wanted: other places nearby, other rates, other work on the machines."""

import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta

from fabroute.integrations.reference.first_articles import revision_id
from fabroute.integrations.reference.rows import PartRow
from fabroute.inventory.service import LicenceView, PrintFileView, RevisionSize, RevisionView
from fabroute.logistics.rules import Location, Service, Zone, freight_book
from fabroute.logistics.service import LogisticsView
from fabroute.network.rules import NodeCalendar, daily_capacity_minutes
from fabroute.network.service import (
    CalibrationView,
    LotView,
    MachineModelView,
    MachineView,
    MaterialView,
    NetworkView,
    NewNode,
    NodeView,
    OfferRates,
    OfferView,
)
from fabroute.qualification.service import CertificateView, FirstArticleView, Qualifications
from fabroute.routing.service.quoting import PartAsked, QuoteAsked
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.reference import reference_description

BASE = datetime(2026, 6, 15, 8, 0, tzinfo=UTC)
HORIZON_DAYS = 45


def a_wide_snapshot(
    *, nodes: int = 300, seed: int = 4, now: datetime = BASE, horizon_days: int = HORIZON_DAYS
) -> RoutingSnapshot:
    """Return a snapshot of so many nodes, without lines: the reference network in copies that differ by chance."""
    chance = random.Random(seed)
    found = reference_description()
    copies = [(node, copy) for copy in range(-(-nodes // len(found.network.nodes))) for node in found.network.nodes]
    names = {(node.node_id, copy): f"{node.node_id}-{copy:02}" if copy else node.node_id for node, copy in copies}
    kept = dict(sorted(names.items(), key=lambda item: (item[0][1], item[0][0]))[:nodes])
    network = _network(kept, chance, now=now, horizon_days=horizon_days)
    return RoutingSnapshot(
        now=now,
        horizon_days=horizon_days,
        lines=(),
        revisions={},
        network=network,
        qualifications=Qualifications(certificates=_certificates(kept), first_articles={}),
        logistics=_logistics(kept),
        licences={},
        spent_minor={},
    )


def reference_part(part_no: str, *, snapshot: RoutingSnapshot) -> PartAsked:
    """Return a reference part with its first articles at all copies of the nodes that have one."""
    row = next(part for part in reference_description().parts if part.part_no == part_no)
    return PartAsked(revision=_revision(row), first_articles=_first_articles(row, snapshot))


def part_numbers() -> tuple[str, ...]:
    """Return the numbers of all reference parts."""
    return tuple(part.part_no for part in reference_description().parts)


def some_places() -> tuple[Location, ...]:
    """Return the places of the reference nodes and some on other continents."""
    nodes = reference_description().network.nodes
    return tuple(Location(latitude=it.latitude, longitude=it.longitude, country=it.country) for it in nodes)


def random_asks(
    snapshot: RoutingSnapshot, *, count: int, seed: int, quantities: int = 5, parts: Sequence[str] = ()
) -> list[QuoteAsked]:
    """Return different questions: parts, places, criticalities, packagings, days, caps and quantities by chance."""
    chance, places = random.Random(seed), some_places()
    known = {number: reference_part(number, snapshot=snapshot) for number in parts or part_numbers()}
    return [_ask(chance, known[chance.choice(list(known))], places, snapshot.now, quantities) for _ in range(count)]


def _ask(
    chance: random.Random, part: PartAsked, places: Sequence[Location], now: datetime, quantities: int
) -> QuoteAsked:
    near = chance.choice(places)
    place = Location(
        latitude=max(-89.0, min(89.0, near.latitude + chance.uniform(-1, 1))),
        longitude=max(-179.0, min(179.0, near.longitude + chance.uniform(-1, 1))),
        country=near.country,
    )
    wanted = {chance.choice((1, 2, 3, 5, 8, 10, 20, 25, 50, 100, 200, 250, 500)) for _ in range(quantities * 4)}
    return QuoteAsked(
        part=part,
        quantities=tuple(sorted(wanted))[:quantities],
        destination=place,
        criticality=chance.choice(("routine", "routine", "line_down", "aog", "consumer", "patient", "safety")),
        packaging=chance.choice(("plain", "plain", "brand", "esd")),
        need_by=chance.choice((None, now + timedelta(hours=chance.randint(24, 24 * 25)))),
        need_by_hard=chance.random() < 0.7,
        max_price_minor=chance.choice((None, None, chance.randint(5_000, 400_000))),
    )


def _network(
    kept: dict[tuple[str, int], str], chance: random.Random, *, now: datetime, horizon_days: int
) -> NetworkView:
    described = {node.node_id: node for node in reference_description().network.nodes}
    nodes = {name: _node(described[origin], name, copy, chance) for (origin, copy), name in kept.items()}
    machines = _machines(kept, chance)
    return NetworkView(
        first_day=now.date(),
        last_day=now.date() + timedelta(days=horizon_days - 1),
        nodes=dict(sorted(nodes.items())),
        machines=machines,
        offers=_offers(kept, machines, chance),
        lots=_lots(kept, chance),
        capacity={
            machine.machine_id: _free(machine, nodes[machine.node_id], chance, now, horizon_days)
            for machine in machines.values()
        },
    )


def _node(row: NewNode, name: str, copy: int, chance: random.Random) -> NodeView:
    moved = 0.0 if not copy else 1.0
    facts = {
        **asdict(row),
        "node_id": name,
        "latitude": row.latitude + moved * chance.uniform(-0.5, 0.5),
        "longitude": row.longitude + moved * chance.uniform(-0.5, 0.5),
        "labour_minor_per_hour": round(row.labour_minor_per_hour * chance.uniform(0.9, 1.1)),
        "margin": row.margin * chance.uniform(0.8, 1.2),
        "grid_g_co2_per_kwh": chance.choice((None, row.grid_g_co2_per_kwh)),
    }
    status = "down" if chance.random() < 0.03 else "up"
    return NodeView(**facts, status=status, status_reason="", version=1, queue_version=1)


def _machines(kept: dict[tuple[str, int], str], chance: random.Random) -> dict[str, MachineView]:
    network = reference_description().network
    models = {model.model: MachineModelView(**asdict(model)) for model in network.models}
    found = (
        MachineView(
            machine_id=_copied(machine.machine_id, machine.node_id, name),
            node_id=name,
            model=models[machine.model],
            utilisation=min(0.98, max(0.0, machine.utilisation + chance.uniform(-0.2, 0.2))),
            status="down" if chance.random() < 0.03 else "up",
        )
        for (origin, _), name in kept.items()
        for machine in network.machines
        if machine.node_id == origin
    )
    return {machine.machine_id: machine for machine in sorted(found, key=lambda machine: machine.machine_id)}


def _offers(
    kept: dict[tuple[str, int], str], machines: dict[str, MachineView], chance: random.Random
) -> tuple[OfferView, ...]:
    network = reference_description().network
    materials = {material.code: MaterialView(**asdict(material)) for material in network.materials}
    at_node = defaultdict(list)
    for machine in network.machines:
        at_node[machine.node_id].append(machine.machine_id)
    of_machine = defaultdict(list)
    for offer in network.offers:
        of_machine[offer.machine_id].append(offer)
    found = []
    for (origin, _), name in kept.items():
        for machine_id in at_node[origin]:
            for offer in of_machine[machine_id]:
                copied = machines[_copied(machine_id, origin, name)]
                found.append(
                    OfferView(
                        offer_id=offer.offer_id.replace(origin, name, 1),
                        machine_id=copied.machine_id,
                        node_id=name,
                        process=offer.process,
                        material=materials[offer.material],
                        model=copied.model,
                        parameter_set=offer.parameter_set,
                        parameter_set_state="development" if chance.random() < 0.03 else offer.parameter_set_state,
                        calibration=_calibration(chance),
                        rates=_rates(chance),
                    )
                )
    return tuple(sorted(found, key=lambda offer: offer.offer_id))


def _calibration(chance: random.Random) -> CalibrationView | None:
    if chance.random() < 0.6:
        return None
    ratios = [chance.gauss(0.05, 0.15) for _ in range(chance.randint(1, 30))]
    return CalibrationView(
        builds=len(ratios),
        log_ratio_sum=sum(ratios),
        log_ratio_sum_squares=sum(ratio * ratio for ratio in ratios),
        good_prints=chance.randint(0, 200),
        failed_prints=chance.randint(0, 10),
        learnt_at=BASE,
    )


def _rates(chance: random.Random) -> OfferRates:
    return OfferRates(
        machine_minor_per_hour=chance.choice((None, None, None, chance.randint(300, 16_000))),
        labour_minor_per_hour=chance.choice((None, None, None, chance.randint(2_000, 7_000))),
    )


def _lots(kept: dict[tuple[str, int], str], chance: random.Random) -> tuple[LotView, ...]:
    return tuple(
        LotView(
            lot_id=f"{lot.lot_id}_{name}",
            node_id=name,
            material=lot.material,
            initial_grams=lot.grams,
            remaining_grams=round(lot.grams * chance.uniform(0.2, 1)),
            expires_on=lot.expires_on,
            state=lot.state,
            reuse_count=lot.reuse_count,
        )
        for (origin, _), name in kept.items()
        for lot in reference_description().network.lots
        if lot.node_id == origin
    )


def _free(
    machine: MachineView, node: NodeView, chance: random.Random, now: datetime, horizon_days: int
) -> tuple[int, ...]:
    """Return what is left of each day: some of the first days are taken already."""
    calendar = NodeCalendar(
        country=node.country,
        timezone=node.timezone,
        working_days=node.working_days,
        cutoff_local=node.cutoff_local,
    )
    busy = chance.choice((0, 0, 1, 3, 8, 20))
    return tuple(
        0
        if day < busy
        else daily_capacity_minutes(
            now.date() + timedelta(days=day), utilisation=machine.utilisation, calendar=calendar
        )
        for day in range(horizon_days)
    )


def _certificates(kept: dict[tuple[str, int], str]) -> dict[str, tuple[CertificateView, ...]]:
    held = defaultdict(list)
    for certificate in reference_description().certificates:
        held[certificate.node_id].append(certificate)
    return {
        name: tuple(
            CertificateView(
                certificate_id=f"{certificate.certificate_id}_{name}",
                node_id=name,
                scheme=certificate.scheme,
                scope_kind="site",
                scope=certificate.scope,
                valid_from=certificate.valid_from,
                valid_to=certificate.valid_to,
                verified_at=BASE,
            )
            for certificate in held[origin]
        )
        for (origin, _), name in kept.items()
    }


def _logistics(kept: dict[tuple[str, int], str]) -> LogisticsView:
    data = reference_description().logistics
    of_node: defaultdict[str, dict[Zone, tuple[Service, ...]]] = defaultdict(dict)
    for lane in data.lanes:
        of_node[lane.node_id][lane.zone] = lane.services
    book = freight_book(
        tariffs=[row.tariff for row in data.tariffs],
        duties=[row.duty for row in data.duty_rules],
        g_per_tonne_km={row.mode: row.g_per_tonne_km for row in data.carbon_factors},
    )
    return LogisticsView(lanes={name: of_node[origin] for (origin, _), name in kept.items()}, freight=book)


def _revision(row: PartRow) -> RevisionView:
    x, y, z = row.box_mm
    file = PrintFileView(
        sha256="0" * 64,
        size_bytes=1000,
        media_type="model/3mf",
        box_x_mm=x,
        box_y_mm=y,
        box_z_mm=z,
        volume_cm3=row.volume_cm3,
        triangles=12,
        validated_at=BASE,
    )
    return RevisionView(
        revision_id=revision_id(row.part_no),
        part_id=f"part_{row.part_no}",
        organisation_id="org_owner",
        part_no=row.part_no,
        name=row.name,
        sector=row.sector,
        criticality=row.criticality,
        hs_code=row.hs_code,
        revision="A",
        state="released",
        size=RevisionSize(box_x_mm=x, box_y_mm=y, box_z_mm=z, volume_cm3=row.volume_cm3),
        process_materials=row.process_materials,
        required_certificates=row.required_certificates,
        part_qualification=row.part_qualification,
        export_class=row.export_class,
        ip_zone=row.ip_zone,
        released_at=BASE,
        file=file,
    )


def _first_articles(row: PartRow, snapshot: RoutingSnapshot) -> dict[tuple[str, str, str, str], FirstArticleView]:
    revision = revision_id(row.part_no)
    known = {
        (article.machine_id, article.material, article.parameter_set): article
        for article in reference_description().first_articles
        if article.revision_id == revision
    }
    found = {}
    for offer in snapshot.network.offers:
        origin = offer.node_id.partition("-")[0]
        machine_id = offer.machine_id.replace(offer.node_id, origin, 1)
        article = known.get((machine_id, offer.material.code, offer.parameter_set))
        if article is not None:
            key = (revision, offer.machine_id, offer.material.code, offer.parameter_set)
            found[key] = FirstArticleView(
                first_article_id=f"fai_{offer.offer_id}",
                revision_id=revision,
                node_id=offer.node_id,
                machine_id=offer.machine_id,
                material=offer.material.code,
                parameter_set=offer.parameter_set,
                approved_on=article.approved_on,
                last_production_on=article.last_production_on,
            )
    return found


def _copied(name: str, origin: str, copy: str) -> str:
    return name.replace(origin, copy, 1)


def with_licence(part: PartAsked, *licences: LicenceView) -> PartAsked:
    """Return a part that may be printed under these licences only."""
    return replace(part, revision=replace(part.revision, licence_required=True), licences=licences)
