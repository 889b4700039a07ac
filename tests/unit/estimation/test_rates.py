"""Machine rates and vendor rates, against worked figures."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.rates import capital_recovery_factor, cm3_per_hour, layer_seconds, machine_rate_minor


def test_the_capital_recovery_factor_of_seven_years_at_seven_percent() -> None:
    assert round(capital_recovery_factor(interest=0.07, years=7), 5) == 0.18555


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
