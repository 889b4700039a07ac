"""A month of orders that come one by one, and a network on which time passes: what rolling policies are compared on.

Days are counted from 0. An order that comes on day d may be worked from day d + 1 on. At midnight the machines take the
work of the coming day, earliest deadline first: from then on it is fixed, and the minutes of the day are gone.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fabroute.solver.online import Residual
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import NO_LOT, BoolArray, IntArray, RoutingProblem
from tests.benchmarks.routing_instances import DAYS, Size, make_instance

FloatArray = NDArray[np.float64]

MONTH = 30
HORIZON = MONTH + DAYS + 1
_URGENCY = np.array([0.25, 0.35, 0.40])
"""Shares of orders that are needed within days, within a week or so, and later."""
_LATEST = ((1, 4), (4, 10), (10, DAYS))
"""For each: the last day of production that any of their options has lies so many days after their arrival."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Month:
    """All orders of a month as one problem over absolute days, sorted by arrival."""

    problem: RoutingProblem
    late: BoolArray
    """Which options come late."""
    arrival: FloatArray
    """In days, ascending."""

    @property
    def day(self) -> IntArray:
        """The day on which each order comes."""
        return np.floor(self.arrival).astype(np.int64)

    def options_of(self, line: int) -> IntArray:
        """Return the options of an order."""
        first, end = np.searchsorted(self.problem.option_line, [line, line + 1])
        return np.arange(first, end)


def make_month(size: Size, *, utilisation: float, seed: int) -> Month:
    """Return a month with about ``size.orders`` arrivals, a Poisson process; equal arguments give equal arrays."""
    random = np.random.default_rng([seed, size.orders, size.nodes, MONTH])
    count = int(random.poisson(size.orders))
    instance = make_instance(replace(size, orders=count), utilisation=utilisation, seed=seed)
    arrival = np.sort(random.random(count) * MONTH)
    shift = _hurry(random, instance.problem)
    kept = instance.problem.option_bucket >= shift[instance.problem.option_line]
    bucket = instance.problem.option_bucket - shift[instance.problem.option_line]
    day = np.floor(arrival).astype(np.int64)[instance.problem.option_line] + 1 + bucket
    return Month(problem=_spread(random, instance.problem, day, kept), late=instance.late[kept], arrival=arrival)


def _hurry(random: np.random.Generator, problem: RoutingProblem) -> IntArray:
    """Return by how many days each order is needed sooner than the instance says, by its urgency."""
    last = np.full(problem.line_count, -1)
    np.maximum.at(last, problem.option_line, problem.option_bucket)
    kind = random.choice(len(_URGENCY), problem.line_count, p=_URGENCY)
    spans = np.array(_LATEST)[kind]
    wanted = spans[:, 0] + np.floor(random.random(problem.line_count) * (spans[:, 1] - spans[:, 0])).astype(np.int64)
    return np.asarray(np.maximum(0, last - wanted))


def _spread(random: np.random.Generator, problem: RoutingProblem, day: IntArray, kept: BoolArray) -> RoutingProblem:
    """Return the problem over absolute days: the capacity that the instance has in all, but of the month, every day."""
    daily = problem.capacity.sum(axis=1) / MONTH
    capacity = np.rint(daily[:, None] * random.uniform(0.8, 1.2, (len(daily), HORIZON))).astype(np.int64)
    return RoutingProblem(
        line_count=problem.line_count,
        option_line=problem.option_line[kept],
        option_cost=problem.option_cost[kept],
        option_pool=problem.option_pool[kept],
        option_bucket=day[kept],
        option_minutes=problem.option_minutes[kept],
        option_lot=problem.option_lot[kept],
        option_grams=problem.option_grams[kept],
        unrouted_cost=problem.unrouted_cost,
        capacity=capacity,
        stock=problem.stock,
    )


class Shop:
    """The network as it stands: who makes what, what is left to be worked, what is fixed. Changed by every step."""

    def __init__(self, month: Month) -> None:
        problem = month.problem
        self.month = month
        self.today = -1
        """The last day whose work has been taken by the machines."""
        self.chosen = np.full(problem.line_count, UNROUTED, dtype=np.int64)
        self.open_minutes = np.zeros(problem.line_count, dtype=np.int64)
        """Left to be worked of each order."""
        self.is_fixed = np.zeros(problem.line_count, dtype=np.bool_)
        """Dispatched: its machine has taken work of it."""
        self.stock = problem.stock.copy()
        self.worked = np.zeros(problem.capacity.shape, dtype=np.int64)
        """Minutes that were worked, by pool and day: kept to check the whole month in the end."""
        self.finished_on = np.full(problem.line_count, -1, dtype=np.int64)

    def take(self, line: int, option: int) -> None:
        """Give an order its option, instead of the one that it has, if any; it must not be fixed."""
        problem = self.month.problem
        for number, sign in ((int(self.chosen[line]), 1), (option, -1)):
            if number != UNROUTED and problem.option_lot[number] != NO_LOT:
                self.stock[problem.option_lot[number]] += sign * problem.option_grams[number]
        self.chosen[line] = option
        self.open_minutes[line] = 0 if option == UNROUTED else problem.option_minutes[option]

    def left(self, *, without: BoolArray | None = None) -> IntArray:
        """Return the minutes left of each cumulative row (pool, day), of the days after today.

        ``without``: lines whose work is not counted. A row of a later deadline can be tighter than an earlier one.
        """
        problem = self.month.problem
        coming = problem.capacity.copy()
        coming[:, : self.today + 1] = 0
        counted = (self.open_minutes > 0) if without is None else (self.open_minutes > 0) & ~without
        lines = np.flatnonzero(counted)
        option = self.chosen[lines]
        np.subtract.at(coming, (problem.option_pool[option], problem.option_bucket[option]), self.open_minutes[lines])
        return np.asarray(np.cumsum(coming, axis=1))

    def residual(self) -> Residual:
        """Return what is left for one more order."""
        empty = Residual.of(self.month.problem)
        return replace(empty, minutes=self.left(), grams=self.stock.copy())

    def pass_midnight(self) -> None:
        """Let the machines take the coming day's work, earliest deadline first, and move on by a day."""
        self.today += 1
        problem = self.month.problem
        lines = np.flatnonzero(self.open_minutes > 0)
        option = self.chosen[lines]
        ranked = lines[np.lexsort((lines, problem.option_bucket[option], problem.option_pool[option]))]
        free = problem.capacity[:, self.today].copy()
        for line in ranked.tolist():
            pool = int(problem.option_pool[self.chosen[line]])
            minutes = min(int(free[pool]), int(self.open_minutes[line]))
            if minutes:
                self._work(line, pool, minutes, free)

    def _work(self, line: int, pool: int, minutes: int, free: IntArray) -> None:
        free[pool] -= minutes
        self.open_minutes[line] -= minutes
        self.worked[pool, self.today] += minutes
        self.is_fixed[line] = True
        if self.open_minutes[line] == 0:
            self.finished_on[line] = self.today
