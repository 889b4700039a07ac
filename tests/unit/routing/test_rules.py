"""What an order's wishes are worth."""

import pytest

from fabroute.routing.rules import (
    WEIGHTS,
    caps_of_lines,
    generalised_cost_millis,
    options_per_line,
    price_cap_minor,
    unrouted_cost_millis,
)


def test_cheapest_counts_money_and_prefers_the_earlier_of_equal_prices() -> None:
    weights = WEIGHTS["cheapest"]

    assert generalised_cost_millis(weights, landed_minor=1130, minutes=72 * 60, co2e_g=500) == 1_130_072
    assert generalised_cost_millis(weights, landed_minor=1130, minutes=71 * 60, co2e_g=900) == 1_130_071
    assert generalised_cost_millis(weights, landed_minor=1129, minutes=5_000 * 60, co2e_g=0) == 1_129_999


def test_fastest_pays_a_hundred_euro_an_hour() -> None:
    weights = WEIGHTS["fastest"]

    slow_and_cheap = generalised_cost_millis(weights, landed_minor=1_000, minutes=48 * 60, co2e_g=0)
    quick_and_dear = generalised_cost_millis(weights, landed_minor=10_999, minutes=47 * 60, co2e_g=0)
    assert slow_and_cheap == 1_000_000 + 480_000_000 + 48
    assert quick_and_dear < slow_and_cheap


def test_balanced_pays_a_euro_an_hour_and_ten_cents_a_kilogram() -> None:
    cost = generalised_cost_millis(WEIGHTS["balanced"], landed_minor=2_000, minutes=24 * 60, co2e_g=3_000)

    assert cost == 2_000_000 + 2_400_000 + 30_000 + 24


def test_greenest_saves_carbon_as_long_as_a_kilogram_costs_under_a_thousand_euro() -> None:
    weights = WEIGHTS["greenest"]

    clean_and_dear = generalised_cost_millis(weights, landed_minor=50_000, minutes=600, co2e_g=900)
    dirty_and_cheap = generalised_cost_millis(weights, landed_minor=100, minutes=600, co2e_g=1_500)
    assert clean_and_dear == 50_000_000 + 90_000_000 + 10
    assert clean_and_dear < dirty_and_cheap


@pytest.mark.parametrize(
    ("objective", "millis"), [("cheapest", 100_000), ("fastest", 10_000_000), ("balanced", 200_000)]
)
def test_an_hour_late_has_its_price(objective: str, millis: int) -> None:
    weights = WEIGHTS[objective]
    in_time = generalised_cost_millis(weights, landed_minor=1_000, minutes=600, co2e_g=0)
    late = generalised_cost_millis(weights, landed_minor=1_000, minutes=600, co2e_g=0, late_minutes=60)

    assert late - in_time == millis


def test_a_line_without_a_place_costs_two_and_a_half_times_its_cheapest_option_and_fifty_euro() -> None:
    assert unrouted_cost_millis(cheapest_millis=1_000_000, dearest_millis=2_000_000) == 2_500_000 + 5_000_000
    assert unrouted_cost_millis(cheapest_millis=0, dearest_millis=0) == 5_000_000


def test_a_line_without_a_place_costs_more_than_its_dearest_option() -> None:
    assert unrouted_cost_millis(cheapest_millis=1_000_000, dearest_millis=90_000_000) == 90_001_000


def test_few_lines_may_have_more_options_each() -> None:
    assert options_per_line(200) == 60
    assert options_per_line(1_000) == 60
    assert options_per_line(16) == 750
    assert options_per_line(0) == 12_000


def test_an_aircraft_on_the_ground_may_cost_five_times_the_cap() -> None:
    assert price_cap_minor(2_000, criticality="aog") == 10_000
    assert price_cap_minor(2_000, criticality="line_down") == 2_000
    assert price_cap_minor(None, criticality="aog") is None


def test_a_line_may_take_all_of_its_orders_cap_that_the_others_must_not_have() -> None:
    assert caps_of_lines(12_000, {"first": 3_000, "second": 6_000}) == {"first": 6_000, "second": 9_000}
    assert caps_of_lines(9_000, {"first": 3_000, "second": 6_000}) == {"first": 3_000, "second": 6_000}


def test_a_cap_that_not_all_lines_are_within_is_under_the_cheapest_price_of_each() -> None:
    caps = caps_of_lines(90, {"first": 33, "second": 33, "third": 33})

    assert caps == {"first": 24, "second": 24, "third": 24}
    assert caps_of_lines(10, {"first": 33, "second": 33}) == {"first": 0, "second": 0}


def test_a_single_line_has_the_whole_cap() -> None:
    assert caps_of_lines(5_000, {"only": 4_000}) == {"only": 5_000}
    assert caps_of_lines(5_000, {"only": 0}) == {"only": 5_000}
