"""Small networks and questions by chance, with something of everything that a gate can trip over."""

import random
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeVar

from fabroute.inventory.service import LicenceView
from fabroute.logistics.rules import Location, Mode, Service, Tariff, WeightBand, Zone, freight_book
from fabroute.logistics.rules.duties import Duty
from fabroute.logistics.service import LogisticsView
from fabroute.network.service import CalibrationView, LotView, NodeView, OfferRates, OfferView
from fabroute.qualification.service import CertificateView, FirstArticleView
from fabroute.routing.service.quoting import PartAsked, QuoteAsked
from fabroute.routing.snapshot import RoutingSnapshot
from tests.factories.routing import MONDAY_MORNING, a_lot_view, a_node_view, an_offer_view
from tests.factories.snapshots import (
    ALWAYS,
    G_PER_TONNE_KM,
    PRINTER,
    a_certificate,
    a_first_article,
    a_licence,
    a_printer,
    a_revision_view,
    a_snapshot,
)

_PLACES = (
    ("DE", "Europe/Berlin", 52.5, 13.4),
    ("DE", "Europe/Berlin", 52.3, 13.1),
    ("FR", "Europe/Paris", 48.9, 2.3),
    ("CH", "Europe/Zurich", 47.4, 8.5),
    ("US", "America/Chicago", 41.9, -87.6),
    ("JP", "Asia/Tokyo", 35.7, 139.7),
    ("AE", "Asia/Dubai", 25.2, 55.3),
)
_IN_A_SANDBOX = "N007"
_Wish = TypeVar("_Wish")
_SMALL = replace(PRINTER, model="Small", x_mm=60, y_mm=60, z_mm=60)


def a_random_network(seed: int) -> RoutingSnapshot:
    """Return up to eight nodes in seven places: printers and powder machines, weak proofs, few lots, odd lanes."""
    chance = random.Random(seed)
    nodes = tuple(_node(chance, f"N{number:03}") for number in range(chance.randint(1, 8)))
    offers = tuple(offer for node in nodes for offer in _offers(chance, node))
    now = MONDAY_MORNING + timedelta(minutes=chance.randint(0, 14 * 24 * 60))
    machines = {offer.machine_id for offer in offers}
    days = chance.choice((5, 14, 30))
    snapshot = a_snapshot(
        nodes=nodes,
        offers=offers,
        lots=tuple(lot for node in nodes for lot in _lots(chance, node.node_id)),
        certificates=tuple(proof for node in nodes for proof in _certificates(chance, node.node_id)),
        free_minutes={
            name: tuple(chance.choice((0, 100, 700, 1400)) for _ in range(days)) for name in sorted(machines)
        },
        machine_status={name: chance.choice(("up", "up", "up", "down")) for name in sorted(machines)},
        now=now,
        horizon_days=days,
    )
    return replace(snapshot, lines=(), revisions={}, logistics=_logistics(chance, nodes))


def a_random_ask(seed: int, snapshot: RoutingSnapshot) -> QuoteAsked:
    """Return a question for a part that some of the nodes may be able to make."""
    chance = random.Random(seed)
    country, _, latitude, longitude = chance.choice(_PLACES)
    now = snapshot.now
    return QuoteAsked(
        part=_in_a_sandbox(_part(chance, snapshot)) if seed % 7 == 3 else _part(chance, snapshot),
        quantities=tuple(chance.sample((1, 2, 3, 7, 20, 40, 150, 900, 5_000), chance.randint(1, 5))),
        destination=Location(latitude=latitude + chance.uniform(-1, 1), longitude=longitude, country=country),
        criticality=chance.choice(("routine", "routine", "routine", "aog", "consumer", "patient", "safety")),
        packaging=chance.choice(("plain", "plain", "plain", "brand")),
        need_by=chance.choice((None, now + timedelta(hours=chance.randint(-24, 24 * 30)))),
        need_by_hard=chance.random() < 0.75,
        max_price_minor=chance.choice((None, None, chance.randint(2_000, 300_000))),
    )


def _in_a_sandbox(part: PartAsked) -> PartAsked:
    return replace(part, revision=replace(part.revision, organisation_id="org_sandbox_1"))


