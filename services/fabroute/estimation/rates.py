"""From what a machine costs and what its data sheet says to the figures that an estimate uses."""

import math

from fabroute.estimation.facts import Box


def capital_recovery_factor(*, interest: float, years: int) -> float:
    """Return the yearly payment that pays back 1 with interest: ``i / (1 - (1 + i)^-n)``."""
    return interest / (1 - (1 + interest) ** -years)


def machine_rate_minor(
    *, price_minor: int, infrastructure: float, maintenance: float, hours_per_year: float = 18 * 5 * 52 * 0.8
) -> int:
    """Return what an hour of a machine costs, in minor units, from its price.

    ``(price x (1 + infrastructure) x CRF + maintenance x price) / hours a year``, with 7 % interest over 7 years;
    ``infrastructure`` and ``maintenance`` (a year) are shares of the price.
    """
    yearly = price_minor * ((1 + infrastructure) * capital_recovery_factor(interest=0.07, years=7) + maintenance)
    return math.floor(yearly / hours_per_year + 0.5)


def layer_seconds(*, throughput_cm3_per_hour: float, build_box_mm: Box, layer_um: float) -> float:
    """Return the seconds a layer of a parallel machine takes, from its throughput over the full bed."""
    layer_cm3 = build_box_mm[0] * build_box_mm[1] * layer_um / 1e6
    return layer_cm3 / throughput_cm3_per_hour * 3600


def cm3_per_hour(mm3_per_second: float, *, lasers: int = 1) -> float:
    """Return a vendor's volume rate, given per laser in mm3/s, in cm3/h."""
    return mm3_per_second * lasers * 3600 / 1000
