"""One line at once: its cheapest option at the prices of what is scarce that still fits; and why the others don't.

An option's minutes count in every cumulative row of its pool from its deadline on, so it fits where each of those rows
has as many left. All options are looked at by arrays; whole-number arithmetic but for the scarcity prices.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum

import numpy as np

from fabroute.solver.plan import UNROUTED, ScarcityPrices
from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, BoolArray, IntArray, RoutingProblem

_HIGHEST_PRICE = 2.0**61
"""Dearer is as good as never, and adding it to a cost stays within whole numbers."""


class ScarceRow(StrEnum):
    """What an option can lack."""

    MINUTES = "minutes"
    """Of a pool up to the end of a bucket."""
    GRAMS = "grams"
    """Of a lot."""
    QUOTA = "quota"
    """Room under a hard quota."""
    VOLUME = "volume"
    """Of a build."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shortfall:
    """Why an option does not fit: the row that lacks most of its kind."""

    option: int
    row: ScarceRow
    index: int
    """Which pool, lot, quota or build."""
    bucket: int | None
    """Of minutes: the bucket by whose end they are short; ``None`` for the other rows."""
    needs: int
    """By this option up to that row."""
    has: int
    """Left for it; below zero where the row is overdrawn already."""

    @property
    def lacks(self) -> int:
        """How much is missing."""
        return self.needs - self.has


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Residual:
    """What is left of a problem's capacity after some of its lines were decided."""

    minutes: IntArray
    """Left of each cumulative row (pool, bucket): capacity up to the bucket less the minutes due by its end."""
    grams: IntArray
    quota_weight: IntArray
    """What the chosen options weigh in each quota already."""
    is_open: BoolArray
    """Builds that are open, so that they cost nothing more."""
    volume: IntArray
    """Left of each build."""

    @classmethod
    def of(cls, problem: RoutingProblem, chosen: Iterable[int] = ()) -> Residual:
        """Return what is left after these options; all of it without any."""
        whole = cls(
            minutes=problem.cumulative_capacity(),
            grams=problem.stock.copy(),
            quota_weight=np.zeros(len(problem.quota_limit), dtype=np.int64),
            is_open=np.zeros(len(problem.build_cost), dtype=np.bool_),
            volume=problem.build_volume.copy(),
        )
        for option in chosen:
            if option != UNROUTED:
                whole = whole.less(problem, option)
        return whole

    def less(self, problem: RoutingProblem, option: int) -> Residual:
        """Return what is left once an option is taken as well, whether it fits or not."""
        asked = _asked(problem, self, option, option + 1)
        minutes, grams, weight = self.minutes.copy(), self.grams.copy(), self.quota_weight.copy()
        for pool, bucket, need in zip(asked.pool.tolist(), asked.bucket.tolist(), asked.minutes.tolist(), strict=True):
            minutes[pool, bucket:] -= need
        np.subtract.at(grams, asked.lot, asked.grams)
        np.add.at(weight, asked.quota, asked.weight)
        build = int(problem.option_build[option])
        left = replace(self, minutes=minutes, grams=grams, quota_weight=weight)
        return left if build == NO_BUILD else left._with_build(build, int(problem.option_volume[option]))

    def _with_build(self, build: int, volume: int) -> Residual:
        is_open, left = self.is_open.copy(), self.volume.copy()
        is_open[build] = True
        left[build] -= volume
        return replace(self, is_open=is_open, volume=left)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OnlineChoice:
    """What one line takes now, what each of its options would cost in all, and what those lack that don't fit."""

    option: int
    """Of the problem, or ``UNROUTED`` where nothing fits."""
    first: int
    """First option of the line: the arrays below begin there."""
    cost: IntArray
    """What each option adds to the plan's cost: its own, the opening of its build, what it exceeds of soft quotas."""
    reduced_cost: IntArray
    """That, and the price of all that is scarce of what it takes. Milli-minor, half a one up."""
    fits: BoolArray
    shortfalls: tuple[Shortfall, ...]
    """By option, then minutes, grams, quotas and volume: each pool, lot and quota that is short."""

    def dearer(self, option: int) -> int:
        """Return by how much an option's reduced cost exceeds that of the choice; ``ValueError`` without a choice."""
        if self.option == UNROUTED:
            raise ValueError("nothing fits, so there is nothing to compare with: see shortfalls")
        return int(self.reduced_cost[option - self.first] - self.reduced_cost[self.option - self.first])


