"""What builds and prints teach about times and yields."""

import math
from collections.abc import Callable
from dataclasses import replace
from statistics import NormalDist

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fabroute.estimation.calibration import (
    NO_EVIDENCE,
    P90_BEFORE_EVIDENCE,
    PRIOR_BUILDS,
    PRIOR_PRINTS,
    QUANTILES,
    Evidence,
    calibrated_yield,
    learnt_log_ratio,
    log_ratio,
    time_spread,
)
from fabroute.estimation.facts import InvalidFact
from tests.factories.estimation import evidence_of

ratios = st.floats(min_value=0.2, max_value=5)
samples = st.lists(ratios, min_size=1, max_size=30)
shares = st.floats(min_value=0.01, max_value=1)
counts = st.integers(min_value=0, max_value=10_000)


def evenly_spread(*, builds: int, ratio: float, spread: float) -> Evidence:
    """Return builds at the middles of equal parts of a log-normal, so that they are as spread as it is."""
    z = [NormalDist().inv_cdf((k + 0.5) / builds) for k in range(builds)]
    return evidence_of(ratio * math.exp(spread * value) for value in z)


def repeated(evidence: Evidence, *, times: int) -> Evidence:
    """Return the same builds so many times over."""
    return replace(
        evidence,
        builds=evidence.builds * times,
        log_ratio_sum=evidence.log_ratio_sum * times,
        log_ratio_sum_squares=evidence.log_ratio_sum_squares * times,
    )


def predicted(sample: list[float], below: float) -> float:
    """Return the chance that the next build takes less than this multiple, by brute force over mean and variance.

    The posterior on a grid: normal-inverse-gamma prior times the likelihood of each build, no formula of the
    conjugate update. Prior: mean 0 worth four builds; variance inverse gamma with shape 2, scaled for 1.25 at P90.
    """
    x = [math.log(ratio) for ratio in sample]
    scale = (math.log(1.25) / 1.5332062740589443) ** 2 * 2 * 4 / 5
    weight = total = 0.0
    for i in range(-80, 81):
        for j in range(1, 101):
            mean, deviation = i * 0.02, math.exp(-4 + j * 0.06)
            variance = deviation * deviation
            log_density = -2 * 2 * math.log(deviation) - 2 * math.log(deviation) - scale / variance
            log_density += -4 * mean * mean / 2 / variance - math.log(deviation)
            log_density -= sum((value - mean) ** 2 / 2 / variance + math.log(deviation) for value in x)
            density = math.exp(log_density) * variance  # a grid in the log of the deviation
            total += density
            weight += density * NormalDist(mean, deviation).cdf(math.log(below))
    return weight / total


# ---------------------------------------------------------------- before any evidence


def test_before_any_evidence_the_estimate_is_the_median_and_one_in_ten_takes_a_quarter_more() -> None:
    spread = time_spread(NO_EVIDENCE)
    assert (spread.p50_factor, spread.p90_factor) == (1.0, 1.25)
    assert spread.quantile_factors == pytest.approx((1 / 1.25, 1 / 1.086283, 1.0, 1.086283, 1.25), abs=1e-6)
    assert (spread.quantile_factors[2], spread.quantile_factors[4]) == (1.0, 1.25)
    assert (P90_BEFORE_EVIDENCE, PRIOR_BUILDS, PRIOR_PRINTS) == (1.25, 4, 20)


def test_times_are_read_at_the_middles_of_five_equal_parts() -> None:
    assert QUANTILES == (0.1, 0.3, 0.5, 0.7, 0.9)
    assert [round(left + 0.2, 6) for left in QUANTILES[:-1]] == list(QUANTILES[1:])


# ---------------------------------------------------------------- the posterior


@pytest.mark.parametrize("sample", [[1.2, 1.2, 1.2], [0.9, 1.3, 1.1, 1.0, 1.6], [2.0]])
def test_the_quantiles_are_those_of_the_posterior_by_brute_force(sample: list[float]) -> None:
    spread = time_spread(evidence_of(sample))
    chances = [predicted(sample, factor) for factor in spread.quantile_factors]
    assert chances == pytest.approx(list(QUANTILES), abs=2e-3)
    assert predicted(sample, spread.p90_factor) == pytest.approx(0.9, abs=2e-3)


