"""The options that could be taken, flat and ready for arithmetic by arrays; and the bound that prices prove on them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from fabroute.solver.large.draws import (
    Entries,
    Stores,
    further_minutes,
    further_stores,
    part_of_opening,
    stores_of,
)
from fabroute.solver.plan import UNROUTED, FloatArray, ScarcityPrices
from fabroute.solver.problem import NO_LOT, IntArray, RoutingProblem
from fabroute.solver.rows import fits_alone

_EPSILON = 2.0**-52


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Market:
    """Options that fit alone and cost no more than staying unrouted, sorted by line.

    Costs and minutes include the part of its build's opening that each option must bear at least.
    """

    problem: RoutingProblem
    option: IntArray
    """Option of the problem behind each option here."""
    line: IntArray
    cost: IntArray
    cell: IntArray
    """Pool and bucket in one number: ``pool · buckets + bucket``."""
    minutes: IntArray
    lot: IntArray
    """Lot, or the number of stores for an option that draws on none."""
    grams: IntArray
    stores: Stores
    more_minutes: Entries
    more_stores: Entries
    busy: IntArray
    """Lines that have an option here, ascending."""
    first: IntArray
    """First option of each busy line."""

    @property
    def buckets(self) -> int:
        """Number of buckets."""
        return int(self.problem.capacity.shape[1])

    @property
    def most_draws(self) -> int:
        """Most pools, lots and quotas that one option draws on."""
        return 2 + self.more_minutes.most_of_one() + self.more_stores.most_of_one()

    def reduced(self, prices: ScarcityPrices) -> FloatArray:
        """Return, per option, its cost plus the price of all that it draws on."""
        store, minute = self.store_prices(prices), prices.minute.ravel()
        reduced = self.cost + self.minutes * minute[self.cell] + self.grams * np.append(store, 0.0)[self.lot]
        for entries, price in ((self.more_minutes, minute), (self.more_stores, store)):
            if entries.option.size:
                reduced += entries.priced(price, len(reduced))
        return np.asarray(reduced)

    def store_prices(self, prices: ScarcityPrices) -> FloatArray:
        """Return the price of a unit of each store: grams of lots, then weight of quotas, never over what one costs."""
        quota = prices.quota if prices.quota.size else np.zeros(len(self.problem.quota_limit))
        return np.asarray(np.minimum(np.concatenate([prices.gram, quota]), self.stores.highest))

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
    option, stores = np.flatnonzero(fits_alone(problem)), stores_of(problem)
    line, lot = problem.option_line[option], problem.option_lot[option]
    first = np.flatnonzero(np.diff(line, prepend=-1))
    return Market(
        problem=problem,
        option=option,
        line=line,
        cost=(problem.option_cost + part_of_opening(problem, problem.build_cost))[option],
        cell=problem.option_pool[option] * problem.capacity.shape[1] + problem.option_bucket[option],
        minutes=(problem.option_minutes + part_of_opening(problem, problem.build_minutes))[option],
        lot=np.where(lot == NO_LOT, len(stores.limit), lot),
        grams=problem.option_grams[option],
        stores=stores,
        more_minutes=further_minutes(problem).of(option, problem.option_count),
        more_stores=further_stores(problem).of(option, problem.option_count),
        busy=line[first],
        first=first,
    )


def no_prices(problem: RoutingProblem) -> ScarcityPrices:
    """Return prices of nothing at all."""
    return ScarcityPrices(
        minute=np.zeros(problem.capacity.shape),
        gram=np.zeros(len(problem.stock)),
        quota=np.zeros(len(problem.quota_limit)),
    )


def sweep(market: Market, prices: ScarcityPrices) -> Sweep:
    """Price every option, and return the bound: Σ best of each line, less Σ price · what there is.

    Valid for any non-negative prices that never rise with the deadline; that of a soft quota counts up to its
    excess cost. All magnitudes times the machine epsilon times the longest chain of operations are taken off; costs are
    whole numbers, so the rest is rounded up.
    """
    reduced = market.reduced(prices)
    best = market.least(reduced)
    sold = float(best.sum())
    store = market.store_prices(prices) * market.stores.limit
    spare = float((prices.minute * market.problem.capacity).sum() + store.sum())
    chain = market.problem.line_count + market.problem.capacity.size + len(store) + market.most_draws + 8
    certain = sold - spare - (sold + spare) * chain * _EPSILON
    return Sweep(prices=prices, reduced=reduced, best=best, bound=max(0, math.ceil(certain)))
