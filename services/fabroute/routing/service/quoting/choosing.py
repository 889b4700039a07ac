"""Which of the options for a quantity are worth offering."""

from dataclasses import dataclass

import numpy as np

from fabroute.routing.service.arrivals import Days
from fabroute.routing.service.quoting.answers import CHEAPEST, FASTEST, GREENEST


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Merits:
    """What options are compared by: of each, less is better."""

    landed_minor: Days
    promised: Days
    """Days or minutes."""
    co2e_g: Days
    rank: Days
    """Breaks ties: no two are the same."""


def pareto(merits: Merits) -> list[int]:
    """Return the positions of the options than which none is as good in all three merits and better in one.

    Cheapest first; of options with equal merits the first by rank.
    """
    alive = np.lexsort((merits.rank, merits.co2e_g, merits.promised, merits.landed_minor))
    kept: list[int] = []
    while len(alive):
        best = int(alive[0])
        kept.append(best)
        sooner, greener = (found[alive] < found[best] for found in (merits.promised, merits.co2e_g))
        alive = alive[sooner | greener]
    return kept


def best(merits: Merits) -> list[tuple[tuple[str, ...], int]]:
    """Return the labels and positions of the cheapest, the fastest and the greenest option, each option once.

    All are Pareto-optimal: of those as cheap the fastest counts, of those as fast or as green the cheapest.
    """
    if not len(merits.rank):
        return []
    cost, day, carbon = merits.landed_minor, merits.promised, merits.co2e_g
    labels: dict[int, tuple[str, ...]] = {}
    for label, keys in (
        (CHEAPEST, (carbon, day, cost)),
        (FASTEST, (carbon, cost, day)),
        (GREENEST, (day, cost, carbon)),
    ):
        position = int(np.lexsort((merits.rank, *keys))[0])
        labels[position] = (*labels.get(position, ()), label)
    return [(names, position) for position, names in labels.items()]