def choose_online(
    problem: RoutingProblem, line: int, residual: Residual, prices: ScarcityPrices | None = None
) -> OnlineChoice:
    """Return the option of least reduced cost that fits what is left, and for each of the others why not.

    Equal reduced costs: the cheaper option, then the lower number. ``prices`` are of the same pools, buckets and lots
    as the problem; without them the option of least cost is taken.
    """
    first, end = (int(place) for place in np.searchsorted(problem.option_line, [line, line + 1]))
    asked = _asked(problem, residual, first, end)
    cost = _own_cost(problem, residual, asked)
    reduced = cost if prices is None else cost + _scarcity(asked, prices)
    shortfalls = tuple(sorted(_shortfalls(problem, residual, asked), key=_place))
    fits = np.ones(end - first, dtype=np.bool_)
    fits[np.array([shortfall.option - first for shortfall in shortfalls], dtype=np.int64)] = False
    return OnlineChoice(
        option=_least(cost, reduced, fits, first),
        first=first,
        cost=cost,
        reduced_cost=reduced,
        fits=fits,
        shortfalls=shortfalls,
    )


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class _Asked:
    """All that a run of options draws on, flat: entries of minutes, of grams, and of quotas."""

    first: int
    count: int
    minute_option: IntArray
    """Counted from the first option, as in all of these."""
    pool: IntArray
    bucket: IntArray
    minutes: IntArray
    gram_option: IntArray
    lot: IntArray
    grams: IntArray
    quota_option: IntArray
    quota: IntArray
    weight: IntArray
    opens: BoolArray
    """Which options would open their build."""


def _asked(problem: RoutingProblem, residual: Residual, first: int, end: int) -> _Asked:
    here, option = slice(first, end), np.arange(end - first)
    build = problem.option_build[here]
    opens = build != NO_BUILD
    opens[opens] = ~residual.is_open[build[opens]]
    minutes = problem.option_minutes[here].copy()
    minutes[opens] += problem.build_minutes[build[opens]]
    draws = slice(*np.searchsorted(problem.draw_option, [first, end]).tolist())
    drawing = problem.draw_option[draws] - first
    lot = np.concatenate([problem.option_lot[here], problem.draw_lot[draws]])
    stored = lot != NO_LOT
    quota_option, quota, weight = _weights(problem, first, end)
    every = np.concatenate([option, drawing])
    return _Asked(
        first=first,
        count=end - first,
        minute_option=every,
        pool=np.concatenate([problem.option_pool[here], problem.draw_pool[draws]]),
        bucket=np.concatenate([problem.option_bucket[here], problem.draw_bucket[draws]]),
        minutes=np.concatenate([minutes, problem.draw_minutes[draws]]),
        gram_option=every[stored],
        lot=lot[stored],
        grams=np.concatenate([problem.option_grams[here], problem.draw_grams[draws]])[stored],
        quota_option=quota_option,
        quota=quota,
        weight=weight,
        opens=opens,
    )


def _weights(problem: RoutingProblem, first: int, end: int) -> tuple[IntArray, IntArray, IntArray]:
    """Return what options weigh in quotas: option, quota and weight, each pair of the first two once."""
    shares = np.flatnonzero((problem.share_option >= first) & (problem.share_option < end))
    quotas = max(1, len(problem.quota_limit))
    pairs = (problem.share_option[shares] - first) * quotas + problem.share_quota[shares]
    pair, place = np.unique(pairs, return_inverse=True)
    weight = np.zeros(len(pair), dtype=np.int64)
    np.add.at(weight, place, problem.share_weight[shares])
    return pair // quotas, pair % quotas, weight


def _own_cost(problem: RoutingProblem, residual: Residual, asked: _Asked) -> IntArray:
    here = slice(asked.first, asked.first + asked.count)
    cost = problem.option_cost[here].copy()
    cost[asked.opens] += problem.build_cost[problem.option_build[here][asked.opens]]
    before, limit = residual.quota_weight[asked.quota], problem.quota_limit[asked.quota]
    more = np.maximum(before + asked.weight - limit, 0) - np.maximum(before - limit, 0)
    np.add.at(cost, asked.quota_option, np.maximum(problem.quota_excess_cost[asked.quota], 0) * more)
    return cost


