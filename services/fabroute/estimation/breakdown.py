"""A price as rows that add up to it, to the cent."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakdownRow:
    """One named share of a price, in minor units."""

    code: str
    amount_minor: int


def rounded_rows(rows: Iterable[tuple[str, float]]) -> tuple[BreakdownRow, ...]:
    """Return exact amounts (0 or more, in minor units) as whole ones whose sum is the rounded sum.

    The running total is rounded, half a cent up, and each row is the difference of two totals: so a row may be a cent
    off its own rounding, but the sum is rounded once only.
    """
    whole: list[BreakdownRow] = []
    exact, before = 0.0, 0
    for code, amount in rows:
        exact += amount
        # The small term lifts what binary left a hair under half a cent.
        total = math.floor(exact + 0.5 + 1e-7)
        whole.append(BreakdownRow(code=code, amount_minor=total - before))
        before = total
    return tuple(whole)