def test_seven_builds_that_took_a_fifth_longer_worked_by_hand() -> None:
    spread = time_spread(evidence_of([1.2] * 7))
    # Mean 7/11 of ln 1.2 = 0.116023. The squares about it: the prior's 2 x 0.0338909 and 4 x 7 / 11 x ln(1.2)^2 =
    # 0.0846142; over 11 degrees, x 12/11, the root is 0.1229395; t(11) at 90 % is 1.363430.
    assert spread.p50_factor == pytest.approx(math.exp(0.1160230), abs=1e-6)
    assert spread.p90_factor == pytest.approx(math.exp(0.1160230 + 1.363430 * 0.1229395), abs=1e-5)


def test_four_builds_weigh_as_much_as_the_data_sheet() -> None:
    assert time_spread(evidence_of([1.44] * 4)).p50_factor == pytest.approx(1.2)
    assert time_spread(evidence_of([1.44] * 16)).p50_factor == pytest.approx(1.44**0.8)


@pytest.mark.parametrize("ratio", [0.7, 1.2, 3.0])
def test_a_machine_that_always_takes_so_much_is_estimated_so(ratio: float) -> None:
    errors = [abs(math.log(time_spread(evidence_of([ratio] * n)).p50_factor / ratio)) for n in (0, 10, 100, 1000)]
    assert errors == sorted(errors, reverse=True)
    assert errors[-1] == pytest.approx(abs(math.log(ratio)) * 4 / 1004, rel=1e-9)


@pytest.mark.parametrize(("ratio", "spread"), [(1.2, 0.05), (0.8, 0.3), (1.0, 0.15)])
def test_many_builds_teach_the_true_median_and_the_true_spread(ratio: float, spread: float) -> None:
    learnt = time_spread(evenly_spread(builds=20_000, ratio=ratio, spread=spread))
    assert learnt.p50_factor == pytest.approx(ratio, rel=1e-3)
    expected = [ratio * math.exp(spread * NormalDist().inv_cdf(quantile)) for quantile in QUANTILES]
    assert learnt.quantile_factors == pytest.approx(expected, rel=2e-3)


@given(builds=st.integers(min_value=0, max_value=300), more=st.integers(min_value=1, max_value=300))
def test_builds_as_expected_narrow_the_spread(builds: int, more: int) -> None:
    before, after = time_spread(evidence_of([1.0] * builds)), time_spread(evidence_of([1.0] * (builds + more)))
    assert after.p50_factor == before.p50_factor == 1.0
    assert 1 < after.p90_factor < before.p90_factor
    assert before.quantile_factors[0] < after.quantile_factors[0] < 1


@given(sample=samples)
def test_the_same_evidence_over_and_over_leads_to_what_it_says(sample: list[float]) -> None:
    x = [max(-math.log(3), min(math.log(3), math.log(ratio))) for ratio in sample]  # as far as one build counts
    mean = math.fsum(x) / len(x)
    deviation = math.sqrt(math.fsum((value - mean) ** 2 for value in x) / len(x))
    once, often = time_spread(evidence_of(sample)), time_spread(repeated(evidence_of(sample), times=1_000_000))
    assert math.log(often.p50_factor) == pytest.approx(mean, abs=1e-5)
    assert math.log(often.p90_factor) == pytest.approx(mean + 1.2815516 * deviation, abs=0.005)
    assert abs(math.log(often.p50_factor) - mean) <= abs(math.log(once.p50_factor) - mean) + 1e-9


def test_a_single_surprise_widens_the_spread() -> None:
    surprised = time_spread(evidence_of([3.0]))
    # (0.0677826 + 4 / 5 x ln(3)^2) over 5 degrees, x 6/5: the root is 0.4980, and t(5) at 90 % is 1.475884.
    assert surprised.p90_factor / surprised.p50_factor == pytest.approx(math.exp(0.4980 * 1.475884), rel=1e-3)
    assert surprised.p50_factor == pytest.approx(3**0.2)


@given(sample=samples)
def test_the_order_of_builds_does_not_matter(sample: list[float]) -> None:
    in_order, reversed_order = time_spread(evidence_of(sample)), time_spread(evidence_of(reversed(sample)))
    assert in_order.quantile_factors == pytest.approx(reversed_order.quantile_factors, rel=1e-9)
    assert in_order.p50_factor == pytest.approx(time_spread(evidence_of(sorted(sample))).p50_factor, rel=1e-9)


