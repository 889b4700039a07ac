"""Which of the options for a quantity are worth offering."""

from collections.abc import Sequence

from fabroute.routing.service.quoting.answers import CHEAPEST, FASTEST, GREENEST

Merits = tuple[int, int, int]
"""Landed cents, minutes to the promised hand-over, grams of CO2e: of each, less is better."""


def pareto(merits: Sequence[Merits]) -> list[int]:
    """Return the positions of the options than which none is as good in all three merits and better in one.

    Cheapest first; of options with equal merits the first.
    """
    kept: list[int] = []
    for position in sorted(range(len(merits)), key=lambda each: merits[each]):
        if not any(_as_good(merits[other], merits[position]) for other in kept):
            kept.append(position)
    return kept


def best(merits: Sequence[Merits]) -> list[tuple[tuple[str, ...], int]]:
    """Return the labels and positions of the cheapest, the fastest and the greenest option, each option once.

    All are Pareto-optimal: of those as cheap the fastest counts, of those as fast or as green the cheapest.
    """
    labels: dict[int, tuple[str, ...]] = {}
    for label, order in _ORDERS:
        if merits:
            position = min(range(len(merits)), key=lambda each, by=order: tuple(merits[each][merit] for merit in by))
            labels[position] = (*labels.get(position, ()), label)
    return [(names, position) for position, names in labels.items()]


_ORDERS = ((CHEAPEST, (0, 1, 2)), (FASTEST, (1, 0, 2)), (GREENEST, (2, 0, 1)))


def _as_good(other: Merits, one: Merits) -> bool:
    return other[0] <= one[0] and other[1] <= one[1] and other[2] <= one[2]
