"""Quotes for a parcel: on round figures, and on the reference files."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.logistics.rules import (
    Duty,
    FreightBook,
    IncompleteFreightData,
    LaneMissing,
    Location,
    Mode,
    Service,
    ShipmentQuote,
    Tariff,
    Zone,
    freight_book,
    offered_services,
    pack_parcel,
    quote_shipment,
)
from tests.factories.freight import (
    BOSTON,
    BREMEN,
    HAMBURG,
    LONDON,
    LOS_ANGELES,
    LUENEBURG,
    PORTO,
    REUNION,
    ROTTERDAM,
    SINGAPORE,
    STANLEY,
    TODAY,
    TOKYO,
    a_parcel,
    a_shipment,
    a_tariff,
    reference_book,
)

grams = st.integers(min_value=1, max_value=50_000)
anywhere = st.sampled_from([HAMBURG, PORTO, LONDON, SINGAPORE, TOKYO, BOSTON, LOS_ANGELES, REUNION, STANLEY])
FACTORS = dict.fromkeys(Mode, 100.0)


def a_book(*tariffs: Tariff, duties: tuple[Duty, ...] = ()) -> FreightBook:
    return freight_book(tariffs=tariffs or (a_tariff(),), duties=duties, g_per_tonne_km=FACTORS)


def amounts(quote: ShipmentQuote) -> dict[str, int]:
    return {row.code: row.amount_minor for row in quote.breakdown}


def reference_quote(
    origin: Location, destination: Location, service: Service, *, chargeable_grams: int = 1000
) -> ShipmentQuote:
    shipment = a_shipment(
        origin=origin, destination=destination, parcel=a_parcel(chargeable_grams=chargeable_grams), consignment="b2c"
    )
    return quote_shipment(reference_book(), shipment, service=service)


# ---------------------------------------------------------------- price


def test_a_price_is_base_and_weight_with_fuel_and_then_the_surcharge() -> None:
    book = a_book(a_tariff(surcharge_minor=50))
    quote = quote_shipment(book, a_shipment(parcel=a_parcel(chargeable_grams=2500)), service=Service.EXPRESS)
    assert amounts(quote) == {
        "freight_base": 1000,
        "freight_weight": 500,
        "fuel": 150,
        "freight_surcharge": 50,
        "duty": 0,
    }
    assert quote.cost_minor == 1700
    assert quote.chargeable_grams == 2500


def test_a_price_is_rounded_once() -> None:
    # (13.00 + 1.90 x 0.5) x 1.18 = 16.461; economy (7.15 + 1.05 x 0.5) x 1.18 = 9.0565.
    express = reference_quote(HAMBURG, ROTTERDAM, Service.EXPRESS, chargeable_grams=500)
    economy = reference_quote(HAMBURG, ROTTERDAM, Service.ECONOMY, chargeable_grams=500)
    assert (express.cost_minor, economy.cost_minor) == (1646, 906)
    assert sum(amounts(economy).values()) == 906


@pytest.mark.parametrize(
    ("destination", "service", "zone", "cost_minor"),
    [
        (LUENEBURG, Service.EXPRESS, Zone.LOCAL, 1121),  # (9 + 0.50) x 1.18
        (BREMEN, Service.EXPRESS, Zone.DOMESTIC, 1050),  # (8 + 0.90) x 1.18
        (PORTO, Service.EXPRESS, Zone.CUSTOMS_UNION, 1758),  # (13 + 1.90) x 1.18
        (LONDON, Service.EXPRESS, Zone.CONTINENT, 3257),  # (24 + 3.60) x 1.18
        (SINGAPORE, Service.EXPRESS, Zone.INTERCONTINENTAL, 4932),  # (34 + 7.80) x 1.18
        (STANLEY, Service.EXPRESS, Zone.REMOTE, 7788),  # (55 + 11) x 1.18
        (LONDON, Service.ECONOMY, Zone.CONTINENT, 1791),  # 55 % of it
        (SINGAPORE, Service.ECONOMY, Zone.INTERCONTINENTAL, 2713),
        (LONDON, Service.NEXT_FLIGHT, Zone.CONTINENT, 44541),  # six times, and 250
        (SINGAPORE, Service.NEXT_FLIGHT, Zone.INTERCONTINENTAL, 54594),
    ],
)
def test_reference_prices_of_a_kilogram_from_hamburg(
    destination: Location, service: Service, zone: Zone, cost_minor: int
) -> None:
    quote = reference_quote(HAMBURG, destination, service)
    assert (quote.zone, quote.service) == (zone, service)
    assert quote.cost_minor == cost_minor


@given(lighter=grams, heavier=grams, destination=anywhere, service=st.sampled_from([Service.ECONOMY, Service.EXPRESS]))
def test_more_weight_is_never_cheaper_or_cleaner(
    lighter: int, heavier: int, destination: Location, service: Service
) -> None:
    lighter, heavier = sorted((lighter, heavier))
    quotes = []
    for weight in (lighter, heavier):
        parcel = pack_parcel(part_box_mm=(60.0, 50.0, 40.0), quantity=1, net_grams=weight)
        shipment = a_shipment(origin=ROTTERDAM, destination=destination, parcel=parcel)
        quotes.append(quote_shipment(reference_book(), shipment, service=service))
    assert quotes[0].cost_minor <= quotes[1].cost_minor
    assert quotes[0].co2_g <= quotes[1].co2_g
    assert quotes[0].transit_p50_days == quotes[1].transit_p50_days <= quotes[1].transit_p95_days
    assert all(sum(amounts(quote).values()) == quote.cost_minor + quote.duty_minor for quote in quotes)


@given(destination=anywhere)
def test_haste_costs_more_and_arrives_no_later(destination: Location) -> None:
    shipment = a_shipment(origin=ROTTERDAM, destination=destination)
    economy, express, next_flight = (quote_shipment(reference_book(), shipment, service=each) for each in Service)
    assert economy.cost_minor < express.cost_minor < next_flight.cost_minor
    assert economy.transit_p95_days >= express.transit_p95_days >= next_flight.transit_p95_days


# ---------------------------------------------------------------- dates and services


def test_the_tariff_of_the_day_is_used() -> None:
    book = a_book(
        a_tariff(base_minor=1000, valid_to=date(2026, 11, 30)), a_tariff(base_minor=2000, valid_from=date(2026, 12, 1))
    )
    november = quote_shipment(book, a_shipment(day=date(2026, 11, 30)), service=Service.EXPRESS)
    december = quote_shipment(book, a_shipment(day=date(2026, 12, 1)), service=Service.EXPRESS)
    assert december.cost_minor - november.cost_minor == 1100
    with pytest.raises(LaneMissing, match="no carrier offers express into zone Z1 on 2024-06-01"):
        quote_shipment(book, a_shipment(day=date(2024, 6, 1)), service=Service.EXPRESS)


def test_a_service_that_nobody_offers_is_a_missing_lane() -> None:
    with pytest.raises(LaneMissing, match="no carrier offers next_flight into zone Z1"):
        quote_shipment(a_book(), a_shipment(), service=Service.NEXT_FLIGHT)
    assert offered_services(a_book(), zone=Zone.DOMESTIC, day=TODAY) == (Service.EXPRESS,)
    assert offered_services(a_book(), zone=Zone.REMOTE, day=TODAY) == ()


def test_the_reference_carriers_go_everywhere_with_all_services_and_local_with_one() -> None:
    offers = {zone: offered_services(reference_book(), zone=zone, day=TODAY) for zone in Zone}
    assert offers.pop(Zone.LOCAL) == (Service.EXPRESS,)
    assert set(offers.values()) == {(Service.ECONOMY, Service.EXPRESS, Service.NEXT_FLIGHT)}


@pytest.mark.parametrize(
    ("destination", "service", "days"),
    [
        (LUENEBURG, Service.EXPRESS, (0, 0)),
        (BREMEN, Service.ECONOMY, (1, 3)),
        (ROTTERDAM, Service.ECONOMY, (2, 5)),
        (PORTO, Service.ECONOMY, (6, 9)),  # 2,080 km of great circle are 2,600 km of road
        (PORTO, Service.EXPRESS, (1, 2)),
        (LONDON, Service.EXPRESS, (2, 3)),
        (SINGAPORE, Service.EXPRESS, (3, 5)),
        (SINGAPORE, Service.ECONOMY, (5, 8)),
    ],
)
def test_reference_transit_from_hamburg_in_working_days(
    destination: Location, service: Service, days: tuple[int, int]
) -> None:
    quote = reference_quote(HAMBURG, destination, service)
    assert (quote.transit_p50_days, quote.transit_p95_days) == days


# ---------------------------------------------------------------- duty


def test_duty_is_due_only_at_a_customs_border() -> None:
    assert reference_quote(HAMBURG, PORTO, Service.EXPRESS).duty_minor == 0
    assert reference_quote(PORTO, REUNION, Service.EXPRESS).duty_minor == 0
    assert reference_quote(LONDON, HAMBURG, Service.EXPRESS).duty_minor == 300
    assert reference_quote(HAMBURG, BOSTON, Service.EXPRESS).duty_minor == 1000


def test_a_fixed_duty_counts_item_categories_and_a_share_the_value() -> None:
    duty = Duty(
        territory="*",
        consignment="b2b",
        maximum_value_minor=None,
        fixed_minor=300,
        fraction=0.025,
        valid_from=date(2025, 1, 1),
        valid_to=date(2099, 12, 31),
    )
    book = a_book(a_tariff(zone=Zone.CONTINENT), duties=(duty,))
    quote = quote_shipment(
        book, a_shipment(origin=LONDON, destination=HAMBURG, value_minor=12_345), service=Service.EXPRESS
    )
    assert quote.duty_minor == 609  # 3.00 + 3.08625
    assert amounts(quote)["duty"] == 609
    assert sum(amounts(quote).values()) == quote.cost_minor + quote.duty_minor


# ---------------------------------------------------------------- carbon


def test_half_a_kilogram_flown_from_rotterdam_to_singapore_is_three_and_a_half_kilograms_of_carbon() -> None:
    parcel = a_parcel(net_grams=500, packaging_grams=0, chargeable_grams=500)
    quote = quote_shipment(
        reference_book(), a_shipment(origin=ROTTERDAM, destination=SINGAPORE, parcel=parcel), service=Service.EXPRESS
    )
    assert quote.mode is Mode.FLIGHT_LONG
    assert quote.co2_g == pytest.approx(3500, rel=0.02)
    assert quote.distance_km == pytest.approx(10_516, rel=0.006)


def test_carbon_is_weight_times_way_times_factor_and_the_packaging() -> None:
    quote = quote_shipment(a_book(), a_shipment(), service=Service.EXPRESS)
    # 1 kg over 1.25 x 94.8 km of road at 100 g per tonne-kilometre is 11.9 g; 0.1 kg of packaging is 100 g.
    assert quote.distance_km == pytest.approx(94.84, abs=0.05)
    assert quote.co2_g == 112


def test_the_same_parcel_is_dirtier_by_air() -> None:
    by_road = reference_quote(HAMBURG, PORTO, Service.ECONOMY)
    by_air = reference_quote(HAMBURG, PORTO, Service.EXPRESS)
    assert (by_road.mode, by_air.mode) == (Mode.ARTICULATED, Mode.FLIGHT_SHORT)
    assert by_air.co2_g > 5 * by_road.co2_g
    assert reference_quote(BOSTON, LOS_ANGELES, Service.EXPRESS).mode is Mode.FLIGHT_LONG
    assert reference_quote(TOKYO, SINGAPORE, Service.ECONOMY).mode is Mode.FLIGHT_LONG


def test_a_book_knows_the_carbon_of_every_mode() -> None:
    with pytest.raises(IncompleteFreightData, match="no carbon factor for rail, ship"):
        freight_book(
            tariffs=[], duties=[], g_per_tonne_km={mode: 1.0 for mode in Mode if mode not in (Mode.RAIL, Mode.SHIP)}
        )


def test_the_same_question_has_the_same_answer_however_often_a_run_asks() -> None:
    book, shipment = reference_book(), a_shipment(origin=ROTTERDAM, destination=SINGAPORE)
    quotes = [quote_shipment(book, shipment, service=Service.EXPRESS) for _ in range(2000)]
    assert len(set(quotes)) == 1
    assert (quotes[0].zone, quotes[0].service) == (Zone.INTERCONTINENTAL, Service.EXPRESS)
