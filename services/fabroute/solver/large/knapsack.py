"""A tighter bound where few lines share a pool: each pool packs whole lines, not fractions of them.

Lagrangian relaxation of "one option a line" instead of the capacities: at a reward for each line, every pool takes the
options that bring it most within its nested capacity, an exact dynamic programme over minutes with items in order of
deadline. Rewards and prices are whole numbers, so the bound is exact arithmetic. Rewards move by subgradient.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from fabroute.solver.large.market import Market, Sweep
from fabroute.solver.limits import Budget
from fabroute.solver.plan import FloatArray
from fabroute.solver.problem import BoolArray, IntArray, exact_sum

_LARGEST_SUM = 2**58
_MOST_STEPS = 15_000
_MOST_ENTRIES = 50_000_000
_ITEM_CHARGE, _ENTRY_CHARGE, _POOL_CHARGE = 9e-7, 3.6e-10, 1e-5
_MOST_ROUNDS = 200
_STEP, _SHRINK, _KEPT = 0.03, 0.7, 0.7
_LONGEST_ROUND = 1.5


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Pool:
    """The options on one pool in order of deadline, and minutes as whole steps, rounded so that the bound holds."""

    index: int
    items: IntArray
    """Options of the market."""
    steps: IntArray
    """Minutes of each item in steps, rounded down."""
    limit: IntArray
    """Steps that all items up to the deadline of each item may take together."""
    relaxed: FloatArray
    """Per item: what its minutes cost at the linear prices."""
    relaxed_room: float
    """What all minutes of the pool cost at the linear prices."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Packing:
    """What all pools take at given rewards."""

    bound: int
    lacking: FloatArray
    """Per line: 1 less the number of times it was taken: the subgradient."""


def knapsack_bound(market: Market, priced: Sweep, budget: Budget, *, cost: int, seconds: float) -> int:
    """Return a bound no lower than the sweep's, found in about ``seconds`` of deterministic time (charged).

    ``cost`` is that of the best plan known: the search ends where the bound meets it. Problems with split options keep
    the sweep's bound: a packing of one pool can't hold what an option draws on another.
    """
    store = np.floor(market.store_prices(priced.prices))
    draw = market.grams * np.append(store, 0.0)[market.lot] + market.more_stores.priced(store, len(market.option))
    sold = exact_sum(market.problem.unrouted_cost[market.line])
    if sold >= _LARGEST_SUM or float(draw.max(initial=0.0)) >= _LARGEST_SUM or market.more_minutes.option.size:
        return priced.bound
    if _charge_of_one(market, priced) > _LONGEST_ROUND * seconds:
        return priced.bound
    pools = tuple(_pools(market, priced))
    best, rewards, direction = priced.bound, priced.best.copy(), np.zeros(market.problem.line_count)
    length, end = _STEP, budget.spent + seconds
    for number in range(_MOST_ROUNDS):
        if best >= cost or budget.spent >= end or not budget.wall_left:
            break
        packed = pack(market, pools, priced, np.rint(rewards).astype(np.int64), budget)
        length *= 1.0 if packed.bound > best else _SHRINK
        best = max(best, packed.bound)
        direction = packed.lacking if number == 0 else _KEPT * direction + (1.0 - _KEPT) * packed.lacking
        far = length * (cost - packed.bound) / max(1.0, float((direction**2).sum()))
        rewards = np.clip(rewards + far * direction, 0.0, market.problem.unrouted_cost)
    return min(best, cost)


def pack(market: Market, pools: tuple[Pool, ...], priced: Sweep, reward: IntArray, budget: Budget) -> Packing:
    """Return the bound at the rewards: Σ reward, less what the pools make of them, less the priced stock."""
    store = np.floor(market.store_prices(priced.prices)).astype(np.int64)
    gain = reward[market.line] - market.cost - market.grams * np.append(store, 0)[market.lot]
    more = market.more_stores
    np.subtract.at(gain, more.option, more.amount * store[more.where])
    bound = int(np.minimum(reward, market.problem.unrouted_cost).sum()) - int((store * market.stores.limit).sum())
    lacking = np.where(reward > market.problem.unrouted_cost, 0.0, 1.0)
    for pool in pools:
        worth, taken = _pool_packs(pool, gain[pool.items], budget)
        bound -= worth
        np.subtract.at(lacking, market.line[pool.items[taken]], 1.0)
    return Packing(bound=bound, lacking=lacking)


