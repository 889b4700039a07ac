"""Demand by the classes of Syntetos and Boylan, and in print orders."""

import statistics

import pytest

from fabroute.advice.rules.screening_demand import (
    NO_PATTERN,
    DemandClass,
    DemandPattern,
    YearlyDemand,
    demand_pattern,
    yearly_demand,
)


def demand(stated: float | None, *history: float, most_orders: float = 12, period_months: float = 1) -> YearlyDemand:
    found = yearly_demand(stated, history, period_months=period_months, most_orders=most_orders)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("history", "kind", "adi", "cv2"),
    [
        ((4, 4, 4, 4), DemandClass.SMOOTH, 1, 0),
        ((0, 0, 3, 0, 0, 3), DemandClass.INTERMITTENT, 3, 0),
        ((1, 9, 1, 9), DemandClass.ERRATIC, 1, 64 / 75),
        ((0, 0, 1, 0, 0, 9), DemandClass.LUMPY, 3, 32 / 25),
    ],
)
def test_the_four_classes(history: tuple[float, ...], kind: DemandClass, adi: float, cv2: float) -> None:
    found = demand_pattern(history)
    assert found.kind is kind
    assert found.adi == adi
    assert found.cv2 == pytest.approx(cv2)
    assert (found.periods, found.demands) == (len(history), sum(1 for size in history if size))


def test_an_interval_of_one_point_three_two_is_intermittent_and_anything_less_is_not() -> None:
    assert demand_pattern([1] * 25 + [0] * 8).adi == 1.32
    assert demand_pattern([1] * 25 + [0] * 8).kind is DemandClass.INTERMITTENT
    assert demand_pattern([1] * 25 + [0] * 7).kind is DemandClass.SMOOTH


def test_sizes_are_erratic_from_a_squared_coefficient_of_0_49_on() -> None:
    above, under = demand_pattern([299, 101]), demand_pattern([298, 102])
    assert above.cv2 == pytest.approx(0.49005)
    assert under.cv2 == pytest.approx(0.4802)
    assert (above.kind, under.kind) == (DemandClass.ERRATIC, DemandClass.SMOOTH)


def test_the_coefficient_is_that_of_a_sample_without_the_empty_periods() -> None:
    sizes = [3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0]
    found = demand_pattern([0, *sizes, 0, 0])
    assert found.cv2 == pytest.approx(statistics.variance(sizes) / statistics.mean(sizes) ** 2)
    assert found.adi == 11 / 8


def test_a_single_demand_says_nothing_about_sizes() -> None:
    once = demand_pattern([0] * 23 + [7])
    assert (once.kind, once.adi, once.cv2) == (DemandClass.INTERMITTENT, 24, 0)
    assert demand_pattern([0, 0, 0]) == DemandPattern(kind=DemandClass.UNKNOWN, periods=3)
    assert demand_pattern([]) == NO_PATTERN


def test_a_year_is_the_mean_of_the_history_in_as_many_orders_as_there_were_demands() -> None:
    found = demand(None, *([0, 2, 0, 0] * 6))
    assert (found.quantity, found.orders, found.lot) == (6, 3, 2)
    assert found.pattern.kind is DemandClass.INTERMITTENT


def test_what_is_stated_goes_before_the_history_of_which_only_the_pattern_is_taken() -> None:
    found = demand(20, 0, 2, 0, 2)
    assert (found.quantity, found.lot) == (20, 4)
    assert found.orders == 5
    assert found.pattern.adi == 2


def test_without_a_history_parts_are_printed_one_by_one_or_once_a_month() -> None:
    rare, often = demand(3), demand(400)
    assert (rare.quantity, rare.orders, rare.lot, rare.pattern) == (3, 3, 1, NO_PATTERN)
    assert often.lot == 34
    assert often.orders == pytest.approx(400 / 34)
    assert demand(400, most_orders=4).lot == 100


def test_periods_have_the_length_that_is_said() -> None:
    quarters = demand(None, 3, 0, 6, 3, period_months=3)
    assert (quarters.quantity, quarters.orders, quarters.lot) == (12, 3, 4)
    weeks = demand(None, *([2] * 52), period_months=12 / 52)
    assert weeks.quantity == pytest.approx(104)
    assert weeks.lot == 9


def test_nothing_is_known_without_either_and_nothing_is_wanted_where_all_are_zero() -> None:
    assert yearly_demand(None, (), period_months=1, most_orders=12) is None
    nothing = demand(None, 0, 0, 0)
    assert (nothing.quantity, nothing.orders, nothing.lot) == (0, 0, 1)
    assert demand(5, 0, 0, 0).orders == 5
