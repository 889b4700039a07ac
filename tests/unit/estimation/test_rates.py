"""Machine rates and vendor rates, against worked figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.facts import InvalidFact
from fabroute.estimation.rates import (
    CAPITAL_INTEREST,
    CAPITAL_YEARS,
    MACHINE_HOURS_PER_YEAR,
    capital_recovery_factor,
    cm3_per_hour,
    layer_seconds,
    machine_rate_minor,
)


def test_the_capital_recovery_factor_of_seven_years_at_seven_percent() -> None:
    assert round(capital_recovery_factor(interest=0.07, years=7), 5) == 0.18555
    assert (CAPITAL_INTEREST, CAPITAL_YEARS) == (0.07, 7)
    assert pytest.approx(3744) == MACHINE_HOURS_PER_YEAR


@given(interest=st.floats(min_value=0.01, max_value=0.3), years=st.integers(min_value=1, max_value=30))
def test_payments_by_the_factor_pay_the_debt_back(interest: float, years: int) -> None:
    payment, debt = capital_recovery_factor(interest=interest, years=years), 1.0
    for _ in range(years):
        debt = debt * (1 + interest) - payment
    assert debt == pytest.approx(0, abs=1e-9)
    assert payment > 1 / years


@pytest.mark.parametrize(
    ("price", "infrastructure", "maintenance", "rate_minor"),
    [
        (145_000, 0.05, 0.07, 1026),
        (1_055_000, 0.20, 0.05, 7683),
        (248_000, 0.50, 0.05, 2175),
        (1_758_000, 0.50, 0.05, 15417),
        (999_000, 0.10, 0.05, 6780),
    ],
)
def test_machine_rates_follow_from_prices(
    price: int, infrastructure: float, maintenance: float, rate_minor: int
) -> None:
    def rate(hours_per_year: float) -> int:
        return machine_rate_minor(
            price_minor=price * 100,
            infrastructure=infrastructure,
            maintenance=maintenance,
            hours_per_year=hours_per_year,
        )

    assert rate(3744) == rate_minor
    assert rate(3744 / 2) == pytest.approx(2 * rate_minor, abs=1)


def test_a_year_has_3744_hours_unless_said_otherwise() -> None:
    usual = machine_rate_minor(price_minor=10**12, infrastructure=0.05, maintenance=0.07)
    stated = machine_rate_minor(price_minor=10**12, infrastructure=0.05, maintenance=0.07, hours_per_year=3744)
    assert usual == pytest.approx(stated, abs=1)
    assert usual == pytest.approx(10**12 * (1.05 * 0.185553 + 0.07) / 3744, rel=1e-5)


def test_the_layer_time_of_a_jet_fusion_machine_follows_from_its_throughput() -> None:
    seconds = layer_seconds(throughput_cm3_per_hour=4115, build_box_mm=(380.0, 284.0, 380.0), layer_um=80)
    assert round(seconds, 2) == 7.55
    assert round(4750 * seconds / 3600, 1) == 10.0


@pytest.mark.parametrize(
    ("mm3_per_second", "lasers", "expected"), [(2.0, 1, 7.2), (3.7, 1, 13.3), (10.5, 1, 37.8), (18.1, 4, 260.6)]
)
def test_volume_rates_of_data_sheets_in_cm3_per_hour(mm3_per_second: float, lasers: int, expected: float) -> None:
    assert round(cm3_per_hour(mm3_per_second, lasers=lasers), 1) == expected
    assert cm3_per_hour(mm3_per_second) == pytest.approx(3.6 * mm3_per_second)


def test_without_interest_a_machine_is_written_off_in_equal_parts() -> None:
    # As Hopkinson and Dickens (2003) write off machines: over eight years, without interest.
    assert capital_recovery_factor(interest=0, years=8) == 0.125
    assert capital_recovery_factor(interest=1e-12, years=8) == pytest.approx(0.125, rel=1e-9)


@given(interest=st.floats(min_value=0, max_value=1), years=st.integers(min_value=1, max_value=100))
def test_a_factor_is_never_under_equal_parts_nor_under_the_interest(interest: float, years: int) -> None:
    factor = capital_recovery_factor(interest=interest, years=years)
    assert factor >= max(1 / years, interest) - 1e-12
    assert factor <= 1 / years + interest + 1e-12


@pytest.mark.parametrize(
    ("interest", "years", "says"),
    [
        (-0.01, 7, "interest must be a number, 0 or more"),
        (float("nan"), 7, "interest must be a number, 0 or more"),
        (7, 7, "interest is 7, more than 1, .*: check its unit"),
        (0.07, 0, "years must be a number above 0"),
        (0.07, 101, "years is 101, more than 100"),
    ],
)
def test_a_loan_that_nobody_gives_is_refused(interest: float, years: int, says: str) -> None:
    with pytest.raises(InvalidFact, match=says) as caught:
        capital_recovery_factor(interest=interest, years=years)
    assert caught.value.status == 422


@pytest.mark.parametrize(
    ("price", "infrastructure", "maintenance", "hours", "says"),
    [
        (0, 0.1, 0.1, 3744, "price_minor must be a number above 0"),
        (10**14, 0.1, 0.1, 3744, "price_minor is .*, more than"),
        (100, -0.1, 0.1, 3744, "infrastructure must be a number, 0 or more"),
        (100, 0.1, 50, 3744, "maintenance is 50, more than 10"),
        (100, 0.1, 0.1, 0, "hours_per_year must be a number above 0"),
        (100, 0.1, 0.1, 9000, "hours_per_year is 9,000, more than 8,784"),
    ],
)
def test_a_machine_that_nobody_sells_has_no_rate(
    price: int, infrastructure: float, maintenance: float, hours: float, says: str
) -> None:
    with pytest.raises(InvalidFact, match=says) as caught:
        machine_rate_minor(
            price_minor=price, infrastructure=infrastructure, maintenance=maintenance, hours_per_year=hours
        )
    assert caught.value.code == "estimation_fact_invalid"


def test_data_sheets_of_nothing_are_refused() -> None:
    with pytest.raises(InvalidFact, match="throughput_cm3_per_hour must be a number above 0"):
        layer_seconds(throughput_cm3_per_hour=0, build_box_mm=(380.0, 284.0, 380.0), layer_um=80)
    with pytest.raises(InvalidFact, match="a side of the build volume"):
        layer_seconds(throughput_cm3_per_hour=4115, build_box_mm=(380.0, 0.0, 380.0), layer_um=80)
    with pytest.raises(InvalidFact, match="layer_um must be a number above 0"):
        layer_seconds(throughput_cm3_per_hour=4115, build_box_mm=(380.0, 284.0, 380.0), layer_um=0)
    with pytest.raises(InvalidFact, match="mm3_per_second must be a number above 0"):
        cm3_per_hour(0)
    with pytest.raises(InvalidFact, match="lasers must be a number above 0"):
        cm3_per_hour(10, lasers=0)