def _scarcity(asked: _Asked, prices: ScarcityPrices) -> IntArray:
    price = np.zeros(asked.count)
    np.add.at(price, asked.minute_option, asked.minutes * prices.minute[asked.pool, asked.bucket])
    np.add.at(price, asked.gram_option, asked.grams * prices.gram[asked.lot])
    return np.floor(np.minimum(price, _HIGHEST_PRICE) + 0.5).astype(np.int64)


def _least(cost: IntArray, reduced: IntArray, fits: BoolArray, first: int) -> int:
    fitting = np.flatnonzero(fits)
    if not fitting.size:
        return UNROUTED
    return first + int(fitting[np.lexsort((cost[fitting], reduced[fitting]))[0]])


def _place(shortfall: Shortfall) -> tuple[int, int, int]:
    return shortfall.option, _ORDER[shortfall.row], shortfall.index


_ORDER = {row: place for place, row in enumerate(ScarceRow)}


def _shortfalls(problem: RoutingProblem, residual: Residual, asked: _Asked) -> Iterator[Shortfall]:
    yield from _short_of_minutes(residual, asked)
    yield from _short_of_grams(residual, asked)
    yield from _over_quota(problem, residual, asked)
    yield from _short_of_volume(problem, residual, asked)


def _short_of_minutes(residual: Residual, asked: _Asked) -> Iterator[Shortfall]:
    """Yield for each option and pool the row that lacks most; a row in which the option needs nothing is not its."""
    pools, buckets = residual.minutes.shape
    pair, place = np.unique(asked.minute_option * max(1, pools) + asked.pool, return_inverse=True)
    if not pair.size:
        return
    needs = np.zeros(len(pair) * buckets, dtype=np.int64)
    np.add.at(needs, place * buckets + asked.bucket, asked.minutes)
    needs = np.cumsum(needs.reshape(len(pair), buckets), axis=1)
    has = residual.minutes[pair % pools]
    lacks = np.where(needs > 0, needs - has, 0)
    bucket = lacks.argmax(axis=1)
    each = np.flatnonzero(lacks.max(axis=1) > 0)
    bucket = bucket[each]
    rows = (asked.first + pair[each] // pools, pair[each] % pools, bucket, needs[each, bucket], has[each, bucket])
    for option, pool, day, need, left in zip(*(column.tolist() for column in rows), strict=True):
        yield Shortfall(option=option, row=ScarceRow.MINUTES, index=pool, bucket=day, needs=need, has=left)


def _short_of_grams(residual: Residual, asked: _Asked) -> Iterator[Shortfall]:
    lots = max(1, len(residual.grams))
    pair, place = np.unique(asked.gram_option * lots + asked.lot, return_inverse=True)
    needs = np.zeros(len(pair), dtype=np.int64)
    np.add.at(needs, place, asked.grams)
    has = residual.grams[pair % lots]
    short = np.flatnonzero((needs > has) & (needs > 0))
    yield from _plainly(asked, ScarceRow.GRAMS, (pair // lots, pair % lots, needs, has), short)


def _over_quota(problem: RoutingProblem, residual: Residual, asked: _Asked) -> Iterator[Shortfall]:
    quota, needs = asked.quota, asked.weight
    has = problem.quota_limit[quota] - residual.quota_weight[quota]
    hard = problem.quota_excess_cost[quota] == HARD
    over = np.flatnonzero(hard & (needs > has) & (needs > 0))
    yield from _plainly(asked, ScarceRow.QUOTA, (asked.quota_option, quota, needs, has), over)


def _short_of_volume(problem: RoutingProblem, residual: Residual, asked: _Asked) -> Iterator[Shortfall]:
    here = slice(asked.first, asked.first + asked.count)
    option = np.flatnonzero(problem.option_build[here] != NO_BUILD)
    build = problem.option_build[here][option]
    needs, has = problem.option_volume[here][option], residual.volume[build]
    yield from _plainly(
        asked, ScarceRow.VOLUME, (option, build, needs, has), np.flatnonzero((needs > has) & (needs > 0))
    )


def _plainly(
    asked: _Asked, row: ScarceRow, columns: tuple[IntArray, IntArray, IntArray, IntArray], short: IntArray
) -> Iterator[Shortfall]:
    """Yield the shortfalls at ``short`` of columns of options, indexes, needs and what is left."""
    for option, index, needs, has in zip(*(column[short].tolist() for column in columns), strict=True):
        yield Shortfall(option=asked.first + option, row=row, index=index, bucket=None, needs=needs, has=has)
