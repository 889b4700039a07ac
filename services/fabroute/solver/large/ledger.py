"""What a plan in the making has taken, and what is left: plain lists, since single look-ups are quickest there."""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from fabroute.solver.large.market import Market, Sweep
from fabroute.solver.plan import UNROUTED
from fabroute.solver.problem import IntArray, RoutingProblem

Way = tuple[int, int, int, int, int, int, int]
"""An option as (option, cost, pool, bucket, minutes, lot, grams): a tuple, read in the innermost loop."""
OPTION, COST, POOL, BUCKET, MINUTES, LOT, GRAMS = range(7)

_MOST_WAYS = 24
_NO_END = 2**62


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Ways:
    """The options of each line that the search looks at, in two orders."""

    by_price: tuple[tuple[Way, ...], ...]
    """Least reduced cost first."""
    by_cost: tuple[tuple[Way, ...], ...]
    unrouted: tuple[int, ...]
    """Price of leaving each line unrouted."""


class Ledger:
    """Minutes and grams that are left under the present choice; every change keeps all of it exact."""

    __slots__ = ("_place", "_residual", "cost", "left", "members", "now", "room", "unrouted")

    def __init__(self, problem: RoutingProblem, unrouted: tuple[int, ...]) -> None:
        self._residual: list[list[int]] = problem.cumulative_capacity().tolist()
        self._place = [0] * problem.line_count
        self.room: list[list[int]] = [_least_from_here_on(row) for row in self._residual]
        """Minutes that an option of each pool and deadline bucket may still take."""
        self.left: list[int] = [*problem.stock.tolist(), _NO_END]
        """Grams left on each lot; the last is for options that draw on none."""
        self.members: list[list[int]] = [[] for _ in self._residual]
        """Lines now on each pool."""
        self.now: list[Way | None] = [None] * problem.line_count
        self.unrouted = unrouted
        self.cost = sum(unrouted)

    def fits(self, way: Way) -> bool:
        """Tell whether an option can be taken now."""
        return way[4] <= self.room[way[2]][way[3]] and way[6] <= self.left[way[5]]

    def put(self, line: int, way: Way) -> None:
        """Let an unrouted line take an option that fits."""
        _, cost, pool, bucket, minutes, lot, grams = way
        residual, room = self._residual[pool], self.room[pool]
        residual[bucket:] = [free - minutes for free in residual[bucket:]]
        room[bucket:] = [free - minutes for free in room[bucket:]]
        least, earlier = room[bucket], bucket - 1
        while earlier >= 0 and room[earlier] > least:
            room[earlier] = least
            earlier -= 1
        self.left[lot] -= grams
        self._place[line] = len(self.members[pool])
        self.members[pool].append(line)
        self.now[line] = way
        self.cost += cost - self.unrouted[line]

    def pull(self, line: int, way: Way) -> None:
        """Take a line off the option that it has."""
        _, cost, pool, bucket, minutes, lot, grams = way
        residual, members = self._residual[pool], self.members[pool]
        residual[bucket:] = [free + minutes for free in residual[bucket:]]
        self._renew(pool)
        self.left[lot] += grams
        last, place = members.pop(), self._place[line]
        if last != line:
            members[place] = last
            self._place[last] = place
        self.now[line] = None
        self.cost += self.unrouted[line] - cost

    def _renew(self, pool: int) -> None:
        self.room[pool] = _least_from_here_on(self._residual[pool])

    def chosen(self) -> IntArray:
        """Return the option of each line, or ``UNROUTED``."""
        return np.array([UNROUTED if way is None else way[OPTION] for way in self.now], dtype=np.int64)


def ways_of(market: Market, priced: Sweep) -> Ways:
    """Return the best options of each line at the prices: the search never looks at the others."""
    near = np.lexsort((priced.reduced, market.line))
    start = np.searchsorted(market.line[near], np.arange(market.problem.line_count + 1))
    near = near[np.arange(len(near)) - start[market.line[near]] < _MOST_WAYS]
    by_cost = near[np.lexsort((near, market.cost[near], market.line[near]))]
    return Ways(
        by_price=_by_line(market, near),
        by_cost=_by_line(market, by_cost),
        unrouted=tuple(market.problem.unrouted_cost.tolist()),
    )


def _by_line(market: Market, ranked: IntArray) -> tuple[tuple[Way, ...], ...]:
    pool, bucket = np.divmod(market.cell[ranked], max(market.buckets, 1))
    option, problem = market.option[ranked], market.problem
    cost, minutes, lot = problem.option_cost[option], problem.option_minutes[option], problem.option_lot[option]
    columns = (option, cost, pool, bucket, minutes, lot, problem.option_grams[option])
    ways: list[Way] = list(zip(*(column.tolist() for column in columns), strict=True))
    start = np.searchsorted(market.line[ranked], np.arange(market.problem.line_count + 1)).tolist()
    return tuple(tuple(ways[first:end]) for first, end in itertools.pairwise(start))


def _least_from_here_on(row: list[int]) -> list[int]:
    """Return, per bucket, the least of it and all later ones."""
    room, least = row.copy(), _NO_END
    for bucket in range(len(row) - 1, -1, -1):
        if row[bucket] < least:
            least = row[bucket]
        room[bucket] = least
    return room