@given(sample=samples)
def test_quantiles_rise_and_the_median_lies_between_the_data_sheet_and_the_builds(sample: list[float]) -> None:
    spread = time_spread(evidence_of(sample))
    assert list(spread.quantile_factors) == sorted(set(spread.quantile_factors))
    assert spread.p50_factor == spread.quantile_factors[2]
    assert spread.p90_factor == spread.quantile_factors[4]
    assert min(1, *sample) - 1e-9 <= spread.p50_factor <= max(1, *sample) + 1e-9


def test_builds_beyond_count_keep_their_quantiles() -> None:
    n = 10**9
    spread = time_spread(replace(NO_EVIDENCE, builds=n, log_ratio_sum=n * 0.1, log_ratio_sum_squares=n * 0.0101))
    assert spread.p50_factor == pytest.approx(math.exp(0.1), rel=1e-8)
    assert spread.p90_factor == pytest.approx(math.exp(0.1 + 0.01 * 1.2815515655), rel=1e-7)


# ---------------------------------------------------------------- yield


def test_without_prints_the_yield_is_the_stated_one_exactly() -> None:
    assert calibrated_yield(0.985, NO_EVIDENCE) == 0.985
    assert calibrated_yield(1 / 3, evidence_of([1.1, 1.2])) == 1 / 3


def test_twenty_prints_weigh_as_much_as_what_the_node_states() -> None:
    assert calibrated_yield(0.9, evidence_of(good=10, failed=10)) == pytest.approx(0.7)
    assert calibrated_yield(0.9, evidence_of(failed=1)) == pytest.approx(18 / 21)
    assert calibrated_yield(1.0, evidence_of(good=500)) == 1.0


@given(stated=shares, good=counts, failed=counts)
def test_a_yield_lies_between_what_is_stated_and_what_was_seen(stated: float, good: int, failed: int) -> None:
    learnt = calibrated_yield(stated, evidence_of(good=good, failed=failed))
    seen = good / (good + failed) if good + failed else stated
    assert min(stated, seen) - 1e-12 <= learnt <= max(stated, seen) + 1e-12
    assert abs(learnt - seen) <= 20 / (20 + good + failed) + 1e-12


@pytest.mark.parametrize("stated", [0, -0.1, 1.01, float("nan")])
def test_a_yield_that_is_no_share_is_refused(stated: float) -> None:
    with pytest.raises(InvalidFact, match="must be a share above 0 and up to 1") as caught:
        calibrated_yield(stated, NO_EVIDENCE)
    assert caught.value.code == "estimation_fact_invalid"


# ---------------------------------------------------------------- evidence


def test_evidence_adds_up_builds_and_prints() -> None:
    evidence = evidence_of([1.2, 0.8], good=18, failed=2)
    assert (evidence.builds, evidence.prints, evidence.failed_prints) == (2, 20, 2)
    assert evidence.log_ratio_sum == pytest.approx(math.log(0.96))
    assert evidence.log_ratio_sum_squares == pytest.approx(math.log(1.2) ** 2 + math.log(0.8) ** 2)


def test_a_build_teaches_the_log_of_its_ratio() -> None:
    assert log_ratio(real_minutes=120, estimated_minutes=100) == pytest.approx(0.1823215568)
    assert log_ratio(real_minutes=100, estimated_minutes=100) == 0
    assert log_ratio(real_minutes=1, estimated_minutes=10) == pytest.approx(-math.log(10))


@pytest.mark.parametrize(("ratio", "learnt"), [(10, 3), (3.01, 3), (2.9, 2.9), (1, 1), (0.35, 0.35), (0.3, 1 / 3)])
def test_a_build_counts_as_no_more_than_three_times_its_estimate(ratio: float, learnt: float) -> None:
    assert learnt_log_ratio(real_minutes=100 * ratio, estimated_minutes=100) == pytest.approx(math.log(learnt))
    taught = NO_EVIDENCE.with_build(real_minutes=100 * ratio, estimated_minutes=100)
    assert (taught.log_ratio_sum, taught.log_ratio_sum_squares) == pytest.approx(
        (math.log(learnt), math.log(learnt) ** 2)
    )


@given(
    honest=st.lists(st.floats(min_value=0.8, max_value=1.25), min_size=9, max_size=9),
    absurd=st.one_of(st.floats(min_value=0.1, max_value=0.3), st.floats(min_value=3, max_value=10)),
)
def test_one_absurd_report_among_ten_moves_the_median_by_less_than_a_tenth(honest: list[float], absurd: float) -> None:
    """Nine builds of up to a quarter more or less: ten instead of them end within ``(3 / 0.8) ** (1 / 14)`` of it."""
    usual = math.exp(math.fsum(math.log(it) for it in honest) / 9)
    right = time_spread(evidence_of([*honest, usual])).p50_factor
    moved = time_spread(evidence_of([*honest, absurd])).p50_factor
    assert 0.9 < moved / right < 1.1
    assert abs(math.log(moved / right)) == pytest.approx(
        abs(max(-math.log(3), min(math.log(3), math.log(absurd))) - math.log(usual)) / 14
    )


