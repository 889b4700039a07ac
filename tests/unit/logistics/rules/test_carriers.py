"""Weight bands, minimum charges and several carriers on one way, against a price worked out by brute force."""

from datetime import date
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.logistics.rules import (
    LaneMissing,
    Mode,
    ParcelTooHeavy,
    Service,
    ShipmentQuote,
    Tariff,
    WeightBand,
    any_weight,
    bands_problem,
    freight_book,
    quote_shipment,
)
from tests.factories.freight import a_parcel, a_shipment, a_tariff

FACTORS = {**dict.fromkeys(Mode, 100.0), Mode.RAIL: 1.0}
LETTERS = (
    WeightBand(up_to_grams=1000, base_minor=400, per_kg_minor=0),
    WeightBand(up_to_grams=5000, base_minor=500, per_kg_minor=50),
    WeightBand(up_to_grams=30_000, base_minor=300, per_kg_minor=120),
)


def quoted(*tariffs: Tariff, grams: int = 1000, day: date = date(2026, 11, 23)) -> ShipmentQuote:
    book = freight_book(tariffs=tariffs, duties=(), g_per_tonne_km=FACTORS)
    shipment = a_shipment(parcel=a_parcel(chargeable_grams=grams), day=day)
    return quote_shipment(book, shipment, service=Service.EXPRESS)


def amounts(quote: ShipmentQuote) -> dict[str, int]:
    return {row.code: row.amount_minor for row in quote.breakdown if row.amount_minor}


def brute_force_minor(tariff: Tariff, grams: int) -> int | None:
    """The price by the carrier's table, every gram of it looked up, in exact fractions, half a cent up."""
    limits = [band.up_to_grams if band.up_to_grams is not None else 10**9 for band in tariff.bands]
    fitting = [band for band, limit in zip(tariff.bands, limits, strict=True) if grams in range(limit + 1)]
    if not fitting:
        return None
    carriage = max(Fraction(fitting[0].base_minor) + Fraction(fitting[0].per_kg_minor * grams, 1000), Fraction(0))
    charged = max(carriage, Fraction(tariff.minimum_minor))
    exact = charged * (1 + Fraction(str(tariff.fuel_fraction))) + tariff.surcharge_minor
    return int(exact + Fraction(1, 2))


@st.composite
def a_table(draw: st.DrawFn) -> Tariff:
    """A tariff of up to five bands, perhaps with a limit, a minimum and a surcharge."""
    limits: list[int | None] = [*sorted(draw(st.sets(st.integers(1, 60).map(lambda n: n * 500), max_size=4)))]
    if not limits or draw(st.booleans()):
        limits.append(None)
    prices = st.tuples(st.integers(0, 5000), st.integers(0, 900))
    bands = tuple(
        WeightBand(up_to_grams=limit, base_minor=base, per_kg_minor=per_kg)
        for limit, (base, per_kg) in zip(limits, draw(st.tuples(*[prices] * len(limits))), strict=True)
    )
    return a_tariff(bands=bands, minimum_minor=draw(st.integers(0, 3000)), surcharge_minor=draw(st.integers(0, 900)))


# ---------------------------------------------------------------- bands and minimum


@pytest.mark.parametrize(
    ("grams", "cost_minor"),
    [
        (500, 440),  # 4.00 x 1.1
        (1000, 440),
        (1500, 633),  # (5.00 + 0.75) x 1.1 = 6.325
        (5000, 825),  # (5.00 + 2.50) x 1.1
        (5500, 1056),  # (3.00 + 6.60) x 1.1
        (30_000, 4290),  # (3.00 + 36.00) x 1.1
    ],
)
def test_the_band_of_the_chargeable_weight_sets_the_price_of_all_its_kilograms(grams: int, cost_minor: int) -> None:
    quote = quoted(a_tariff(bands=LETTERS), grams=grams)
    assert quote.cost_minor == cost_minor
    assert sum(amounts(quote).values()) == cost_minor


@given(tariff=a_table(), half_kilograms=st.integers(1, 70))
def test_every_price_is_that_of_a_table_looked_up_by_hand(tariff: Tariff, half_kilograms: int) -> None:
    grams = half_kilograms * 500
    expected = brute_force_minor(tariff, grams)
    if expected is None:
        with pytest.raises(ParcelTooHeavy):
            quoted(tariff, grams=grams)
        assert tariff.heaviest_grams < grams
    else:
        quote = quoted(tariff, grams=grams)
        assert quote.cost_minor == expected
        assert sum(amounts(quote).values()) == expected


def test_the_minimum_stands_before_fuel_and_surcharge() -> None:
    cheap = a_tariff(bands=any_weight(base_minor=300, per_kg_minor=100), minimum_minor=650, surcharge_minor=25)
    light, heavy = quoted(cheap, grams=500), quoted(cheap, grams=4000)
    assert amounts(light) == {
        "freight_base": 300,
        "freight_weight": 50,
        "freight_minimum": 300,
        "fuel": 65,
        "freight_surcharge": 25,
    }
    assert light.cost_minor == 740
    assert amounts(heavy) == {"freight_base": 300, "freight_weight": 400, "fuel": 70, "freight_surcharge": 25}


