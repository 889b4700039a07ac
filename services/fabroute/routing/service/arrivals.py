"""When a parcel is handed over, as a small distribution: production ends late or not, parcels travel fast or slowly."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fabroute.logistics.rules import Transit

Days = npt.NDArray[np.int64]

PRODUCTION_PARTS = 200
"""Per mille: each of the five quantiles at which a production delay is known stands for a fifth of the cases."""
EVERY_CASE = 1_000_000
"""The weight of all cases together: per mille of production by per mille of transit."""
P10, P50, P90 = 100_000, 500_000, 900_000
"""Of ``EVERY_CASE``: the share of cases that are over by the quantile."""


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Arrivals:
    """Minutes from now to the hand-over, by the bucket in which production is planned to end."""

    p10: Days
    p50: Days
    p90: Days
    """Nine of ten deliveries are not later: what is promised."""
    cases: Days
    """The outcomes, a row each, ascending in every bucket."""
    weights: Days
    """Of each outcome, of a million."""

    def on_time_per_mille(self, bucket: int, *, minutes: int) -> int:
        """Return how many of a thousand deliveries are not later than so many minutes from now, rounded down."""
        in_time = self.cases[:, bucket] <= minutes
        return int(self.weights[in_time, bucket].sum()) // (EVERY_CASE // 1000)


def weighed_cases(shifts: Sequence[int], transit: Transit) -> dict[tuple[int, int], int]:
    """Return the weights of all pairs of a shift of production and days of transit, equal pairs together.

    Production and transit are independent; the weights are whole and add up to ``EVERY_CASE`` for five shifts.
    """
    weights: dict[tuple[int, int], int] = {}
    for shift in shifts:
        for days, per_mille in transit:
            weights[shift, days] = weights.get((shift, days), 0) + PRODUCTION_PARTS * per_mille
    return weights


def arrivals_of(cases: Days, weights: Sequence[int]) -> Arrivals:
    """Return the distribution of outcomes, a row of minutes for each weight, with its exact quantiles.

    A quantile is the least outcome that, with all earlier ones, has at least its share of the weight.
    """
    order, buckets = np.argsort(cases, axis=0, kind="stable"), np.arange(cases.shape[1])
    ascending = cases[order, buckets]
    weighed = np.array(weights, dtype=np.int64)[order]
    over = weighed.cumsum(axis=0)
    p10, p50, p90 = (ascending[(over < share).sum(axis=0), buckets] for share in (P10, P50, P90))
    return Arrivals(p10=p10, p50=p50, p90=p90, cases=ascending, weights=weighed)
