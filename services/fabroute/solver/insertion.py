"""Plans by simple rules: one line after another."""

import time
from collections.abc import Sequence

import numpy as np

from fabroute.solver.contest import Contest
from fabroute.solver.plan import UNROUTED, PlanStatus, RoutingPlan, plan_cost
from fabroute.solver.prices import FloatArray
from fabroute.solver.problem import NO_LOT, IntArray, RoutingProblem
from fabroute.solver.running import Running


def one_by_one(problem: RoutingProblem) -> RoutingPlan:
    """Return the baseline's plan: lines in their order, each takes the option that is cheapest now and still fits.

    What an option adds to the cost now counts: its build where that is not open yet, what it exceeds soft quotas by. A
    line whose cheapest fitting option costs more than staying unrouted stays unrouted. The bound is the sum of what
    each line would cost alone, builds and quotas left out.
    """
    started = time.monotonic()
    chosen = _first_fits(problem) if problem.is_plain else _cheapest_now(problem)
    return RoutingPlan(
        chosen=tuple(chosen),
        cost=plan_cost(problem, chosen),
        bound=_cheapest_each(problem),
        engine="one_by_one",
        engine_reason="the baseline was asked for",
        status=PlanStatus.BASELINE,
        seed=0,
        wall_ms=round((time.monotonic() - started) * 1000),
    )


def _first_fits(problem: RoutingProblem) -> list[int]:
    free = problem.cumulative_capacity()
    stock = problem.stock.copy()
    start = problem.line_start()
    return [
        _first_fit(problem, _by_cost(problem, int(start[line]), int(start[line + 1])), free, stock)
        for line in range(problem.line_count)
    ]


def _cheapest_now(problem: RoutingProblem) -> list[int]:
    running, start = Running(problem), problem.line_start().tolist()
    unrouted = problem.unrouted_cost.tolist()
    return [
        _first_that_fits(running, range(first, end), most)
        for first, end, most in zip(start[:-1], start[1:], unrouted, strict=True)
    ]


def _first_that_fits(running: Running, options: Sequence[int], most: int) -> int:
    """Take the option that costs least now and fits, if it costs no more than staying unrouted."""
    ranked = sorted((running.cost_now(option), option) for option in options)
    return next((option for cost, option in ranked if cost <= most and running.take(option)), UNROUTED)


def _cheapest_each(problem: RoutingProblem) -> int:
    """Return the sum of each line's cheapest price, capacity ignored: the simplest lower bound."""
    cheapest = problem.unrouted_cost.copy()
    np.minimum.at(cheapest, problem.option_line, problem.option_cost)
    return int(cheapest.sum())


def _by_cost(problem: RoutingProblem, first: int, end: int) -> list[int]:
    """Return the options of one line that cost no more than leaving it unrouted, cheapest first."""
    options = first + np.argsort(problem.option_cost[first:end], kind="stable")
    worth_it = problem.option_cost[options] <= problem.unrouted_cost[problem.option_line[options]]
    return [int(option) for option in options[worth_it]]


def regret_insertion(contest: Contest, key: FloatArray) -> IntArray:
    """Return a choice made by inserting, at each step, the line that would lose most by losing its best option.

    ``key`` prices the options: true costs, or costs with the price of scarce rows. Ties go to the lower line and
    option.
    """
    unrouted = contest.unrouted_cost.astype(np.float64)
    chosen = np.full(contest.line_count, UNROUTED, dtype=np.int64)
    room = contest.room(chosen)
    waiting = np.ones(contest.line_count, dtype=np.bool_)
    while True:
        extra = contest.extra_cost(room)
        worth_it = contest.cost + extra <= contest.unrouted_cost[contest.option_line]
        open_key = np.where(worth_it & contest.fits(room) & waiting[contest.option_line], key + extra, np.inf)
        best = _least_by_line(contest, open_key)
        regret = np.where(best < np.inf, np.minimum(_second_by_line(contest, open_key, best), unrouted) - best, -np.inf)
        line = int(regret.argmax()) if regret.size else 0
        if not regret.size or regret[line] == -np.inf:
            return chosen
        chosen[line] = int(np.flatnonzero((contest.option_line == line) & (open_key == best[line]))[0])
        contest.take(room, int(chosen[line]))
        waiting[line] = False


def _first_fit(problem: RoutingProblem, options: list[int], free: IntArray, stock: IntArray) -> int:
    """Take the first option that fits, drawing on ``free`` (cumulative minutes) and ``stock`` in place."""
    for option in options:
        days = free[problem.option_pool[option], problem.option_bucket[option] :]
        lot = problem.option_lot[option]
        grams = problem.option_grams[option]
        if problem.option_minutes[option] <= days.min() and (lot == NO_LOT or grams <= stock[lot]):
            days -= problem.option_minutes[option]
            if lot != NO_LOT:
                stock[lot] -= grams
            return option
    return UNROUTED


def _least_by_line(contest: Contest, key: FloatArray) -> FloatArray:
    least = np.full(contest.line_count, np.inf)
    np.minimum.at(least, contest.option_line, key)
    return least


def _second_by_line(contest: Contest, key: FloatArray, best: FloatArray) -> FloatArray:
    """Return the least key of each line but for its first best option."""
    order = np.flatnonzero(key == best[contest.option_line])
    _, first = np.unique(contest.option_line[order], return_index=True)
    rest = key.copy()
    rest[order[first]] = np.inf
    return _least_by_line(contest, rest)
