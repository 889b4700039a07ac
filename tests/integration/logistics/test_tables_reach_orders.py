"""What is put into the tables is what orders and quotes are decided by from then on."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.logistics.rules import GridRow, Mode, Service, Tariff, WeightBand, Zone, any_weight, transit_of
from fabroute.logistics.service import CARRIER_TARIFFS, GRID_INTENSITIES, NewTariff, put_rows
from fabroute.orders.service import requeue_unroutable
from fabroute.production.service import offer_jobs
from fabroute.routing.service.run import RoutingLimits, route_pending
from tests.conftest import Database
from tests.factories.databases import engine_for, in_transaction, rows
from tests.factories.network import a_node
from tests.factories.orders import Owner, given_orders, given_owner, make_order
from tests.factories.organisations import NOW
from tests.factories.production import OPERATOR_KEY
from tests.factories.quotes import given_quote, the_offer
from tests.factories.routable import given_routable_network

LIMITS = RoutingLimits(seed=3, deterministic_seconds=2.0, wall_seconds=20.0)
TODAY = NOW.date()
ZONES = (Zone.LOCAL, Zone.DOMESTIC, Zone.CUSTOMS_UNION)


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    with engine_for(database.url) as engine:
        yield engine


@pytest.fixture
def owner(engine: Engine) -> Owner:
    return given_owner(engine)


def a_row(
    *,
    carrier: str = "reference",
    zone: Zone = Zone.DOMESTIC,
    bands: tuple[WeightBand, ...] = any_weight(base_minor=800, per_kg_minor=90),
    minimum_minor: int = 0,
    valid_from: date = date(2010, 1, 1),
    valid_to: date = date(2099, 12, 31),
    late_days: int = 1,
) -> NewTariff:
    """A row such as those of the routable network: (8 + 0.9 a kilogram) x 1.18."""
    tariff = Tariff(
        carrier=carrier,
        zone=zone,
        service=Service.EXPRESS,
        bands=bands,
        minimum_minor=minimum_minor,
        fuel_fraction=0.18,
        surcharge_minor=0,
        transit=transit_of(p50_days=1, p95_days=late_days),
        mode=Mode.HGV,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    return NewTariff(tariff=tariff, source="test")


def put_tariffs(engine: Engine, *tariffs: NewTariff) -> list[object]:
    with unit_of_work(engine) as session:
        return list(put_rows(session, table=CARRIER_TARIFFS, items=tariffs, principal=OPERATOR_KEY, now=NOW))


def put_grid(engine: Engine, grams: float) -> list[object]:
    """Say what the German grid emits from today on."""
    row = GridRow(country="DE", g_per_kwh=grams, valid_from=TODAY, valid_to=date(2099, 12, 31), source="V")
    with unit_of_work(engine) as session:
        return list(put_rows(session, table=GRID_INTENSITIES, items=[row], principal=OPERATOR_KEY, now=NOW))


def route(engine: Engine) -> tuple[int, int]:
    """Return how many lines were routed, and how many have no route."""
    report = route_pending(engine, scope="global", now=NOW, dispatch=offer_jobs, limits=LIMITS)
    assert report is not None
    return report.routed, report.no_route


def missing_lanes(engine: Engine) -> object:
    """Return since when no tariff led from the nodes to a customer, as the only decision has it."""
    path = '$.exclusions[*].reasons[*] ? (@.code == "LANE_MISSING").message'
    ((told,),) = table(
        engine,
        "SELECT DISTINCT split_part(message #>> '{}', ' ended on ', 2) FROM routing_decisions, "
        f"jsonb_path_query(document::jsonb, '{path}') AS message",
    )
    return told


def table(engine: Engine, sql: str) -> list[tuple[object, ...]]:
    return in_transaction(engine, lambda session: rows(session, sql))


def test_a_line_that_no_carrier_takes_is_routed_once_a_table_brings_one(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    yesterday = TODAY - timedelta(days=1)
    assert put_tariffs(engine, *(a_row(zone=zone, valid_to=yesterday) for zone in ZONES)) == ["changed"] * 3
    given_orders(engine, make_order(owner))
    assert route(engine) == (0, 1)
    assert table(engine, "SELECT state, state_reason FROM order_lines") == [("no_route", "LANE_MISSING")]
    assert missing_lanes(engine) == f"{yesterday}: import one that holds now"

    assert put_tariffs(engine, a_row(carrier="Swift", valid_from=TODAY)) == ["created"]
    with unit_of_work(engine) as session:
        assert requeue_unroutable(session, scope="global", now=NOW) == 1
    assert route(engine) == (1, 0)
    assert table(engine, "SELECT state FROM order_lines") == [("routed",)]


def test_a_parcel_over_every_limit_is_a_missing_lane(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    letters = (WeightBand(up_to_grams=400, base_minor=100, per_kg_minor=0),)
    put_tariffs(engine, *(a_row(zone=zone, bands=letters) for zone in ZONES))
    given_orders(engine, make_order(owner))
    assert route(engine) == (0, 1)
    assert table(engine, "SELECT state, state_reason FROM order_lines") == [("no_route", "LANE_MISSING")]


def test_a_cheaper_carrier_is_quoted_from_its_first_day(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    before = the_offer(given_quote(engine, owner), quantity=1)
    tomorrow = TODAY + timedelta(days=1)
    cheap = any_weight(base_minor=300, per_kg_minor=90)
    put_tariffs(engine, a_row(carrier="Swift", bands=cheap, valid_from=tomorrow))
    unchanged = the_offer(given_quote(engine, owner), quantity=1)
    put_tariffs(engine, a_row(carrier="Brisk", bands=cheap, valid_from=TODAY, valid_to=TODAY))
    after = the_offer(given_quote(engine, owner), quantity=1)

    # (8 + 0.45) x 1.18 and (3 + 0.45) x 1.18.
    assert (before["freight"]["amount_minor"], before["carrier"]) == (997, "reference")
    assert (unchanged["freight"]["amount_minor"], unchanged["carrier"]) == (997, "reference")
    assert (after["freight"]["amount_minor"], after["carrier"]) == (407, "Brisk")
    assert after["promised_at"] == before["promised_at"]


def test_a_minimum_charge_is_what_a_light_parcel_pays(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    put_tariffs(engine, a_row(minimum_minor=1_000))
    offer = the_offer(given_quote(engine, owner), quantity=1)
    assert offer["freight"]["amount_minor"] == 1_180
    assert put_tariffs(engine, a_row(minimum_minor=1_000)) == ["unchanged"]


def test_a_slower_carrier_moves_the_promise_by_the_days_it_takes(engine: Engine, owner: Owner) -> None:
    given_routable_network(engine)
    quick = the_offer(given_quote(engine, owner), quantity=1)
    put_tariffs(engine, a_row(late_days=4))
    slow = the_offer(given_quote(engine, owner), quantity=1)
    assert (quick["expected_at"][:10], quick["promised_at"][:10]) == ("2026-06-18", "2026-06-18")
    assert (slow["expected_at"][:10], slow["promised_at"][:10]) == ("2026-06-18", "2026-06-23")


def test_the_grid_of_the_table_is_what_a_node_on_it_prints_with(engine: Engine, owner: Owner) -> None:
    def printed_and_sent_g() -> int:
        grams = the_offer(given_quote(engine, owner), quantity=1)["co2e_g"]
        assert isinstance(grams, int)
        return grams

    given_routable_network(engine, nodes=(replace(a_node(), grid_g_co2_per_kwh=None),))
    assumed = printed_and_sent_g()  # no figure for Germany: 475
    assert put_grid(engine, 475) == ["created"]
    assert printed_and_sent_g() == assumed
    assert put_grid(engine, 0) == ["changed"]
    clean = printed_and_sent_g()
    assert put_grid(engine, 950) == ["changed"]
    assert printed_and_sent_g() - clean == pytest.approx(2 * (assumed - clean), abs=2)
    assert (clean, assumed) == (377, 752)
