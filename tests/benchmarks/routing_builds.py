"""The same made-up problems with shared builds: powder-bed work of one machine, material and day opens one build.

What each order paid for its own set-up becomes the price of opening; earlier days become options too, so that
orders can meet in one build.
"""

from dataclasses import replace

import numpy as np

from fabroute.solver.problem import NO_BUILD, IntArray
from tests.benchmarks.routing_instances import Instance

_OPENING_EUROS = np.array([0.0, 45.0, 35.0, 0.0, 110.0])
_OPENING_MINUTES = np.array([0, 40, 30, 0, 60])
_OWN_SETUP_EUROS = 12.0
_DAYS_EARLIER = 2
_GRAMS_OF_A_BUILD = 1_500
_MILLIS_PER_EURO = 100_000


def with_builds(instance: Instance) -> Instance:
    """Return the instance with builds for SLS, MJF and LPBF, and with days before the last one for their options."""
    wide = _with_earlier_days(instance)
    problem = wide.problem
    shares = _OPENING_EUROS[wide.process] > 0
    place = (problem.option_pool * len(problem.stock) + problem.option_lot) * problem.capacity.shape[1]
    _, first, build = np.unique((place + problem.option_bucket)[shares], return_index=True, return_inverse=True)
    opener = np.flatnonzero(shares)[first]
    own_setup = np.where(shares, round(_OWN_SETUP_EUROS * _MILLIS_PER_EURO), 0)
    process = wide.process[opener]
    with_them = replace(
        problem,
        option_cost=np.maximum(problem.option_cost - own_setup, 0),
        option_build=_filled(shares, build, NO_BUILD),
        option_volume=np.where(shares, np.minimum(problem.option_grams, _GRAMS_OF_A_BUILD), 0),
        build_cost=np.rint(_OPENING_EUROS[process] * _MILLIS_PER_EURO).astype(np.int64),
        build_pool=problem.option_pool[opener],
        build_bucket=problem.option_bucket[opener],
        build_minutes=_OPENING_MINUTES[process],
        build_volume=np.full(len(opener), _GRAMS_OF_A_BUILD),
    )
    return replace(wide, problem=with_them)


def _with_earlier_days(instance: Instance) -> Instance:
    """Return the instance with each powder-bed option also up to two days earlier, for the same cost."""
    problem = instance.problem
    shares = _OPENING_EUROS[instance.process] > 0
    times = 1 + np.where(shares, np.minimum(problem.option_bucket, _DAYS_EARLIER), 0)
    source = np.repeat(np.arange(problem.option_count), times)
    earlier = np.arange(len(source)) - np.repeat(np.cumsum(times) - times, times)
    names = ("line", "cost", "pool", "minutes", "lot", "grams", "build", "volume")
    columns = {f"option_{name}": getattr(problem, f"option_{name}")[source] for name in names}
    wide = replace(problem, option_bucket=problem.option_bucket[source] - earlier, **columns)
    return Instance(problem=wide, late=instance.late[source], process=instance.process[source])


def _filled(where: np.ndarray[tuple[int], np.dtype[np.bool_]], values: IntArray, other: int) -> IntArray:
    filled = np.full(len(where), other, dtype=np.int64)
    filled[where] = values
    return filled
