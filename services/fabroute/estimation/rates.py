"""From what a machine costs and what its data sheet says to the figures that an estimate uses."""

import math

from fabroute.estimation.facts import Box, require_not_negative, require_positive

CAPITAL_INTEREST = 0.07
"""A year, on what machines cost (second-hand)."""
CAPITAL_YEARS = 7
"""Over which a machine is paid back (second-hand)."""
MACHINE_HOURS_PER_YEAR = 18 * 5 * 52 * 0.8
"""That a machine is sold: 18 h on 5 days of 52 weeks, at 80 % (second-hand)."""


def capital_recovery_factor(*, interest: float, years: int) -> float:
    """Return the yearly payment that pays back 1 with interest: ``i / (1 - (1 + i)^-n)``; without interest 1/n.

    ``InvalidFact`` for a negative interest, one over 100 %, or no years.
    """
    require_not_negative("interest", interest, most=1)
    require_positive("years", years, least=1, most=100)
    if interest == 0:
        return 1 / years
    # 1 - (1 + i)^-n without the cancellation that a small interest would suffer.
    return interest / -math.expm1(-years * math.log1p(interest))


def machine_rate_minor(
    *, price_minor: int, infrastructure: float, maintenance: float, hours_per_year: float = MACHINE_HOURS_PER_YEAR
) -> int:
    """Return what an hour of a machine costs, in minor units, from its price.

    ``(price x (1 + infrastructure) x CRF + maintenance x price) / hours a year``, with 7 % interest over 7 years;
    ``infrastructure`` and ``maintenance`` (a year) are shares of the price. ``InvalidFact`` if no machine is so.
    """
    require_positive("price_minor", price_minor, most=10**13)
    require_not_negative("infrastructure", infrastructure, most=10)
    require_not_negative("maintenance", maintenance, most=10)
    require_positive("hours_per_year", hours_per_year, least=1, most=366 * 24)
    factor = capital_recovery_factor(interest=CAPITAL_INTEREST, years=CAPITAL_YEARS)
    yearly = price_minor * ((1 + infrastructure) * factor + maintenance)
    return math.floor(yearly / hours_per_year + 0.5)


def layer_seconds(*, throughput_cm3_per_hour: float, build_box_mm: Box, layer_um: float) -> float:
    """Return the seconds a layer of a parallel machine takes, from its throughput over the full bed.

    ``InvalidFact`` for a throughput, bed or layer of nothing.
    """
    require_positive("throughput_cm3_per_hour", throughput_cm3_per_hour, least=0.001)
    for side in build_box_mm:
        require_positive("a side of the build volume in mm", side)
    require_positive("layer_um", layer_um)
    layer_cm3 = build_box_mm[0] * build_box_mm[1] * layer_um / 1e6
    return layer_cm3 / throughput_cm3_per_hour * 3600


def cm3_per_hour(mm3_per_second: float, *, lasers: int = 1) -> float:
    """Return a vendor's volume rate, given per laser in mm3/s, in cm3/h; ``InvalidFact`` for none."""
    require_positive("mm3_per_second", mm3_per_second, most=1_000_000)
    require_positive("lasers", lasers, least=1, most=1_000)
    return mm3_per_second * lasers * 3600 / 1000
