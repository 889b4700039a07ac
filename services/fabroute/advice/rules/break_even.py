"""Where printed and conventional really meet, each quantity printed at its own price."""

from collections.abc import Callable
from fractions import Fraction

from fabroute.advice.rules.method import BreakEven
from fabroute.estimation.crossover import Method, Terms, totals_of

LARGEST_QUANTITY = 10_000_000
"""Nobody looks further for a break-even."""

PriceOf = Callable[[int], int]
"""Return what so many pieces cost printed, in EUR cents."""


def find_break_even(price_of: PriceOf, *, terms: Terms, variants: int = 1) -> BreakEven:
    """Return from which quantity on the conventional way is cheaper, by halving what lies between.

    Each try asks for the printed price of that very quantity, at most 25 times. Printed prices rise in steps, a build
    at a time: beside the quantity that is found, a few pieces more or less may change the cheaper way once again.
    """

    def conventional_wins(quantity: int) -> bool:
        unit = Fraction(price_of(quantity), quantity)
        found = totals_of(quantity, printed_unit_minor=unit, terms=terms, variants=variants)
        return found.cheaper is Method.CONVENTIONAL

    if not conventional_wins(LARGEST_QUANTITY):
        return BreakEven(quantity=None)
    printed, conventional = variants - 1, LARGEST_QUANTITY
    while conventional - printed > 1:
        middle = (printed + conventional) // 2
        printed, conventional = (printed, middle) if conventional_wins(middle) else (middle, conventional)
    return BreakEven(quantity=conventional, printed_unit_minor=Fraction(price_of(conventional), conventional))
