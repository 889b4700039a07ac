"""Scenario S3, fleet down, over HTTP: an expired certificate and a queue keep two bureaus off, and what that costs.

Deliveries are handed over at 17:00 of a working day, so that hours to the arrival come in days: ordered at 6:00 in
Berlin, in-house and bureau Y are there after 36 hours (30 and 26 in the story) and bureau Z after 60, as in the story.
Prices are the nodes' minimum orders and one flat parcel. Z's queue is a machine that is nearly full all the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine

from fabroute.cli.decision_story import decision_story
from fabroute.database import unit_of_work
from fabroute.logistics.rules import Mode, Service, Tariff, Zone, any_weight
from fabroute.logistics.service import LogisticsData, NewCarbonFactor, NewLane, NewTariff, save_logistics
from fabroute.network.service import NetworkData, NewNode, extend_capacity, save_network
from fabroute.production.service import offer_jobs
from fabroute.qualification.service import NewCertificate, save_certificates
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.api import Api, Json, served_api
from tests.factories.inventory import a_part, a_revision, save_a_released_part
from tests.factories.network import a_lot, a_machine, a_material, a_model, a_node, an_offer
from tests.factories.organisations import save_organisations

pytestmark = pytest.mark.timeout(600)

MONDAY = datetime(2026, 6, 15, 4, 0, tzinfo=UTC)
"""6:00 in Berlin; by the sun 17:00 there is 16:00 UTC, 36 hours later on Tuesday."""
ALWAYS = (date(2020, 1, 1), date(2099, 12, 31))
SCHEME = "EN45545-HL2"
PLUG, HULL = "socket plug", "hull section"
PARCEL_MINOR = 1_000
SCOPE = "polymer_powder/europe"
NEARLY_FULL = 0.965


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What the story says of the three places, and how many plugs are ordered."""

    plugs: int
    in_house_minor: int
    cheaper_minor: int
    expired_on: date


STORY = Figures(plugs=12, in_house_minor=150_000, cheaper_minor=90_000, expired_on=date(2026, 6, 14))
OTHER = Figures(plugs=10, in_house_minor=124_050, cheaper_minor=100_525, expired_on=date(2026, 5, 31))


def a_place(node_id: str, *, kind: str, landed_minor: int) -> NewNode:
    return a_node(
        node_id=node_id,
        kind=kind,
        city=f"Berlin {node_id}",
        labour_minor_per_hour=100,
        minimum_order_minor=landed_minor - PARCEL_MINOR,
    )


def a_network(figures: Figures) -> NetworkData:
    nodes = (
        a_place("DEPOT", kind="in_house", landed_minor=figures.in_house_minor),
        a_place("Y", kind="service_bureau", landed_minor=figures.cheaper_minor),
        a_place("Z", kind="service_bureau", landed_minor=figures.in_house_minor - 10_000),
    )
    names = [node.node_id for node in nodes]
    return NetworkData(
        nodes=nodes,
        models=(replace(a_model(), cooldown_hours=0.5, rate_minor_per_hour=450),),
        materials=(replace(a_material(), price_minor_per_kg=600),),
        machines=tuple(
            a_machine(machine_id=f"{name}-A", node_id=name, utilisation=NEARLY_FULL if name == "Z" else 0.0)
            for name in names
        ),
        offers=tuple(an_offer(machine_id=f"{name}-A") for name in names),
        lots=tuple(a_lot(lot_id=f"lot_{name}", node_id=name) for name in names),
    )


def logistics() -> LogisticsData:
    """Return one parcel service, which is there on the day it leaves."""
    tariff = Tariff(
        carrier="courier",
        zone=Zone.LOCAL,
        service=Service.EXPRESS,
        bands=any_weight(base_minor=PARCEL_MINOR, per_kg_minor=0),
        fuel_fraction=0,
        surcharge_minor=0,
        transit=((0, 1000),),
        mode=Mode.VAN,
        valid_from=ALWAYS[0],
        valid_to=ALWAYS[1],
    )
    return LogisticsData(
        lanes=tuple(
            NewLane(node_id=name, zone=Zone.LOCAL, services=(Service.EXPRESS,)) for name in ("DEPOT", "Y", "Z")
        ),
        tariffs=(NewTariff(tariff=tariff, source="scenario S3"),),
        carbon_factors=tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="S3") for mode in Mode),
    )


