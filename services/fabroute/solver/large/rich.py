"""The ledger of problems with split options, shared builds or quotas: every change keeps all their counts exact."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

from fabroute.solver.large.ledger import BUCKET, GRAMS, LOT, MINUTES, OPTION, POOL, Ledger, Way, Ways
from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, IntArray, RoutingProblem

_NO_END = 2**62
NONE = -1

Work = tuple[tuple[int, int], ...]
"""Minutes by deadline bucket, ascending."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needs:
    """What an option takes beyond its own pool and lot."""

    build: int = NO_BUILD
    volume: int = 0
    draws: tuple[tuple[int, int, int], ...] = ()
    """Further (pool, bucket, minutes)."""
    days: tuple[tuple[int, Work], ...] = ()
    """With further draws: all work of each pool, its own too."""
    grams: tuple[tuple[int, int], ...] = ()
    """Further (lot, grams)."""
    lots: tuple[tuple[int, int], ...] = ()
    """With further draws: all grams of each lot, its own too."""
    weights: tuple[tuple[int, int], ...] = ()
    """(quota, weight)."""


class RichLedger(Ledger):
    """A ledger that also opens and closes builds, draws what splits draw, and weighs quotas."""

    __slots__ = (
        "_build_cost",
        "_build_minutes",
        "_excess",
        "_limit",
        "barred",
        "inside",
        "needs",
        "volume",
        "weight",
    )

    def __init__(self, problem: RoutingProblem, ways: Ways) -> None:
        super().__init__(problem, ways.unrouted)
        self.needs = needs_of(problem, ways)
        """By option; options that take nothing more are not in it."""
        self.volume: list[int] = problem.build_volume.tolist()
        """Left in each build."""
        self.inside: list[dict[int, None]] = [{} for _ in self.volume]
        """Lines now in each build: an empty one is closed."""
        self.weight = [0] * len(problem.quota_limit)
        self.barred = NONE
        """A build that nothing may enter for now."""
        self._build_cost: list[int] = problem.build_cost.tolist()
        self._build_minutes: list[int] = problem.build_minutes.tolist()
        self._limit: list[int] = problem.quota_limit.tolist()
        self._excess: list[int] = problem.quota_excess_cost.tolist()

    def fits(self, way: Way) -> bool:
        """Tell whether an option can be taken now, its build opened if it is closed."""
        if way[MINUTES] > self.room[way[POOL]][way[BUCKET]] or way[GRAMS] > self.left[way[LOT]]:
            return False
        needs = self.needs.get(way[OPTION])
        return needs is None or (
            self._build_has_room(needs)
            and all(grams <= self.left[lot] for lot, grams in needs.lots)
            and all(
                self._excess[quota] != HARD or self.weight[quota] + weight <= self._limit[quota]
                for quota, weight in needs.weights
            )
            and self._days_have_room(way, needs)
        )

    def margin(self, way: Way) -> int:
        """Return what a line's taking an option adds to the cost of the others: opening a build, exceeding quotas."""
        needs = self.needs.get(way[OPTION])
        if needs is None:
            return 0
        opening = 0 if needs.build == NO_BUILD or self.inside[needs.build] else self._build_cost[needs.build]
        return opening + sum(self._dearer(quota, weight) for quota, weight in needs.weights)

    def is_open(self, way: Way) -> bool:
        """Tell whether an option's build is open, or it needs none."""
        needs = self.needs.get(way[OPTION])
        return needs is None or needs.build == NO_BUILD or bool(self.inside[needs.build])

    def put(self, line: int, way: Way) -> None:
        """Let an unrouted line take an option that fits."""
        needs = self.needs.get(way[OPTION])
        if needs is not None:
            self.cost += self.margin(way)
            self._draw(needs, 1)
            self._enter(line, way, needs)
        super().put(line, way)

    def pull(self, line: int, way: Way) -> None:
        """Take a line off the option that it has; a build without lines is closed."""
        super().pull(line, way)
        needs = self.needs.get(way[OPTION])
        if needs is not None:
            self._draw(needs, -1)
            self._leave(line, way, needs)
            self.cost -= self.margin(way)

    def _enter(self, line: int, way: Way, needs: Needs) -> None:
        if needs.build == NO_BUILD:
            return
        if not self.inside[needs.build]:
            self._work(way[POOL], way[BUCKET], self._build_minutes[needs.build])
        self.inside[needs.build][line] = None
        self.volume[needs.build] -= needs.volume

    def _leave(self, line: int, way: Way, needs: Needs) -> None:
        if needs.build == NO_BUILD:
            return
        del self.inside[needs.build][line]
        self.volume[needs.build] += needs.volume
        if not self.inside[needs.build]:
            self._work(way[POOL], way[BUCKET], -self._build_minutes[needs.build])

    def _draw(self, needs: Needs, times: int) -> None:
        for pool, bucket, minutes in needs.draws:
            self._work(pool, bucket, times * minutes)
        for lot, grams in needs.grams:
            self.left[lot] -= times * grams
        for quota, weight in needs.weights:
            self.weight[quota] += times * weight

    def _work(self, pool: int, bucket: int, minutes: int) -> None:
        residual = self._residual[pool]
        residual[bucket:] = [free - minutes for free in residual[bucket:]]
        self._renew(pool)

    def _build_has_room(self, needs: Needs) -> bool:
        return needs.build == NO_BUILD or (needs.build != self.barred and needs.volume <= self.volume[needs.build])

    def _days_have_room(self, way: Way, needs: Needs) -> bool:
        opening = 0
        if needs.build != NO_BUILD and not self.inside[needs.build]:
            opening = self._build_minutes[needs.build]
        if not needs.days:
            return way[MINUTES] + opening <= self.room[way[POOL]][way[BUCKET]]
        return all(
            self._holds(pool, work if pool != way[POOL] else (*work, (way[BUCKET], opening)))
            for pool, work in needs.days
        )

    def _holds(self, pool: int, work: Work) -> bool:
        """Tell whether a pool has room for several pieces of work at once."""
        residual, due = self._residual[pool], 0
        for (bucket, minutes), (end, _) in pairwise([*sorted(work), (len(self._residual[pool]), 0)]):
            due += minutes
            if due > min(residual[bucket:end], default=_NO_END):
                return False
        return True

    def _dearer(self, quota: int, weight: int) -> int:
        over = self.weight[quota] - self._limit[quota]
        return max(0, self._excess[quota]) * (max(0, over + weight) - max(0, over))


