"""What an order's wishes are worth, as data: every figure here is an assumption that an installation may change."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

MILLIS_PER_MINOR = 1_000
"""Costs are compared in thousandths of a cent; the last three digits are left to break ties."""
TIE_BREAK_LIMIT_MILLIS = MILLIS_PER_MINOR - 1
UNROUTED_MULTIPLIER = 2.5
"""A line without a place costs this times its cheapest option …"""
UNROUTED_FIXED_MILLIS = 50_00 * MILLIS_PER_MINOR
"""… and 50 €, but more than any of its options: a last resort, never a saving. Print the multiplier beside it."""
HORIZON_DAYS = 45
OPTIONS_PER_LINE = 60
"""At least; fewer lines may have more each."""
OPTIONS_PER_RUN = 12_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ObjectiveWeights:
    """What an hour, a gram of CO2e and an hour of delay are worth beside the landed money, in milli-minor units."""

    millis_per_hour: int
    millis_per_co2e_gram: int
    millis_per_late_hour: int
    """For a need-by that may be missed; a hard one never is."""


WEIGHTS: Mapping[str, ObjectiveWeights] = MappingProxyType(
    {
        # 1 € an hour late.
        "cheapest": ObjectiveWeights(millis_per_hour=0, millis_per_co2e_gram=0, millis_per_late_hour=100_000),
        # 100 € an hour, and as much again when late.
        "fastest": ObjectiveWeights(
            millis_per_hour=10_000_000, millis_per_co2e_gram=0, millis_per_late_hour=10_000_000
        ),
        # 1 € an hour and 0.10 € a kilogram; 2 € an hour late.
        "balanced": ObjectiveWeights(millis_per_hour=100_000, millis_per_co2e_gram=10, millis_per_late_hour=200_000),
        # 1 € a gram: the least CO2e, as long as a kilogram saved costs under 1,000 €. 1 € an hour late.
        "greenest": ObjectiveWeights(millis_per_hour=0, millis_per_co2e_gram=100_000, millis_per_late_hour=100_000),
    }
)

PRICE_CAP_MULTIPLIER: Mapping[str, int] = MappingProxyType({"aog": 5})
"""An aircraft on the ground may cost five times the order's cap."""
SAME_COUNTRY = frozenset({"patient"})
"""Printed in the country it goes to."""
PART_QUALIFICATION = frozenset({"safety"})
"""Needs a first article, whatever the part's own record says."""


def generalised_cost_millis(
    weights: ObjectiveWeights, *, landed_minor: int, minutes: int, co2e_g: int, late_minutes: int = 0
) -> int:
    """Return the one figure in which options are compared, in milli-minor units.

    ``minutes`` run from now to delivery, ``late_minutes`` from a soft need-by to delivery. Among equal costs the
    earlier delivery is the smaller number.
    """
    return (
        landed_minor * MILLIS_PER_MINOR
        + weights.millis_per_hour * minutes // 60
        + weights.millis_per_co2e_gram * co2e_g
        + weights.millis_per_late_hour * late_minutes // 60
        + min(minutes // 60, TIE_BREAK_LIMIT_MILLIS)
    )


def with_waiting(weights: ObjectiveWeights, *, cost_of_waiting_minor: int | None) -> ObjectiveWeights:
    """Return the weights of an order that says what an hour until delivery costs it, in cents: that comes on top."""
    if cost_of_waiting_minor is None:
        return weights
    return replace(weights, millis_per_hour=weights.millis_per_hour + cost_of_waiting_minor * MILLIS_PER_MINOR)


def options_per_line(lines: int) -> int:
    """Return how many options each of so many lines may have in one joint plan."""
    return max(OPTIONS_PER_LINE, OPTIONS_PER_RUN // max(1, lines))


def unrouted_cost_millis(*, cheapest_millis: int, dearest_millis: int) -> int:
    """Return what it costs the plan to leave a line without a place: more than any place that it could have."""
    return max(int(UNROUTED_MULTIPLIER * cheapest_millis) + UNROUTED_FIXED_MILLIS, dearest_millis + MILLIS_PER_MINOR)


def price_cap_minor(max_price_minor: int | None, *, criticality: str) -> int | None:
    """Return the most that an order may cost landed, in cents; ``None`` without a cap."""
    if max_price_minor is None:
        return None
    return max_price_minor * PRICE_CAP_MULTIPLIER.get(criticality, 1)


def caps_of_lines(cap_minor: int, cheapest_minor: Mapping[str, int]) -> dict[str, int]:
    """Return what each line of an order may cost at most: its cap less the cheapest landed cost of all other lines.

    Whatever costs more can't be within the cap together with the others; whether what is left is, they decide jointly.
    """
    total = sum(cheapest_minor.values())
    return {line: max(0, cap_minor - total + cost) for line, cost in cheapest_minor.items()}