def _node(chance: random.Random, name: str) -> NodeView:
    country, timezone, latitude, longitude = chance.choice(_PLACES)
    view = replace(
        a_node_view(
            node_id=name,
            country=country,
            timezone=timezone,
            working_days=chance.choice(("Mon-Fri", "Mon-Sat", "Mon-Sun")),
            cutoff_local=chance.choice(("09:00", "15:00")),
            minimum_order_minor=chance.choice((0, 9_000, 40_000)),
            minimum_order_policy=chance.choice(("top_up", "refuse")),
            packaging=chance.choice((("plain",), ("plain", "brand"))),
            export_permissions=chance.choice(((), ("dual_use",), ("dual_use", "itar"))),
            status=chance.choice(("up", "up", "up", "up", "down")),
            margin=chance.choice((0.0, 0.2, 0.35)),
            latitude=latitude + chance.uniform(-0.4, 0.4),
            longitude=longitude + chance.uniform(-0.4, 0.4),
        ),
        grid_g_co2_per_kwh=chance.choice((None, 41.0, 380.9)),
        first_pass_yield=chance.choice((1.0, 0.9)),
    )
    return replace(view, organisation_id="org_sandbox_1_bureau") if name == _IN_A_SANDBOX else view


def _offers(chance: random.Random, node: NodeView) -> list[OfferView]:
    printers = [
        a_printer(
            node_id=node.node_id,
            machine_id=f"{node.node_id}-{letter}",
            model=chance.choice((PRINTER, PRINTER, _SMALL)),
            state=chance.choice(("qualified", "qualified", "development")),
        )
        for letter in "AB"[: chance.randint(0, 2)]
    ]
    powder = [an_offer_view(node_id=node.node_id, machine_id=f"{node.node_id}-M")] if chance.random() < 0.5 else []
    return [replace(offer, calibration=_learnt(chance), rates=_stated(chance)) for offer in (*printers, *powder)]


def _learnt(chance: random.Random) -> CalibrationView | None:
    if chance.random() < 0.5:
        return None
    builds, mean = chance.randint(0, 20), chance.uniform(-0.3, 0.6)
    return CalibrationView(
        builds=builds,
        log_ratio_sum=builds * mean,
        log_ratio_sum_squares=builds * mean * mean * chance.uniform(1, 1.5),
        good_prints=chance.randint(0, 50),
        failed_prints=chance.randint(0, 20),
        learnt_at=MONDAY_MORNING,
    )


def _stated(chance: random.Random) -> OfferRates:
    return OfferRates(
        machine_minor_per_hour=chance.choice((None, 350, 5_100)),
        material_minor_per_kg=chance.choice((None, None, 4_440)),
        labour_minor_per_hour=chance.choice((None, None, 3_300)),
    )


def _lots(chance: random.Random, node_id: str) -> list[LotView]:
    return [
        replace(
            a_lot_view(
                lot_id=f"lot_{chance.randint(0, 999):03}_{node_id}_{number}",
                node_id=node_id,
                material=chance.choice(("PLA", "PLA", "PA12-MJF")),
                grams=chance.choice((30, 400, 9_000, 90_000, 900_000)),
                expires_on=date(2026, 6, 15) + timedelta(days=chance.choice((-1, 9, 20, 400, 400))),
                state=chance.choice(("available", "available", "available", "available", "quarantined")),
            ),
            reuse_count=chance.choice((0, 0, 0, 0, 11)),
        )
        for number in range(chance.randint(1, 6))
    ]


def _certificates(chance: random.Random, node_id: str) -> list[CertificateView]:
    return [
        a_certificate(
            node_id=node_id,
            scheme=chance.choice(("ISO9001", "EN9100")),
            scope=chance.choice(("*", "MEX", "MEX:PLA", "MJF:PA12-MJF")),
            valid_from=date(2026, 6, 15) + timedelta(days=chance.choice((-500, -500, 4))),
            valid_to=date(2026, 6, 15) + timedelta(days=chance.choice((4, 6, 20, 900))),
            machine_id=chance.choice((None, None, f"{node_id}-A")),
            verified=chance.random() < 0.85,
        )
        for _ in range(chance.randint(0, 4))
    ]


