"""What options taken one after another leave of pools, lots, builds and quotas: each one priced and tried as of now."""

from collections import defaultdict
from collections.abc import Iterator

import numpy as np

from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, RoutingProblem


class Running:
    """The account of one run; every option is taken whole or not at all."""

    __slots__ = ("_cost", "_draws", "_free", "_left", "_opened", "_problem", "_quota", "_room", "_shares")

    def __init__(self, problem: RoutingProblem) -> None:
        self._problem = problem
        self._cost: list[int] = problem.option_cost.tolist()
        self._free = problem.cumulative_capacity()
        self._left: list[int] = problem.stock.tolist()
        self._room: list[int] = problem.build_volume.tolist()
        self._quota: list[int] = problem.quota_limit.tolist()
        self._opened: set[int] = {NO_BUILD}
        self._draws: dict[int, list[int]] = defaultdict(list)
        for draw, option in enumerate(problem.draw_option.tolist()):
            self._draws[option].append(draw)
        self._shares: dict[int, dict[int, int]] = defaultdict(lambda: defaultdict(int))
        shares = (problem.share_quota.tolist(), problem.share_option.tolist(), problem.share_weight.tolist())
        for quota, option, weight in zip(*shares, strict=True):
            self._shares[option][quota] += weight

    def cost_now(self, option: int) -> int:
        """Return what the option adds to the cost: itself, its build if closed, what it exceeds soft quotas by."""
        problem, cost = self._problem, self._cost[option]
        build = int(problem.option_build[option])
        if build not in self._opened:
            cost += int(problem.build_cost[build])
        for quota, weight in self._shares.get(option, {}).items():
            price = int(problem.quota_excess_cost[quota])
            cost += max(0, price) * max(0, weight - max(0, self._quota[quota]))
        return cost

    def take(self, option: int) -> bool:
        """Draw all that the option needs, where there is enough of it; tell whether there was."""
        build = int(self._problem.option_build[option])
        if not (self._allows(option) and self._draw_minutes(option)):
            return False
        for lot, grams in self._grams(option).items():
            self._left[lot] -= grams
        for quota, weight in self._shares.get(option, {}).items():
            self._quota[quota] -= weight
        if build != NO_BUILD:
            self._opened.add(build)
            self._room[build] -= int(self._problem.option_volume[option])
        return True

    def _allows(self, option: int) -> bool:
        """Tell whether lots, the build's room and hard quotas have enough."""
        problem = self._problem
        build = int(problem.option_build[option])
        roomy = build == NO_BUILD or problem.option_volume[option] <= self._room[build]
        in_quota = all(
            weight <= self._quota[quota] or problem.quota_excess_cost[quota] != HARD
            for quota, weight in self._shares.get(option, {}).items()
        )
        return bool(roomy) and in_quota and all(grams <= self._left[lot] for lot, grams in self._grams(option).items())

    def _draw_minutes(self, option: int) -> bool:
        """Draw all minutes, or none."""
        done: list[tuple[int, int, int]] = []
        for pool, bucket, minutes in self._minutes(option):
            days = self._free[pool, bucket:]
            if minutes > days.min(initial=np.iinfo(np.int64).max):
                for where, first, given in done:
                    self._free[where, first:] += given
                return False
            days -= minutes
            done.append((pool, bucket, minutes))
        return True

    def _minutes(self, option: int) -> Iterator[tuple[int, int, int]]:
        problem = self._problem
        pool, bucket = int(problem.option_pool[option]), int(problem.option_bucket[option])
        build = int(problem.option_build[option])
        opening = 0 if build in self._opened else int(problem.build_minutes[build])
        yield pool, bucket, int(problem.option_minutes[option]) + opening
        for draw in self._draws.get(option, ()):
            yield int(problem.draw_pool[draw]), int(problem.draw_bucket[draw]), int(problem.draw_minutes[draw])

    def _grams(self, option: int) -> dict[int, int]:
        problem = self._problem
        grams: dict[int, int] = defaultdict(int)
        grams[int(problem.option_lot[option])] += int(problem.option_grams[option])
        for draw in self._draws.get(option, ()):
            grams[int(problem.draw_lot[draw])] += int(problem.draw_grams[draw])
        grams.pop(NO_LOT, None)
        return grams
