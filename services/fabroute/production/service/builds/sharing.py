"""Who bears what of a build: its cost by the volume that prints occupy, its grams by what each draws, to the cent."""

import math
from collections.abc import Sequence
from fractions import Fraction

from fabroute.routing.service.builds import split_by_weight


def shares_of(fills: Sequence[Fraction]) -> tuple[Fraction, ...]:
    """Return the share of a build that each job's prints occupy: together 1."""
    total = sum(fills, Fraction(0))
    return tuple(fill / total for fill in fills)


def split_cost(cost_minor: int, fills: Sequence[Fraction]) -> list[int]:
    """Return what each job bears of what a build cost, in whole cents that add up to it.

    By what its prints occupy of the bed; the cents that rounding down leaves go to the largest remainders, the first of
    equals.
    """
    common = math.lcm(*(fill.denominator for fill in fills))
    return split_by_weight(cost_minor, [int(fill * common) for fill in fills])


def split_grams(grams: int, drawn: Sequence[int]) -> list[int]:
    """Return what each job used of the grams that left the lot, in whole grams that add up to them.

    By what its prints were expected to draw.
    """
    return split_by_weight(grams, drawn)
