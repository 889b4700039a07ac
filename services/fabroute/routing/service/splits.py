"""The shares of split lines as further draws of a routing problem."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.options import Option, Way


def ways_of(options: Iterable[Option]) -> Iterable[Way]:
    """Yield every way that an option takes: one, or one for each of its shares."""
    for option in options:
        yield option.way
        yield from (share.way for share in option.shares[1:])


def split_draws(options: Sequence[Option], *, pool_of: Mapping[str, int], lot_of: Mapping[str, int]) -> dict[str, Days]:
    """Return the arrays of a ``RoutingProblem`` about draws: all shares but the first, which is the option itself."""
    draws = [(place, share) for place, option in enumerate(options) for share in option.shares[1:]]
    if not draws:
        return {}
    return {
        "draw_option": _integers(place for place, _ in draws),
        "draw_pool": _integers(pool_of[share.way.offer.machine_id] for _, share in draws),
        "draw_bucket": _integers(share.bucket for _, share in draws),
        "draw_minutes": _integers(share.way.machine_minutes for _, share in draws),
        "draw_lot": _integers(lot_of[share.way.lot.lot_id] for _, share in draws),
        "draw_grams": _integers(share.way.grams for _, share in draws),
    }


def _integers(values: Iterable[int]) -> Days:
    return np.array(list(values), dtype=np.int64)
