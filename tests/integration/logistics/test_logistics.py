"""Places, lanes, tariffs and duties: saving, finding a destination, reading for routing."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import date

import pytest
from sqlalchemy import Engine

from fabroute.database import unit_of_work
from fabroute.logistics.rules import Duty, Mode, Service, Tariff, Zone, any_weight, offered_services, transit_of
from fabroute.logistics.service import (
    LogisticsData,
    NewCarbonFactor,
    NewDutyRule,
    NewLane,
    NewTariff,
    PlaceView,
    UnknownCountry,
    UnknownDestination,
    find_place,
    load_places,
    read_logistics,
    resolve_destination,
    save_logistics,
    unknown_city,
)
from tests.conftest import Database
from tests.factories.databases import engine_for
from tests.factories.network import save_a_network

TODAY = date(2026, 6, 15)
MUNICH = PlaceView(city="München", country="DE", latitude=48.1374, longitude=11.5755, is_capital=False)
BERLIN = PlaceView(city="Berlin", country="DE", latitude=52.5244, longitude=13.4105, is_capital=True)
SAO_PAULO = PlaceView(city="São Paulo", country="BR", latitude=-23.5475, longitude=-46.6361, is_capital=False)


def a_tariff(
    *, valid_from: date = date(2026, 1, 1), valid_to: date = date(2026, 12, 31), base: int = 1300
) -> NewTariff:
    tariff = Tariff(
        carrier="reference",
        zone=Zone.CUSTOMS_UNION,
        service=Service.EXPRESS,
        bands=any_weight(base_minor=base, per_kg_minor=190),
        fuel_fraction=0.18,
        surcharge_minor=0,
        transit=transit_of(p50_days=1, p95_days=2),
        mode=Mode.HGV,
        valid_from=valid_from,
        valid_to=valid_to,
    )
    return NewTariff(tariff=tariff, source="D")


def a_duty(*, rule_id: str = "EU-B2C", valid_to: date = date(2028, 7, 1)) -> NewDutyRule:
    duty = Duty(
        territory="EU",
        consignment="b2c",
        maximum_value_minor=15_000,
        fixed_minor=300,
        fraction=0,
        valid_from=date(2026, 1, 1),
        valid_to=valid_to,
    )
    return NewDutyRule(rule_id=rule_id, duty=duty, source="V2")


def some_logistics() -> LogisticsData:
    return LogisticsData(
        places=(MUNICH, BERLIN, SAO_PAULO),
        lanes=(
            NewLane(node_id="N101", zone=Zone.DOMESTIC, services=(Service.EXPRESS,)),
            NewLane(node_id="N101", zone=Zone.CUSTOMS_UNION, services=(Service.ECONOMY, Service.EXPRESS)),
        ),
        tariffs=(a_tariff(), a_tariff(valid_from=date(2025, 1, 1), valid_to=date(2025, 12, 31), base=1200)),
        duty_rules=(a_duty(), a_duty(rule_id="EU-B2C-old", valid_to=date(2026, 6, 14))),
        carbon_factors=tuple(NewCarbonFactor(mode=mode, g_per_tonne_km=125, source="V") for mode in Mode),
    )


@pytest.fixture
def engine(database: Database) -> Iterator[Engine]:
    """An engine for a database with one node and three places."""
    with engine_for(database.url) as made:
        with unit_of_work(made) as session:
            save_a_network(session)
            assert save_logistics(session, data=some_logistics()) == 16
        yield made


def test_saving_the_same_again_changes_nothing_and_a_new_price_one_row(engine: Engine) -> None:
    dearer = replace(some_logistics(), tariffs=(a_tariff(base=1400),))
    with unit_of_work(engine) as session:
        assert save_logistics(session, data=some_logistics()) == 0
        assert save_logistics(session, data=dearer) == 1
        book = read_logistics(session, on=TODAY).freight
    assert [tariff.bands[0].base_minor for tariff in book.tariffs[Zone.CUSTOMS_UNION, Service.EXPRESS]] == [1400]


def test_routing_reads_lanes_by_node_and_leaves_out_what_is_over(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        view = read_logistics(session, on=TODAY)
        before = read_logistics(session, on=date(2025, 6, 1))
    assert view.lanes == {
        "N101": {
            Zone.DOMESTIC: (Service.EXPRESS,),
            Zone.CUSTOMS_UNION: (Service.ECONOMY, Service.EXPRESS),
        }
    }
    assert view.freight.tariffs == {(Zone.CUSTOMS_UNION, Service.EXPRESS): (a_tariff().tariff,)}
    assert view.freight.duties == {("EU", "b2c"): [a_duty().duty]}
    assert view.freight.g_per_tonne_km[Mode.SHIP] == 125
    assert offered_services(before.freight, zone=Zone.CUSTOMS_UNION, day=date(2025, 6, 1)) == (Service.EXPRESS,)
    assert len(before.freight.duties["EU", "b2c"]) == 2


def test_a_city_is_found_without_regard_to_case_and_accents(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        assert find_place(session, city="MUNCHEN", country="de") == MUNICH
        assert find_place(session, city=" sao  paulo", country="BR") == SAO_PAULO
        assert find_place(session, city="Munich", country="DE") is None
        assert find_place(session, city="Berlin", country="BR") is None
        book = load_places(session)
    assert len(book.places) == 3
    assert book.capitals == {"DE": BERLIN}
    assert book.find(city="münchen", country="DE") == MUNICH


def test_a_destination_is_the_point_the_city_or_the_capital(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        city = resolve_destination(session, city="munchen", country="de")
        assert (city.city, city.country, city.latitude, city.assumed) == ("munchen", "DE", 48.1374, False)
        capital = resolve_destination(session, city="Oberammergau", country="DE")
        assert (capital.city, capital.latitude, capital.longitude, capital.assumed) == (
            "Oberammergau",
            52.5244,
            13.4105,
            True,
        )
        point = resolve_destination(session, city="Oberammergau", country="DE", latitude=47.6, longitude=11.07)
        assert (point.latitude, point.longitude, point.assumed) == (47.6, 11.07, False)
        assert resolve_destination(session, city="BERLIN", country="DE").assumed is False


def test_of_a_city_that_is_not_known_it_is_said_what_is_taken_for_it_and_what_may_be_meant(engine: Engine) -> None:
    with unit_of_work(engine) as session:
        swapped = unknown_city(session, city="mücnhen", country="de")
        nowhere = unknown_city(session, city="Atlantis", country="DE")
        elsewhere = unknown_city(session, city="Sao Paolo", country="BR")
    assert (swapped.similar, swapped.reckoned_to) == (("München",), "Berlin")
    assert (nowhere.similar, nowhere.reckoned_to) == ((), "Berlin")
    assert (elsewhere.similar, elsewhere.reckoned_to) == (("São Paulo",), "")


@pytest.mark.parametrize(
    ("country", "latitude", "longitude", "pointer"),
    [
        ("XX", None, None, "/ship_to/country"),
        ("Germany", 1.0, 1.0, "/ship_to/country"),
        ("FR", None, None, "/ship_to/latitude"),
        ("DE", None, 11.0, "/ship_to/latitude"),
        ("DE", 91.0, 11.0, "/ship_to/latitude"),
        ("DE", 47.0, None, "/ship_to/longitude"),
        ("DE", 47.0, float("nan"), "/ship_to/longitude"),
    ],
)
def test_a_destination_that_can_not_be_says_which_field_is_wrong(
    engine: Engine, country: str, latitude: float | None, longitude: float | None, pointer: str
) -> None:
    with unit_of_work(engine) as session, pytest.raises((UnknownCountry, UnknownDestination)) as refusal:
        resolve_destination(session, city="Somewhere", country=country, latitude=latitude, longitude=longitude)
    assert [problem.pointer for problem in refusal.value.problems] == [pointer]
    assert refusal.value.status == 422