def certificates(figures: Figures) -> tuple[NewCertificate, ...]:
    ends = {"DEPOT": ALWAYS[1], "Y": figures.expired_on, "Z": ALWAYS[1]}
    return tuple(
        NewCertificate(
            certificate_id=f"crt_{name}",
            node_id=name,
            scheme=SCHEME,
            scope="MJF:PA12-MJF",
            valid_from=ALWAYS[0],
            valid_to=last_day,
        )
        for name, last_day in ends.items()
    )


def given_the_places(api: Api, figures: Figures) -> None:
    organisation_id = api.owner.organisation_id
    with unit_of_work(api.engine) as session:
        save_organisations(session)
        save_network(session, data=a_network(figures))
        extend_capacity(session, today=MONDAY.date(), horizon_days=45)
        save_logistics(session, data=logistics())
        save_certificates(session, certificates=certificates(figures), now=MONDAY)
        for name, box_mm, volume_cm3 in ((PLUG, (86, 58, 54), 24.5), (HULL, (1000, 1000, 1000), 564_356.0)):
            part = a_part(organisation_id=organisation_id, part_no=name)
            revision = replace(
                a_revision(required_certificates=(SCHEME,), box_mm=box_mm, volume_cm3=volume_cm3),
                part_id=f"part_{organisation_id}_{name}",
                revision_id=f"rev_{name.replace(' ', '_')}",
            )
            save_a_released_part(session, part=part, revision=revision)


@pytest.fixture(params=[STORY, OTHER], ids=["story", "other figures"])
def depot(database: Database, request: pytest.FixtureRequest) -> Iterator[tuple[Api, Figures]]:
    """The API of the fleet on that Monday, with the plug and the hull released."""
    figures: Figures = request.param
    with time_machine.travel(MONDAY), served_api(database.url, quote_snapshot_seconds=0) as api:
        given_the_places(api, figures)
        yield api, figures


def routed(api: Api, *, part: str, quantity: int) -> dict[str, Any]:
    """Order within 48 hours, decide, and return the decision as the owner reads it."""
    body: Json = {
        "objective": "fastest",
        "need_by": (MONDAY + timedelta(hours=48)).isoformat(),
        "ship_to": {"name": "Depot 3", "city": "Berlin", "country": "DE"},
        "lines": [{"part": part, "quantity": quantity}],
    }
    order = api.place(body, key=f"{part} {quantity}")
    assert order.status_code == 201, order.text
    route_pending(
        api.engine, scope=SCOPE, now=MONDAY, dispatch=offer_jobs, limits=RoutingLimits(deterministic_seconds=1.0)
    )
    (decision,) = api.client.get(f"/v1/orders/{order.json()['id']}/decision").json()["decisions"]
    whole = api.client.get(f"/v1/decisions/{decision['id']}").json()
    assert {name: whole[name] for name in decision} == decision
    assert whole["order_id"] == order.json()["id"]
    return dict(whole)


def excluded(decision: dict[str, Any], node_id: str) -> dict[str, Any]:
    (found,) = [node for node in decision["exclusions"] if node["node_id"] == node_id]
    return dict(found)


def test_in_house_makes_it_and_both_bureaus_are_out_for_their_reasons(depot: tuple[Api, Figures]) -> None:
    api, figures = depot
    decision = routed(api, part=PLUG, quantity=figures.plugs)

    chosen = decision["chosen"]
    assert (chosen["node_id"], chosen["landed_minor"], chosen["hours"]) == ("DEPOT", figures.in_house_minor, 36.0)
    late, expired = excluded(decision, "Z"), excluded(decision, "Y")
    assert [reason["code"] for reason in expired["reasons"]] == ["CERTIFICATE_EXPIRES"]
    assert expired["reasons"][0]["figures"]["valid_to"] == figures.expired_on.isoformat()
    assert [reason["code"] for reason in late["reasons"]] == ["NEED_BY"]
    arrival = datetime.fromisoformat(late["reasons"][0]["figures"]["earliest_arrival"])
    assert (arrival - MONDAY, late["reasons"][0]["figures"]["late_hours"]) == (timedelta(hours=60), 12)
    assert (expired["binding"], late["binding"]) == (f"certificate:{SCHEME}", "need_by")
    assert late["fix"] == "+12 h (2026-06-17 16:00 UTC)"