def test_a_parcel_over_the_last_band_is_refused_with_the_limit() -> None:
    with pytest.raises(ParcelTooHeavy) as refusal:
        quoted(a_tariff(bands=LETTERS), a_tariff(carrier="small", bands=LETTERS[:1]), grams=30_500)
    assert isinstance(refusal.value, LaneMissing)
    assert (refusal.value.code, refusal.value.status) == ("parcel_too_heavy", 409)
    assert refusal.value.message == (
        "a parcel that counts as 30.5 kg is too heavy for express into zone Z1: the limit is 30 kg, "
        "send fewer parts at a time or choose another service"
    )
    assert (refusal.value.weight_grams, refusal.value.limit_grams) == (30_500, 30_000)


@pytest.mark.parametrize(
    ("bands", "problem"),
    [
        ((), "has no weight band: give one, without a limit for any weight"),
        ((LETTERS[1], LETTERS[0]), "is not heavier than the band before it"),
        ((LETTERS[0], LETTERS[0]), "is not heavier than the band before it"),
        ((*any_weight(base_minor=1, per_kg_minor=1), LETTERS[0]), "is not heavier than the band before it"),
        ((WeightBand(up_to_grams=0, base_minor=1, per_kg_minor=1),), "ends at no weight: give more than 0"),
        (any_weight(base_minor=-1, per_kg_minor=1), "has a price under 0: give 0 or more"),
        (any_weight(base_minor=1, per_kg_minor=-1), "has a price under 0: give 0 or more"),
    ],
)
def test_bands_that_are_none_say_what_to_mend(bands: tuple[WeightBand, ...], problem: str) -> None:
    found = bands_problem(bands)
    assert found is not None
    assert found.startswith(problem)
    assert bands_problem(LETTERS) is None


# ---------------------------------------------------------------- several carriers


def test_the_cheapest_carrier_that_takes_the_parcel_gets_it() -> None:
    small = a_tariff(carrier="small", bands=(WeightBand(up_to_grams=2000, base_minor=300, per_kg_minor=0),))
    large = a_tariff(carrier="large", base_minor=700)
    assert [quoted(small, large, grams=grams).carrier for grams in (500, 2000, 2500)] == ["small", "small", "large"]
    assert quoted(large, small).carrier == "small"
    assert quoted(small, large, grams=2500).cost_minor == 1320  # (7.00 + 5.00) x 1.1


def test_at_one_price_the_quicker_carrier_goes_first_and_then_the_name() -> None:
    slow = a_tariff(carrier="a", transit=(1, 3))
    late = a_tariff(carrier="b", transit=(2, 2))
    quick = a_tariff(carrier="c", transit=(1, 2))
    twin = a_tariff(carrier="d", transit=(1, 2))
    assert quoted(slow, late, quick, twin).carrier == "c"
    assert quoted(twin, late, slow).carrier == "d"
    assert quoted(slow, late).carrier == "b"
    assert quoted(quick).transit == ((1, 500), (2, 450), (3, 50))


@given(tables=st.lists(a_table(), min_size=1, max_size=4), half_kilograms=st.integers(1, 70))
def test_of_many_carriers_the_least_price_is_quoted(tables: list[Tariff], half_kilograms: int) -> None:
    grams = half_kilograms * 500
    named = [
        a_tariff(
            carrier=f"carrier {place}",
            bands=table.bands,
            minimum_minor=table.minimum_minor,
            surcharge_minor=table.surcharge_minor,
        )
        for place, table in enumerate(tables)
    ]
    prices = {row.carrier: price for row in named if (price := brute_force_minor(row, grams)) is not None}
    if prices:
        quote = quoted(*named, grams=grams)
        assert quote.cost_minor == min(prices.values()) == prices[quote.carrier]
        assert quote.carrier == min(prices, key=lambda carrier: (prices[carrier], carrier))
    else:
        with pytest.raises(ParcelTooHeavy):
            quoted(*named, grams=grams)


def test_the_carrier_decides_what_carries_the_parcel_and_how_clean_that_is() -> None:
    rail = a_tariff(carrier="rail", mode=Mode.RAIL, base_minor=500)
    quote = quoted(a_tariff(), rail)
    assert (quote.carrier, quote.mode) == ("rail", Mode.RAIL)
    assert quote.co2_g == 101  # 0.1 g on 119 km of rail, and 100 g of packaging
    assert quoted(a_tariff()).co2_g == 112


def test_where_two_rows_of_a_carrier_cover_a_day_the_one_that_began_later_counts() -> None:
    old = a_tariff(base_minor=100, valid_from=date(2020, 1, 1))
    new = a_tariff(base_minor=900, valid_from=date(2026, 6, 1))
    assert quoted(old, new).cost_minor == quoted(new, old).cost_minor == 1210
    assert quoted(old, new, day=date(2026, 5, 31)).cost_minor == 330


def test_a_carrier_without_a_row_for_the_day_is_left_out() -> None:
    over = a_tariff(carrier="cheap", base_minor=1, valid_to=date(2026, 11, 22))
    assert quoted(over, a_tariff()).carrier == "reference"
    assert quoted(over, a_tariff(), day=date(2026, 11, 22)).carrier == "cheap"


def test_a_way_without_any_carrier_is_a_missing_lane() -> None:
    with pytest.raises(LaneMissing, match="no carrier offers express into zone Z1") as refusal:
        quoted()
    assert refusal.value.code == "lane_missing"
