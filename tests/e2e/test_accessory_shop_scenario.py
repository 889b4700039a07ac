"""Scenario S1, the accessory shop, over HTTP: quoted and accepted, and ordered without a quote, with the same outcome.

Unit prices are the nodes' minimum orders: what a clip costs by machine, material and labour is less at each of them.
The day is a Sunday, so that the third, fourth, fifth and ninth day after it are working days in Germany.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any

import pytest
import time_machine

from fabroute.cli.invariants import check_invariants
from fabroute.database import unit_of_work
from fabroute.logistics.rules import Duty, Mode, Service, Tariff, Zone, any_weight, transit_of
from fabroute.logistics.service import (
    LogisticsData,
    NewCarbonFactor,
    NewDutyRule,
    NewLane,
    NewTariff,
    save_logistics,
)
from fabroute.network.service import NetworkData, NewNode, extend_capacity, save_network
from fabroute.production.service import offer_jobs
from fabroute.qualification.service import NewCertificate, save_certificates
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.api import Api, Json, served_api
from tests.factories.databases import in_transaction, rows
from tests.factories.network import a_lot, a_machine, a_material, a_model, a_node, an_offer
from tests.factories.orders import given_part, given_revision
from tests.factories.organisations import save_organisations
from tests.factories.problems import Refusal, refusal_of

pytestmark = pytest.mark.timeout(600)

SUNDAY = datetime(2026, 6, 14, 9, 0, tzinfo=UTC)
DAY_3, DAY_4, DAY_5, DAY_9 = (datetime(2026, 6, 14 + days, 16, 0, tzinfo=UTC) for days in (3, 4, 5, 9))
"""17:00 in Berlin by the sun."""
CLIP = "crevice clip"
ALWAYS = (date(2020, 1, 1), date(2099, 12, 31))


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """A node of the scenario: where it is, what a clip and a parcel to Berlin cost, how many days that travels."""

    node: NewNode
    zone: Zone
    service: Service
    shipping_minor: int
    transit_days: int


def a_shop(
    node_id: str,
    city: str,
    country: str,
    *,
    at: tuple[float, float],
    timezone: str,
    unit_minor: int,
    packaging: tuple[str, ...] = ("plain", "brand"),
) -> NewNode:
    return a_node(
        node_id=node_id,
        city=city,
        country=country,
        latitude=at[0],
        longitude=at[1],
        timezone=timezone,
        labour_minor_per_hour=100,
        minimum_order_minor=unit_minor,
        packaging=packaging,
    )


HAMBURG = Shop(
    node=a_shop("HAMBURG", "Hamburg", "DE", at=(53.55, 9.99), timezone="Europe/Berlin", unit_minor=640),
    zone=Zone.DOMESTIC,
    service=Service.EXPRESS,
    shipping_minor=490,
    transit_days=1,
)
KRAKOW = Shop(
    node=a_shop("KRAKOW", "Kraków", "PL", at=(50.06, 19.94), timezone="Europe/Warsaw", unit_minor=410),
    zone=Zone.CUSTOMS_UNION,
    service=Service.ECONOMY,
    shipping_minor=920,
    transit_days=3,
)
SHENZHEN = Shop(
    node=a_shop("SHENZHEN", "Shenzhen", "CN", at=(22.54, 114.06), timezone="Asia/Shanghai", unit_minor=190),
    zone=Zone.INTERCONTINENTAL,
    service=Service.ECONOMY,
    shipping_minor=1_100,
    transit_days=3,  # and one at the border; 19 June is the Dragon Boat Festival
)
LYON = Shop(
    node=a_shop("LYON", "Lyon", "FR", at=(45.76, 4.84), timezone="Europe/Paris", unit_minor=395, packaging=("plain",)),
    zone=Zone.CUSTOMS_UNION,
    service=Service.EXPRESS,
    shipping_minor=710,
    transit_days=2,
)
SHOPS = (HAMBURG, KRAKOW, SHENZHEN, LYON)


def a_tariff(shop: Shop) -> NewTariff:
    """Return the one price of the shop's parcels."""
    tariff = Tariff(
        carrier=f"post of {shop.node.city}",
        zone=shop.zone,
        service=shop.service,
        bands=any_weight(base_minor=shop.shipping_minor, per_kg_minor=0),
        fuel_fraction=0,
        surcharge_minor=0,
        transit=transit_of(p50_days=shop.transit_days, p95_days=shop.transit_days),
        mode=Mode.HGV,
        valid_from=ALWAYS[0],
        valid_to=ALWAYS[1],
    )
    return NewTariff(tariff=tariff, source="scenario S1")


