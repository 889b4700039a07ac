"""Prices by ascent on the smoothed dual: majorised per cell, projected per pool, accelerated.

Each line spreads over its options by a soft-min at a falling temperature τ. In the price of a minute of each (pool,
bucket) the curvature of that function is at most Σ minutes² · share / τ (diag q − q·qᵀ ≤ diag q), times the number of
pools, lots and quotas that one option draws on, so a step of gradient / curvature never overshoots. What is left is
that a later deadline may not be dearer than an earlier one: weighted isotonic regression, exact by the min-max formula
for all pools at once. Momentum as in Beck and Teboulle (2009), restarted as in O'Donoghue and Candès (2015).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from fabroute.solver.large.draws import Entries
from fabroute.solver.large.market import Market, Sweep, no_prices, sweep
from fabroute.solver.limits import Budget
from fabroute.solver.plan import FloatArray, ScarcityPrices
from fabroute.solver.problem import BoolArray, IntArray, RoutingProblem

_Single = NDArray[np.float32]

_MOST_ROUNDS, _FEWEST_ROUNDS = 400, 40
_EARLY_SWEEPS = (4, 8, 14, 20, 28, 36, 50, 75, 100, 125)
_SWEEP_EVERY = 50
_HOT, _COLD = 0.02, 0.0005
_WIDE, _NARROW = 0.2, 0.05
_MOST_MOMENTUM = 0.98
_LEAST_CURVATURE = 0.02
_SWEEP_CHARGE, _OPTION_CHARGE, _CELL_CHARGE, _ROUND_CHARGE = 5e-8, 1e-8, 2e-7, 1e-4


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Scale:
    """Units in which costs, minutes and what stores hold are about 1, whatever the problem's units are."""

    cost: float
    minutes: float
    stores: FloatArray
    """Per lot and quota."""
    lots: int

    def prices(self, minute: FloatArray, store: FloatArray) -> ScarcityPrices:
        """Return prices in the problem's units, never rising with the deadline, to the last digit."""
        level = np.minimum.accumulate(np.maximum(minute, 0.0), axis=1) * (self.cost / self.minutes)
        unit = np.maximum(store, 0.0) * (self.cost / self.stores)
        return ScarcityPrices(minute=level, gram=unit[: self.lots], quota=unit[self.lots :])


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Active:
    """The options near the best of their line, in single precision: the others hardly count in a soft-min."""

    cost: _Single
    cell: IntArray
    minutes: _Single
    lot: IntArray
    grams: _Single
    more_minutes: Entries
    more_stores: Entries
    place: IntArray
    """Rank of each option's line among the lines that are here."""
    first: IntArray
    unrouted: _Single


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Demand:
    """What the soft choice asks of one kind of resource, and a bound on how fast that falls as prices rise."""

    amount: FloatArray
    curvature: FloatArray


@dataclass(slots=True, kw_only=True, eq=False)
class _Ascent:
    market: Market
    scale: _Scale
    room: FloatArray
    limit: FloatArray
    highest: FloatArray
    """Of minutes and stores, and the most that a store may be priced at: in units of the scale."""
    minute: FloatArray
    store: FloatArray
    minute_ahead: FloatArray
    store_ahead: FloatArray
    most_draws: int
    momentum: float = 1.0


def find_prices(market: Market, budget: Budget, *, seconds: float, start: ScarcityPrices | None = None) -> Sweep:
    """Return the sweep at the best prices found in about ``seconds`` of deterministic time (charged to the budget).

    The ascent begins at ``start``, or where nothing costs anything.
    """
    first = start or no_prices(market.problem)
    scale, best = _scale(market), sweep(market, first)
    ascent, active = _begin(market, scale, first), _active(market, best, scale, _WIDE)
    rounds = _rounds(market, active, seconds)
    for number in range(1, rounds + 1):
        if not budget.wall_left:
            budget.guard_hit = True
            break
        _step(ascent, active, _HOT * (_COLD / _HOT) ** (number / rounds))
        budget.spent += _charge_of_one(market, active)
        if number in _EARLY_SWEEPS or number % _SWEEP_EVERY == 0 or number == rounds:
            now = sweep(market, scale.prices(ascent.minute, ascent.store))
            budget.spent += len(market.option) * _SWEEP_CHARGE
            active = _active(market, now, scale, _WIDE * (_NARROW / _WIDE) ** (number / rounds))
            best = max(best, now, key=lambda each: each.bound)
    return best


