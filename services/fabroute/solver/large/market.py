"""The options that could be taken, flat and ready for arithmetic by arrays; and the bound that prices prove on them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fabroute.solver.plan import UNROUTED, FloatArray, ScarcityPrices
from fabroute.solver.problem import NO_LOT, IntArray, RoutingProblem
from fabroute.solver.rows import fits_alone

_EPSILON = 2.0**-52


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Options that fit alone and cost no more than staying unrouted, sorted by line."""

    problem: RoutingProblem
    option: IntArray
    """Option of the problem behind each option here."""
    line: IntArray
    cost: IntArray
    cell: IntArray
    """Pool and bucket in one number: ``pool · buckets + bucket``."""
    minutes: IntArray
    lot: IntArray
    """Lot, or the number of lots for an option that draws on none."""
    grams: IntArray
    busy: IntArray
    """Lines that have an option here, ascending."""
    first: IntArray
    """First option of each busy line."""

    @property
    def buckets(self) -> int:
        """Number of buckets."""
        return int(self.problem.capacity.shape[1])

    def reduced(self, prices: ScarcityPrices) -> FloatArray:
        """Return, per option, its cost plus the price of all that it draws on."""
        gram = np.append(prices.gram, 0.0)
        return np.asarray(self.cost + self.minutes * prices.minute.ravel()[self.cell] + self.grams * gram[self.lot])

    def least(self, values: FloatArray) -> FloatArray:
        """Return, per line, the least value of its options, or the price of staying unrouted if that is less."""
        best = self.problem.unrouted_cost.astype(np.float64)
        if self.busy.size:
            best[self.busy] = np.minimum(best[self.busy], np.minimum.reduceat(values, self.first))
        return best

    def cheapest(self) -> IntArray:
        """Return, per line, its cheapest option of the problem (the first of equals), or ``UNROUTED``."""
        ranked = np.lexsort((self.cost, self.line))
        chosen = np.full(self.problem.line_count, UNROUTED, dtype=np.int64)
        chosen[self.busy] = self.option[ranked[self.first]]
        return chosen


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Sweep:
    """All options at given prices, and the bound that these prove."""

    prices: ScarcityPrices
    reduced: FloatArray
    best: FloatArray
    bound: int


def market_of(problem: RoutingProblem) -> Market:
    """Return the market of a problem."""
    option = np.flatnonzero(fits_alone(problem))
    line, lot = problem.option_line[option], problem.option_lot[option]
    first = np.flatnonzero(np.diff(line, prepend=-1))
    return Market(
        problem=problem,
        option=option,
        line=line,
        cost=problem.option_cost[option],
        cell=problem.option_pool[option] * problem.capacity.shape[1] + problem.option_bucket[option],
        minutes=problem.option_minutes[option],
        lot=np.where(lot == NO_LOT, len(problem.stock), lot),
        grams=problem.option_grams[option],
        busy=line[first],
        first=first,
    )


def no_prices(problem: RoutingProblem) -> ScarcityPrices:
    """Return prices of nothing at all."""
    return ScarcityPrices(minute=np.zeros(problem.capacity.shape), gram=np.zeros(len(problem.stock)))


def sweep(market: Market, prices: ScarcityPrices) -> Sweep:
    """Price every option, and return the bound: Σ best of each line, less Σ price · what there is.

    Valid for any non-negative prices that never rise with the deadline. All magnitudes times the machine epsilon times
    the longest chain of operations are taken off; costs are whole numbers, so the rest is rounded up.
    """
    reduced = market.reduced(prices)
    best = market.least(reduced)
    sold = float(best.sum())
    spare = float((prices.minute * market.problem.capacity).sum() + (prices.gram * market.problem.stock).sum())
    chain = market.problem.line_count + market.problem.capacity.size + len(market.problem.stock) + 8
    certain = sold - spare - (sold + spare) * chain * _EPSILON
    return Sweep(prices=prices, reduced=reduced, best=best, bound=max(0, math.ceil(certain)))
