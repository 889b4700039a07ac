"""Problems with every rule in them by chance, and what fits by plain counting: the truth about one line at once."""

from collections import Counter
from collections.abc import Sequence

import numpy as np

from fabroute.solver.plan import ScarcityPrices
from fabroute.solver.problem import HARD, NO_BUILD, NO_LOT, IntArray, RoutingProblem

_SPREAD = 7


def problem_of_all_rules(*, seed: int, lines: int = 4) -> RoutingProblem:
    """Return lines whose options have draws, builds and quotas, of which there is not enough for all."""
    random = np.random.default_rng(seed)
    pools, buckets, lots, builds, quotas = (int(random.integers(*span)) for span in _SPANS)
    line = np.sort(random.integers(0, lines, int(random.integers(lines, lines * _SPREAD))))
    count = len(line)
    build_pool, build_bucket = random.integers(0, pools, builds), random.integers(0, buckets, builds)
    build = random.integers(NO_BUILD, builds, count)
    made = build != NO_BUILD
    draw = np.sort(random.integers(0, count, int(random.integers(0, count))))
    share = np.sort(random.integers(0, quotas, int(random.integers(0, 2 * count))))
    return RoutingProblem(
        line_count=lines,
        option_line=line,
        option_cost=random.integers(0, 50, count),
        option_pool=np.where(made, build_pool[build], random.integers(0, pools, count)),
        option_bucket=np.where(made, build_bucket[build], random.integers(0, buckets, count)),
        option_minutes=random.integers(0, 9, count),
        option_lot=random.integers(NO_LOT, lots, count),
        option_grams=random.integers(0, 9, count),
        unrouted_cost=np.full(lines, 500),
        capacity=random.integers(0, 8, (pools, buckets)),
        stock=random.integers(0, 20, lots),
        draw_option=draw,
        draw_pool=random.integers(0, pools, len(draw)),
        draw_bucket=random.integers(0, buckets, len(draw)),
        draw_minutes=random.integers(0, 6, len(draw)),
        draw_lot=random.integers(NO_LOT, lots, len(draw)),
        draw_grams=random.integers(0, 6, len(draw)),
        option_build=build,
        option_volume=np.where(made, random.integers(0, 7, count), 0),
        build_cost=random.integers(0, 20, builds),
        build_pool=build_pool,
        build_bucket=build_bucket,
        build_minutes=random.integers(0, 5, builds),
        build_volume=random.integers(0, 12, builds),
        quota_limit=random.integers(0, 10, quotas),
        quota_excess_cost=np.where(random.random(quotas) < 0.5, HARD, random.integers(0, 5, quotas)),
        share_quota=share,
        share_option=random.integers(0, count, len(share)),
        share_weight=random.integers(0, 6, len(share)),
    )


def prices_by_chance(problem: RoutingProblem, *, seed: int) -> ScarcityPrices:
    """Return prices that never rise with the deadline."""
    random = np.random.default_rng([seed, 1])
    minute = np.sort(random.random(problem.capacity.shape) * 4, axis=1)[:, ::-1]
    return ScarcityPrices(minute=minute, gram=random.random(len(problem.stock)))


def wants_of(problem: RoutingProblem, chosen: Sequence[int]) -> Counter[tuple[str, int, int]]:
    """Return what these options take together of every row, by plain counting: a build's opening once."""
    wants: Counter[tuple[str, int, int]] = Counter()
    for option in chosen:
        _draw(wants, problem.option_pool, problem.option_bucket, problem.option_minutes, option)
        _weigh(wants, problem.option_lot, problem.option_grams, option)
        for draw in np.flatnonzero(problem.draw_option == option).tolist():
            _draw(wants, problem.draw_pool, problem.draw_bucket, problem.draw_minutes, draw)
            _weigh(wants, problem.draw_lot, problem.draw_grams, draw)
        for share in np.flatnonzero(problem.share_option == option).tolist():
            wants["quota", int(problem.share_quota[share]), 0] += int(problem.share_weight[share])
        if problem.option_build[option] != NO_BUILD:
            wants["volume", int(problem.option_build[option]), 0] += int(problem.option_volume[option])
    for build in {int(problem.option_build[option]) for option in chosen} - {NO_BUILD}:
        _draw(wants, problem.build_pool, problem.build_bucket, problem.build_minutes, build)
    return wants


def room_of(problem: RoutingProblem, row: tuple[str, int, int]) -> int:
    """Return how much of a row there is in all; a soft quota has no end."""
    kind, index, bucket = row
    if kind == "minutes":
        return int(problem.capacity[index, : bucket + 1].sum())
    if kind == "quota":
        return int(problem.quota_limit[index]) if problem.quota_excess_cost[index] == HARD else 2**60
    return int((problem.stock if kind == "grams" else problem.build_volume)[index])


def _draw(
    wants: Counter[tuple[str, int, int]], pool: IntArray, bucket: IntArray, minutes: IntArray, entry: int
) -> None:
    """Count minutes in every row from the deadline on; the number of buckets is more than any of these tests has."""
    for later in range(int(bucket[entry]), _MOST_BUCKETS):
        wants["minutes", int(pool[entry]), later] += int(minutes[entry])


def _weigh(wants: Counter[tuple[str, int, int]], lot: IntArray, grams: IntArray, entry: int) -> None:
    if lot[entry] != NO_LOT:
        wants["grams", int(lot[entry]), 0] += int(grams[entry])


_MOST_BUCKETS = 5
_SPANS = ((1, 4), (1, _MOST_BUCKETS + 1), (1, 4), (1, 4), (1, 4))