def falling(target: FloatArray, weight: FloatArray) -> FloatArray:
    """Return, per row, the non-negative falling sequence nearest to the target by weighted squares.

    Isotonic regression by the min-max formula (Robertson, Wright and Dykstra, 1988): x_t is the least over s ≤ t of the
    greatest over e ≥ t of the weighted mean of target s…e. Weights must be over 0.
    """
    nearest = np.zeros(target.shape)
    asked = np.flatnonzero((target > 0.0).any(axis=1))
    if asked.size:
        nearest[asked] = _falling(target[asked], weight[asked])
    return nearest


def _falling(target: FloatArray, weight: FloatArray) -> FloatArray:
    """Return what ``falling`` does, by all spans: where no target is over 0, it is 0 without them."""
    backwards = _backwards(target.shape[1])
    mass = _spans(weight)
    with np.errstate(divide="ignore", invalid="ignore"):
        means = _spans(weight * target)
        means /= mass
    np.copyto(means, -np.inf, where=backwards)
    from_end = means[:, :, ::-1]
    np.maximum.accumulate(from_end, axis=2, out=from_end)
    np.copyto(means, np.inf, where=backwards)
    return np.asarray(np.maximum(means.min(axis=1), 0.0))


@cache
def _backwards(steps: int) -> BoolArray:
    """Return which spans (s, e) end before they start."""
    start, end = np.indices((steps, steps))
    return np.asarray(start > end)


def _spans(values: FloatArray) -> FloatArray:
    """Return the sums over all spans: entry (row, s, e) adds up values s…e."""
    total = np.zeros((values.shape[0], values.shape[1] + 1))
    np.cumsum(values, axis=1, out=total[:, 1:])
    return np.asarray(total[:, None, 1:] - total[:, :-1, None])


def _scale(market: Market) -> _Scale:
    lots = len(market.problem.stock)
    weights = np.maximum(_typical_shares(market.problem), 1.0)
    return _Scale(
        cost=_typical(market.least(market.cost.astype(np.float64))),
        minutes=_typical(market.minutes),
        stores=np.concatenate([np.full(lots, _typical(market.grams)), weights]),
        lots=lots,
    )


def _typical(values: FloatArray | IntArray) -> float:
    return max(1.0, float(values.mean(dtype=np.float64))) if values.size else 1.0


def _typical_shares(problem: RoutingProblem) -> FloatArray:
    """Return the mean weight of the options in each quota."""
    quotas = len(problem.quota_limit)
    count = np.bincount(problem.share_quota, minlength=quotas)
    return np.asarray(np.bincount(problem.share_quota, problem.share_weight, quotas) / np.maximum(count, 1))


def _begin(market: Market, scale: _Scale, first: ScarcityPrices) -> _Ascent:
    minute = first.minute * (scale.minutes / scale.cost)
    store = market.store_prices(first) * (scale.stores / scale.cost)
    return _Ascent(
        market=market,
        scale=scale,
        room=market.problem.capacity / scale.minutes,
        limit=market.stores.limit / scale.stores,
        highest=market.stores.highest * (scale.stores / scale.cost),
        minute=minute,
        store=store,
        minute_ahead=minute,
        store_ahead=store,
        most_draws=market.most_draws,
    )


def _rounds(market: Market, active: _Active, seconds: float) -> int:
    one = _charge_of_one(market, active) + len(market.option) * _SWEEP_CHARGE / _SWEEP_EVERY
    return min(_MOST_ROUNDS, max(_FEWEST_ROUNDS, int(seconds / one)))


def _charge_of_one(market: Market, active: _Active) -> float:
    drawn = len(active.cost) + len(active.more_minutes.option) + len(active.more_stores.option)
    return _ROUND_CHARGE + drawn * _OPTION_CHARGE + market.problem.capacity.size * _CELL_CHARGE


def _active(market: Market, now: Sweep, scale: _Scale, width: float) -> _Active:
    """Keep options up to ``width`` (a share) dearer than the best of their line at these prices."""
    reach = now.best * (1.0 + width) + width * scale.cost * 0.1
    kept = np.flatnonzero(now.reduced <= reach[market.line])
    line = market.line[kept]
    new = np.diff(line, prepend=-1) > 0
    first = np.flatnonzero(new)
    return _Active(
        cost=(market.cost[kept] / scale.cost).astype(np.float32),
        cell=market.cell[kept],
        minutes=(market.minutes[kept] / scale.minutes).astype(np.float32),
        lot=market.lot[kept],
        grams=(market.grams[kept] / np.append(scale.stores, 1.0)[market.lot[kept]]).astype(np.float32),
        more_minutes=market.more_minutes.of(kept, len(market.option)),
        more_stores=market.more_stores.of(kept, len(market.option)),
        place=np.cumsum(new) - 1,
        first=first,
        unrouted=(market.problem.unrouted_cost[line[first]] / scale.cost).astype(np.float32),
    )


