"""Which counter-offers are accepted at once: exact to the cent, and only if the customer's promise and cap hold."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import ROUND_FLOOR, Decimal
from fractions import Fraction

import pytest

from fabroute.production.service.phases.bands import Counter, Limits, arrival_after, outside, price_limit_minor

MONDAY = date(2026, 6, 15)
FRIDAY_NOON = datetime(2026, 6, 19, 12, 0, tzinfo=UTC)
OFFER = Counter(price_minor=1_000, produce_by=MONDAY, offered_price_minor=1_000, offered_produce_by=MONDAY)
LIMITS = Limits(
    price_fraction=0.1,
    days=3,
    arrives_at=FRIDAY_NOON,
    promised_at=FRIDAY_NOON + timedelta(days=4),
    landed_minor=5_000,
    cap_minor=None,
    duty=Fraction(0),
)


@pytest.mark.parametrize(("offered", "fraction", "limit"), [
    (1_000, 0.1, 1_100),
    (999, 0.1, 1_098),
    (1, 0.1, 1),
    (3_333, 0.3, 4_332),
    (2_999, 0.07, 3_208),
    (10, 0.0, 10),
    (700, 1.0, 1_400),
    (110, 0.15, 126),
])  # fmt: skip
def test_a_band_ends_at_the_cent_below_its_fraction(offered: int, fraction: float, limit: int) -> None:
    assert price_limit_minor(offered, fraction=fraction) == limit


def test_the_fraction_counts_as_it_is_written_not_as_binary_numbers_are() -> None:
    for per_mille in range(0, 1_001, 7):
        fraction = per_mille / 1_000
        for offered in (1, 99, 1_130, 20_001, 999_999):
            exact = (Decimal(offered) * (1 + Decimal(per_mille) / 1_000)).to_integral_value(ROUND_FLOOR)
            assert price_limit_minor(offered, fraction=fraction) == exact


def test_eight_per_cent_more_are_accepted_at_once_and_a_quarter_more_waits_for_the_owner() -> None:
    assert outside(replace(OFFER, price_minor=1_080), LIMITS) == ()
    assert outside(replace(OFFER, price_minor=1_250), LIMITS) == (
        "12.50 EUR is over the owner's band, which ends at 11.00 EUR",
    )


def test_the_last_cent_of_the_band_is_inside_and_the_next_is_not() -> None:
    assert outside(replace(OFFER, price_minor=1_100), LIMITS) == ()
    assert len(outside(replace(OFFER, price_minor=1_101), LIMITS)) == 1
    assert outside(replace(OFFER, price_minor=900), replace(LIMITS, price_fraction=0.0)) == ()
    assert len(outside(replace(OFFER, price_minor=1_001), replace(LIMITS, price_fraction=0.0))) == 1


def test_a_later_day_has_to_be_inside_the_band_and_to_keep_the_promise() -> None:
    later = replace(OFFER, produce_by=MONDAY + timedelta(days=2))
    assert outside(later, LIMITS) == ()
    assert outside(replace(later, produce_by=MONDAY + timedelta(days=4)), LIMITS) == (
        "2026-06-19 is later than the owner's band, which ends 2026-06-18",
        "it would arrive 2026-06-25, and the customer was promised 2026-06-23",
    )
    assert outside(later, replace(LIMITS, promised_at=FRIDAY_NOON)) == (
        "it would arrive 2026-06-23, and the customer was promised 2026-06-19",
    )
    assert outside(later, replace(LIMITS, promised_at=None)) == ()


def test_an_earlier_day_needs_nobody() -> None:
    assert outside(replace(OFFER, produce_by=MONDAY - timedelta(days=5)), replace(LIMITS, days=0)) == ()


def test_a_late_plan_is_not_the_fault_of_a_dearer_price() -> None:
    late = replace(LIMITS, promised_at=FRIDAY_NOON - timedelta(days=3))
    assert outside(replace(OFFER, price_minor=1_050), late) == ()
    assert len(outside(replace(OFFER, produce_by=MONDAY + timedelta(days=1)), late)) == 1


@pytest.mark.parametrize(("days", "arrives"), [
    (0, date(2026, 6, 19)), (1, date(2026, 6, 22)), (4, date(2026, 6, 25)), (5, date(2026, 6, 25)),
    (6, date(2026, 6, 25)), (7, date(2026, 6, 26)), (-3, date(2026, 6, 19)),
])  # fmt: skip
def test_an_arrival_is_put_off_by_working_days(days: int, arrives: date) -> None:
    found = arrival_after(FRIDAY_NOON, offered=MONDAY, countered=MONDAY + timedelta(days=days))
    assert (found.date(), found.hour) == (arrives, 12)


def test_the_cap_of_the_order_counts_with_the_duty_on_what_is_dearer() -> None:
    dearer = replace(OFFER, price_minor=1_100)
    assert outside(dearer, replace(LIMITS, cap_minor=5_100)) == ()
    assert outside(dearer, replace(LIMITS, cap_minor=5_099)) == (
        "the order would cost 51.00 EUR landed, and its cap is 50.99 EUR",
    )
    with_duty = replace(LIMITS, cap_minor=5_104, duty=Fraction(47, 1_000))
    assert outside(dearer, with_duty) == ("the order would cost 51.05 EUR landed, and its cap is 51.04 EUR",)
    assert outside(dearer, replace(with_duty, cap_minor=5_105)) == ()


def test_a_cap_that_is_exceeded_already_does_not_stop_a_cheaper_price() -> None:
    assert outside(replace(OFFER, price_minor=950), replace(LIMITS, cap_minor=4_000)) == ()
    assert outside(replace(OFFER, price_minor=1_001), replace(LIMITS, cap_minor=None)) == ()


def one_by_one(arrives_at: datetime, days: int) -> datetime:
    while days:
        arrives_at += timedelta(days=1)
        days -= arrives_at.weekday() < 5
    return arrives_at


def test_the_arrival_is_the_one_that_counting_day_by_day_gives_and_a_thousand_years_take_no_time() -> None:
    for start in range(7):
        arrives, offered = FRIDAY_NOON + timedelta(days=start), MONDAY + timedelta(days=start * 3)
        for ahead in range(-3, 24):
            between = [offered + timedelta(days=number) for number in range(1, ahead + 1)]
            expected = one_by_one(arrives, sum(day.weekday() < 5 for day in between))
            countered = offered + timedelta(days=ahead)
            assert arrival_after(arrives, offered=offered, countered=countered) == expected

    assert arrival_after(FRIDAY_NOON, offered=MONDAY, countered=date(3026, 6, 15)).date() == date(3026, 6, 21)