def test_the_certificate_costs_what_the_bureau_would_be_cheaper(depot: tuple[Api, Figures]) -> None:
    api, figures = depot
    decision = routed(api, part=PLUG, quantity=figures.plugs)

    less = figures.in_house_minor - figures.cheaper_minor
    (dearest, *others) = decision["explanation"]["rules"]
    assert dearest["rule"] == f"certificate:{SCHEME}"
    assert dearest["words"] == f"without {SCHEME} this order would cost {less / 100:.2f} EUR less"
    assert (dearest["difference"]["landed_minor"], dearest["difference"]["hours"]) == (-less, 0.0)
    assert (dearest["instead"]["node_id"], dearest["instead"]["landed_minor"]) == ("Y", figures.cheaper_minor)
    assert [(rule["rule"], rule["alone"], rule["instead"]) for rule in others] == [("need_by", 1, None)]
    assert f"; without {SCHEME} {less / 100:.2f} EUR less" in decision["why"]
    assert len(decision["why"].encode()) <= 200


def test_the_fleet_is_told_what_would_change_it(depot: tuple[Api, Figures]) -> None:
    api, figures = depot
    decision = routed(api, part=PLUG, quantity=figures.plugs)

    changes = {change["node_id"]: change for change in decision["explanation"]["changes"]}
    (renewed,) = changes["Y"]["steps"]
    assert (changes["Y"]["wins"], changes["Y"]["then"]["landed_minor"]) == (True, figures.cheaper_minor)
    assert renewed["figures"]["through"] == "2026-06-15"
    assert renewed["figures"]["valid_to"] == figures.expired_on.isoformat()
    assert (changes["Z"]["wins"], changes["Z"]["then"]["hours"]) == (False, 60.0)
    # 24 hours later at 100 an hour cost 2,400 more, Z is 100 cheaper: not even for nothing, but 23 hours sooner.
    assert changes["Z"]["margin"] == {"cheaper_by_minor": None, "sooner_by_hours": 23.0, "lighter_by_g": None}
    story = decision_story({"order_id": "ord_1", "decisions": [decision]})
    less = (figures.in_house_minor - figures.cheaper_minor) / 100
    assert f"  without {SCHEME} this order would cost {less:.2f} EUR less: Y Berlin Y DE" in story.splitlines()


def test_a_hull_of_a_cubic_metre_is_refused_with_every_envelope_and_the_ways_out(depot: tuple[Api, Figures]) -> None:
    api, _ = depot
    decision = routed(api, part=HULL, quantity=1)

    assert (decision["outcome"], decision["chosen"]) == ("no_route", None)
    for node_id in ("DEPOT", "Y", "Z"):
        (size,) = [each for each in excluded(decision, node_id)["reasons"] if each["code"] == "BUILD_VOLUME"]
        assert size["figures"]["part_mm"] == "1000 × 1000 × 1000"
        assert size["figures"]["build_box_mm"] == "380 × 284 × 380"
    no_route = decision["explanation"]["no_route"]
    assert [conflict["rule"] for conflict in no_route["conflict"]] == ["build_volume"]
    found = no_route["oversize"]
    assert (found["part_mm"], found["needed_mm"]) == ([1000.0] * 3, [1006.0] * 3)
    assert [(each["box_mm"], each["machines"], each["too_long_mm"]) for each in found["envelopes"]] == [
        ([380.0, 284.0, 380.0], 3, 722.0)
    ]
    # 1000 / 374, 1000 / 278 and 1000 / 374 parts along the three edges
    assert found["pieces"] == 3 * 4 * 3
    assert found["ways_out"] == [
        "split the part into at least 36 pieces for HP MJF 5200 (380 × 284 × 380 mm)",
        "a larger machine, of at least 1006 × 1006 × 1006 mm; the largest of the network is HP MJF 5200"
        " (380 × 284 × 380 mm)",
        "make it conventionally: POST /v1/advice/method compares",
    ]


def test_a_quote_for_the_hull_says_the_same(depot: tuple[Api, Figures]) -> None:
    api, _ = depot
    response = api.client.post("/v1/quotes", json={"part": HULL, "ship_to": {"city": "Berlin", "country": "DE"}})

    assert response.status_code == 201, response.text
    quote = response.json()
    assert [quantity["offers"] for quantity in quote["quantities"]] == [[]]
    assert [node["node_id"] for group in quote["ruled_out"] for node in group["nodes"]] == ["DEPOT", "Y", "Z"]
    sizes = [reason for group in quote["ruled_out"] for reason in group["reasons"] if reason["code"] == "BUILD_VOLUME"]
    assert [(size["figures"]["needs_mm"], size["figures"]["has_mm"]) for size in sizes] == [(1000, 278)] * 3
    assert (quote["oversize"]["pieces"], quote["oversize"]["largest_of_network"]["box_mm"]) == (36, [380, 284, 380])
    assert quote["oversize"]["ways_out"][0] == (
        "split the part into at least 36 pieces for HP MJF 5200 (380 × 284 × 380 mm)"
    )
