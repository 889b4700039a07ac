"""What a demand history says: how much a year, how often, how evenly."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

SELDOM = 1.32
"""Mean interval between demands (ADI, in periods) from which on a demand is intermittent."""
UNEVEN = 0.49
"""Squared coefficient of variation of demand sizes (CV²) from which on they are erratic."""
_NOISE = 1e-9


class DemandClass(StrEnum):
    """The four classes of Syntetos, Boylan and Croston (2005), and what can't be told."""

    SMOOTH = "smooth"
    INTERMITTENT = "intermittent"
    ERRATIC = "erratic"
    LUMPY = "lumpy"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class DemandPattern:
    """How often and how evenly something was wanted. ``adi`` and ``cv2`` are None where nothing ever was."""

    kind: DemandClass
    adi: float | None = None
    """Periods for each one with a demand."""
    cv2: float | None = None
    """Of the sizes of the demands there were, with their sample variance; 0 with a single one."""
    periods: int = 0
    demands: int = 0


NO_PATTERN = DemandPattern(kind=DemandClass.UNKNOWN)


@dataclass(frozen=True, slots=True, kw_only=True)
class YearlyDemand:
    """What is wanted in a year, and in which orders it would be printed."""

    quantity: float
    orders: float
    """Demands a year, bundled to as many print orders as the terms allow."""
    lot: int
    """Parts of one print order."""
    pattern: DemandPattern


def demand_pattern(history: Sequence[float]) -> DemandPattern:
    """Return the class of a history of quantities by period, zeros included.

    ADI under 1.32 and CV² under 0.49 is smooth; rarer is intermittent, more uneven erratic, both together lumpy.
    """
    sizes = [quantity for quantity in history if quantity > 0]
    if not sizes:
        return DemandPattern(kind=DemandClass.UNKNOWN, periods=len(history))
    adi, cv2 = len(history) / len(sizes), _cv2(sizes)
    return DemandPattern(kind=_kind(adi, cv2), adi=adi, cv2=cv2, periods=len(history), demands=len(sizes))


def yearly_demand(
    stated: float | None, history: Sequence[float], *, period_months: float, most_orders: float
) -> YearlyDemand | None:
    """Return the demand of a year as stated, else by the history's mean; None where neither is there.

    Print orders a year are as many as there were periods with a demand, or parts, or ``most_orders``: the least.
    """
    years = len(history) * period_months / 12
    if stated is None and not history:
        return None
    quantity = sum(history) / years if stated is None else stated
    pattern = demand_pattern(history) if history else NO_PATTERN
    often = min(most_orders, pattern.demands / years) if pattern.demands else most_orders
    lot = max(1, math.ceil(quantity / often - _NOISE))
    return YearlyDemand(quantity=quantity, orders=quantity / lot, lot=lot, pattern=pattern)


def _cv2(sizes: Sequence[float]) -> float:
    if len(sizes) == 1:
        return 0.0
    mean = sum(sizes) / len(sizes)
    variance = sum((size - mean) ** 2 for size in sizes) / (len(sizes) - 1)
    return variance / mean**2


def _kind(adi: float, cv2: float) -> DemandClass:
    if adi < SELDOM:
        return DemandClass.SMOOTH if cv2 < UNEVEN else DemandClass.ERRATIC
    return DemandClass.INTERMITTENT if cv2 < UNEVEN else DemandClass.LUMPY