def best_packing(gain: IntArray, steps: IntArray, limit: IntArray) -> tuple[int, BoolArray]:
    """Return the greatest sum of gains, and a set of items that reaches it.

    Items come in order of deadline; all items up to an item that is taken may use ``limit`` steps together, which
    never falls. A dynamic programme over steps, exact.
    """
    count, widest = len(gain), int(limit.max(initial=0)) + 1
    took = np.zeros((count, widest), dtype=np.bool_)
    most = np.zeros(widest, dtype=np.int64)
    reached = 0
    items = zip(gain.tolist(), steps.tolist(), limit.tolist(), strict=True)
    for item, (worth, wide, end) in enumerate(items):
        most[reached + 1 : end + 1] = most[reached]
        reached = end
        if wide <= end:
            with_it, without = most[: end + 1 - wide] + worth, most[wide : end + 1]
            np.greater(with_it, without, out=took[item, wide : end + 1])
            np.maximum(with_it, without, out=without)
    return int(most[reached]), _walked_back(took, steps, limit)


def _walked_back(took: NDArray[np.bool_], steps: IntArray, limit: IntArray) -> BoolArray:
    taken = np.zeros(len(steps), dtype=np.bool_)
    left = int(limit[-1]) if len(limit) else 0
    for item in range(len(steps) - 1, -1, -1):
        left = min(left, int(limit[item]))
        if took[item, left]:
            taken[item] = True
            left -= int(steps[item])
    return taken


def _pool_packs(pool: Pool, gain: IntArray, budget: Budget) -> tuple[int, BoolArray]:
    """Return the pool's best packing, or its linear relaxation where that is tighter or the programme too large."""
    loose = gain - pool.relaxed
    linear = float(np.maximum(loose, 0.0).sum()) + pool.relaxed_room
    wanted = gain > 0
    entries = int(wanted.sum()) * (int(pool.limit.max(initial=0)) + 1)
    if entries > _MOST_ENTRIES:
        return _rounded_up(linear), loose > 0.0
    budget.spent += int(wanted.sum()) * _ITEM_CHARGE + entries * _ENTRY_CHARGE
    worth, inside = best_packing(gain[wanted], pool.steps[wanted], pool.limit[wanted])
    taken = np.zeros(len(gain), dtype=np.bool_)
    taken[np.flatnonzero(wanted)[inside]] = True
    return min(worth, _rounded_up(linear)), taken


def _charge_of_one(market: Market, priced: Sweep) -> float:
    """Return about how much a packing of all pools costs."""
    paid = market.reduced(replace(priced.prices, minute=np.zeros_like(priced.prices.minute)))
    wanted = market.cell[paid < priced.best[market.line]] // market.buckets
    longest = market.problem.cumulative_capacity()[:, -1]
    items = np.bincount(wanted, minlength=len(longest))
    widths = longest // _step(longest) + 1
    return float(items.sum() * _ITEM_CHARGE + (items * widths).sum() * _ENTRY_CHARGE + len(items) * _POOL_CHARGE)


def _step(longest: IntArray) -> IntArray:
    """Return how many minutes one step of a programme over so many minutes stands for."""
    return np.maximum(1, -(-longest // _MOST_STEPS))


def _rounded_up(value: float) -> int:
    """Return a whole number that is surely no less than what the float stands for."""
    return math.ceil(value * (1.0 + 2.0**-30)) + 1


def _pools(market: Market, priced: Sweep) -> Iterator[Pool]:
    problem = market.problem
    room = problem.cumulative_capacity()
    minute = priced.prices.minute
    paid = market.minutes * minute.ravel()[market.cell]
    ranked = np.argsort(market.cell, kind="stable")
    ends = np.searchsorted(market.cell[ranked], np.arange(1, len(room) + 1) * market.buckets)
    for index, items in enumerate(np.split(ranked, ends[:-1])):
        limit = room[index, market.cell[items] % market.buckets]
        step = int(_step(limit.max(initial=0)))
        yield Pool(
            index=index,
            items=items,
            steps=market.minutes[items] // step,
            limit=limit // step,
            relaxed=paid[items],
            relaxed_room=float((minute[index] * problem.capacity[index]).sum()),
        )