def no_duty() -> NewDutyRule:
    duty = Duty(
        territory="EU",
        consignment="b2c",
        maximum_value_minor=None,
        fixed_minor=0,
        fraction=0,
        valid_from=ALWAYS[0],
        valid_to=ALWAYS[1],
    )
    return NewDutyRule(rule_id="none", duty=duty, source="scenario S1: the shipping price has it")


def given_the_shops(api: Api) -> None:
    """Save the four nodes with a machine, nylon, a certificate and a lane to Germany each."""
    ids = [shop.node.node_id for shop in SHOPS]
    network = NetworkData(
        nodes=tuple(shop.node for shop in SHOPS),
        models=(replace(a_model(), cooldown_hours=0.5, rate_minor_per_hour=450),),
        materials=(replace(a_material(), price_minor_per_kg=600),),
        machines=tuple(a_machine(machine_id=f"{name}-A", node_id=name) for name in ids),
        offers=tuple(an_offer(machine_id=f"{name}-A") for name in ids),
        lots=tuple(a_lot(lot_id=f"lot_{name}", node_id=name) for name in ids),
    )
    logistics = LogisticsData(
        lanes=tuple(NewLane(node_id=it.node.node_id, zone=it.zone, services=(it.service,)) for it in SHOPS),
        tariffs=tuple(map(a_tariff, SHOPS)),
        duty_rules=(no_duty(),),
        carbon_factors=tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=100, source="S1") for mode in Mode),
    )
    certificates = tuple(
        NewCertificate(
            certificate_id=f"crt_{name}",
            node_id=name,
            scheme="ISO9001",
            scope="*",
            valid_from=ALWAYS[0],
            valid_to=ALWAYS[1],
        )
        for name in ids
    )
    with unit_of_work(api.engine) as session:
        save_organisations(session)
        save_network(session, data=network)
        extend_capacity(session, today=SUNDAY.date(), horizon_days=45)
        save_logistics(session, data=logistics)
        save_certificates(session, certificates=certificates, now=SUNDAY)


@pytest.fixture
def shop(database: Database) -> Iterator[Api]:
    """The API of the web shop on that Sunday, with the clip's revision B released."""
    with time_machine.travel(SUNDAY), served_api(database.url, quote_snapshot_seconds=0) as api:
        given_the_shops(api)
        part_id = given_part(
            api.engine, organisation_id=api.owner.organisation_id, part_no=CLIP, criticality="consumer"
        )
        given_revision(api.engine, part_id=part_id, revision="B")
        yield api


BERLIN = {"name": "A. Kundin", "city": "Berlin", "country": "DE"}
WISHES: Json = {"ship_to": BERLIN, "need_by": DAY_5.isoformat(), "packaging": "brand"}


def quoted(api: Api, **changes: object) -> dict[str, Any]:
    response = api.client.post("/v1/quotes", json={"part": CLIP, **WISHES, **changes})
    assert response.status_code == 201, response.text
    quote: dict[str, Any] = response.json()
    return quote


def reasons_of(ruled_out: list[dict[str, Any]]) -> dict[str, list[str]]:
    return {
        node["city"]: [reason["code"] for reason in group["reasons"]] for group in ruled_out for node in group["nodes"]
    }


def in_time_and_money(candidate: dict[str, Any]) -> tuple[str, int, datetime]:
    return candidate["city"], candidate["landed_minor"], datetime.fromisoformat(candidate["promised_at"])


def nothing_is_wrong(api: Api) -> bool:
    broken = {finding.invariant.name for finding in check_invariants(api.engine) if finding.broken}
    return broken <= {"the outbox is being emptied", "an open line waits for something"}  # no relay runs here


def test_hamburg_wins_at_11_30_and_the_others_are_out_for_their_reasons(shop: Api) -> None:
    quote = quoted(shop)

    ((offer,),) = [quantity["offers"] for quantity in quote["quantities"] if quantity["quantity"] == 1]
    assert (offer["node"]["city"], offer["landed"]["amount_minor"]) == ("Hamburg", 1_130)
    assert (offer["production"]["amount_minor"], offer["freight"]["amount_minor"]) == (640, 490)
    assert set(offer["labels"]) >= {"cheapest", "fastest"}
    assert datetime.fromisoformat(offer["promised_at"]) == DAY_3
    assert offer["on_time_probability"] == 1.0
    assert reasons_of(quote["ruled_out"]) == {"Lyon": ["PACKAGING"], "Shenzhen": ["NEED_BY"]}
    (late,) = [reason for node in quote["ruled_out"] for reason in node["reasons"] if reason["code"] == "NEED_BY"]
    assert late["figures"]["late_hours"] == 4 * 24
    assert datetime.fromisoformat(late["figures"]["earliest_arrival"]) == DAY_9
    (unpacked,) = [reason for node in quote["ruled_out"] for reason in node["reasons"] if reason is not late]
    assert unpacked["figures"] == {"wanted": "brand", "offered": "plain"}
    assert quote["quantities"][0]["candidates"] == 2  # Kraków can, for more