def needs_of(problem: RoutingProblem, ways: Ways) -> dict[int, Needs]:
    """Return what the options that the search looks at take beyond their own pool and lot."""
    draws = _by_option(problem.draw_option, problem.draw_pool, problem.draw_bucket, problem.draw_minutes)
    grams = _by_option(problem.draw_option, problem.draw_lot, problem.draw_grams)
    weights = _by_option(problem.share_option, problem.share_quota, problem.share_weight)
    build, volume = problem.option_build.tolist(), problem.option_volume.tolist()
    needs = {}
    for way in (way for of_line in ways.by_cost for way in of_line):
        option = way[OPTION]
        if build[option] == NO_BUILD and option not in draws and option not in weights:
            continue
        further = [(lot, drawn) for lot, drawn in grams[option] if lot != NO_LOT] if option in draws else []
        needs[option] = Needs(
            build=build[option],
            volume=volume[option],
            draws=tuple((pool, bucket, minutes) for pool, bucket, minutes in draws.get(option, [])),
            days=_days(way, draws[option]) if option in draws else (),
            grams=tuple(further),
            lots=_summed([(way[LOT], way[GRAMS]), *further]) if further else (),
            weights=_summed((quota, weight) for quota, weight in weights.get(option, [])),
        )
    return needs


def _by_option(option: IntArray, *columns: IntArray) -> dict[int, list[tuple[int, ...]]]:
    rows: dict[int, list[tuple[int, ...]]] = defaultdict(list)
    for each, *values in zip(option.tolist(), *(column.tolist() for column in columns), strict=True):
        rows[each].append(tuple(values))
    return dict(rows)


def _days(way: Way, draws: Iterable[tuple[int, ...]]) -> tuple[tuple[int, Work], ...]:
    """Return all work of an option by pool, its own pool first."""
    work: dict[int, list[tuple[int, int]]] = defaultdict(list)
    work[way[POOL]].append((way[BUCKET], way[MINUTES]))
    for pool, bucket, minutes in draws:
        work[pool].append((bucket, minutes))
    return tuple((pool, tuple(sorted(pieces))) for pool, pieces in work.items())


def _summed(amounts: Iterable[tuple[int, int]]) -> tuple[tuple[int, int], ...]:
    total: dict[int, int] = defaultdict(int)
    for where, amount in amounts:
        total[where] += amount
    return tuple(sorted(total.items()))