def _step(ascent: _Ascent, active: _Active, temperature: float) -> None:
    """Take one accelerated step: majorised, projected, with momentum that restarts when it points the wrong way."""
    share = _shares(ascent, active, temperature)
    asked, drawn = _asked_minutes(ascent, active, share, temperature), _asked_stores(ascent, active, share, temperature)
    ahead, store_ahead = ascent.minute_ahead, ascent.store_ahead
    minute = falling(ahead + (asked.amount - ascent.room) / asked.curvature, asked.curvature)
    store = np.clip(store_ahead + (drawn.amount - ascent.limit) / drawn.curvature, 0.0, ascent.highest)
    moved, store_moved = minute - ascent.minute, store - ascent.store
    against = float((asked.curvature * (minute - ahead) * moved).sum())
    against += float((drawn.curvature * (store - store_ahead) * store_moved).sum())
    before = 1.0 if against < 0.0 else ascent.momentum
    ascent.momentum = (1.0 + math.sqrt(1.0 + 4.0 * before * before)) / 2.0
    on = min((before - 1.0) / ascent.momentum, _MOST_MOMENTUM)
    ascent.minute_ahead = np.maximum(np.maximum.accumulate((minute + on * moved)[:, ::-1], axis=1)[:, ::-1], 0.0)
    ascent.store_ahead = np.clip(store + on * store_moved, 0.0, ascent.highest)
    ascent.minute, ascent.store = minute, store


def _asked_minutes(ascent: _Ascent, active: _Active, share: _Single, temperature: float) -> _Demand:
    """Return the minutes asked for when lines spread over their options in these shares."""
    shape, cells, more = ascent.minute.shape, ascent.minute.size, active.more_minutes
    minutes = share * active.minutes
    amount, squares = _sums(active.cell, minutes, cells), _sums(active.cell, minutes * active.minutes, cells)
    if more.option.size:
        each = more.amount / ascent.scale.minutes
        amount += np.bincount(more.where, share[more.option] * each, cells)
        squares += np.bincount(more.where, share[more.option] * each * each, cells)
    curvature = _lifted(ascent.most_draws / temperature * squares)
    return _Demand(amount=amount.reshape(shape), curvature=curvature.reshape(shape))


def _asked_stores(ascent: _Ascent, active: _Active, share: _Single, temperature: float) -> _Demand:
    """Return what is asked of lots and quotas when lines spread over their options in these shares."""
    stores, more = len(ascent.store), active.more_stores
    grams = share * active.grams
    amount = _sums(active.lot, grams, stores + 1)[:stores]
    squares = _sums(active.lot, grams * active.grams, stores + 1)[:stores]
    if more.option.size:
        each = more.amount / ascent.scale.stores[more.where]
        amount += np.bincount(more.where, share[more.option] * each, stores)
        squares += np.bincount(more.where, share[more.option] * each * each, stores)
    return _Demand(amount=amount, curvature=_lifted(ascent.most_draws / temperature * squares))


def _sums(where: IntArray, values: _Single, count: int) -> FloatArray:
    """Return the sum of the values that go to each place."""
    return np.bincount(where, values, minlength=count).astype(np.float64)


def _shares(ascent: _Ascent, active: _Active, temperature: float) -> _Single:
    if not active.first.size:
        return np.zeros(0, dtype=np.float32)
    minute = ascent.minute_ahead.astype(np.float32).ravel()
    store = np.append(ascent.store_ahead, 0.0).astype(np.float32)
    reduced = active.cost + active.minutes * minute[active.cell] + active.grams * store[active.lot]
    reduced += _further(ascent, active)
    best = np.minimum(np.minimum.reduceat(reduced, active.first), active.unrouted)
    cold = np.float32(1.0 / temperature)
    pull = np.exp((best[active.place] - reduced) * cold)
    total = np.add.reduceat(pull, active.first) + np.exp((best - active.unrouted) * cold)
    return np.asarray(pull / total[active.place], dtype=np.float32)


def _further(ascent: _Ascent, active: _Active) -> _Single | float:
    """Return, per option, the price of what it draws beyond its own pool and lot."""
    if not (active.more_minutes.option.size or active.more_stores.option.size):
        return 0.0
    minute, store = ascent.minute_ahead.ravel() / ascent.scale.minutes, ascent.store_ahead / ascent.scale.stores
    count = len(active.cost)
    return (active.more_minutes.priced(minute, count) + active.more_stores.priced(store, count)).astype(np.float32)


def _lifted(curvature: FloatArray) -> FloatArray:
    """Return the curvature, lifted where hardly anything is asked for: no division by nothing."""
    lift = _LEAST_CURVATURE * float(curvature.mean()) if curvature.size else 0.0
    return np.asarray(curvature + max(lift, 1e-9))