def test_an_accepted_offer_is_one_order_and_one_job_however_often_it_is_sent(shop: Api) -> None:
    quote = quoted(shop)
    body: Json = {"quote_id": quote["id"], **WISHES, "lines": [{"part": CLIP, "revision": "B", "quantity": 1}]}

    first, second = shop.place(body, key="basket 4711"), shop.place(body, key="basket 4711")

    assert (first.status_code, second.status_code, first.content) == (201, 201, second.content)
    order = first.json()
    assert order["quote"]["price"] == {"amount_minor": 1_130, "currency": "EUR"}
    assert datetime.fromisoformat(order["quote"]["arrival"]) == DAY_3
    assert order["lines"][0]["routing"]["why"] == "Hamburg: cheapest offer accepted at 11.30 EUR, arrives 17 Jun"
    jobs = in_transaction(
        shop.engine, lambda session: rows(session, "SELECT node_id, price_minor, packaging FROM jobs")
    )
    assert jobs == [("HAMBURG", 640, "brand")]
    (decision,) = shop.client.get(f"/v1/orders/{order['id']}/decision").json()["decisions"]
    assert [in_time_and_money(candidate) for candidate in decision["candidates"]] == [
        ("Hamburg", 1_130, DAY_3),
        ("Kraków", 1_330, DAY_5),
    ]
    assert decision["reasons"] == {"NEED_BY": 1, "PACKAGING": 1}
    assert nothing_is_wrong(shop)


def test_the_same_order_without_a_quote_is_routed_to_the_same_node(shop: Api) -> None:
    body: Json = {"objective": "cheapest", **WISHES, "lines": [{"part": CLIP, "quantity": 1}]}
    first, second = shop.place(body, key="basket 4712"), shop.place(body, key="basket 4712")

    report = route_pending(
        shop.engine,
        scope="polymer_powder/europe",
        now=SUNDAY,
        dispatch=offer_jobs,
        limits=RoutingLimits(deterministic_seconds=1.0),
    )

    assert report is not None
    assert (report.routed, first.content) == (1, second.content)
    order = shop.client.get(first.headers["Location"]).json()
    assert order["lines"][0]["routing"]["landed"]["amount_minor"] == 1_130
    assert order["lines"][0]["routing"]["city"] == "Hamburg"
    assert order["quote"] is None
    assert nothing_is_wrong(shop)


def test_with_plain_packaging_lyon_wins_at_11_05(shop: Api) -> None:
    quote = quoted(shop, packaging="plain")

    offers = {label: offer for offer in quote["quantities"][0]["offers"] for label in offer["labels"]}
    assert (offers["cheapest"]["node"]["city"], offers["cheapest"]["landed"]["amount_minor"]) == ("Lyon", 1_105)
    assert datetime.fromisoformat(offers["cheapest"]["promised_at"]) == DAY_4
    assert (offers["fastest"]["node"]["city"], offers["fastest"]["landed"]["amount_minor"]) == ("Hamburg", 1_130)
    assert reasons_of(quote["ruled_out"]) == {"Shenzhen": ["NEED_BY"]}


def test_with_a_week_more_shenzhen_can_for_12_90(shop: Api) -> None:
    quote = quoted(shop, need_by=DAY_9.isoformat())

    points = {point["node_id"]: point["landed"]["amount_minor"] for point in quote["quantities"][0]["pareto"]}
    assert quote["quantities"][0]["candidates"] == 3
    assert reasons_of(quote["ruled_out"]) == {"Lyon": ["PACKAGING"]}
    assert points["HAMBURG"] == 1_130
    assert {"SHENZHEN": 1_290, "KRAKOW": 1_330, "HAMBURG": 1_130}.items() >= points.items()


def test_where_hamburg_is_gone_by_then_the_shop_is_told_what_krakow_asks(shop: Api) -> None:
    quote = quoted(shop)
    down = "UPDATE nodes SET status = 'down', status_reason = 'a broken fan' WHERE id = 'HAMBURG' RETURNING 1"
    in_transaction(shop.engine, lambda session: rows(session, down))

    body: Json = {"quote_id": quote["id"], **WISHES, "lines": [{"part": CLIP, "quantity": 1}]}
    response = shop.place(body, key="basket 4713")

    assert refusal_of(response) == Refusal(status=409, code="quote_not_kept", pointers=("/quote_id",))
    details = response.json()["details"]
    assert [reason["code"] for reason in details["reasons"]] == ["NODE_DOWN"]
    assert (details["alternative"]["city"], details["alternative"]["more_minor"]) == ("Kraków", 200)
    assert details["alternative"]["later_hours"] == 48.0
    assert "Nearest is Kraków: 2.00 EUR more, 48 h later" in response.json()["detail"]
