"""Shares of few cases, against published figures."""

import pytest

from fabroute.production.service.scores import Rate, wilson_interval


def test_one_of_one_is_not_everything() -> None:
    rate = Rate(so=1, counted=1)

    assert rate.share == 1.0
    assert rate.interval == pytest.approx((0.2065, 1.0), abs=1e-4)


def test_of_nothing_there_is_no_share() -> None:
    rate = Rate(so=0, counted=0)

    assert (rate.share, rate.interval) == (None, None)


@pytest.mark.parametrize(
    ("so", "counted", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_the_interval_is_that_of_newcombe_1998(so: int, counted: int, low: float, high: float) -> None:
    """R. G. Newcombe, Statistics in Medicine 17 (1998) 857-872, table I, method 3."""
    assert wilson_interval(so, counted) == pytest.approx((low, high), abs=1e-4)


@pytest.mark.parametrize("counted", [1, 2, 10, 1000])
def test_the_interval_holds_the_share_and_lies_between_nothing_and_all(counted: int) -> None:
    for so in {0, 1, counted // 2, counted}:
        low, high = wilson_interval(so, counted)
        assert 0 <= low <= so / counted <= high <= 1
