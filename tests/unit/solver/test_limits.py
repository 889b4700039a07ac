"""Limits of a run, and the account of what is spent."""

import time
from typing import Any

import pytest

from fabroute.solver.limits import Budget, SolveLimits


def test_limits_have_defaults_within_the_service_s_half_minute() -> None:
    limits = SolveLimits()

    assert (limits.seed, limits.workers) == (0, 1)
    assert limits.wall_seconds == 25.0
    assert limits.deterministic_seconds == 6.0


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"seed": -1}, "seed must be between 0 and 2147483647, not -1"),
        ({"seed": 2**31}, "seed must be between"),
        ({"deterministic_seconds": 0.0}, "must be over 0"),
        ({"wall_seconds": -1.0}, "must be over 0"),
        ({"workers": 0}, "workers must be at least 1, not 0"),
    ],
)
def test_limits_that_make_no_sense_are_refused(changes: dict[str, Any], words: str) -> None:
    with pytest.raises(ValueError, match=words):
        SolveLimits(**changes)


def test_the_highest_seed_is_taken() -> None:
    assert SolveLimits(seed=2**31 - 1).seed == 2**31 - 1


def test_a_budget_counts_down_but_not_below_zero() -> None:
    budget = Budget(limits=SolveLimits(deterministic_seconds=2.0))
    budget.spent += 0.5
    first = budget.left
    budget.spent += 5.0

    assert first == 1.5
    assert budget.left == 0.0


def test_the_wall_clock_runs_from_the_start() -> None:
    fresh = Budget(limits=SolveLimits(wall_seconds=60.0))
    late = Budget(limits=SolveLimits(wall_seconds=60.0), started=time.monotonic() - 61.0)

    assert 59.0 < fresh.wall_left <= 60.0
    assert late.wall_left == 0.0
    assert late.wall_ms >= 61_000
