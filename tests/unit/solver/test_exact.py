"""The exact engine on one contest: proof when it has time, the hint when it has none."""

import time

import numpy as np
import pytest

from fabroute.solver.contest import Contest
from fabroute.solver.exact import solve_exactly
from fabroute.solver.limits import Budget, SolveLimits
from fabroute.solver.plan import UNROUTED
from tests.factories.solver import OptionRow, large_tight_problem, only_contest, rivals_for_one_pool, routing_problem


def budget(*, wall_seconds: float = 60.0, started_ago: float = 0.0, seed: int = 0) -> Budget:
    limits = SolveLimits(seed=seed, wall_seconds=wall_seconds)
    return Budget(limits=limits, started=time.monotonic() - started_ago)


def nothing_routed(contest: Contest) -> np.ndarray[tuple[int, ...], np.dtype[np.int64]]:
    return np.full(contest.line_count, UNROUTED)


def test_a_small_contest_is_solved_and_proven() -> None:
    contest, account = only_contest(rivals_for_one_pool(lines=3, minutes=6, capacity=13)), budget()
    answer = solve_exactly(contest, nothing_routed(contest), account, seconds=1.0)

    assert contest.cost_of(answer.chosen) == 10 + 10 + 20
    assert answer.chosen.tolist() == [1, 2, 4]
    assert (answer.bound, answer.proven) == (40, True)
    assert not account.guard_hit


def test_a_contest_where_all_stay_unrouted_is_solved() -> None:
    problem = routing_problem(
        options=[OptionRow(line=line, cost=100, minutes=6) for line in (0, 1)], capacity=[[10]], unrouted=100
    )
    contest = only_contest(problem)
    answer = solve_exactly(contest, nothing_routed(contest), budget(), seconds=1.0)

    assert (contest.cost_of(answer.chosen), answer.bound, answer.proven) == (200, 200, True)


def test_without_wall_time_the_hint_is_the_answer() -> None:
    contest, account = only_contest(rivals_for_one_pool(lines=3)), budget(wall_seconds=5.0, started_ago=6.0)
    hint = np.array([1, 3, 5])
    answer = solve_exactly(contest, hint, account, seconds=1.0)

    assert answer.chosen.tolist() == [1, 3, 5]
    assert (answer.bound, answer.proven) == (30, False)
    assert account.guard_hit
    assert account.spent == 0.0


def test_a_search_stopped_by_its_deterministic_limit_says_what_it_proved() -> None:
    contest, account = only_contest(large_tight_problem(seed=1)), budget()
    hint = nothing_routed(contest)
    answer = solve_exactly(contest, hint, account, seconds=0.05)

    assert not answer.proven
    assert 0 < answer.bound <= contest.cost_of(answer.chosen) <= contest.cost_of(hint)
    assert account.spent >= 0.05
    assert not account.guard_hit


def test_a_search_stopped_by_the_wall_clock_says_so() -> None:
    contest, account = only_contest(large_tight_problem(seed=1)), budget(wall_seconds=0.5)
    answer = solve_exactly(contest, nothing_routed(contest), account, seconds=1_000.0)

    assert not answer.proven
    assert account.guard_hit
    assert answer.bound <= contest.cost_of(answer.chosen)


@pytest.mark.parametrize("workers", [1, 2])
def test_the_same_search_ends_with_the_same_answer(workers: int) -> None:
    contest = only_contest(large_tight_problem(seed=2, lines=30, pools=8))
    answers = [
        solve_exactly(contest, nothing_routed(contest), budget(seed=5), seconds=0.05, workers=workers) for _ in range(2)
    ]

    assert answers[0].chosen.tolist() == answers[1].chosen.tolist()
    assert answers[0].bound == answers[1].bound
