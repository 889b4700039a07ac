"""Quantiles of Student's t, against the closed forms, published tables and the density itself."""

import math
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.facts import InvalidFact
from fabroute.estimation.student import student_t_quantile

probabilities = st.floats(min_value=0.001, max_value=0.999)

# Critical values as printed in the NIST/SEMATECH e-Handbook of Statistical Methods, 1.3.6.7.2.
COLUMNS = (0.90, 0.95, 0.975, 0.99, 0.995, 0.999)
TABLE = {
    2: (1.886, 2.920, 4.303, 6.965, 9.925, 22.327),
    3: (1.638, 2.353, 3.182, 4.541, 5.841, 10.215),
    4: (1.533, 2.132, 2.776, 3.747, 4.604, 7.173),
    5: (1.476, 2.015, 2.571, 3.365, 4.032, 5.893),
    10: (1.372, 1.812, 2.228, 2.764, 3.169, 4.144),
    20: (1.325, 1.725, 2.086, 2.528, 2.845, 3.552),
    30: (1.310, 1.697, 2.042, 2.457, 2.750, 3.385),
    60: (1.296, 1.671, 2.000, 2.390, 2.660, 3.232),
    100: (1.290, 1.660, 1.984, 2.364, 2.626, 3.174),
    10**9: (1.282, 1.645, 1.960, 2.326, 2.576, 3.090),
}


def of_two_degrees(probability: float) -> float:
    """Return the closed form with two degrees of freedom."""
    return (2 * probability - 1) / math.sqrt(2 * probability * (1 - probability))


def of_four_degrees(probability: float) -> float:
    """Return the closed form with four degrees of freedom (Shaw, Journal of Computational Finance 9, 2006)."""
    root = math.sqrt(4 * probability * (1 - probability))
    return math.copysign(2 * math.sqrt(max(0.0, math.cos(math.acos(root) / 3) / root - 1)), probability - 0.5)


def integrated(value: float, degrees: float, *, steps: int = 4000) -> float:
    """Return the probability of staying under a value, by Simpson's rule on the density."""
    norm = math.lgamma((degrees + 1) / 2) - math.lgamma(degrees / 2) - math.log(degrees * math.pi) / 2

    def density(t: float) -> float:
        return math.exp(norm - (degrees + 1) / 2 * math.log1p(t * t / degrees))

    width = value / steps
    inner = math.fsum((4 if step % 2 else 2) * density(step * width) for step in range(1, steps))
    return 0.5 + (density(0) + inner + density(value)) * width / 3


@pytest.mark.parametrize(("degrees", "row"), TABLE.items())
def test_quantiles_are_those_of_the_published_table(degrees: int, row: tuple[float, ...]) -> None:
    found = [student_t_quantile(probability, degrees=degrees) for probability in COLUMNS]
    assert [round(value, 3) for value in found] == list(row)
    assert found == sorted(found)


@given(probability=probabilities)
def test_two_and_four_degrees_agree_with_their_closed_forms(probability: float) -> None:
    two, four = student_t_quantile(probability, degrees=2), student_t_quantile(probability, degrees=4)
    assert two == pytest.approx(of_two_degrees(probability), rel=1e-11, abs=1e-12)
    assert four == pytest.approx(of_four_degrees(probability), rel=1e-6, abs=1e-7)


@pytest.mark.parametrize("degrees", [2.5, 5, 11, 47, 200, 999.5])
@pytest.mark.parametrize("probability", [0.1, 0.3, 0.7, 0.9, 0.99])
def test_the_density_up_to_a_quantile_holds_its_probability(degrees: float, probability: float) -> None:
    value = student_t_quantile(probability, degrees=degrees)
    assert integrated(value, degrees) == pytest.approx(probability, abs=1e-10)
    assert math.copysign(1, value) == math.copysign(1, probability - 0.5)


@given(probability=probabilities, degrees=st.integers(min_value=2, max_value=5000))
def test_quantiles_mirror_about_zero_and_narrow_towards_the_normal(probability: float, degrees: int) -> None:
    value = student_t_quantile(probability, degrees=degrees)
    normal = NormalDist().inv_cdf(probability)
    assert student_t_quantile(1 - probability, degrees=degrees) == pytest.approx(-value, rel=1e-9, abs=1e-12)
    assert abs(normal) - 1e-12 <= abs(value) <= abs(of_two_degrees(probability)) + 1e-9
    assert abs(student_t_quantile(probability, degrees=degrees + 1)) <= abs(value) + 1e-12


def test_the_median_is_zero_exactly() -> None:
    assert [student_t_quantile(0.5, degrees=degrees) for degrees in (2, 4, 999, 1001, 10**9)] == [0.0] * 5
    assert student_t_quantile(0.9, degrees=4) == -student_t_quantile(0.1, degrees=4)


def test_the_expansion_takes_over_without_a_jump() -> None:
    for probability in (0.55, 0.7, 0.9, 0.99, 0.999):
        exact = student_t_quantile(probability, degrees=1000)
        beyond = student_t_quantile(probability, degrees=1000.0000001)
        assert beyond == pytest.approx(exact, rel=1e-11)
        assert beyond >= NormalDist().inv_cdf(probability)


@pytest.mark.parametrize(
    ("probability", "degrees"),
    [(0.0, 5), (1.0, 5), (0.0001, 5), (float("nan"), 5), (0.9, 1), (0.9, float("inf")), (0.9, float("nan"))],
)
def test_what_is_out_of_range_is_refused_with_the_range(probability: float, degrees: float) -> None:
    with pytest.raises(InvalidFact, match=r"from 0\.001 to 0\.999 and for 2 degrees or more") as caught:
        student_t_quantile(probability, degrees=degrees)
    assert caught.value.status == 422