def _part(chance: random.Random, snapshot: RoutingSnapshot) -> PartAsked:
    """Return a clip that asks for little, or, every second time, for anything."""
    strict = chance.random() < 0.5

    def wanted(usual: _Wish, *others: _Wish) -> _Wish:
        return chance.choice((usual, usual, usual, *others)) if strict else usual

    revision = a_revision_view(
        state=wanted("released", "withdrawn"),
        box_mm=chance.choice(((50, 40, 20), (50, 40, 20), (58, 30, 30), (150, 90, 30), (400, 20, 20))),
        volume_cm3=chance.choice((8.0, 20.0, 31.5)),
        process_materials=chance.choice((("MEX:PLA",), ("MEX:PLA", "MJF:PA12-MJF"), ("MJF:PA12-MJF",))),
        required_certificates=wanted((), ("ISO9001",), ("ISO9001", "EN9100")),
        part_qualification=strict and chance.random() < 0.3,
        export_class=wanted("none", "dual_use", "itar", "strange"),
        ip_zone=wanted("any", "EU", "same_country"),
        packaging=wanted("plain", "esd"),
        parameter_sets=wanted((), ("PS-1",), ("PS-9",)),
        qualified_orientation=chance.choice((None, None, "x")),
        ip_countries=wanted((), ("DE", "FR")),
        ip_kinds=wanted((), ("in_house",)),
        licence_required=chance.random() < 0.2,
    )
    return PartAsked(
        revision=revision,
        first_articles=_first_articles(chance, snapshot),
        licences=_licences(chance) if revision.licence_required else (),
    )


def _first_articles(
    chance: random.Random, snapshot: RoutingSnapshot
) -> dict[tuple[str, str, str, str], FirstArticleView]:
    found = {}
    for offer in snapshot.network.offers:
        if chance.random() < 0.6:
            made = a_first_article(
                machine_id=offer.machine_id,
                last_production_on=chance.choice((date(2026, 1, 10), date(2024, 6, 20), date(2020, 1, 1))),
            )
            approved = chance.choice((date(2025, 6, 1), date(2026, 6, 25)))
            key = ("rev_1", offer.machine_id, offer.material.code, offer.parameter_set)
            found[key] = replace(made, approved_on=approved, material=offer.material.code)
    return found


def _licences(chance: random.Random) -> tuple[LicenceView, ...]:
    return tuple(
        a_licence(
            licence_id=f"lic_{number}",
            granted=chance.choice((5, 100, 10_000)),
            leased=chance.choice((0, 3)),
            node_ids=chance.choice(((), (), ("N001", "N002"))),
            countries=chance.choice(((), (), ("DE",))),
            valid_to=chance.choice((None, date(2026, 6, 18), date(2026, 7, 30))),
            state=chance.choice(("active", "active", "frozen")),
        )
        for number in range(chance.randint(0, 3))
    )


def _logistics(chance: random.Random, nodes: tuple[NodeView, ...]) -> LogisticsView:
    book = freight_book(
        tariffs=[
            _tariff(chance, carrier, zone, service)
            for zone in Zone
            for service in Service
            for carrier in ("slow", "swift")
            if chance.random() < 0.7
        ],
        duties=[
            _duty(territory, consignment, limit)
            for territory, consignment, limit in (
                ("EU", "b2c", 15_000),
                ("EU", "b2b", None),
                ("*", "b2b", 20_000),
                ("*", "b2b", None),
                ("US", "b2c", None),
            )
            if chance.random() < 0.85
        ],
        g_per_tonne_km=G_PER_TONNE_KM,
    )
    lanes = {
        node.node_id: {
            zone: tuple(chance.sample(list(Service), chance.randint(1, 3))) for zone in Zone if chance.random() < 0.9
        }
        for node in nodes
    }
    return LogisticsView(lanes=lanes, freight=book)


def _tariff(chance: random.Random, carrier: str, zone: Zone, service: Service) -> Tariff:
    limit = chance.choice((2_000, 30_000, None))
    bands = (WeightBand(up_to_grams=500, base_minor=500, per_kg_minor=chance.choice((50, 100))),)
    heavy = WeightBand(up_to_grams=limit, base_minor=chance.choice((500, 800)), per_kg_minor=120)
    return Tariff(
        carrier=carrier,
        zone=zone,
        service=service,
        bands=(*bands, heavy),
        minimum_minor=chance.choice((0, 560, 900)),
        fuel_fraction=0.18,
        surcharge_minor=chance.choice((0, 250)),
        transit=chance.choice((((0, 950), (1, 50)), ((1, 500), (3, 450), (4, 50)), ((2, 100), (3, 800), (9, 100)))),
        mode=chance.choice((Mode.VAN, Mode.HGV, Mode.FLIGHT_SHORT, Mode.RAIL)),
        valid_from=chance.choice((ALWAYS[0], date(2026, 6, 20))),
        valid_to=ALWAYS[1],
    )


def _duty(territory: str, consignment: str, limit: int | None) -> Duty:
    return Duty(
        territory=territory,
        consignment="b2c" if consignment == "b2c" else "b2b",
        maximum_value_minor=limit,
        fixed_minor=300,
        fraction=0.037,
        valid_from=ALWAYS[0],
        valid_to=ALWAYS[1],
    )