@given(ratio=st.floats(min_value=0.4, max_value=2.5))
def test_honest_builds_still_converge_to_the_true_ratio(ratio: float) -> None:
    """After n builds of one ratio r the median is ``r ** (n / (n + 4))``, cut off or not."""
    found = {n: time_spread(evidence_of([ratio] * n)).p50_factor for n in (10, 100, 1000)}
    assert found == pytest.approx({n: ratio ** (n / (n + 4)) for n in found})
    assert found[1000] == pytest.approx(ratio, rel=0.005)


@pytest.mark.parametrize(("real", "estimated"), [(0, 10), (-1, 10), (float("nan"), 10), (10, 0), (10, float("inf"))])
def test_times_that_no_build_takes_are_not_learnt_from(real: float, estimated: float) -> None:
    with pytest.raises(InvalidFact, match=r"_minutes must be a number above 0, not"):
        log_ratio(real_minutes=real, estimated_minutes=estimated)
    with pytest.raises(InvalidFact, match=r"_minutes must be a number above 0, not"):
        NO_EVIDENCE.with_build(real_minutes=real, estimated_minutes=estimated)


@pytest.mark.parametrize(("real", "estimated"), [(101, 10), (10, 101)])
def test_hours_that_were_given_as_minutes_are_not_learnt_from(real: float, estimated: float) -> None:
    with pytest.raises(InvalidFact, match="check the units, a ratio over 10 is not learnt from") as caught:
        log_ratio(real_minutes=real, estimated_minutes=estimated)
    assert f"{real:g} real minutes" in str(caught.value)


@pytest.mark.parametrize(
    ("says", "absurd"),
    [
        ("builds must be a count", lambda: replace(NO_EVIDENCE, builds=-1)),
        ("good_prints must be a count", lambda: NO_EVIDENCE.with_prints(good=-1, failed=0)),
        ("failed_prints must be a count", lambda: NO_EVIDENCE.with_prints(good=0, failed=-1)),
        ("builds must be a count from 0 to 1,000,000,000", lambda: replace(NO_EVIDENCE, builds=10**9 + 1)),
        ("must be numbers, not nan", lambda: replace(NO_EVIDENCE, builds=1, log_ratio_sum=float("nan"))),
        ("must be numbers, not 0.0 and inf", lambda: replace(NO_EVIDENCE, log_ratio_sum_squares=float("inf"))),
        ("no builds can't have log ratios", lambda: replace(NO_EVIDENCE, log_ratio_sum=0.1)),
        ("no builds can't have log ratios", lambda: replace(NO_EVIDENCE, log_ratio_sum_squares=0.1)),
        ("mistake of units", lambda: replace(NO_EVIDENCE, builds=1, log_ratio_sum_squares=48.0)),
        (
            "have squares of at least 0.5, not 0.4: learn again",
            lambda: replace(NO_EVIDENCE, builds=2, log_ratio_sum=1.0, log_ratio_sum_squares=0.4),
        ),
        (
            "have squares of at least 0.5, not -1",
            lambda: replace(NO_EVIDENCE, builds=2, log_ratio_sum=1.0, log_ratio_sum_squares=-1.0),
        ),
    ],
)
def test_sums_that_no_builds_can_have_are_refused(says: str, absurd: Callable[[], Evidence]) -> None:
    with pytest.raises(InvalidFact, match=says) as caught:
        absurd()
    assert caught.value.status == 422


@given(ratio=ratios, builds=st.integers(min_value=1, max_value=3000))
def test_a_variance_that_rounding_left_under_zero_is_none(ratio: float, builds: int) -> None:
    evidence = evidence_of([ratio] * builds)
    hair_less = replace(evidence, log_ratio_sum_squares=evidence.log_ratio_sum_squares * (1 - 1e-13))
    assert time_spread(hair_less).p50_factor == time_spread(evidence).p50_factor
    assert time_spread(hair_less).p90_factor == pytest.approx(time_spread(evidence).p90_factor, rel=1e-9)
