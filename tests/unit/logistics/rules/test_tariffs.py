"""How a parcel travels and how long that takes."""

import pytest

from fabroute.logistics.rules import Mode, Service, Zone, leg_mode, transit_of, travelled_km, way_transit
from tests.factories.freight import a_tariff


@pytest.mark.parametrize(
    ("mode", "service", "km", "expected"),
    [
        (Mode.HGV, Service.EXPRESS, 800, Mode.HGV),
        (Mode.HGV, Service.EXPRESS, 801, Mode.FLIGHT_SHORT),
        (Mode.HGV, Service.EXPRESS, 3701, Mode.FLIGHT_LONG),
        (Mode.ARTICULATED, Service.ECONOMY, 3000, Mode.ARTICULATED),
        (Mode.ARTICULATED, Service.ECONOMY, 3001, Mode.FLIGHT_SHORT),
        (Mode.FLIGHT_SHORT, Service.NEXT_FLIGHT, 100, Mode.FLIGHT_SHORT),
        (Mode.FLIGHT_SHORT, Service.NEXT_FLIGHT, 4000, Mode.FLIGHT_LONG),
        (Mode.FLIGHT_LONG, Service.EXPRESS, 3700, Mode.FLIGHT_SHORT),
        (Mode.SHIP, Service.ECONOMY, 12_000, Mode.SHIP),
        (Mode.RAIL, Service.ECONOMY, 500, Mode.RAIL),
    ],
)
def test_long_ways_by_road_are_flown_and_long_flights_are_long_haul(
    mode: Mode, service: Service, km: float, expected: Mode
) -> None:
    assert leg_mode(mode, service=service, great_circle_km=km) is expected
    assert leg_mode(expected, service=service, great_circle_km=km) is expected


def test_flights_go_round_a_little_and_roads_a_quarter() -> None:
    assert travelled_km(Mode.FLIGHT_SHORT, great_circle_km=1000) == 1095
    assert travelled_km(Mode.FLIGHT_LONG, great_circle_km=10_000) == 10_095
    assert [travelled_km(mode, great_circle_km=1000) for mode in (Mode.VAN, Mode.HGV, Mode.SHIP)] == [1250] * 3


def test_express_takes_what_the_tariff_says() -> None:
    tariff = a_tariff(transit=(1, 2))
    assert way_transit(tariff, mode=Mode.HGV, great_circle_km=790, customs=False) == transit_of(p50_days=1, p95_days=2)
    assert way_transit(tariff, mode=Mode.FLIGHT_SHORT, great_circle_km=2000, customs=True) == transit_of(
        p50_days=1, p95_days=2
    )


@pytest.mark.parametrize(("km", "expected"), [(300, (2, 5)), (480, (2, 5)), (481, (3, 6)), (1760, (5, 8))])
def test_economy_by_road_takes_a_day_for_six_hundred_kilometres_and_one_for_the_border(
    km: float, expected: tuple[int, int]
) -> None:
    tariff = a_tariff(zone=Zone.CUSTOMS_UNION, service=Service.ECONOMY, transit=(2, 5), mode=Mode.ARTICULATED)
    assert way_transit(tariff, mode=Mode.ARTICULATED, great_circle_km=km, customs=False) == transit_of(
        p50_days=expected[0], p95_days=expected[1]
    )


def test_at_home_the_road_alone_counts_and_in_the_air_the_tariff() -> None:
    tariff = a_tariff(zone=Zone.DOMESTIC, service=Service.ECONOMY, transit=(1, 3))
    assert way_transit(tariff, mode=Mode.HGV, great_circle_km=480, customs=False) == transit_of(p50_days=1, p95_days=3)
    assert way_transit(tariff, mode=Mode.HGV, great_circle_km=481, customs=False) == transit_of(p50_days=2, p95_days=4)
    assert way_transit(tariff, mode=Mode.FLIGHT_LONG, great_circle_km=4000, customs=False) == transit_of(
        p50_days=1, p95_days=3
    )


@pytest.mark.parametrize("zone", [Zone.INTERCONTINENTAL, Zone.REMOTE])
def test_an_intercontinental_parcel_waits_a_day_at_the_customs(zone: Zone) -> None:
    tariff = a_tariff(zone=zone, transit=(2, 4), mode=Mode.FLIGHT_LONG)
    assert way_transit(tariff, mode=Mode.FLIGHT_LONG, great_circle_km=9000, customs=True) == transit_of(
        p50_days=3, p95_days=5
    )
    assert way_transit(tariff, mode=Mode.FLIGHT_LONG, great_circle_km=9000, customs=False) == transit_of(
        p50_days=2, p95_days=4
    )
